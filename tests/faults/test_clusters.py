"""A scheduler and workers that were started apart: the same numbers, and what may go wrong."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.command_lines import REPOSITORY, Outcome, finish, process
from tests.faults.conftest import Scale
from tests.faults.machines import (
    Grid,
    address,
    assert_same_tables,
    compare,
    finished,
    free_port,
    scheduler,
    train_here,
    wait_until,
    worker,
    workers_of,
)

Keep = Callable[[str], None]


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
    with (folder / "experiments" / "streams.py").open("a") as file:
        file.write("# another commit\n")
    return folder


def provenances(out: Path) -> list[dict[str, Any]]:
    return [
        json.loads((folder / "result.json").read_text())["provenance"]
        for folder in (out / "runs").iterdir()
    ]


def test_separate_workers_give_the_same_tables_and_others_are_refused(
    tmp_path: Path, scale: Scale, figures: Keep, processes: list[Any]
) -> None:
    grid = scale.of(Grid((2,), seeds=2), Grid((2, 3, 4, 5), seeds=5))
    port, out = free_port(), tmp_path / "apart"
    processes.append(scheduler(port))
    if scale.whole:  # Refusal alone has a short form below.
        processes += [
            worker(port, "old", path=of_another_gymnasium(tmp_path / "old")),
            worker(port, "elsewhere", cwd=of_another_commit(tmp_path / "elsewhere")),
        ]
        time.sleep(5)
    processes += [worker(port, name, nanny=scale.whole) for name in ("one", "two")]
    done = compare(*grid.flags, "--scheduler", address(port), "--out", out)
    assert done.status == 0, done.text
    if scale.whole:
        assert "refused worker 'old'" in done.text
        assert "gymnasium is 0.0.1 there and" in done.text
        assert "refused worker 'elsewhere'" in done.text
        assert "source is" in done.text
        alone = tmp_path / "alone"
        assert compare(*grid.flags, "--workers", "1", "--out", alone).status == 0
        assert_same_tables(out, alone)
    reference = tmp_path / "here"
    train_here(grid, reference)
    assert_same_tables(out, reference)
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
    tmp_path: Path, scale: Scale, figures: Keep, processes: list[Any]
) -> None:
    grid = scale.of(Grid((2,), seeds=3), Grid((2, 3, 4, 5), seeds=5))
    port, out = free_port(), tmp_path / "out"

    def start() -> Any:
        processes.extend([scheduler(port), worker(port, "one")])
        return processes[-2]

    first = start()
    driver = process("compare", *grid.flags, "--scheduler", f"tcp://127.0.0.1:{port}", "--out", out)
    processes.append(driver)
    wait_until(lambda: any(out.glob("runs/[dh]*")))
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    before = finished(out)
    start()
    done: Outcome = finish(driver)
    assert done.status == 0, done.text
    assert "lost the scheduler" in done.text
    assert "Traceback" not in done.text
    after = finished(out)
    assert {name: after[name] for name in before} == before
    train_here(grid, tmp_path / "here")
    assert_same_tables(out, tmp_path / "here")
    figures(
        f"the scheduler was killed with {len(before)} of {len(after)} runs finished and started "
        "again: the driver went on by itself, 0 finished runs lost or trained twice, tables equal"
    )


def test_a_worker_that_dies_beside_one_that_is_refused(
    tmp_path: Path, scale: Scale, figures: Keep, processes: list[Any]
) -> None:
    grid = scale.of(Grid((2,), seeds=2), Grid((2, 3), seeds=5))
    port, out = free_port(), tmp_path / "out"
    processes += [scheduler(port), worker(port, "old", path=of_another_gymnasium(tmp_path / "old"))]
    good = worker(port, "one", nanny=True)
    processes.append(good)
    driver = process("compare", *grid.flags, "--scheduler", address(port), "--out", out)
    processes.append(driver)
    deaths = scale.of(1, 4)
    done_before = 0
    for _ in range(deaths):
        # One that works: it has done a run since it was started.
        wait_until(lambda: len(list(out.glob("runs/[dh]*"))) > done_before and workers_of(good))  # noqa: B023
        time.sleep(scale.random.uniform(0, 0.5))
        done_before = len(list(out.glob("runs/[dh]*")))
        for one in workers_of(good):
            one.kill()
    done = finish(driver)
    assert done.status == 0, done.text
    assert "refused worker 'old'" in done.text
    assert len(finished(out)) == len(grid.runs)
    attempts = [provenance["attempts"] for provenance in provenances(out)]
    assert sum(attempts) <= len(grid.runs) + deaths
    assert sum(attempts) > len(grid.runs) or not scale.whole
    train_here(grid, tmp_path / "here")
    assert_same_tables(out, tmp_path / "here")
    figures(
        f"a worker that was killed {deaths} times, beside one of another version: it was started "
        f"again by its nanny, {len(grid.runs)} of {len(grid.runs)} runs finished in "
        f"{sum(attempts)} attempts, tables equal"
    )


@pytest.mark.parametrize("case", ["nobody there", "all refused", "does not come back"])
def test_a_cluster_that_cannot_work_is_named(
    tmp_path: Path, scale: Scale, figures: Keep, processes: list[Any], case: str
) -> None:
    if not scale.whole:
        pytest.skip("only in the whole suite, as it waits for a minute; else see test_clusters")
    port, out = free_port(), tmp_path / "out"
    said = "does not answer"
    if case != "nobody there":
        path = of_another_gymnasium(tmp_path / "old") if case == "all refused" else None
        processes += [scheduler(port), worker(port, "old", path=path)]
        said = "no worker can do this sweep"
    flags = Grid((5,), seeds=20).flags
    driver = process("compare", *flags, "--scheduler", address(port), "--out", out)
    processes.append(driver)
    kept: dict[str, bytes] = {}
    if case == "does not come back":
        wait_until(lambda: any(out.glob("runs/[dh]*")))
        os.killpg(processes[0].pid, signal.SIGKILL)
        kept, said = finished(out), "did not come back"
    done = finish(driver)
    assert done.status == 1
    assert said in done.err
    assert ("worker 'old'" if case == "all refused" else address(port)) in done.err
    assert "Traceback" not in done.text
    after = finished(out)
    assert {name: after[name] for name in kept} == kept
    figures(f"exit status 1 and one line, {said!r}; {len(after)} finished runs kept")
