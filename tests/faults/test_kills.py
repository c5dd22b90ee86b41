"""kill -9 at random moments, of workers and of drivers."""

from __future__ import annotations

import collections
import functools
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest

from tests.command_lines import finish, process
from tests.faults.conftest import Keep, Scale, Start
from tests.faults.machines import (
    Grid,
    assert_same_tables,
    check,
    compare,
    finished,
    gone,
    run_count,
    train_here,
    wait_until,
    workers_of,
)


def wait_a_random_while(driver: subprocess.Popen[str], out: Path, scale: Scale) -> None:
    """To a moment of the start, or, more often, to one shortly after a run was finished."""
    if scale.random.random() < 0.25:
        time.sleep(scale.random.uniform(0, 4))
        return
    runs, deadline = run_count(out), time.monotonic() + 30
    while driver.poll() is None and time.monotonic() < deadline and run_count(out) == runs:
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
    tmp_path: Path, scale: Scale, figures: Keep, start: Start
) -> None:
    grid = scale.of(Grid((2, 3), seeds=3), Grid((2, 3, 4), seeds=10))
    wanted = scale.of(2, 100)
    counts: collections.Counter[str] = collections.Counter()
    reference = tmp_path / "uninterrupted"
    train_here(grid, reference)

    def kills() -> int:
        return counts["workers killed"] + counts["drivers killed"]

    while kills() < wanted:
        counts["sweeps"] += 1
        out = tmp_path / f"sweep {counts['sweeps']}"
        before: dict[str, bytes] = {}
        complete = False
        while not complete:
            driver = start(process("compare", *grid.flags, "--workers", "2", "--out", out))
            counts["starts"] += 1
            spent = kills() == wanted
            while driver.poll() is None and kills() < wanted:
                kill_something(driver, out, scale, counts)
            ended = finish(driver)
            # Once all kills are spent nothing is left to fail.
            assert ended.status in ((0,) if spent else (0, 1, -signal.SIGKILL)), ended.err
            assert "Traceback" not in ended.text
            # No worker outlives its driver.
            wait_until(functools.partial(gone, driver.pid))
            # Nothing lost, and nothing trained again.
            before = finished(out, before) if out.is_dir() else {}
            complete = ended.status == 0
        assert len(before) == len(grid.runs)
        assert_same_tables(out, reference)
        assert not pd.read_csv(out / "runs.csv")["run_id"].duplicated().any()
        assert [path.name for path in out.glob("**/.*")] == [".lock"]
    figures(
        f"{counts['workers killed']} workers and {counts['drivers killed']} drivers killed with "
        f"SIGKILL over {counts['sweeps']} sweeps of {len(grid.runs)} runs and {counts['starts']} "
        "starts: 0 finished runs lost, 0 trained twice, 0 half-written counted, all tables equal "
        "to the uninterrupted sweep's"
    )


def test_two_drivers_on_one_folder(
    tmp_path: Path, scale: Scale, figures: Keep, start: Start
) -> None:
    if not scale.whole:
        pytest.skip("its short form is in test_out_folder and test_mistakes")
    flags = [*Grid((2, 3, 4), seeds=10).flags, "--workers", "1", "--out", str(tmp_path)]
    first = start(process("compare", *flags))
    wait_until(lambda: run_count(tmp_path))
    check(compare(*flags), 2, f"another run is writing to --out {str(tmp_path)!r}")
    first.kill()
    first.wait()
    # The lock of a killed driver is free at once, whatever its workers do.
    assert compare("--merge", tmp_path).status == 0
    figures("the second was refused with status 2; a killed one's lock was free at once")
