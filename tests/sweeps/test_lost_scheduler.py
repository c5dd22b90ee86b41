"""What a driver meets that no cluster does on demand: errors of a client, and its own."""

from __future__ import annotations

import contextlib
from concurrent.futures import CancelledError
from typing import Any

import pytest
from distributed import KilledWorker

from experiments.config.errors import ClusterError
from experiments.records import provenance
from experiments.sweeps import execution
from experiments.sweeps.clusters import Site
from experiments.sweeps.execution import execute
from experiments.sweeps.on_worker import NEWS, WrongWorkerError
from experiments.sweeps.scheduler import LostSchedulerError, talking
from tests.sweeps.made_clients import Client

CALLS: dict[str, Any] = {"a": (print, ())}
GONE = OSError("gone")
DIED = KilledWorker("a", None, 1)  # type: ignore[arg-type]


class Future:
    """One that is done, and whose result cannot be had as easily as that."""

    def __init__(self, result: BaseException) -> None:
        self._result = result
        self.given: list[float] = []

    def exception(self, timeout: float) -> None:
        self.given.append(timeout)

    def result(self, timeout: float) -> Any:
        assert timeout == self.given[-1]
        raise self._result


def connection(client: Any = None) -> execution._Connection:
    client = client or Client()
    return execution._Connection(Site(workers=1), client, dict(CALLS), client.crew())


@pytest.mark.parametrize(
    ("status", "error", "comes_to"),
    [
        # Its worker went away with it: Dask has it made again, and that may fail.
        ("running", TimeoutError(), execution._NOT_HERE),
        ("running", DIED, DIED),
        # The scheduler went away.
        ("running", GONE, None),
        ("running", CancelledError("gone"), None),
        ("closed", TimeoutError(), None),
        ("closed", RuntimeError("ConnectionPool is closed"), None),
    ],
)
def test_a_result_that_cannot_be_had(status: str, error: BaseException, comes_to: Any) -> None:
    client: Any = Client(status=status)
    lost = pytest.raises(LostSchedulerError, match=type(error).__name__)
    with contextlib.nullcontext() if comes_to else lost, talking(client):
        assert connection(client)._outcome(Future(error), "a") is comes_to


def test_a_result_on_a_slow_line_gets_more_time_each_time() -> None:
    one, slow = connection(), Future(TimeoutError())
    assert [one._outcome(slow, "a") for _ in range(3)] == [execution._NOT_HERE] * 3
    assert slow.given == [60, 120, 240]


@pytest.mark.parametrize("step", ["_begin", "_finished"])
def test_a_scheduler_is_lost_at_any_step(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def gone(*_: Any) -> None:
        raise GONE

    client: Any = Client()
    client.subscribe_topic = gone
    monkeypatch.setattr(execution, "wait", gone)
    one = connection(client)
    one.running[Future(GONE)] = "a"
    with pytest.raises(LostSchedulerError, match="gone"):
        getattr(one, step)(*["a"] * (step == "_begin"))


def test_news_is_subscribed_to_at_each_call_and_heard_of_our_own_calls_alone() -> None:
    done: list[str] = []
    client: Any = Client()
    client.subscribe_topic = lambda topic, _: done.append(topic)
    client.submit = lambda *_, key, **__: done.append(key)
    one, place = connection(client), {"worker": "one"}
    one._begin("a")
    one._begin("a")
    key = f"a-{one.token}-0"
    assert done == [NEWS, key, NEWS, key]
    for name in ("a-another-0", key):
        one._hear((0.0, (name, {"begun": place})))
    assert one.begun == {"a": [place]}


def test_what_is_tried_again_and_how_often() -> None:
    one = connection()
    again = one._is_to_be_tried_again
    # Nothing says that the call has begun: whatever came back is the worker's doing.
    assert again("a", ArithmeticError())
    one.begun["a"] = [{"worker": "one"}]
    assert not again("a", 3)
    assert not again("a", ArithmeticError())
    # Begun on one that died, then given to one that is refused, or that lacks the project.
    for fault in (DIED, WrongWorkerError(), ModuleNotFoundError()):
        assert again("a", fault)
    one.begun["a"] *= 4
    assert not again("a", DIED)
    one.begun.clear()
    assert [again("a", WrongWorkerError()) for _ in range(20)] == [True] * 14 + [False] * 6


def executed(client: Client, patch: pytest.MonkeyPatch, announce: Any = print) -> list[bool]:
    """Makes the calls with a client at every connection; which of these were said to be again."""
    connections: list[bool] = []

    def connect(*arguments: Any) -> contextlib.nullcontext[Client]:
        connections.append(arguments[-1])
        return contextlib.nullcontext(client)

    patch.setattr(Site, "connect", connect)
    with pytest.raises(ClusterError, match="comes and goes"):
        list(execute(Site(workers=1), CALLS, announce))
    return connections


@pytest.mark.parametrize(
    "client", [Client(GONE), Client(RuntimeError("pool is closed"), status="closed")]
)
def test_a_scheduler_that_comes_and_goes(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    assert executed(client, monkeypatch, said.append) == [False] + [True] * 20
    assert said == ["lost the scheduler; waiting for it to come back"] * 20


def test_an_error_of_ours_is_no_lost_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the driver meets that is no answer of its client, files and pipes above all."""

    def full(*_: str) -> str:
        raise OSError(28, "No space left on device")

    with pytest.raises(ArithmeticError, match="a bug"):
        executed(Client(ArithmeticError("a bug")), monkeypatch)
    with pytest.raises(OSError, match="No space left"):
        executed(Client(), monkeypatch, announce=full)
    monkeypatch.setattr(provenance, "source", full)
    with pytest.raises(OSError, match="No space left"):
        executed(Client(), monkeypatch)
