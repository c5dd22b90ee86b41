"""Calls in parallel on Dask distributed: workers work, the driver alone writes."""

from __future__ import annotations

import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import Any

from distributed import Client, KilledWorker, wait

from experiments.config.errors import ClusterError
from experiments.sweeps.clusters import Site
from experiments.sweeps.on_worker import NEWS, Wanted, WrongWorkerError, perform
from experiments.sweeps.scheduler import AWAY, LostSchedulerError, talking
from experiments.sweeps.workers import Crew, revive, worker_died

Call = tuple[Callable[..., Any], tuple[Any, ...]]
News = Callable[[str, dict[str, Any]], None]

_WORKERS_FAULT = (KilledWorker, WrongWorkerError, ImportError)
"""What says nothing of the call itself: the last is a worker that cannot load this project."""
RETRIES = 3
"""How often a call is tried again whose worker died."""
_NEVER_BEGUN = 20
"""Failures after which a call is given up that never said that it had begun."""
_POLL = 1.0
"""Seconds after which workers that came and went are looked for."""
_FETCH = 60.0
"""Seconds that the result of one call may take to come here at first, while others wait."""
_LOSSES = 20
"""How often in a row a scheduler may go away with nothing done."""
_NOT_HERE = object()
"""What there is of a call whose worker went away with its result: Dask has it made again."""


@dataclass(frozen=True)
class Ended:
    """A call that ended: its result or its error, and how often it was begun."""

    name: str
    outcome: Any | BaseException
    attempts: int


def execute(
    site: Site,
    calls: Mapping[str, Call],
    announce: Callable[[str], None],
    on_news: News | None = None,
) -> Iterator[Ended]:
    """Make all calls on a cluster's workers; yield each as it ends.

    They start in the order of ``calls``. One whose worker dies is tried again on another, three
    times. A scheduler that goes away is waited for, and what had not come back is begun again.
    ``announce`` gets lines for a person, ``on_news`` a call's name and what it tells.

    Raises:
        ClusterError: If there is no scheduler, or no worker that could do it.
    """
    waiting, wanted = dict(calls), Wanted(site.resources, outside=site.outside)
    again, losses = False, 0
    while waiting:
        left = len(waiting)
        with site.connect(announce, left, again) as client:
            crew = Crew(client, wanted, announce, ever=again)
            try:
                yield from _Connection(site, client, waiting, crew, on_news).ended()
            except LostSchedulerError as lost:
                losses = losses + 1 if len(waiting) == left else 0
                if losses > _LOSSES:
                    raise ClusterError(f"the scheduler comes and goes: {lost}") from lost
                announce("lost the scheduler; waiting for it to come back")
                again = True


@dataclass(eq=False)
class _Connection:
    """The calls while a scheduler is there: no more at a time than there are workers.

    Dask blames the death of a worker on every call that it was given, begun or not; and what waits
    here costs no worker memory.
    """

    site: Site
    client: Client
    waiting: dict[str, Call]
    crew: Crew
    on_news: News | None = None

    def __post_init__(self) -> None:
        self.token = uuid.uuid4().hex[:8]
        """Two drivers on one scheduler may well have calls of the same name."""
        self.running: dict[Any, str] = {}
        """Futures and the names of their calls."""
        self.names: dict[str, str] = {}
        """Of the calls, by the keys under which Dask knows them."""
        self.begun: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        """Where each call was begun, as far as it was told."""
        self.fruitless: Counter[str] = Counter()
        """How often a worker failed that a call was given to, whether it had begun or not."""
        self.slow: Counter[str] = Counter()
        """How often the result of a call did not come in time."""

    def ended(self) -> Iterator[Ended]:
        """Each call as it ends; it leaves ``waiting`` then."""
        queue = list(reversed(self.waiting))
        while queue or self.running:
            self.crew.update()
            revive(self.client, len(self.crew.members))
            while queue and len(self.running) < len(self.crew.members):
                self._begin(queue.pop())
            for future in self._finished():
                name = self.running[future]
                with talking(self.client):
                    if (outcome := self._outcome(future, name)) is _NOT_HERE:
                        continue
                    # A result lies in the worker's memory until its future is let go.
                    future.release()
                del self.running[future]
                if self._is_to_be_tried_again(name, outcome):
                    queue.append(name)
                    continue
                places = self.begun.pop(name, [])
                if isinstance(outcome, KilledWorker):
                    with talking(self.client):
                        outcome = worker_died(self.client, places, self.site.errors)
                del self.waiting[name]
                yield Ended(name, outcome, max(1, len(places)))

    def _hear(self, event: tuple[float, Any]) -> None:
        key, news = event[1]
        if (name := self.names.get(key)) in self.waiting:
            if place := news.get("begun"):
                self.begun[name].append(place)
            if self.on_news is not None:
                self.on_news(name, news)

    def _begin(self, name: str) -> None:
        members = sorted(self.crew.members) if self.crew.refused else None
        key = f"{name}-{self.token}-{self.fruitless[name]}"
        self.names[key] = name
        with talking(self.client):
            # Each time: a client that lost its scheduler between calls connects again by itself, to
            # one that knows nothing of what was subscribed to.
            self.client.subscribe_topic(NEWS, self._hear)  # type: ignore[no-untyped-call]
            future = self.client.submit(
                perform,
                self.crew.wanted,
                *self.waiting[name],
                key=key,
                pure=False,
                resources=self.site.resources or None,
                workers=members,
                # A refused worker says so at once; a call bound to workers that died waits for
                # ever.
                allow_other_workers=members is not None,
            )
        self.running[future] = name

    def _finished(self) -> list[Any]:
        if not self.running:
            time.sleep(_POLL)
            return []
        with talking(self.client):
            try:
                wait(list(self.running), _POLL, "FIRST_COMPLETED")  # type: ignore[no-untyped-call]
            except TimeoutError:
                if self.client.status != "running":
                    raise
        return [future for future in self.running if future.done()]

    def _outcome(self, future: Any, name: str) -> Any | BaseException:
        # Longer each time, so that a slow line does not begin the same transfer for ever.
        patience = _FETCH * 2 ** self.slow[name]
        try:
            if (error := future.exception(timeout=patience)) is None:
                return future.result(timeout=patience)
            trace = future.traceback(timeout=patience)
        except Exception as failure:
            if self.client.status != "running":
                raise
            if isinstance(failure, TimeoutError):
                self.slow[name] += 1
                return _NOT_HERE
            if isinstance(failure, AWAY):
                raise
            return failure  # made again, while its result was fetched, and failed
        if isinstance(error, CancelledError):
            raise error
        return error.with_traceback(trace)

    def _is_to_be_tried_again(self, name: str, outcome: Any) -> bool:
        """Whether what came back is a worker's failure, and no answer of the call."""
        begun = len(self.begun[name])
        if not isinstance(outcome, BaseException) or (
            begun and not isinstance(outcome, _WORKERS_FAULT)
        ):
            return False
        # Either a worker that came after the last look at them, and is refused at the next (Dask
        # too takes a call there whose worker died); or one that died: Dask blames that on every
        # call it was given, and the one it was at has begun.
        self.fruitless[name] += 1
        return begun <= RETRIES and self.fruitless[name] < _NEVER_BEGUN
