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
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

from experiments.config.presets import plan, seeds
from experiments.config.run import RunConfig
from experiments.records import merging, run_folders
from experiments.records.schema import CLOCK_COLUMNS
from experiments.sweeps.training import train
from tests.command_lines import REPOSITORY, Outcome, finish, process

TABLES = ("runs.csv", "curves.csv", "summary.csv")


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


def train_here(grid: Grid, out: Path) -> None:
    """The sweep without any cluster, in this process, in another order."""
    for run in reversed(grid.runs):
        run_folders.write_run(out, train(run))
    merging.merge(out, run_folders.scan(out)[0])


def compare(*flags: str | Path) -> Outcome:
    return finish(process("compare", *flags))


def tables(out: Path) -> dict[str, pd.DataFrame]:
    """The tables of a results folder, without what no two sweeps agree on."""
    read = {name: pd.read_csv(out / name, dtype=str) for name in TABLES}
    for name, table in read.items():
        clocks = [c for c in map(str, table) if c.startswith(tuple(CLOCK_COLUMNS))]
        read[name] = table.drop(columns=clocks)
    return read


def assert_same_tables(one: Path, other: Path) -> None:
    mine, theirs = tables(one), tables(other)
    for name in TABLES:
        pd.testing.assert_frame_equal(mine[name], theirs[name], obj=name)


def finished(out: Path) -> dict[str, bytes]:
    """Each finished run and what its folder holds; every one of them is whole."""
    found, problems = run_folders.scan(out)
    assert problems == []
    folder = out / "runs"
    return {
        name: b"".join(path.read_bytes() for path in sorted((folder / name).iterdir()))
        for name in found
    }


def workers_of(parent: subprocess.Popen[Any]) -> list[psutil.Process]:
    """The worker processes of a sweep that embeds its cluster, or of a nanny."""
    with contextlib.suppress(psutil.Error):
        children = psutil.Process(parent.pid).children(recursive=True)
        return [child for child in children if _is_worker(child)]
    return []


def _is_worker(child: psutil.Process) -> bool:
    try:
        return "spawn_main" in " ".join(child.cmdline())
    except psutil.Error:
        return False


def gone(leader: int) -> bool:
    """Whether no process of a group is alive."""
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(one.pid) == leader and one.status() != psutil.STATUS_ZOMBIE:
                return False
    return True


def wait_until(condition: Callable[[], Any], seconds: float = 300) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    return value


def cleared(started: Iterable[subprocess.Popen[Any]]) -> None:
    """End processes and everything in their groups."""
    for one in started:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(one.pid, signal.SIGKILL)
        one.wait()
        for stream in (one.stdout, one.stderr):
            if stream is not None:
                stream.close()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def dask(
    *arguments: str | int, cwd: Path = REPOSITORY, path: Path | None = None
) -> subprocess.Popen[bytes]:
    """``python -m dask ...``, as a person would start it.

    Args:
        arguments: The rest of the command.
        cwd: Where.
        path: A folder whose packages come before the installed ones.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "dask", *map(str, arguments), "--no-dashboard"],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(path)} if path else None,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def address(port: int) -> str:
    return f"tcp://127.0.0.1:{port}"


def scheduler(port: int) -> subprocess.Popen[bytes]:
    return dask("scheduler", "--host", "127.0.0.1", "--port", port)


def worker(
    port: int, name: str, *, nanny: bool = False, cwd: Path = REPOSITORY, path: Path | None = None
) -> subprocess.Popen[bytes]:
    flags = ["--nthreads", "1", "--name", name, "--nanny" if nanny else "--no-nanny"]
    return dask("worker", address(port), *flags, cwd=cwd, path=path)
