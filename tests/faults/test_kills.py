"""kill -9 at random moments, of workers and of drivers."""

from __future__ import annotations

import collections
import functools
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd

from tests.command_lines import finish, process
from tests.faults import machines
from tests.faults.conftest import Case
from tests.faults.machines import Grid


def kill_something(
    driver: subprocess.Popen[str], out: Path, case: Case, killed: collections.Counter[str]
) -> None:
    """A worker or the driver, as it starts or, more often, shortly after a run was finished."""
    starting = case.random.random() < 0.25
    runs, deadline = machines.run_count(out), time.monotonic() + 30 * (not starting)
    while driver.poll() is None and time.monotonic() < deadline and machines.run_count(out) == runs:
        time.sleep(0.01)
    time.sleep(case.random.uniform(0, 4 if starting else 1))
    workers = machines.workers_of(driver)
    if driver.poll() is not None:
        return
    if workers and killed["workers"] <= killed["drivers"]:
        case.random.choice(workers).kill()
        killed["workers"] += 1
    elif killed["drivers"] <= killed["workers"]:
        driver.kill()
        killed["drivers"] += 1


def test_killed_workers_and_drivers(tmp_path: Path, case: Case) -> None:
    grid = case.of(Grid((2, 3), seeds=3), Grid((2, 3, 4), seeds=10))
    wanted = case.of(2, 100)
    killed: collections.Counter[str] = collections.Counter()
    sweeps = starts = 0
    reference = tmp_path / "uninterrupted"
    machines.train_here(grid, reference)
    while killed.total() < wanted:
        sweeps += 1
        out = tmp_path / f"sweep {sweeps}"
        before: dict[str, object] = {}
        complete = False
        while not complete:
            driver = case.start(machines.sweep(grid, out, "--workers", "2"))
            starts += 1
            spent = killed.total() == wanted
            while driver.poll() is None and killed.total() < wanted:
                kill_something(driver, out, case, killed)
            ended = finish(driver)
            # Once all kills are spent nothing is left to fail.
            assert ended.status in ((0,) if spent else (0, 1, -signal.SIGKILL)), ended.err
            assert "Traceback" not in ended.text
            # No worker outlives its driver.
            machines.wait_until(functools.partial(machines.gone, driver.pid))
            # Nothing lost, and nothing trained again.
            before = machines.finished(out, before) if out.is_dir() else {}
            complete = ended.status == 0
        assert len(before) == len(grid.runs)
        machines.assert_same_tables(out, reference)
        assert not pd.read_csv(out / "runs.csv")["run_id"].duplicated().any()
        assert [path.name for path in out.glob("**/.*")] == [".lock"]
    case.tell(
        f"{killed['workers']} workers and {killed['drivers']} drivers killed with SIGKILL over "
        f"{sweeps} sweeps of {len(grid.runs)} runs and {starts} starts: 0 finished runs lost, "
        "0 trained twice, 0 half-written counted, all tables equal to the uninterrupted sweep's"
    )


def test_two_drivers_on_one_folder(tmp_path: Path, whole_case: Case) -> None:
    grid = Grid((2, 3, 4), seeds=10)
    first = whole_case.start(machines.sweep(grid, tmp_path, "--workers", "1"))
    machines.wait_until(lambda: machines.run_count(tmp_path))
    refusal = f"another run is writing to --out {str(tmp_path)!r}"
    machines.check(finish(machines.sweep(grid, tmp_path)), 2, refusal)
    first.kill()
    first.wait()
    # The lock of a killed driver is free at once, whatever its workers do.
    assert finish(process("compare", "--merge", tmp_path)).status == 0
    whole_case.tell("the second was refused with status 2; a killed one's lock was free at once")
