"""Where DQN ends: the largest n within a budget, computed on rows made by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from experiments.evaluation.dithering import dithering_env_steps
from experiments.figures import frontier
from tests.figures.drawn import heights, labels, lines, marked, page_rows, panels
from tests.made_tables import DQN, HER, runs_of, together

Times = dict[int, Sequence[int | None]]

EVEN: Times = {4: (1_000, 1_100, 1_200), 8: (3_000, 9_000, 4_000), 12: (None, 20_000, 60_000)}
EVEN |= {16: (None, None, 90_000)}
GAP: Times = {4: (1_000, 1_000, 1_000), 8: (None, None, 2_000), 12: (5_000, 6_000, None)}
GAP |= {16: (None, None, None)}
ONE, MANY = "DQN, mlp, parallel envs 1", "DQN, mlp, parallel envs 64"


def sweep(by_envs: dict[int, Times], budget: int = 100_000) -> pd.DataFrame:
    settings = DQN | {"budget_env_steps": budget}
    return together(
        *(
            runs_of(settings | {"n_envs": envs}, n, times)
            for envs, sizes in by_envs.items()
            for n, times in sizes.items()
        )
    )


BOTH = sweep({1: EVEN, 64: GAP})


def majority(runs: pd.DataFrame, envs: int) -> dict[int, float]:
    some = frontier.parallel_runs(runs)
    assert some is not None
    return frontier.majority_times(some[some["n_envs"] == envs])


def steps_of(figure: Figure | None) -> dict[str, list[tuple[float, float]]]:
    return {
        name: list(zip(line.get_xdata(), heights(line).round(), strict=True))
        for name, line in lines(panels(figure)[0]).items()
    }


def test_more_than_half_of_the_seeds_count() -> None:
    assert majority(BOTH, 1) == {4: 1_100, 8: 4_000, 12: 60_000, 16: math.inf}
    pairs: Times = {4: (10, 30), 6: (10, None), 8: (7,), 10: (1, 2, 3, None)}
    assert majority(sweep({1: pairs, 64: GAP}), 1) == {4: 30, 6: math.inf, 8: 7, 10: 3}


@pytest.mark.parametrize(
    ("budget", "expected"),
    [(999, (None, None)), (1_000, (4, 4)), (5_999, (4, 4)), (6_000, (4, 12)), (1e9, (4, 12))],
)
def test_a_gap_ends_the_frontier(budget: float, expected: tuple[int | None, int | None]) -> None:
    assert frontier.largest_solved(majority(BOTH, 64), budget) == expected


def test_a_larger_n_that_was_faster_waits_for_the_smaller() -> None:
    times: Times = {4: (1_000,) * 3, 8: (7_000,) * 3, 12: (5_000,) * 3, 16: (None,) * 3}
    steps = steps_of(frontier.figure(sweep({1: times, 64: EVEN})))
    assert steps[ONE] == [(1_000, 4), (7_000, 12), (100_000, 12)]
    assert steps[MANY] == [(1_100, 4), (4_000, 8), (60_000, 12), (100_000, 12)]


def test_lines_of_reference_are_exact() -> None:
    steps = steps_of(frontier.figure(BOTH))
    budgets, reached = zip(*steps["uniform random policy"], strict=True)
    sizes = [*range(1, len(reached)), len(reached) - 1]
    assert list(reached) == sizes
    assert list(budgets) == [*(max(1_000.0, dithering_env_steps(n)) for n in sizes[:-1]), 100_000]
    assert dithering_env_steps(sizes[-1] + 1) > 100_000
    assert steps["log2(budget)"] == [(1_000, 10), (100_000, 17)]


def test_steps_to_solve_stand_beside() -> None:
    figure = frontier.figure(BOTH)
    right = panels(figure)[1]
    assert marked(right, "^") == [[100_000] * 3, [100_000] * 6]
    found = heights(lines(right)[ONE])
    np.testing.assert_array_equal(found, np.array([1_100, 4_000, 60_000, np.nan]))
    assert labels(figure) == [ONE, MANY, "uniform random policy", "log2(budget)", "unsolved"]


def test_the_page_has_the_same_numbers() -> None:
    rows = page_rows(frontier.page(BOTH))
    sizes = [
        max(n for n in range(1, 30) if dithering_env_steps(n) <= budget)
        for budget in (10**4, 10**4.5, 10**5)
    ]
    expected = {
        "largest n solved within": ["10^4", "10^4.5", "10^5"],
        ONE: ["8", "8", "12"],
        MANY: ["4 (12)", "4 (12)", "4 (12)"],
        "log2(budget)": ["13.3", "14.9", "16.6"],
        "uniform random policy": [str(n) for n in sizes],
        "12": ["2/3, 60,000", "2/3, 6,000"],
        "16": ["1/3, -", "0/3, -"],
    }
    assert {name: rows[name] for name in expected} == expected


NEVER: Times = dict.fromkeys((14, 16, 18), (None,) * 3)
SMALL: Times = {2: (10,) * 3, 3: (200,) * 3, 4: (None,) * 3}
SHORT: Times = {4: (1_000,) * 3, 8: (None,) * 3, 12: (None,) * 3}
LAST: Times = {4: (4_096,) * 3, 8: (102_400,) * 3, 12: (None,) * 3}


@pytest.mark.parametrize(
    ("runs", "name", "cells"),
    [
        (  # nothing is said beyond a budget
            together(sweep({64: SHORT}, 20_000), sweep({1: EVEN}, 1_000_000)),
            MANY,
            ["4", "", "", "", ""],
        ),
        # The last step of all copies is within the budget.
        (sweep({4_096: LAST, 1: EVEN}), "DQN, mlp, parallel envs 4,096", ["4", "4", "8"]),
        (sweep({1: NEVER, 64: NEVER}), ONE, ["-", "-", "-"]),
        (sweep({1: SMALL, 64: SMALL}, 900), MANY, ["2", "2", "3"]),
        (
            sweep({1: SMALL, 64: SMALL}, 900),
            "largest n solved within",
            ["10^1.5", "10^2", "10^2.5"],
        ),
    ],
    ids=["short", "last-step", "never", "small", "small-header"],
)
def test_budgets_of_other_sizes(runs: pd.DataFrame, name: str, cells: list[str]) -> None:
    assert page_rows(frontier.page(runs))[name] == cells


def test_little_and_nothing_solved_is_drawn() -> None:
    assert steps_of(frontier.figure(sweep({1: NEVER, 64: NEVER})))[ONE] == []
    steps = steps_of(frontier.figure(sweep({1: SMALL, 64: SMALL}, 900)))
    assert steps[MANY] == [(10, 2), (200, 3), (900, 3)]


@pytest.mark.parametrize(
    "runs",
    [
        sweep({1: EVEN}),
        sweep({1: EVEN, 64: {4: (100,) * 3, 8: (100,) * 3}}),
        together(
            *(runs_of(HER | {"n_envs": envs}, n, (10, 20)) for envs in (1, 8) for n in (4, 6, 8))
        ),
        BOTH.assign(env_steps=pd.Series([pd.NA] * 24, dtype="Int64")),
    ],
    ids=["one", "few-sizes", "her", "no-steps"],
)
def test_other_sweeps_have_no_frontier(runs: pd.DataFrame) -> None:
    assert frontier.figure(runs) is None
    assert frontier.page(runs) is None


def test_replays_are_compared_too() -> None:
    parts = [
        runs_of(DQN | {"replay": replay}, n, some)
        for replay, times in (("uniform", GAP), ("rewarded", EVEN))
        for n, some in times.items()
    ]
    assert frontier.figure(together(*parts[:4])) is None
    steps = steps_of(frontier.figure(together(*parts)))
    ends = [steps[f"DQN, mlp, replay {replay}"][-1] for replay in ("uniform", "rewarded")]
    assert ends == [(100_000, 4), (100_000, 12)]
