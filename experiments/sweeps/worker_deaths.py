"""What can still be told of workers that died at a call."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from distributed import Client

_LINES = 20


class WorkerDiedError(RuntimeError):
    """The worker of a call died, and so did those on which it was tried again.

    Args:
        message: How often, and where.
        last_words: What they and their nannies said, for the sweep's log.
    """

    def __init__(self, message: str, last_words: str) -> None:
        super().__init__(message)
        self.last_words = last_words

    @classmethod
    def of(
        cls, client: Client, places: Iterable[Mapping[str, Any]], errors: Path | None
    ) -> WorkerDiedError:
        """The error of a call that was begun at these places.

        Args:
            client: Of the cluster.
            places: Worker, host and process of each attempt.
            errors: The beginning of the names of embedded workers' error files.
        """
        places = list(places)
        words: list[str] = []
        for place in places:
            said = [*_from_nannies(client, place["pid"]), *_from_file(errors, place["pid"])]
            where = f"worker {place['worker']} on {place['host']}, process {place['pid']}"
            words += [f"{where}:", *(f"  {line}" for line in said or ["it left no word"])]
        processes = ", ".join(str(place["pid"]) for place in places)
        count = f"{len(places)} workers" if places else "workers"
        where = f" (processes {processes})" if places else " before it had begun"
        return cls(f"{count} died at it, one after the other{where}", "\n".join(words))


def _from_nannies(client: Client, pid: int) -> list[str]:
    """What the processes that watch over workers said of one."""
    with contextlib.suppress(OSError, TimeoutError):
        logs = client.get_worker_logs(nanny=True)  # type: ignore[no-untyped-call]
        lines = [line for log in logs.values() for _, line in log if f" {pid} " in f"{line} "]
        return list(dict.fromkeys(lines))[-_LINES:]
    return []


def _from_file(errors: Path | None, pid: int) -> list[str]:
    """The end of what an embedded worker wrote to its standard error."""
    if errors is None:
        return []
    path = errors.with_name(f"{errors.stem}-{pid}.err")
    with contextlib.suppress(OSError):
        return path.read_text(errors="replace").splitlines()[-_LINES:]
    return []
