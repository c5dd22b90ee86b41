"""Which of a cluster's workers may work."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from experiments.config.errors import ClusterError
from experiments.records import provenance
from experiments.records.provenance import differences, environment
from experiments.sweeps.clusters import GPU, GPU_SHARE
from experiments.sweeps.on_worker import Wanted
from experiments.sweeps.workers import Crew

WELCOME: tuple[str, list[str]] = ("'one' on here", [])


class Cluster:
    """A client whose workers answer as they are told to, and its clock."""

    cluster: Any = None
    status = "running"

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: dict[str, Any] = {}
        self.said: list[str] = []
        self.now = 0.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)

    def crew(self, ever: bool = False) -> Crew:
        client: Any = self
        return Crew(client, Wanted({}), self.said.append, ever)

    def nthreads(self) -> dict[str, int]:
        return dict.fromkeys(self.answers, 1)

    def run(self, _: Any, __: Any, workers: list[str], on_error: str) -> dict[str, Any]:
        assert on_error == "return"
        return {address: self.answers[address] for address in workers}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    return Cluster(monkeypatch)


def test_workers_come_and_go(cluster: Cluster) -> None:
    crew, said = cluster.crew(), cluster.said
    crew.update()
    crew.update()
    assert said == ["waiting for workers"]
    cluster.answers = {"a": WELCOME, "b": OSError("gone"), "c": ConnectionResetError(104, "gone")}
    crew.update()
    assert crew.members == {"a"}
    cluster.answers |= {"b": ("'two' on there", ["torch is 1 there and 2 here"])}
    cluster.answers |= {"c": ImportError("no experiments")}
    # A disk of theirs, which would say the same for ever: they have not gone away.
    cluster.answers |= {"d": PermissionError(13, "Permission denied", "run.py")}
    crew.update()
    assert crew.members == {"a"}
    assert said[1:] == [
        "refused worker 'two' on there (b): torch is 1 there and 2 here",
        "refused worker c: it cannot load this project (ImportError: no experiments)",
        "refused worker d: it cannot load this project "
        "(PermissionError: [Errno 13] Permission denied: 'run.py')",
    ]
    # One that worked may come back: its nanny starts it again.
    del cluster.answers["a"]
    crew.update()
    assert (crew.members, said[4:]) == (set(), ["waiting for workers"])
    cluster.answers = {"e": WELCOME}
    crew.update()
    assert (crew.members, crew.refused) == ({"e"}, {})


def test_a_cluster_of_refused_workers_is_an_error(cluster: Cluster) -> None:
    crew = cluster.crew()
    crew.update()
    cluster.now = 1_000  # in the queue of a batch system
    cluster.answers["a"] = ("'one' on here", ["it has 4 threads instead of 1"])
    crew.update()
    cluster.now = 1_050
    crew.update()  # Others may be on their way.
    cluster.now = 1_070
    with pytest.raises(ClusterError, match=r"'one' on here \(a\): it has 4 threads"):
        crew.update()
    cluster.answers["b"] = WELCOME
    crew.update()
    del cluster.answers["b"]
    # One that worked may come back whenever it likes, also to a scheduler that came back.
    again = cluster.crew(ever=True)
    for now in (1e6, 2e6):
        cluster.now = now
        crew.update()
        again.update()


def test_embedded_workers_that_never_start_are_an_error(cluster: Cluster) -> None:
    crew = cluster.crew()
    crew.update()
    cluster.now = 1e6
    crew.update()
    cluster.cluster = "embedded"
    with pytest.raises(ClusterError, match="no worker of this machine starts"):
        crew.update()


def test_what_speaks_against_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    def objections(wanted: Wanted, threads: int = 1, **resources: float) -> list[str]:
        state = SimpleNamespace(nthreads=threads, total_resources=resources)
        return wanted.objections(SimpleNamespace(state=state))

    gpu, here = Wanted({GPU: GPU_SHARE}), environment()
    assert objections(Wanted({})) == objections(gpu, GPU=1) == []
    assert objections(gpu) == ["it declares 0 of resource 'GPU', a run needs 0.25"]
    assert objections(Wanted({}), threads=4) == ["it has 4 threads instead of 1"]
    assert objections(Wanted({}, {**here, "torch": "1.0", "source": "0" * 12})) == [
        f"torch is {here['torch']} there and 1.0 here",
        f"source is {here['source']} there and {'0' * 12} here",
    ]
    assert differences({}, {"python": "3.11"}) == ["python is unknown there and 3.11 here"]
    # A build of a version is no difference.
    real = provenance.versions()
    monkeypatch.setattr(provenance, "versions", lambda: {**real, "torch": f"{here['torch']}+cu9"})
    assert environment() == here
