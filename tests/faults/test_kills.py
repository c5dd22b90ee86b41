"""kill -9 at random moments, of workers and of drivers."""

from __future__ import annotations

import collections
import functools
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.command_lines import finish, process
from tests.faults.conftest import Scale
from tests.faults.machines import (
    Grid,
    assert_same_tables,
    compare,
    finished,
    gone,
    train_here,
    wait_until,
    workers_of,
)


def wait_a_random_while(driver: subprocess.Popen[str], out: Path, scale: Scale) -> None:
    """To a moment of the start, or, more often, to one shortly after a run was finished."""
    if scale.random.random() < 0.25:
        time.sleep(scale.random.uniform(0, 4))
        return
    runs = len(list(out.glob("runs/[dh]*")))
    deadline = time.monotonic() + 30
    while driver.poll() is None and time.monotonic() < deadline:
        if len(list(out.glob("runs/[dh]*"))) > runs:
            break
        time.sleep(0.01)
    time.sleep(scale.random.uniform(0, 1))


def kill_something(
    driver: subprocess.Popen[str], out: Path, scale: Scale, counts: collections.Counter[str]
) -> None:
    """At a random moment, a worker or the driver, if it is still there."""
    wait_a_random_while(driver, out, scale)
    workers = workers_of(driver)
    if driver.poll() is not None:
        return
    if workers and counts["workers killed"] <= counts["drivers killed"]:
        scale.random.choice(workers).send_signal(signal.SIGKILL)
        counts["workers killed"] += 1
    elif counts["drivers killed"] <= counts["workers killed"]:
        driver.kill()
        counts["drivers killed"] += 1


def test_killed_workers_and_drivers(
    tmp_path: Path, scale: Scale, figures: Callable[[str], None], processes: list[Any]
) -> None:
    grid = scale.of(Grid((2, 3), seeds=3), Grid((2, 3, 4), seeds=10))
    wanted = scale.of(2, 100)
    counts: collections.Counter[str] = collections.Counter()
    reference = tmp_path / "uninterrupted"
    train_here(grid, reference)
    total = len(grid.runs)

    def kills() -> int:
        return counts["workers killed"] + counts["drivers killed"]

    while kills() < wanted:
        counts["sweeps"] += 1
        out = tmp_path / f"sweep {counts['sweeps']}"
        before: dict[str, bytes] = {}
        complete = False
        while not complete:
            driver = process("compare", *grid.flags, "--workers", "2", "--out", out)
            processes.append(driver)
            counts["starts"] += 1
            spent = kills() == wanted
            while driver.poll() is None and kills() < wanted:
                kill_something(driver, out, scale, counts)
            ended = finish(driver)
            # Once all kills are spent nothing is left to fail.
            fine = (0,) if spent else (0, 1, -signal.SIGKILL)
            assert ended.status in fine, ended.err
            assert "Traceback" not in ended.text
            # No worker outlives its driver.
            wait_until(functools.partial(gone, driver.pid))
            after = finished(out) if out.is_dir() else {}
            # Nothing lost, and nothing trained again.
            assert {name: after.get(name) for name in before} == before
            before, complete = after, ended.status == 0
        assert len(before) == total
        assert_same_tables(out, reference)
        assert not pd.read_csv(out / "runs.csv")["run_id"].duplicated().any()
        assert [path.name for path in out.glob("**/.*")] == [".lock"]
    figures(
        f"{counts['workers killed']} workers and {counts['drivers killed']} drivers killed with "
        f"SIGKILL over {counts['sweeps']} sweeps of {total} runs and {counts['starts']} starts: 0 "
        "finished runs lost, 0 trained twice, 0 half-written counted, all tables equal to the "
        "uninterrupted sweep's"
    )


def test_two_drivers_on_one_folder(
    tmp_path: Path, scale: Scale, figures: Callable[[str], None], processes: list[Any]
) -> None:
    if not scale.whole:
        pytest.skip("its short form is in test_out_folder and test_mistakes")
    grid = Grid((2, 3, 4), seeds=10)
    flags = [*grid.flags, "--workers", "1", "--out", str(tmp_path)]
    first = process("compare", *flags)
    processes.append(first)
    wait_until(lambda: any(tmp_path.glob("runs/[dh]*")))
    second = compare(*flags)
    assert second.status == 2
    assert f"another run is writing to --out {str(tmp_path)!r}" in second.err
    first.kill()
    first.wait()
    # The lock of a killed driver is free at once, whatever its workers do.
    assert compare("--merge", tmp_path).status == 0
    figures("the second was refused with status 2; a killed one's lock was free at once")
