"""Calls on workers: results, errors with their tracebacks, and workers that die."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import time
import traceback
import urllib.request
from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import pytest
from distributed import KilledWorker

from experiments.config.errors import ClusterError
from experiments.sweeps import execution
from experiments.sweeps.clusters import Site
from experiments.sweeps.execution import Ended, execute
from experiments.sweeps.on_worker import NEWS, UnwantedError, WrongWorkerError, perform, tell
from experiments.sweeps.worker_check import Wanted
from experiments.sweeps.worker_deaths import WorkerDiedError
from tests.faults.machines import wait_until


def add(one: int, other: int) -> int:
    tell({"sum": one + other})
    return one + other


def fail(value: str) -> None:
    raise ArithmeticError(f"cannot work with [{value}]")


def die() -> None:
    print("what it said at the end", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(marker: str) -> str:
    path = Path(marker)
    if path.exists():
        return "alive"
    path.write_text("died")
    os.kill(os.getpid(), signal.SIGKILL)
    return "never"


def visible_gpu() -> str | None:
    time.sleep(0.3)  # long enough for the other worker to get one too
    return os.environ.get("CUDA_VISIBLE_DEVICES")


def test_results_errors_and_deaths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.sweeps.clusters.gpus", lambda: ["7", "8"])
    said: list[str] = []
    news: list[tuple[str, dict[str, Any]]] = []
    site = Site(workers=2, gpu=True, errors=tmp_path / "sweep.log")
    calls: dict[str, Any] = {
        "dies": (die, ()),
        "dies once": (die_once, (str(tmp_path / "marker"),)),
        "fails": (fail, ("this",)),
        **{f"sees {k}": (visible_gpu, ()) for k in range(6)},
        **{f"adds {k}": (add, (k, 1)) for k in range(5)},
    }
    logging.getLogger("distributed.nanny").setLevel(logging.ERROR)
    ends = execute(site, calls, said.append, lambda name, what: news.append((name, what)))
    ended = {one.name: one for one in ends}

    assert set(ended) == set(calls)
    for k in range(5):
        assert ended[f"adds {k}"] == Ended(f"adds {k}", k + 1, 1)
        assert (f"adds {k}", {"sum": k + 1}) in news
    failed = ended["fails"].outcome
    assert isinstance(failed, ArithmeticError)
    assert "in fail" in "".join(traceback.format_exception(failed))
    assert ended["dies once"].outcome == "alive"
    assert ended["dies once"].attempts == 2
    assert {ended[f"sees {k}"].outcome for k in range(6)} == {"7", "8"}
    died = ended["dies"]
    assert isinstance(died.outcome, WorkerDiedError)
    # Tried once, and three times again.
    assert died.attempts == 4
    assert "4 workers died at it" in str(died.outcome)
    assert died.outcome.last_words.count("what it said at the end") == 4
    assert "dashboard http://127.0.0.1:" in said[0]


def go_on_until_unwanted(folder: str) -> None:
    Path(folder, "begun").touch()
    try:
        while True:
            tell({})
            time.sleep(0.05)
    except UnwantedError:
        Path(folder, "stopped").touch()


def test_a_worker_stops_when_nobody_waits_for_its_call(tmp_path: Path) -> None:
    said: list[str] = []
    with Site(workers=1).connect(said.append, 1) as client:
        # The dashboard that is named is there.
        with urllib.request.urlopen(said[0].rpartition(" ")[2]) as page:
            assert b"Dask" in page.read()
        call: Any = (perform, ("token", "name"), Wanted({}), go_on_until_unwanted, (str(tmp_path),))
        future: Any = client.submit(*call)
        wait_until((tmp_path / "begun").exists)
        future.release()
        wait_until((tmp_path / "stopped").exists)


def test_no_call_needs_no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Site, "connect", lambda *_: pytest.fail("there was nothing to do"))
    assert list(execute(Site(workers=1), {}, print)) == []


# What a client meets that no cluster does on demand.


class Client:
    """A client whose scheduler is away whenever it is asked for workers."""

    cluster: Any = None
    status = "running"

    def __init__(self, away: BaseException | None = None) -> None:
        self.away = away

    def nthreads(self) -> dict[str, int]:
        if self.away is not None:
            raise self.away
        return {}


class Future:
    """One that is done, and whose result cannot be had as easily as that."""

    def __init__(self, result: Any) -> None:
        self._result = result

    def exception(self, timeout: float) -> None:
        assert timeout > 0

    def result(self, timeout: float) -> Any:
        assert timeout > 0
        raise self._result

    def traceback(self, timeout: float) -> None:
        assert timeout > 0


SOMEWHERE: Any = None
DIED = KilledWorker("a", SOMEWHERE, 1)


def connection(client: Any) -> execution._Connection:
    return execution._Connection(Site(workers=1), client, {"a": (add, (1, 2))}, print, None)


def test_a_result_that_went_away_with_its_worker_is_waited_for() -> None:
    client: Any = Client()
    assert connection(client)._outcome(Future(TimeoutError())) is execution._NOT_HERE
    assert connection(client)._outcome(Future(DIED)) is DIED
    for away in (OSError("gone"), CancelledError("gone")):
        with pytest.raises(type(away)):
            connection(client)._outcome(Future(away))
    client.status = "closed"
    for error in (TimeoutError(), RuntimeError("ConnectionPool is closed")):
        with pytest.raises(type(error)):
            connection(client)._outcome(Future(error))


def test_a_result_on_a_slow_line_gets_more_time_each_time() -> None:
    one, given = connection(Client()), []

    class Slow(Future):
        def result(self, timeout: float) -> Any:
            given.append(timeout)
            raise TimeoutError

    slow = Slow(None)
    assert [one._outcome(slow) for _ in range(3)] == [execution._NOT_HERE] * 3
    assert given == [60, 120, 240]


def test_news_is_subscribed_to_at_each_call() -> None:
    done: list[str] = []
    client: Any = Client()
    client.subscribe_topic = lambda topic, _: done.append(topic)
    client.submit = lambda *_, key, **__: done.append(key)
    one = connection(client)
    one._begin("a")
    one._begin("a")
    key = f"a-{one.token}-0"
    assert done == [NEWS, key, NEWS, key]


def test_what_is_tried_again_and_how_often() -> None:
    one = connection(Client())
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
    never_begun = connection(Client())
    tries = [never_begun._is_to_be_tried_again("a", WrongWorkerError()) for _ in range(30)]
    assert tries.index(False) == 19


@pytest.mark.parametrize("how", ["OSError", "closed"])
def test_a_scheduler_that_comes_and_goes(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    connections: list[bool] = []
    said: list[str] = []

    @contextlib.contextmanager
    def connect(*arguments: Any) -> Iterator[Any]:
        connections.append(arguments[-1])
        client = Client(OSError("gone") if how == "OSError" else RuntimeError("pool is closed"))
        client.status = "running" if how == "OSError" else "closed"
        yield client

    monkeypatch.setattr(Site, "connect", connect)
    calls: dict[str, Any] = {"a": (add, (1, 2))}
    with pytest.raises(ClusterError, match="comes and goes"):
        list(execute(Site(workers=1), calls, said.append))
    assert connections == [False, True, True, True]
    assert said == ["lost the scheduler; waiting for it to come back"] * 3

    # Hours apart they are no reason to give up.
    clock = iter(range(0, 10**9, 1_000))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    connections.clear()

    @contextlib.contextmanager
    def twenty_times(*arguments: Any) -> Iterator[Any]:
        if len(connections) == 20:
            raise LookupError("enough")
        with connect(*arguments) as client:
            yield client

    monkeypatch.setattr(Site, "connect", twenty_times)
    with pytest.raises(LookupError, match="enough"):
        list(execute(Site(workers=1), calls, said.append))
    assert len(connections) == 20


def test_an_error_of_ours_is_no_lost_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextlib.contextmanager
    def connect(*_: Any) -> Iterator[Any]:
        yield Client(ArithmeticError("a bug"))

    monkeypatch.setattr(Site, "connect", connect)
    with pytest.raises(ArithmeticError, match="a bug"):
        list(execute(Site(workers=1), {"a": (add, (1, 2))}, print))
