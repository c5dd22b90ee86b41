"""Where DQN ends: the largest n within a budget, computed on rows made by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from experiments import plot
from experiments.evaluation.dithering import dithering_env_steps
from experiments.figures import frontier
from tests.made_tables import DQN, HER, folder_with, runs_of, together

Times = dict[int, Sequence[int | None]]

EVEN: Times = {4: (1_000, 1_100, 1_200), 8: (3_000, 9_000, 4_000), 12: (None, 20_000, 60_000)}
EVEN |= {16: (None, None, 90_000)}
GAP: Times = {4: (1_000, 1_000, 1_000), 8: (None, None, 2_000), 12: (5_000, 6_000, None)}
GAP |= {16: (None, None, None)}


def sweep(*, budget: int = 100_000, **by_envs: Times) -> pd.DataFrame:
    settings = DQN | {"budget_env_steps": budget}
    return together(
        *(
            runs_of(settings | {"n_envs": int(envs.removeprefix("e"))}, n, times)
            for envs, sizes in by_envs.items()
            for n, times in sizes.items()
        )
    )


def series(runs: pd.DataFrame, envs: int) -> pd.DataFrame:
    some = frontier.parallel_runs(runs)
    assert some is not None
    return some[some["n_envs"] == envs]


def steps_of(figure: Figure | None) -> dict[str, list[tuple[float, float]]]:
    assert figure is not None
    left = figure.subfigs[0].axes[0]
    return {
        str(line.get_label()): list(
            zip(np.asarray(line.get_xdata()), np.asarray(line.get_ydata()).round(), strict=True)
        )
        for line in left.lines
    }


def page_tables(runs: pd.DataFrame) -> dict[str, list[str]]:
    text = frontier.page(runs)
    assert text is not None
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return {line[0].strip(): [cell.strip() for cell in line[1:]] for line in lines}


def test_more_than_half_of_the_seeds_count() -> None:
    majority = frontier.majority_times(series(sweep(e1=EVEN, e64=GAP), 1))
    assert majority == {4: 1_100, 8: 4_000, 12: 60_000, 16: math.inf}
    pairs: Times = {4: (10, 30), 6: (10, None), 8: (7,), 10: (1, 2, 3, None)}
    majority = frontier.majority_times(series(sweep(e1=pairs, e64=GAP), 1))
    assert majority == {4: 30, 6: math.inf, 8: 7, 10: 3}


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        (999, (None, None)),
        (1_000, (4, 4)),
        (5_999, (4, 4)),
        (6_000, (4, 12)),
        (1e9, (4, 12)),
    ],
)
def test_a_gap_ends_the_frontier(budget: float, expected: tuple[int | None, int | None]) -> None:
    majority = frontier.majority_times(series(sweep(e1=EVEN, e64=GAP), 64))
    assert frontier.largest_solved(majority, budget) == expected


def test_a_larger_n_that_was_faster_waits_for_the_smaller() -> None:
    times: Times = {4: (1_000,) * 3, 8: (7_000,) * 3, 12: (5_000,) * 3, 16: (None,) * 3}
    lines = steps_of(frontier.frontier(sweep(e1=times, e64=EVEN)))
    assert lines["DQN, mlp, parallel envs 1"] == [(1_000, 4), (7_000, 12), (100_000, 12)]
    assert lines["DQN, mlp, parallel envs 64"] == [
        *((1_100, 4), (4_000, 8), (60_000, 12), (100_000, 12))
    ]


def test_lines_of_reference_are_exact() -> None:
    lines = steps_of(frontier.frontier(sweep(e1=EVEN, e64=GAP)))
    budgets, reached = zip(*lines["uniform random policy"], strict=True)
    sizes = [*range(1, len(reached)), len(reached) - 1]
    assert list(reached) == sizes
    expected = [max(1_000.0, dithering_env_steps(n)) for n in sizes[:-1]]
    assert list(budgets) == [*expected, 100_000]
    assert dithering_env_steps(sizes[-1] + 1) > 100_000
    assert lines["log2(budget)"] == [(1_000, 10), (100_000, 17)]


def test_steps_to_solve_stand_beside() -> None:
    figure = frontier.frontier(sweep(e1=EVEN, e64=GAP))
    assert figure is not None
    right = figure.subfigs[0].axes[1]
    triangles = [line for line in right.lines if line.get_marker() == "^"]
    assert [np.asarray(line.get_ydata()).tolist() for line in triangles] == [
        [100_000] * 3,
        [100_000] * 6,
    ]
    medians = {str(line.get_label()): np.asarray(line.get_ydata()) for line in right.lines}
    found = medians["DQN, mlp, parallel envs 1"]
    np.testing.assert_array_equal(found, np.array([1_100, 4_000, 60_000, np.nan]))
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        *("DQN, mlp, parallel envs 1", "DQN, mlp, parallel envs 64"),
        *("uniform random policy", "log2(budget)", "unsolved"),
    ]


def test_the_page_has_the_same_numbers() -> None:
    tables = page_tables(sweep(e1=EVEN, e64=GAP))
    assert tables["largest n solved within"] == ["10^4", "10^4.5", "10^5"]
    assert tables["DQN, mlp, parallel envs 1"] == ["8", "8", "12"]
    assert tables["DQN, mlp, parallel envs 64"] == ["4 (12)", "4 (12)", "4 (12)"]
    assert tables["log2(budget)"] == ["13.3", "14.9", "16.6"]
    sizes = [
        max(n for n in range(1, 30) if dithering_env_steps(n) <= budget)
        for budget in (10**4, 10**4.5, 10**5)
    ]
    assert tables["uniform random policy"] == [str(n) for n in sizes]
    assert tables["12"] == ["2/3, 60,000", "2/3, 6,000"]
    assert tables["16"] == ["1/3, -", "0/3, -"]


def test_nothing_is_said_beyond_a_budget() -> None:
    short = sweep(budget=20_000, e64={4: (1_000,) * 3, 8: (None,) * 3, 12: (None,) * 3})
    long = sweep(budget=1_000_000, e1=EVEN)
    tables = page_tables(together(short.drop(columns="series"), long.drop(columns="series")))
    (name,) = (name for name in tables if name.startswith("DQN, mlp, parallel envs 64"))
    assert tables[name] == ["4", "", "", "", ""]


def test_the_last_step_of_all_copies_is_within_the_budget() -> None:
    times: Times = {4: (4_096,) * 3, 8: (102_400,) * 3, 12: (None,) * 3}
    tables = page_tables(sweep(e4096=times, e1=EVEN))
    assert tables["DQN, mlp, parallel envs 4,096"] == ["4", "4", "8"]


def test_a_sweep_that_solves_nothing_has_a_frontier() -> None:
    nothing: Times = dict.fromkeys((14, 16, 18), (None,) * 3)
    runs = sweep(e1=nothing, e64=nothing)
    assert steps_of(frontier.frontier(runs))["DQN, mlp, parallel envs 1"] == []
    assert page_tables(runs)["DQN, mlp, parallel envs 1"] == ["-", "-", "-"]


def test_small_budgets_have_columns_too() -> None:
    small: Times = {2: (10,) * 3, 3: (200,) * 3, 4: (None,) * 3}
    tables = page_tables(sweep(budget=900, e1=small, e8=small))
    assert tables["largest n solved within"] == ["10^1.5", "10^2", "10^2.5"]
    assert tables["DQN, mlp, parallel envs 8"] == ["2", "2", "3"]
    lines = steps_of(frontier.frontier(sweep(budget=900, e1=small, e8=small)))
    assert lines["DQN, mlp, parallel envs 8"] == [(10, 2), (200, 3), (900, 3)]


@pytest.mark.parametrize(
    "runs",
    [
        sweep(e1=EVEN),
        sweep(e1=EVEN, e64={4: (100,) * 3, 8: (100,) * 3}),
        together(
            *(runs_of(HER | {"n_envs": envs}, n, (10, 20)) for envs in (1, 8) for n in (4, 6, 8))
        ),
        sweep(e1=EVEN, e64=GAP).assign(env_steps=pd.Series([pd.NA] * 24, dtype="Int64")),
    ],
    ids=["one", "few-sizes", "her", "no-steps"],
)
def test_other_sweeps_have_no_frontier(runs: pd.DataFrame) -> None:
    assert frontier.frontier(runs) is None
    assert frontier.page(runs) is None


def test_files_appear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only: Any = [entry for entry in plot._FIGURES if entry[0] in ("frontier", "ablation")]
    monkeypatch.setattr(plot, "_FIGURES", only)
    paths = plot.plot(folder_with(tmp_path, sweep(e1=EVEN, e64=GAP)))
    assert [path.name for path in paths] == ["frontier.png", "frontier.svg", "frontier.md"]
    assert "](figures/frontier.png)" in paths[-1].read_text()
