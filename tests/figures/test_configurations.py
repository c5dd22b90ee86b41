"""The page of configurations: each beside its null, and the command that makes it again."""

from __future__ import annotations

import io
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from experiments.figures.console import print_results
from experiments.figures.folder import draw_folder
from experiments.records import files, merging
from experiments.records.run_folders import FinishedRun
from experiments.records.tables import read_runs
from experiments.telling import Console
from tests.command_lines import Command
from tests.made_runs import make_finished_run


def page_of(folder: Path, runs: list[FinishedRun]) -> str:
    """The page of runs that have no folder."""
    merging.merge(folder, {run.config.run_id: run for run in runs})
    draw_folder(folder)
    return (folder / "configurations.md").read_text()


def seeds(count: int, solved: int, **settings: Any) -> list[FinishedRun]:
    return [
        make_finished_run(seed=seed, **settings)
        if seed < solved
        else make_finished_run(seed=seed, solved_at=None, success_rate=0.1, **settings)
        for seed in range(count)
    ]


@pytest.mark.parametrize(
    ("n", "count", "solved", "null_solved", "says"),
    [
        (9, 7, 7, 0, "0.00029, holds"),
        (9, 7, 7, 6, "0.5, does not hold"),
        (9, 3, 3, 0, "too few seeds"),
        (3, 7, 7, 0, "trivial"),
        (9, 7, 7, None, "-"),
    ],
)
def test_a_row_stands_beside_its_null(
    tmp_path: Path, n: int, count: int, solved: int, null_solved: int | None, says: str
) -> None:
    runs = seeds(count, solved, n=n)
    if null_solved is not None:
        runs += seeds(count, null_solved, n=n, withhold_reward=True)
    rows = [line for line in page_of(tmp_path, runs).splitlines() if line.startswith("| DQN")]
    assert rows[0].endswith(f" {says} |")
    beside = "-" if null_solved is None else f"{null_solved}/{count}"
    assert f"| {solved}/{count} |" in rows[0]
    assert f"| {beside} |" in rows[0]
    assert [("is one" in row) for row in rows] == [False, True][: len(rows)]


def test_each_command_makes_its_runs_again(command: Command, tmp_path: Path) -> None:
    runs = [
        *seeds(2, 2),
        *seeds(2, 0, withhold_reward=True),
        *seeds(2, 1, method="dqn", sees_target=False, n=5),
        *seeds(2, 1, network="equivariant", hidden=(8, 16), n=5, gamma=0.5, learner_reward="r"),
        *seeds(2, 2, method="flip"),
    ]
    lines = re.findall("^python -m experiments.*", page_of(tmp_path, runs), re.MULTILINE)
    assert len(lines) == 5
    made: set[str] = set()
    for line in lines:
        _, _, name, *flags = shlex.split(line, comments=True)
        outcome = command(name.removeprefix("experiments."), *flags, "--dry-run", "True")
        made |= {*re.findall(r"[a-z]+-[a-z]+-n\d+-s\d-[0-9a-f]{10}", outcome.text)}
    assert made == {run.config.run_id for run in runs}


def test_what_is_missing_of_a_sweep_is_said(tmp_path: Path) -> None:
    runs = seeds(3, 3)
    assert "Unfinished" not in page_of(tmp_path, runs)
    merging.plan(tmp_path, [run.config.run_id for run in runs] + ["her-mlp-n9-s0-0123456789"])
    assert "**Unfinished: of the runs of this sweep, 1 missing.**" in page_of(tmp_path, runs)
    assert "<!-- Unfinished: " in (tmp_path / "figures" / "success_vs_n.svg").read_text()
    files.replace_file(tmp_path / merging.PLAN, b"")
    assert "Unfinished" not in page_of(tmp_path, runs)


def test_the_console_knows_nulls_that_are_not_of_this_sweep(tmp_path: Path) -> None:
    shown, nulls = seeds(7, 7, n=9), seeds(7, 0, n=9, withhold_reward=True)
    page_of(tmp_path, [*shown, *nulls])
    stream = io.StringIO()
    table = read_runs(tmp_path / "runs.csv")
    print_results(Console(file=stream, width=120), table, [run.config.run_id for run in shown])
    assert re.search(r"her .* mlp .* 9 .* 7/7 .* 0/7 .* 0\.0003", stream.getvalue())
