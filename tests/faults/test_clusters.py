"""A scheduler and workers that were started apart: the same numbers, and what may go wrong."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from tests.command_lines import REPOSITORY, finish
from tests.faults import machines
from tests.faults.conftest import Case
from tests.faults.machines import Grid


def of_another_gymnasium(folder: Path) -> Path:
    """A folder that, before others on the path, makes Gymnasium say another version."""
    metadata = folder / "gymnasium-0.0.1.dist-info" / "METADATA"
    metadata.parent.mkdir(parents=True)
    metadata.write_text("Metadata-Version: 2.1\nName: gymnasium\nVersion: 0.0.1\n")
    return folder


def of_another_commit(folder: Path) -> Path:
    """A copy of the project whose sources differ by a comment."""
    for package in ("bitseq_env", "experiments"):
        shutil.copytree(REPOSITORY / package, folder / package)
    with (folder / "experiments" / "train.py").open("a") as file:
        file.write("# another commit\n")
    return folder


def provenances(out: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text())["provenance"] for path in out.glob("runs/*/result.json")]


def test_separate_workers_give_the_same_tables_and_others_are_refused(
    tmp_path: Path, case: Case
) -> None:
    grid = case.of(Grid((2,), seeds=2), Grid((2, 3, 4, 5), seeds=5))
    address, out = machines.free_address(), tmp_path / "apart"
    case.start(machines.scheduler(address))
    refused: list[str] = []
    if case.whole:  # Refusal alone has a short form below.
        case.start(machines.worker(address, "old", path=of_another_gymnasium(tmp_path / "old")))
        case.start(
            machines.worker(address, "elsewhere", cwd=of_another_commit(tmp_path / "elsewhere"))
        )
        refused = ["refused worker 'old'", "gymnasium is 0.0.1 there and"]
        refused += ["refused worker 'elsewhere'", "source is"]
        time.sleep(5)
    for name in ("one", "two"):
        case.start(machines.worker(address, name, nanny=case.whole))
    machines.check(finish(machines.sweep(grid, out, "--scheduler", address)), 0, *refused)
    if case.whole:
        alone = tmp_path / "alone"
        assert finish(machines.sweep(grid, alone, "--workers", "1")).status == 0
        machines.assert_same_tables(out, alone)
    machines.check_tables(out, grid)
    for provenance in provenances(out):
        assert provenance["attempts"] == 1
        assert "--scheduler" in provenance["command"]
        assert {"source", "commit", "clean", "threads", "processor"} <= set(provenance)
    case.tell(
        f"{len(grid.runs)} runs on a scheduler with two separately started workers: tables equal "
        "to those of `--workers 1`, and of plain calls in one process in another order; a worker "
        "with another gymnasium and one with other sources were refused by name"
    )


def test_a_scheduler_that_goes_away_and_comes_back(tmp_path: Path, case: Case) -> None:
    grid = case.of(Grid((2,), seeds=3), Grid((2, 3, 4, 5), seeds=5))
    address, out = machines.free_address(), tmp_path / "out"
    first = case.start(machines.scheduler(address))
    case.start(machines.worker(address, "one"))
    driver = case.start(machines.sweep(grid, out, "--scheduler", address))
    machines.wait_until(lambda: machines.run_count(out))
    machines.ended(first)
    before = machines.finished(out)
    case.start(machines.scheduler(address))
    case.start(machines.worker(address, "one"))
    machines.check(finish(driver), 0, "lost the scheduler")
    after = machines.finished(out, before)
    machines.check_tables(out, grid)
    case.tell(
        f"the scheduler was killed with {len(before)} of {len(after)} runs finished and started "
        "again: the driver went on by itself, 0 finished runs lost or trained twice, tables equal"
    )


def test_a_worker_that_dies_beside_one_that_is_refused(tmp_path: Path, case: Case) -> None:
    grid = case.of(Grid((2,), seeds=2), Grid((2, 3), seeds=5))
    address, out = machines.free_address(), tmp_path / "out"
    case.start(machines.scheduler(address))
    case.start(machines.worker(address, "old", path=of_another_gymnasium(tmp_path / "old")))
    good = case.start(machines.worker(address, "one", nanny=True))
    driver = case.start(machines.sweep(grid, out, "--scheduler", address))
    deaths, done = case.of(1, 4), 0
    for _ in range(deaths):
        # One that works: it has done a run since it was started.
        machines.wait_until(lambda: machines.run_count(out) > done and machines.workers_of(good))  # noqa: B023
        time.sleep(case.random.uniform(0, 0.5))
        done = machines.run_count(out)
        for one in machines.workers_of(good):
            one.kill()
    machines.check(finish(driver), 0, "refused worker 'old'")
    assert len(machines.finished(out)) == len(grid.runs)
    attempts = sum(provenance["attempts"] for provenance in provenances(out))
    assert attempts <= len(grid.runs) + deaths
    assert attempts > len(grid.runs) or not case.whole
    machines.check_tables(out, grid)
    case.tell(
        f"a worker that was killed {deaths} times, beside one of another version: it was started "
        f"again by its nanny, {len(grid.runs)} of {len(grid.runs)} runs finished in "
        f"{attempts} attempts, tables equal"
    )


CANNOT_WORK = {
    "nobody there": "does not answer",
    "all refused": "no worker can do this sweep",
    "does not come back": "did not come back",
}


@pytest.mark.parametrize("what", CANNOT_WORK)
def test_a_cluster_that_cannot_work_is_named(tmp_path: Path, whole_case: Case, what: str) -> None:
    start, said = whole_case.start, CANNOT_WORK[what]
    address, out = machines.free_address(), tmp_path / "out"
    refused = what == "all refused"
    if what != "nobody there":
        there = start(machines.scheduler(address))
        path = of_another_gymnasium(tmp_path / "old") if refused else None
        start(machines.worker(address, "old", path=path))
    driver = start(machines.sweep(Grid((5,), seeds=20), out, "--scheduler", address))
    kept: dict[str, Any] = {}
    if what == "does not come back":
        machines.wait_until(lambda: machines.run_count(out))
        machines.ended(there)
        kept = machines.finished(out)
    machines.check(finish(driver), 1, said, "worker 'old'" if refused else address)
    after = machines.finished(out, kept)
    whole_case.tell(f"exit status 1 and one line, {said!r}; {len(after)} finished runs kept")
