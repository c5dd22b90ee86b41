"""A cluster's workers as the driver sees them: who may work, who comes back, and who died."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distributed import Client, Status

from experiments.config.errors import ClusterError
from experiments.sweeps.on_worker import Wanted, introduce
from experiments.sweeps.scheduler import talking

_STARTING = 300
"""Seconds without a worker that are too many on this machine; a batch system may take days."""
_OTHERS = 60
"""Seconds in which others may come where all who are there were refused."""
_LINES = 20
"""Of what a worker that died had said."""


@dataclass(eq=False)
class Crew:
    """The workers of a cluster, those that may work and those that are refused."""

    client: Client
    wanted: Wanted
    announce: Callable[[str], None]
    """Called with a line for each worker that is refused."""
    ever: bool = False
    """Whether there was one that may work: it may come back whenever it likes."""
    members: set[str] = field(default_factory=set)
    """Addresses of those that may work."""
    refused: dict[str, str] = field(default_factory=dict)
    """Why each of the others may not, by its address."""
    _there: str = ""
    """Who is, in a word."""
    _since: float = 0.0
    """When that word last changed."""

    def update(self) -> None:
        """See who has come and who has gone.

        Raises:
            ClusterError: If every worker that came was refused and no other comes in a minute, or
                embedded ones never come.
            LostSchedulerError: If the scheduler is away.
        """
        with talking(self.client):
            present = set(self.client.nthreads())  # type: ignore[no-untyped-call]
            new = sorted(present - self.members - set(self.refused))
            answers: Mapping[str, Any] = {}
            if new:
                answers = self.client.run(introduce, self.wanted, workers=new, on_error="return")
        self.members &= present
        self.refused = {known: why for known, why in self.refused.items() if known in present}
        for address, answer in answers.items():
            self._judge(address, answer)
        self.ever |= bool(self.members)
        self._wait()

    def _judge(self, address: str, answer: Any) -> None:
        if not isinstance(answer, BaseException):
            name, objections = f"{answer[0]} ({address})", answer[1]
        # What Dask says of a worker that went away has no number, as what a disk says has.
        elif isinstance(answer, ConnectionError) or getattr(answer, "errno", 0) is None:
            return  # It is asked again if it is there again.
        else:
            objections = [f"it cannot load this project ({type(answer).__name__}: {answer})"]
            name = address
        if objections:
            self.refused[address] = f"worker {name}: {', '.join(objections)}"
            self.announce(f"refused {self.refused[address]}")
        else:
            self.members.add(address)

    def _wait(self) -> None:
        before, now = self._there, time.monotonic()
        self._there = "members" if self.members else "refused" if self.refused else "nobody"
        if self._there != before:
            self._since = now
        if self.members:
            return
        if before in ("", "members"):
            self.announce("waiting for workers")
        waited = now - self._since
        if self.refused and not self.ever and waited > _OTHERS:
            raise ClusterError(
                f"no worker can do this sweep: {'; '.join(self.refused.values())}. Start workers "
                "from the driver's checkout and packages, with --nthreads 1"
            )
        if self.client.cluster is not None and waited > _STARTING:
            raise ClusterError(f"no worker of this machine starts within {_STARTING} s")


def revive(client: Client, members: int) -> None:
    """Start embedded workers again whose nannies gave up, as they do if one dies as it starts."""
    cluster: Any = client.cluster
    if cluster is None or members == (wanted := len(cluster.worker_spec)):
        return
    for name, nanny in list(cluster.workers.items()):
        if nanny.status in (Status.failed, Status.closed):
            cluster.workers.pop(name, None)
    cluster.scale(wanted)


class WorkerDiedError(RuntimeError):
    """The worker of a call died, and so did those on which it was tried again.

    Its notes, which stand below a traceback, are what they and their nannies said.
    """


def worker_died(
    client: Client, places: Sequence[Mapping[str, Any]], errors: Path | None
) -> WorkerDiedError:
    """The error of a call at which workers died, in these places (worker, host, pid)."""
    processes = ", ".join(str(place["pid"]) for place in places)
    count = f"{len(places)} workers" if places else "workers"
    where = f" (processes {processes})" if places else " before it had begun"
    error = WorkerDiedError(f"{count} died at it, one after the other{where}")
    for place in places:
        first = f"worker {place['worker']} on {place['host']}, process {place['pid']}:"
        error.add_note("\n  ".join([first, *_last_words(client, place["pid"], errors)]))
    return error


def _last_words(client: Client, pid: int, errors: Path | None) -> list[str]:
    """What a worker's nanny said of it, and the end of its standard error."""
    said: list[str] = []
    with contextlib.suppress(OSError):
        logs = client.get_worker_logs(nanny=True)  # type: ignore[no-untyped-call]
        lines = [line for log in logs.values() for _, line in log if f" {pid} " in f"{line} "]
        said += list(dict.fromkeys(lines))[-_LINES:]
    with contextlib.suppress(OSError):
        if errors is not None:
            said += error_file(errors, pid).read_text(errors="replace").splitlines()[-_LINES:]
    return said or ["it left no word"]


def error_file(errors: Path, pid: int) -> Path:
    """Where an embedded worker's standard error goes, of those that begin with a path."""
    return errors.with_name(f"{errors.stem}-{pid}.err")
