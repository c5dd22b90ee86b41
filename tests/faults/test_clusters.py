"""A scheduler and workers that were started apart: the same numbers, and what may go wrong."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from tests.command_lines import REPOSITORY, finish, process
from tests.faults.conftest import Keep, Scale, Start
from tests.faults.machines import (
    Grid,
    assert_same_tables,
    check,
    check_tables,
    compare,
    ended,
    finished,
    free_address,
    run_count,
    scheduler,
    wait_until,
    worker,
    workers_of,
)


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
    tmp_path: Path, scale: Scale, figures: Keep, start: Start
) -> None:
    grid = scale.of(Grid((2,), seeds=2), Grid((2, 3, 4, 5), seeds=5))
    address, out = free_address(), tmp_path / "apart"
    start(scheduler(address))
    refused: list[str] = []
    if scale.whole:  # Refusal alone has a short form below.
        start(worker(address, "old", path=of_another_gymnasium(tmp_path / "old")))
        start(worker(address, "elsewhere", cwd=of_another_commit(tmp_path / "elsewhere")))
        refused = ["refused worker 'old'", "gymnasium is 0.0.1 there and"]
        refused += ["refused worker 'elsewhere'", "source is"]
        time.sleep(5)
    for name in ("one", "two"):
        start(worker(address, name, nanny=scale.whole))
    check(compare(*grid.flags, "--scheduler", address, "--out", out), 0, *refused)
    if scale.whole:
        alone = tmp_path / "alone"
        assert compare(*grid.flags, "--workers", "1", "--out", alone).status == 0
        assert_same_tables(out, alone)
    check_tables(out, grid)
    for provenance in provenances(out):
        assert provenance["attempts"] == 1
        assert "--scheduler" in provenance["command"]
        assert {"source", "commit", "clean", "threads", "processor"} <= set(provenance)
    figures(
        f"{len(grid.runs)} runs on a scheduler with two separately started workers: tables equal "
        "to those of `--workers 1`, and of plain calls in one process in another order; a worker "
        "with another gymnasium and one with other sources were refused by name"
    )


def test_a_scheduler_that_goes_away_and_comes_back(
    tmp_path: Path, scale: Scale, figures: Keep, start: Start
) -> None:
    grid = scale.of(Grid((2,), seeds=3), Grid((2, 3, 4, 5), seeds=5))
    address, out = free_address(), tmp_path / "out"
    first = start(scheduler(address))
    start(worker(address, "one"))
    driver = start(process("compare", *grid.flags, "--scheduler", address, "--out", out))
    wait_until(lambda: run_count(out))
    ended(first)
    before = finished(out)
    start(scheduler(address))
    start(worker(address, "one"))
    check(finish(driver), 0, "lost the scheduler")
    after = finished(out, before)
    check_tables(out, grid)
    figures(
        f"the scheduler was killed with {len(before)} of {len(after)} runs finished and started "
        "again: the driver went on by itself, 0 finished runs lost or trained twice, tables equal"
    )


def test_a_worker_that_dies_beside_one_that_is_refused(
    tmp_path: Path, scale: Scale, figures: Keep, start: Start
) -> None:
    grid = scale.of(Grid((2,), seeds=2), Grid((2, 3), seeds=5))
    address, out = free_address(), tmp_path / "out"
    start(scheduler(address))
    start(worker(address, "old", path=of_another_gymnasium(tmp_path / "old")))
    good = start(worker(address, "one", nanny=True))
    driver = start(process("compare", *grid.flags, "--scheduler", address, "--out", out))
    deaths, done = scale.of(1, 4), 0
    for _ in range(deaths):
        # One that works: it has done a run since it was started.
        wait_until(lambda: run_count(out) > done and workers_of(good))  # noqa: B023
        time.sleep(scale.random.uniform(0, 0.5))
        done = run_count(out)
        for one in workers_of(good):
            one.kill()
    check(finish(driver), 0, "refused worker 'old'")
    assert len(finished(out)) == len(grid.runs)
    attempts = sum(provenance["attempts"] for provenance in provenances(out))
    assert attempts <= len(grid.runs) + deaths
    assert attempts > len(grid.runs) or not scale.whole
    check_tables(out, grid)
    figures(
        f"a worker that was killed {deaths} times, beside one of another version: it was started "
        f"again by its nanny, {len(grid.runs)} of {len(grid.runs)} runs finished in "
        f"{attempts} attempts, tables equal"
    )


CANNOT_WORK = {
    "nobody there": "does not answer",
    "all refused": "no worker can do this sweep",
    "does not come back": "did not come back",
}


@pytest.mark.parametrize("case", CANNOT_WORK)
def test_a_cluster_that_cannot_work_is_named(
    tmp_path: Path, scale: Scale, figures: Keep, start: Start, case: str
) -> None:
    if not scale.whole:
        pytest.skip("only in the whole suite, as it waits for a minute; else see test_clusters")
    address, out, said = free_address(), tmp_path / "out", CANNOT_WORK[case]
    refused = case == "all refused"
    if case != "nobody there":
        there = start(scheduler(address))
        path = of_another_gymnasium(tmp_path / "old") if refused else None
        start(worker(address, "old", path=path))
    flags = Grid((5,), seeds=20).flags
    driver = start(process("compare", *flags, "--scheduler", address, "--out", out))
    kept: dict[str, bytes] = {}
    if case == "does not come back":
        wait_until(lambda: run_count(out))
        ended(there)
        kept = finished(out)
    check(finish(driver), 1, said, "worker 'old'" if refused else address)
    after = finished(out, kept)
    figures(f"exit status 1 and one line, {said!r}; {len(after)} finished runs kept")
