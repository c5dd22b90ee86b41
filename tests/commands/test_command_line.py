"""The commands as a person meets them: one small round, and Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from experiments.config.run import RunConfig
from experiments.records import files, run_folders
from experiments.sweeps.training import train
from tests.command_lines import REPOSITORY, TINY, Command, finish, listing, process

# One small round, as a stranger would run it.


def test_train_writes_a_run_and_skips_it_the_next_time(command: Command, tmp_path: Path) -> None:
    flags = ["--n", "2", "--seed", "3", "--budget", "200", "--device", "cpu", "--out", "out"]
    flags += ["--progress", "False"]
    first = command("train", *flags)
    assert first.status == 0
    (folder,) = (tmp_path / "out" / "runs").iterdir()
    run = run_folders.read_run(folder)
    assert (run.config.n, run.config.seed, run.config.budget_env_steps) == (2, 3, 200)
    assert listing(tmp_path / "out" / "logs" / folder.name)
    tables = {name: (tmp_path / "out" / name).read_bytes() for name in ("runs.csv", "curves.csv")}
    assert len(pd.read_csv(tmp_path / "out" / "curves.csv")) == len(run.curve)

    second = command("train", *flags)
    assert second.status == 0
    assert "is finished" in second.text
    assert tables == {name: (tmp_path / "out" / name).read_bytes() for name in tables}

    forced = command("train", *flags, "--force")
    assert forced.status == 0
    again = run_folders.read_run(folder)
    clocks = {"wall_seconds", "train_seconds", "seconds_to_solve"}
    assert {k: v for k, v in again.result.items() if k not in clocks} == {
        k: v for k, v in run.result.items() if k not in clocks
    }
    assert again.policy == run.policy


def test_a_small_comparison_from_start_to_figures(command: Command, tmp_path: Path) -> None:
    out = tmp_path / "out"
    grid = ["--methods", "dqn", "her", "--n", "3", "--seeds", "1", "--budget", "300"]
    grid += ["--workers", "2"]
    first = finish(process("compare", *grid, "--out", out))
    assert first.status == 0, first.err
    assert "Traceback" not in first.err
    runs = sorted((out / "runs").iterdir())
    assert [path.name[:13] for path in runs] == ["dqn-mlp-n3-s0", "her-mlp-n3-s0"]
    for folder in runs:
        assert run_folders.read_run(folder).result["env_steps"] <= 304
    names = ("runs.csv", "curves.csv", "summary.csv")
    tables = {name: (out / name).read_bytes() for name in names}
    assert pd.read_csv(out / "runs.csv")["run_id"].tolist() == [path.name for path in runs]

    # Everything is finished, so the same command trains nothing, and starts no cluster.
    second = command("compare", *grid, "--out", out)
    assert second.status == 0
    assert {name: (out / name).read_bytes() for name in names} == tables
    merged = command("compare", "--merge", out)
    assert merged.status == 0
    assert "2 runs" in merged.text
    assert {name: (out / name).read_bytes() for name in names} == tables

    assert command("plot", out).status == 0
    for name in ("success_vs_n", "episodes_to_solve", "learning_curves"):
        for ending in ("png", "svg"):
            assert (out / "figures" / f"{name}.{ending}").stat().st_size > 5_000

    gif = tmp_path / "new" / "episode.gif"
    shown = command("evaluate", runs[1], "--episodes", "20", "--gif", gif)
    assert shown.status == 0
    assert re.search(
        r"success rate [01]\.\d+, 95% Wilson interval \[0\.\d+, [01]\.\d+\]", shown.text
    )
    with Image.open(gif) as animation:
        assert getattr(animation, "n_frames", 1) >= 2
    ansi = command("evaluate", runs[1], "--episodes", "20", "--render", "ansi", "--fps", "100")
    assert ansi.status == 0
    assert "\x1b[" in ansi.out


@pytest.mark.parametrize(
    "settings",
    [
        {"method": "dqn", "network": "equivariant"},
        {"goal_mode": "random", "hidden": (8, 4)},
        {"method": "dqn", "sees_target": False, "start": "zeros"},
        {"implementation": "stock", "reward_type": "minus_one_zero"},
        {"implementation": "stock", "network": "equivariant"},
        {"reward_type": "hamming", "continuing_task": True, "max_steps": 4},
    ],
    ids=str,
)
def test_every_kind_of_agent_is_saved_and_looked_at(
    command: Command, tmp_path: Path, settings: dict[str, Any]
) -> None:
    run = train(RunConfig.of(**{**TINY, **settings}))
    folder = run_folders.write_run(tmp_path, run)
    assert run_folders.read_run(folder) == run
    shown = command("evaluate", folder, "--gif", "episode.gif")
    assert shown.status == 0
    assert "10 greedy episodes" in shown.text
    with Image.open("episode.gif") as animation:
        assert animation.format == "GIF"
    if run.config.network == "equivariant":
        elsewhere = command("evaluate", folder, "--n", "7", "--episodes", "5")
        assert elsewhere.status == 0
        assert "n = 7 (trained at n = 3), horizon 7" in elsewhere.text


# Ctrl-C.


def wait_for(condition: Callable[[], bool], running: subprocess.Popen[str] | None = None) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert running is None or running.poll() is None, running and running.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)


def alive(group: int) -> list[str]:
    """The processes of a group, but for those that only wait to be taken note of."""
    table = subprocess.run(["ps", "-A", "-o", "pgid=,stat=,args="], capture_output=True, text=True)
    rows = (line.split(maxsplit=2) for line in table.stdout.splitlines())
    return [row[-1] for row in rows if row[0] == str(group) and not row[1].startswith("Z")]


def test_ctrl_c_that_passes_through_exec_ends_the_same_way(tmp_path: Path) -> None:
    code = (
        "import dataclasses\n"
        "from experiments.command_line import run_command\n"
        "Nothing = dataclasses.make_dataclass('Nothing', [])\n"
        "run_command(Nothing, lambda _: exec('raise KeyboardInterrupt'))\n"
    )
    (tmp_path / "interrupted.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "-m", "interrupted"],
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{tmp_path}"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.startswith("interrupted")


ENDLESS = ["--budget", "100000000", "--full-budget", "--eval-spacing", "1.5"]


def interrupt(running: subprocess.Popen[str], begun: Callable[[], bool], later: float = 0) -> None:
    """Press Ctrl-C some seconds after a command has begun; it has to end as interrupted."""
    try:
        wait_for(begun, running)
        time.sleep(later)
        os.killpg(running.pid, signal.SIGINT)
        outcome = finish(running)
    finally:
        running.kill()
    assert outcome.status == 130, outcome.err
    assert "interrupted" in outcome.err
    assert "Traceback" not in outcome.text, outcome.err


def test_ctrl_c_ends_a_training_and_leaves_no_run(tmp_path: Path) -> None:
    running = process("train", "--n", "20", *ENDLESS, "--device", "cpu", "--out", tmp_path)
    interrupt(running, lambda: any(tmp_path.glob("logs/*/progress.csv")), later=1)
    assert listing(tmp_path / "runs") == []
    assert not list(tmp_path.glob("*.csv"))
    with files.locked(tmp_path):
        pass


def test_ctrl_c_ends_a_comparison_and_keeps_what_is_finished(tmp_path: Path) -> None:
    flags = ["--methods", "her", "--n", "1", "20", "--seeds", "1", "--workers", "2"]
    endless = ["--budget", "100000000", "--eval-spacing", "1.5", "--batch-size", "4096"]
    endless += ["--stop-when-solved"]
    running = process("compare", *flags, *endless, "--out", tmp_path)
    interrupt(running, lambda: any(tmp_path.glob("runs/her-mlp-n1-s0-*")))
    (name,) = listing(tmp_path / "runs")[:1]
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [name]
    assert pd.read_csv(tmp_path / "runs.csv")["run_id"].tolist() == [name]
    # No worker goes on by itself.
    wait_for(lambda: not alive(running.pid))
