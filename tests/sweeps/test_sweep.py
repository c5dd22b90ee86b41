"""A sweep whose runs end as they are told to: done, failed, broken, or by Ctrl-C."""

from __future__ import annotations

import errno
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from experiments.config.run import RunConfig
from experiments.records import files, run_folders, tables
from experiments.records.files import ResultError
from experiments.records.run_folders import FinishedRun
from experiments.sweeps import sweep, transfer
from experiments.sweeps.execution import Ended
from tests.command_lines import Command, Outcome, listing
from tests.made_runs import make_finished_run
from tests.made_tables import transfers_of

GRID = ["--methods", "dqn", "her", "--n", "3", "--seeds", "1", "--budget", "900", "--out", "out"]
GRID += ["--eval-episodes", "10"]
DQN, HER = make_finished_run(method="dqn"), make_finished_run(method="her")
Compare = Callable[..., Outcome]


@pytest.fixture
def compare(command: Command, monkeypatch: pytest.MonkeyPatch) -> Compare:
    """The grid, its missing runs ending with these outcomes in turn; Ctrl-C is one."""

    def run(*outcomes: FinishedRun | BaseException, flags: tuple[str, ...] = ()) -> Outcome:
        def trained(_: Path, missing: dict[str, RunConfig], *__: Any) -> Iterator[Ended]:
            for run_id, outcome in zip(sorted(missing), outcomes, strict=False):
                if isinstance(outcome, KeyboardInterrupt):
                    raise outcome
                yield Ended(run_id, outcome, 1)

        monkeypatch.setattr(sweep, "_trained", trained)
        return command("compare", *GRID, *flags)

    return run


def rows() -> list[str]:
    return pd.read_csv("out/runs.csv")["run_id"].tolist()


def test_a_run_that_fails_is_told_and_no_row(compare: Compare) -> None:
    outcome = compare(RuntimeError("out of [luck]"), HER)
    assert outcome.status == 1
    assert "Unfinished: 1 (tracebacks in out/logs/sweep-" in outcome.text
    assert re.search(rf"{DQN.config.run_id} .* RuntimeError: out of \[luck\]", outcome.text)
    assert rows() == [HER.config.run_id]

    # The same command runs what is missing, and that alone.
    assert compare(DQN).status == 0
    both = {DQN.config.run_id: DQN, HER.config.run_id: HER}
    assert run_folders.scan(Path("out")) == (both, [])
    assert rows() == sorted(both)
    assert compare(RuntimeError("nothing was missing")).status == 0


def test_ctrl_c_leaves_what_is_finished_in_the_tables_and_tells_of_failures(
    compare: Compare,
) -> None:
    outcome = compare(RuntimeError("out of luck"), KeyboardInterrupt())
    assert outcome.status == 130
    for words in ("Unfinished: 1", "out of luck", "log: out/logs/"):
        assert words in outcome.text
    assert compare(DQN, KeyboardInterrupt()).status == 130
    assert rows() == [DQN.config.run_id]


def test_what_stops_a_sweep_is_told_though_the_tables_cannot_be_written_either(
    compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = files.write_synced

    def full(path: Path, content: bytes) -> None:
        if ".plan" in path.name:
            return write(path, content)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(files, "write_synced", full)
    outcome = compare(DQN)
    assert outcome.status == 1
    assert f".{DQN.config.run_id}" in outcome.err
    assert "runs.csv" not in outcome.err


def test_a_broken_run_is_run_again_and_with_force_every_run(compare: Compare) -> None:
    assert compare(DQN, HER).status == 0
    torn = Path("out", "runs", DQN.config.run_id, run_folders.CURVE)
    torn.write_bytes(torn.read_bytes()[:-30])
    outcome = compare(DQN)
    assert outcome.status == 0
    assert outcome.text.count(f"not counted: {torn}") == 1

    worse = make_finished_run(method="dqn", success_rate=0.5)
    assert compare(worse, HER, flags=("--force",)).status == 0
    assert run_folders.scan(Path("out"))[0][worse.config.run_id] == worse
    assert pd.read_csv("out/runs.csv")["success_rate"].tolist() == [0.5, 1.0]


def test_what_a_worker_sends_is_kept_with_its_attempts_and_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ResultError, match=r"her-mlp-n3-s0-.* where 'another'"):
        sweep.write(tmp_path, HER, Ended("another", HER, 1))
    assert listing(tmp_path) == []

    monkeypatch.setattr(sys, "orig_argv", ["python3", "-m", "experiments.compare", "--n", "5"])
    sweep.write(tmp_path, HER, Ended(HER.config.run_id, HER, 3))
    text = (tmp_path / "runs" / HER.config.run_id / run_folders.RESULT).read_text()
    provenance = json.loads(text)["provenance"]
    assert provenance["attempts"] == 3
    assert provenance["command"] == "python -m experiments.compare --n 5"
    assert set(provenance["sha256"]) == {run_folders.RESULT, run_folders.CURVE, run_folders.POLICY}


def test_rows_of_older_weights_go_when_a_run_is_written(tmp_path: Path) -> None:
    transfers = transfers_of({8: [1.0, 0.5], 30: [1.0, 0.0]})
    older = transfers[transfers["seed"] == 0].assign(run_id=HER.config.run_id)
    path = tmp_path / transfer.FILE
    ended = Ended(HER.config.run_id, HER, 1)

    sweep.write(tmp_path, HER, ended)  # There is no file.
    pd.concat([transfers, older]).to_csv(path, index=False)
    sweep.write(tmp_path, HER, ended)
    order = ["run_id", "n"]
    after = tables.read_transfers(path).sort_values(order, ignore_index=True)
    rest = transfers.sort_values(order, ignore_index=True)[after.columns]
    pd.testing.assert_frame_equal(after, rest, check_dtype=False)
    # Whatever has become of that file, the run is not lost.
    path.write_text("what,is,this\n")
    sweep.write(tmp_path, HER, ended)
    assert run_folders.scan(tmp_path)[1] == []
    assert path.read_text() == "what,is,this\n"
