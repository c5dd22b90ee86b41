"""A sweep whose runs end as they are told to: done, failed, broken, or by Ctrl-C."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from experiments.config.run import RunConfig
from experiments.records import files, run_folders
from experiments.records.run_folders import FinishedRun
from experiments.sweeps import sweep
from experiments.sweeps.execution import Ended
from tests.command_lines import Command
from tests.made_runs import make_finished_run


def ending(*outcomes: FinishedRun | BaseException) -> Callable[..., Any]:
    """In the place of training: these outcomes in turn; Ctrl-C is one."""

    def trained_in_turn(_: Path, missing: dict[str, RunConfig], *__: Any) -> Iterator[Ended]:
        for run_id, outcome in zip(sorted(missing), outcomes, strict=False):
            if isinstance(outcome, KeyboardInterrupt):
                raise outcome
            yield Ended(run_id, outcome, 1)

    return trained_in_turn


GRID = ["--methods", "dqn", "her", "--n", "3", "--seeds", "1", "--budget", "900", "--out", "out"]
GRID += ["--eval-episodes", "10"]
DQN, HER = make_finished_run(method="dqn"), make_finished_run(method="her")


def test_a_run_that_fails_is_told_and_no_row(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "_trained", ending(RuntimeError("out of [luck]"), HER))
    outcome = command("compare", *GRID)
    assert outcome.status == 1
    assert "Unfinished: 1" in outcome.text
    assert re.search(rf"{DQN.config.run_id} .* RuntimeError: out of \[luck\]", outcome.text)
    assert pd.read_csv("out/runs.csv")["run_id"].tolist() == [HER.config.run_id]

    # The same command runs what is missing, and that alone.
    monkeypatch.setattr(sweep, "_trained", ending(DQN))
    assert command("compare", *GRID).status == 0
    both = {DQN.config.run_id: DQN, HER.config.run_id: HER}
    assert run_folders.scan(tmp_path / "out") == (both, [])
    assert len(pd.read_csv("out/runs.csv")) == 2
    monkeypatch.setattr(sweep, "_trained", ending(RuntimeError("nothing was missing")))
    assert command("compare", *GRID).status == 0


def test_what_is_finished_when_ctrl_c_comes_is_in_the_tables(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "_trained", ending(DQN, KeyboardInterrupt()))
    assert command("compare", *GRID).status == 130
    assert pd.read_csv("out/runs.csv")["run_id"].tolist() == [DQN.config.run_id]


def test_failures_are_told_though_the_sweep_stops(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = RuntimeError("out of luck"), KeyboardInterrupt()
    monkeypatch.setattr(sweep, "_trained", ending(*outcomes))
    outcome = command("compare", *GRID)
    assert outcome.status == 130
    assert "Unfinished: 1" in outcome.text
    assert "out of luck" in outcome.text
    assert "log: out/logs/" in outcome.text


def test_what_stops_a_sweep_is_told_though_the_tables_cannot_be_written_either(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, _: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(sweep, "_trained", ending(DQN))
    monkeypatch.setattr(files, "write_synced", full)
    outcome = command("compare", *GRID)
    assert outcome.status == 1
    assert f".{DQN.config.run_id}" in outcome.err
    assert "runs.csv" not in outcome.err


def test_force_runs_again_what_is_finished(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "_trained", ending(DQN, HER))
    assert command("compare", *GRID).status == 0
    worse = make_finished_run(method="dqn", success_rate=0.5)
    monkeypatch.setattr(sweep, "_trained", ending(worse, HER))
    assert command("compare", *GRID, "--force").status == 0
    assert run_folders.scan(tmp_path / "out")[0][worse.config.run_id] == worse
    assert pd.read_csv("out/runs.csv")["success_rate"].tolist() == [0.5, 1.0]


def test_a_broken_run_is_run_again(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "_trained", ending(DQN, HER))
    assert command("compare", *GRID).status == 0
    torn = tmp_path / "out" / "runs" / DQN.config.run_id / run_folders.CURVE
    torn.write_bytes(torn.read_bytes()[:-30])
    monkeypatch.setattr(sweep, "_trained", ending(DQN))
    outcome = command("compare", *GRID)
    assert outcome.status == 0
    assert f"not counted: out/runs/{DQN.config.run_id}/{run_folders.CURVE}" in outcome.text
    kept = torn.parent.with_name(f".{DQN.config.run_id}.damaged-1")
    assert (kept / run_folders.POLICY).read_bytes() == DQN.policy
    assert len(run_folders.scan(tmp_path / "out")[0]) == 2
