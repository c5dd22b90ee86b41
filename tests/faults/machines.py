"""Clusters, sweeps and their tables, as real processes."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

from experiments.config.blocks import plan, seeds
from experiments.config.run import RunConfig
from experiments.records import merging, run_folders
from experiments.records.schema import CLOCK_COLUMNS
from experiments.sweeps.training import train
from tests.command_lines import REPOSITORY, Outcome, process
from tests.made_runs import TABLES, tree


@dataclasses.dataclass(frozen=True)
class Grid:
    """A sweep of short runs, of both methods."""

    sizes: tuple[int, ...]
    seeds: int
    budget: int = 300

    @property
    def flags(self) -> list[str]:
        flags = ["--methods", "dqn", "her", "--seeds", self.seeds, "--budget", self.budget]
        return [str(flag) for flag in (*flags, "--eval-episodes", 20, "--n", *self.sizes)]

    @property
    def runs(self) -> list[RunConfig]:
        settings = {"budget_env_steps": (self.budget,), "eval_episodes": (20,)}
        axes = {"method": ("dqn", "her"), "n": self.sizes, "seed": seeds(self.seeds)}
        return plan(({**axes, **settings},), {})


def sweep(grid: Grid, out: Path, *flags: str) -> subprocess.Popen[str]:
    return process("compare", *grid.flags, "--out", out, *flags)


def check(ended: Outcome, status: int, *says: str) -> None:
    """How a command ended, and that it said so in words for a person."""
    assert ended.status == status, ended.text
    for words in says:
        assert words in ended.text
    assert "Traceback" not in ended.text


def train_here(grid: Grid, out: Path) -> None:
    """The sweep without any cluster, in this process, in another order."""
    for run in reversed(grid.runs):
        run_folders.write_run(out, train(run))
    merging.merge(out, run_folders.scan(out)[0])


def assert_same_tables(one: Path, other: Path) -> None:
    """The tables of two results folders, but for what no two sweeps agree on."""
    for name in TABLES:
        mine, theirs = (pd.read_csv(out / name, dtype=str) for out in (one, other))
        clocks = [column for column in mine if str(column).startswith(tuple(CLOCK_COLUMNS))]
        pd.testing.assert_frame_equal(mine.drop(columns=clocks), theirs.drop(columns=clocks))


def check_tables(out: Path, grid: Grid) -> None:
    """Nothing that has happened to a sweep is in its tables."""
    here = out.with_name("trained here")
    train_here(grid, here)
    assert_same_tables(out, here)


def finished(out: Path, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Each finished run and what its folder holds; all are whole, and those of before the same."""
    found, problems = run_folders.scan(out)
    assert problems == []
    now = {name: tree(out / "runs" / name) for name in found}
    assert (before or {}).items() <= now.items()
    return now


def run_count(out: Path) -> int:
    """Folders of finished runs, while a sweep writes them."""
    return len(list(out.glob("runs/[dh]*")))


def workers_of(parent: subprocess.Popen[Any]) -> list[psutil.Process]:
    """The worker processes of a sweep that embeds its cluster, or of a nanny."""
    found = []
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(parent.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if "spawn_main" in " ".join(child.cmdline()):
                    found.append(child)
    return found


def gone(leader: int) -> bool:
    """Whether no process of a group is alive."""
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(one.pid) == leader and one.status() != psutil.STATUS_ZOMBIE:
                return False
    return True


def wait_until(condition: Callable[[], Any], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def ended(one: subprocess.Popen[Any]) -> None:
    """End a process and everything in its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(one.pid, signal.SIGKILL)
    one.wait()
    for stream in (one.stdout, one.stderr):
        if stream is not None:
            stream.close()


def free_address() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{one.getsockname()[1]}"


def dask(*words: str, cwd: Path = REPOSITORY, path: Path | None = None) -> subprocess.Popen[bytes]:
    """``python -m dask ...``, as a person would start it; packages of path come first."""
    return subprocess.Popen(
        [sys.executable, "-m", "dask", *words, "--no-dashboard"],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(path)} if path else None,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def scheduler(address: str) -> subprocess.Popen[bytes]:
    return dask("scheduler", "--host", "127.0.0.1", "--port", address.rpartition(":")[2])


def worker(address: str, name: str, nanny: bool = False, **where: Any) -> subprocess.Popen[bytes]:
    nannied = "--nanny" if nanny else "--no-nanny"
    return dask("worker", address, "--nthreads", "1", "--name", name, nannied, **where)
