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
    _seen: float = field(default_factory=time.monotonic)
    """When one that may work was last there."""
    _only_refused: float | None = None
    """Since when there are none but refused ones."""
    _waiting: bool = False

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
        now = time.monotonic()
        self.ever |= bool(self.members)
        if self.members:
            self._seen = now
        elif not self._waiting:
            self.announce("waiting for workers")
        self._waiting = not self.members
        if self.members or not self.refused:
            self._only_refused = None
        elif self._only_refused is None:
            self._only_refused = now
        elif not self.ever and now - self._only_refused > _OTHERS:
            raise ClusterError(
                f"no worker can do this sweep: {'; '.join(self.refused.values())}. Start workers "
                "from the driver's checkout and packages, with --nthreads 1"
            )
        if self.client.cluster is not None and now - self._seen > _STARTING:
            raise ClusterError(f"no worker of this machine starts within {_STARTING} s")

    def _judge(self, address: str, answer: Any) -> None:
        if isinstance(answer, BaseException):
            # What Dask says of a worker that went away has no number, as what a disk says has.
            if isinstance(answer, ConnectionError) or getattr(answer, "errno", 0) is None:
                return  # It is asked again if it is there again.
            why = f"it cannot load this project ({type(answer).__name__}: {answer})"
            name, objections = address, [why]
        else:
            name, objections = f"{answer[0]} ({address})", answer[1]
        if not objections:
            self.members.add(address)
            return
        self.refused[address] = f"worker {name}: {', '.join(objections)}"
        self.announce(f"refused {self.refused[address]}")


def revive(client: Client, members: int) -> None:
    """Start embedded workers again whose nannies gave up, as they do if one dies as it starts.

    Args:
        client: Of any cluster.
        members: How many workers there are.
    """
    cluster: Any = client.cluster
    if cluster is None or members == (wanted := len(cluster.worker_spec)):
        return
    for name, nanny in list(cluster.workers.items()):
        if nanny.status in (Status.failed, Status.closed):
            cluster.workers.pop(name, None)
    cluster.scale(wanted)


def error_file(errors: Path, pid: int) -> Path:
    """Where an embedded worker's standard error goes, of those that begin with a path."""
    return errors.with_name(f"{errors.stem}-{pid}.err")


class WorkerDiedError(RuntimeError):
    """The worker of a call died, and so did those on which it was tried again.

    Its notes, which stand below a traceback, are what they and their nannies said.
    """


def worker_died(
    client: Client, places: Sequence[Mapping[str, Any]], errors: Path | None
) -> WorkerDiedError:
    """The error of a call at which workers died.

    Args:
        client: Of the cluster.
        places: Worker, host and process of each attempt that had begun.
        errors: The beginning of the names of embedded workers' error files.
    """
    processes = ", ".join(str(place["pid"]) for place in places)
    count = f"{len(places)} workers" if places else "workers"
    where = f" (processes {processes})" if places else " before it had begun"
    error = WorkerDiedError(f"{count} died at it, one after the other{where}")
    for place in places:
        pid = place["pid"]
        said = [*_from_nannies(client, pid), *_from_file(errors, pid)] or ["it left no word"]
        first = f"worker {place['worker']} on {place['host']}, process {pid}:"
        error.add_note("\n  ".join([first, *said]))
    return error


def _from_nannies(client: Client, pid: int) -> list[str]:
    """What the processes that watch over workers said of one."""
    with contextlib.suppress(OSError):
        logs = client.get_worker_logs(nanny=True)  # type: ignore[no-untyped-call]
        lines = [line for log in logs.values() for _, line in log if f" {pid} " in f"{line} "]
        return list(dict.fromkeys(lines))[-_LINES:]
    return []


def _from_file(errors: Path | None, pid: int) -> list[str]:
    """The end of what an embedded worker wrote to its standard error."""
    with contextlib.suppress(OSError):
        if errors is not None:
            return error_file(errors, pid).read_text(errors="replace").splitlines()[-_LINES:]
    return []
