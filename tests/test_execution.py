"""Calls on workers: results, errors with their tracebacks, and workers that die."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from experiments.errors import ClusterError
from experiments.sweeps.clusters import GPU, GPU_SHARE, Site
from experiments.sweeps.crew import Crew, Wanted
from experiments.sweeps.deaths import WorkerDiedError
from experiments.sweeps.execution import Ended, execute
from experiments.sweeps.work import UnwantedError, perform, tell
from experiments.versions import differences, environment, source
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


def test_results_errors_and_deaths(tmp_path: Path) -> None:
    said: list[str] = []
    news: list[tuple[str, dict[str, Any]]] = []
    site = Site(workers=2, gpu=True, errors=tmp_path / "sweep.log")
    calls: dict[str, Any] = {
        "dies": (die, ()),
        "dies once": (die_once, (str(tmp_path / "marker"),)),
        "fails": (fail, ("this",)),
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
    with Site(workers=1).connect(print, 1) as client:
        call: Any = (perform, ("token", "name"), Wanted({}), go_on_until_unwanted, (str(tmp_path),))
        future: Any = client.submit(*call)
        wait_until((tmp_path / "begun").exists)
        future.release()
        wait_until((tmp_path / "stopped").exists)


def test_no_call_needs_no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Site, "connect", lambda *_: pytest.fail("there was nothing to do"))
    assert list(execute(Site(workers=1), {}, print)) == []


# Who may work.


class Cluster:
    """A client whose workers answer as they are told to."""

    cluster: Any = None

    def __init__(self, **answers: Any) -> None:
        self.answers = answers

    def nthreads(self) -> dict[str, int]:
        return dict.fromkeys(self.answers, 1)

    def run(self, _: Any, __: Any, workers: list[str], on_error: str) -> dict[str, Any]:
        assert on_error == "return"
        return {address: self.answers[address] for address in workers}


def test_workers_come_and_go() -> None:
    said: list[str] = []
    cluster: Any = Cluster()
    crew = Crew(cluster, Wanted({}), said.append)
    crew.update()
    crew.update()
    assert said == ["waiting for workers"]
    cluster.answers = {"a": ("'one' on here", []), "b": OSError("gone")}
    crew.update()
    assert crew.members == {"a"}
    cluster.answers |= {"b": ("'two' on there", ["torch is 1 there and 2 here"])}
    cluster.answers |= {"c": ImportError("no experiments")}
    crew.update()
    assert crew.members == {"a"}
    assert said[1] == "refused worker 'two' on there (b): torch is 1 there and 2 here"
    assert "refused worker c: it cannot load this project" in said[2]
    # One that worked may come back: its nanny starts it again.
    del cluster.answers["a"]
    crew.update()
    assert (crew.members, said[3]) == (set(), "waiting for workers")
    cluster.answers = {"d": ("'one' on here", [])}
    crew.update()
    assert (crew.members, crew.refused) == ({"d"}, {})


def test_a_cluster_of_refused_workers_is_an_error() -> None:
    cluster: Any = Cluster(a=("'one' on here", ["it has 4 threads instead of 1"]))
    with pytest.raises(ClusterError, match=r"'one' on here \(a\): it has 4 threads"):
        Crew(cluster, Wanted({}), print).update()


def test_embedded_workers_that_never_start_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster: Any = Cluster()
    crew = Crew(cluster, Wanted({}), print)
    crew.update()
    monkeypatch.setattr("time.monotonic", lambda: 1e12)
    crew.update()
    cluster.cluster = "embedded"
    with pytest.raises(ClusterError, match="no worker of this machine starts"):
        crew.update()


def worker(threads: int = 1, **resources: float) -> Any:
    return SimpleNamespace(state=SimpleNamespace(nthreads=threads, total_resources=resources))


def test_what_speaks_against_a_worker() -> None:
    assert Wanted({}).objections(worker()) == []
    assert Wanted({GPU: GPU_SHARE}).objections(worker(GPU=1)) == []
    (few,) = Wanted({GPU: GPU_SHARE}).objections(worker())
    assert "declares 0 of resource 'GPU', a run needs 0.25" in few
    (many,) = Wanted({}).objections(worker(threads=4))
    assert "4 threads" in many
    elsewhere = {**environment(), "torch": "1.0", "source": "0" * 12}
    here = environment()
    assert Wanted({}, elsewhere).objections(worker()) == [
        f"torch is {here['torch']} there and 1.0 here",
        f"source is {source()} there and {'0' * 12} here",
    ]


def test_a_build_of_a_version_is_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    from experiments import versions

    before = environment()
    real = versions.versions()
    monkeypatch.setattr(versions, "versions", lambda: {**real, "torch": f"{before['torch']}+cu9"})
    assert environment() == before
    assert differences({}, {"python": "3.11"}) == ["python is unknown there and 3.11 here"]
