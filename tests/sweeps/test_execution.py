"""Calls on workers: results, errors with their tracebacks, and workers that die."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
import traceback
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from experiments.sweeps.clusters import Site
from experiments.sweeps.execution import Ended, execute
from experiments.sweeps.on_worker import UnwantedError, Wanted, perform, tell
from experiments.sweeps.workers import WorkerDiedError
from tests.faults.machines import wait_until


def add(one: int, other: int) -> int:
    tell({"sum": one + other})
    return one + other


def fail(value: str) -> None:
    raise ArithmeticError(f"cannot work with [{value}]")


def die() -> None:
    print("what it said at the end", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(marker: Path) -> str:
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "alive"


def visible_gpu(folder: Path) -> str:
    gpu = os.environ["CUDA_VISIBLE_DEVICES"]
    (folder / f"gpu {gpu}").touch()
    # Until the other worker has got one too.
    wait_until(lambda: len(list(folder.glob("gpu *"))) == 2)
    return gpu


def test_results_errors_and_deaths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.sweeps.clusters.gpus", lambda: ["7", "8"])
    said: list[str] = []
    news: list[tuple[str, dict[str, Any]]] = []
    site = Site(workers=2, gpu=True, errors=tmp_path / "sweep.log")
    calls: dict[str, Any] = {
        **{f"sees {k}": (visible_gpu, (tmp_path,)) for k in range(2)},
        "dies": (die, ()),
        "dies once": (die_once, (tmp_path / "marker",)),
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
    assert ended["dies once"] == Ended("dies once", "alive", 2)
    assert {ended[f"sees {k}"].outcome for k in range(2)} == {"7", "8"}
    died = ended["dies"]
    assert isinstance(died.outcome, WorkerDiedError)
    # Tried once, and three times again.
    assert died.attempts == 4
    assert "4 workers died at it" in str(died.outcome)
    assert len(died.outcome.__notes__) == 4
    assert all(note.endswith("\n  what it said at the end") for note in died.outcome.__notes__)
    assert "dashboard http://127.0.0.1:" in said[0]


def go_on_until_unwanted(folder: Path) -> None:
    (folder / "begun").touch()
    try:
        while True:
            tell({})
            time.sleep(0.05)
    except UnwantedError:
        (folder / "stopped").touch()


def test_a_worker_stops_when_nobody_waits_for_its_call(tmp_path: Path) -> None:
    said: list[str] = []
    with Site(workers=1).connect(said.append, 1) as client:
        # The dashboard that is named is there.
        with urllib.request.urlopen(said[0].rpartition(" ")[2]) as page:
            assert b"Dask" in page.read()
        call: Any = (perform, Wanted({}), go_on_until_unwanted, (tmp_path,))
        future: Any = client.submit(*call)
        wait_until((tmp_path / "begun").exists)
        (kept,) = client.run(os.environ.get, "MALLOC_TRIM_THRESHOLD_").values()
        assert kept is None  # a worker keeps the memory that it will need again
        future.release()
        wait_until((tmp_path / "stopped").exists)
