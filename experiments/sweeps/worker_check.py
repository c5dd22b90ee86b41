"""Which of a cluster's workers may work on a sweep: those that are made of what the driver is."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from distributed import Client

from experiments.config.errors import ClusterError
from experiments.records.provenance import differences, environment

_STARTING = 300
"""Seconds without a worker that are too many on this machine; a batch system may take days."""
_OTHERS = 60
"""Seconds in which others may come where all who are there were refused."""


@dataclass(frozen=True)
class Wanted:
    """What a worker must be.

    Args:
        resources: Dask resources that a run asks for.
        environment: What the driver is made of.
    """

    resources: Mapping[str, float]
    environment: Mapping[str, str] = field(default_factory=environment)

    def objections(self, worker: Any) -> list[str]:
        """What speaks against the worker that this process is."""
        found = differences(environment(), self.environment)
        if (threads := worker.state.nthreads) != 1:
            # SB3 and NumPy keep global generators: two trainings in a process would share them.
            found.append(f"it has {threads} threads instead of 1")
        for name, share in self.resources.items():
            if (there := worker.state.total_resources.get(name, 0)) < share:
                found.append(f"it declares {there:g} of resource {name!r}, a run needs {share:g}")
        return found


def introduce(wanted: Wanted, dask_worker: Any) -> tuple[str, list[str]]:
    """A worker's name and host, and what speaks against it; Dask passes it in by this name."""
    return f"{str(dask_worker.name)!r} on {platform.node()}", wanted.objections(dask_worker)


class Crew:
    """The workers of a cluster, those that may work and those that are refused.

    Args:
        client: Of the cluster.
        wanted: What a worker must be.
        announce: Called with a line for each worker that is refused.
        ever: Whether there was one before that may work: it may come back whenever it likes.
    """

    def __init__(
        self,
        client: Client,
        wanted: Wanted,
        announce: Callable[[str], None],
        ever: bool = False,
    ) -> None:
        self.client = client
        self.wanted = wanted
        self.announce = announce
        self.members: set[str] = set()
        """Addresses of those that may work."""
        self.refused: dict[str, str] = {}
        """Why each of the others may not, by its address."""
        self._ever = ever
        self._seen = time.monotonic()
        """When one that may work was last there."""
        self._only_refused: float | None = None
        """Since when there are none but refused ones."""
        self._waiting = False

    def update(self) -> None:
        """See who has come and who has gone.

        Raises:
            ClusterError: If every worker that came was refused and no other comes in a minute, or
                embedded ones never come.
            OSError: If the scheduler is away.
        """
        present = set(self.client.nthreads())  # type: ignore[no-untyped-call]
        self.members &= present
        self.refused = {known: why for known, why in self.refused.items() if known in present}
        if new := sorted(present - self.members - set(self.refused)):
            answers = self.client.run(introduce, self.wanted, workers=new, on_error="return")
            for address, answer in answers.items():
                self._judge(address, answer)
        self._ever |= bool(self.members)
        if self.members:
            self._seen = time.monotonic()
        elif not self._waiting:
            self.announce("waiting for workers")
        self._waiting = not self.members
        now = time.monotonic()
        if self.members or not self.refused:
            self._only_refused = None
        elif self._only_refused is None:
            self._only_refused = now
        elif not self._ever and now - self._only_refused > _OTHERS:
            raise ClusterError(
                f"no worker can do this sweep: {'; '.join(self.refused.values())}. Start workers "
                "from the driver's checkout and packages, with --nthreads 1"
            )
        if self.client.cluster is not None and now - self._seen > _STARTING:
            raise ClusterError(f"no worker of this machine starts within {_STARTING} s")

    def _judge(self, address: str, answer: Any) -> None:
        if isinstance(answer, OSError):
            return  # It went away before it could answer, or is asked again.
        name, objections = address, [f"it cannot load this project ({answer!r})"]
        if not isinstance(answer, BaseException):
            who, objections = answer
            name = f"{who} ({address})"
        if not objections:
            self.members.add(address)
            return
        self.refused[address] = f"worker {name}: {', '.join(objections)}"
        self.announce(f"refused {self.refused[address]}")
