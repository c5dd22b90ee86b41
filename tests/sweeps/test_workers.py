"""Which of a cluster's workers may work."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from experiments.config import outside
from experiments.config.errors import ClusterError
from experiments.records import provenance
from experiments.records.provenance import differences, environment
from experiments.sweeps.clusters import GPU, GPU_SHARE
from experiments.sweeps.on_worker import Wanted
from tests.sweeps.made_clients import Client

WELCOME: tuple[str, list[str]] = ("'one' on here", [])


def test_workers_come_and_go() -> None:
    client = Client()
    crew, said = client.crew(), client.said
    crew.update()
    crew.update()
    assert said == ["waiting for workers"]
    client.answers = {"a": WELCOME, "b": OSError("gone"), "c": ConnectionResetError(104, "gone")}
    crew.update()
    assert crew.members == {"a"}
    client.answers |= {
        "b": ("'two' on there", ["torch is 1 there and 2 here"]),
        "c": ImportError("no experiments"),
        # A disk of theirs, which would say the same for ever: they have not gone away.
        "d": PermissionError(13, "Permission denied", "run.py"),
    }
    crew.update()
    assert crew.members == {"a"}
    assert said[1:] == [
        "refused worker 'two' on there (b): torch is 1 there and 2 here",
        "refused worker c: it cannot load this project (ImportError: no experiments)",
        "refused worker d: it cannot load this project "
        "(PermissionError: [Errno 13] Permission denied: 'run.py')",
    ]
    # One that worked may come back: its nanny starts it again.
    del client.answers["a"]
    crew.update()
    assert (crew.members, said[4:]) == (set(), ["waiting for workers"])
    client.answers = {"e": WELCOME}
    crew.update()
    assert (crew.members, crew.refused) == ({"e"}, {})


def test_who_is_waited_for_and_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    crew, again = client.crew(), client.crew(ever=True)

    def at(now: float) -> None:
        monkeypatch.setattr(time, "monotonic", lambda: now)
        again.update()  # It came back with its scheduler: so may its workers.
        crew.update()

    at(0)
    at(1_000)  # in the queue of a batch system
    client.answers["a"] = ("'one' on here", ["it has 4 threads instead of 1"])
    at(2_000)
    at(2_050)  # Others may be on their way.
    with pytest.raises(ClusterError, match=r"'one' on here \(a\): it has 4 threads"):
        at(2_070)
    client.answers["b"] = WELCOME
    at(2_071)
    # One that worked may come back whenever it likes.
    del client.answers["b"]
    at(1e6)
    at(2e6)
    # But those of this machine are not in any queue.
    client.cluster = "embedded"
    with pytest.raises(ClusterError, match="no worker of this machine starts"):
        at(3e6)


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
    idle = "tests.plugins:Idle"
    assert objections(Wanted({}, outside={idle: outside.version(idle)})) == []
    assert objections(Wanted({}, outside={idle: "sha256 of-another", "nowhere:Idle": "1"})) == [
        f"{idle} is {outside.version(idle)} there and sha256 of-another here",
        "nowhere:Idle: there is no module 'nowhere' here",
    ]
    assert differences({}, {"python": "3.11"}) == ["python is unknown there and 3.11 here"]
    # A build of a version is no difference.
    real = provenance.versions()
    monkeypatch.setattr(provenance, "versions", lambda: {**real, "torch": f"{here['torch']}+cu9"})
    assert environment() == here
