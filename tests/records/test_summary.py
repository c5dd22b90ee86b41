"""Summaries, and intervals against scipy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from experiments.records.schema import RUN_COLUMNS
from experiments.records.summary import (
    CONFIG_COLUMNS,
    STATISTICS,
    fisher,
    rate_interval,
    summarise,
    wilson_interval,
)
from tests import made_rows

NAN = math.nan

# Intervals.


def test_wilson_has_its_known_values() -> None:
    assert wilson_interval(5, 5) == pytest.approx((0.5655, 1.0), abs=1e-4)
    assert wilson_interval(0, 5) == pytest.approx((0.0, 0.4345), abs=1e-4)
    assert wilson_interval(999, 1_000)[0] > 0.994


@given(st.lists(st.booleans(), min_size=1, max_size=30))
def test_all_or_nothing_rates_have_the_exact_interval(solved: list[bool]) -> None:
    low, high = rate_interval([float(each) for each in solved])
    k, m = sum(solved), len(solved)
    assert low == pytest.approx(stats.beta.ppf(0.025, k, m - k + 1) if k else 0.0)
    assert high == pytest.approx(stats.beta.ppf(0.975, k + 1, m - k) if k < m else 1.0)
    assert high - low > 0.2


@given(st.lists(st.floats(0, 1), min_size=1, max_size=10))
def test_a_rate_interval_lies_around_the_mean(rates: list[float]) -> None:
    low, high = rate_interval(rates)
    assert 0 <= low <= np.mean(rates) + 1e-9
    assert np.mean(rates) - 1e-9 <= high <= 1
    assert (low, high) == rate_interval(rates)


def test_a_bootstrap_covers_the_mean() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(100):
        low, high = rate_interval(rng.beta(2, 5, size=30).tolist())
        hits += low <= 2 / 7 <= high
    assert 85 <= hits <= 99


@pytest.mark.parametrize(
    ("counts", "p"),
    [
        ((10, 10, 0, 10), 1 / 184_756),
        ((3, 3, 0, 3), 0.05),
        ((5, 5, 0, 5), 1 / 252),
        ((0, 5, 5, 5), 1),
    ],
)
def test_fishers_test_is_one_sided_and_exact(counts: tuple[int, int, int, int], p: float) -> None:
    assert fisher(*counts) == pytest.approx(p)


def test_each_row_stands_beside_its_null() -> None:
    rows = [
        made_rows.run(seed, run_id=f"{name}-{seed}", config_id=name, solved=solved, **settings)
        for name, solved, settings in (
            ("real", True, {}),
            ("null", False, {"withhold_reward": True}),
            ("other", True, {"gamma": 0.9}),
        )
        for seed in range(5)
    ]
    summary = summarise(pd.DataFrame(rows)).set_index("config_id")
    real = summary.loc["real"]
    assert (real["null_solved"], real["null_seeds"]) == (0, 5)
    assert real["null_p"] == pytest.approx(1 / 252)
    assert summary.loc[["null", "other"], "null_p"].isna().all()


def test_a_null_has_no_successes_to_keep_to_find_or_to_be_given() -> None:
    kept: dict[str, Any] = {
        "replay": "rewarded",
        "method_settings": '{"replay_share": 0.25, "tau": 0.05}',
    }
    found: dict[str, Any] = {
        "search": True,
        "method_settings": '{"search_budget_env_steps": 9, "tau": 0.05}',
    }
    handed: dict[str, Any] = {
        "told": "one success",
        "method_settings": '{"one_success": true, "tau": 0.05}',
    }
    beside: dict[str, Any] = {"replay": "uniform", "search": False, "told": "nothing"}
    beside |= {"batch_size": 96, "method_settings": '{"tau": 0.05}'}
    rows = [
        made_rows.run(0, config_id=name, **beside | settings)
        for name, settings in {
            "null": {"withhold_reward": True},
            "kept": kept,
            "kept beside a batch": {**kept, "batch_size": 128},
            "found": found,
            "given": handed,
            "both": {**found, **kept},
            "prioritized": {"replay": "prioritized"},
            "told": {"told": "s"},
            "larger": {"batch_size": 128},
            "other": {"method_settings": '{"tau": 1.0}'},
            **{
                text: {"method_settings": text}
                for text in ("torn {", "[1]", '{"replay_share": []}')
            },
        }.items()
    ]
    seeds = summarise(pd.DataFrame(rows)).set_index("config_id")["null_seeds"].fillna(0)
    assert set(seeds.index[seeds == 1]) == {"kept", "kept beside a batch", "found", "given", "both"}


@pytest.mark.parametrize(("successes", "trials"), [(-1, 5), (6, 5), (0, 0)])
def test_impossible_counts_are_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match=f"got {successes} of {trials}"):
        wilson_interval(successes, trials)


@pytest.mark.parametrize("rates", [[], [1.1], [NAN], [0.5, -0.1]])
def test_impossible_rates_are_refused(rates: list[float]) -> None:
    with pytest.raises(ValueError, match=r"numbers? in \[0, 1\], got"):
        rate_interval(rates)


# Summaries.


def runs(times: Sequence[float], n: int = 10, config: str = "c") -> pd.DataFrame:
    """A run for each time to solve, NaN where it never did."""
    solved = pd.Series(times, dtype=float)
    table = pd.DataFrame(
        {
            "seed": range(len(times)),
            "success_rate": np.where(solved.isna(), 0.25, 1.0),
            "solved": solved.notna(),
            "env_steps_to_solve": solved,
            "episodes_to_solve": solved / 10,
            "train_seconds": 5.0 + solved.index,
        }
    )
    table = table.assign(config_id=config, method="her", network="mlp", n=n, max_steps=n)
    table["run_id"] = [f"{config}-{seed}" for seed in table["seed"]]
    return table.assign(goal_strategy="future", relabel_done=True)


def test_a_summary_has_a_row_for_each_configuration() -> None:
    parts = (runs([30, 10, 20], config="b"), runs([NAN, NAN], n=5, config="a"))
    summary = summarise(pd.concat([part.astype(object) for part in parts]))
    assert list(summary) == ["config_id", *CONFIG_COLUMNS, *STATISTICS, "schema_version"]
    assert summary["config_id"].tolist() == ["a", "b"]
    unsolved, solved = (row for _, row in summary.iterrows())
    assert (solved["seeds"], solved["solved"], solved["solved_fraction"]) == (3, 3, 1.0)
    assert (solved["n"], solved["max_steps"], solved["goal_strategy"]) == (10, 10, "future")
    assert pd.isna(solved["device"])
    assert (solved["solved_low"], solved["solved_high"]) == wilson_interval(3, 3)
    assert solved["env_steps_to_solve_q25"] == 15
    assert solved["env_steps_to_solve_median"] == 20
    assert solved["episodes_to_solve_q75"] == 2.5
    assert np.isnan(solved["seconds_to_solve_median"])
    assert solved["train_seconds_median"] == 6
    assert (unsolved["seeds"], unsolved["solved"]) == (2, 0)
    assert unsolved["success_rate_mean"] == unsolved["success_rate_max"] == 0.25
    assert unsolved["train_seconds_median"] == 5.5


@pytest.mark.parametrize(
    ("times", "quartiles"),
    [
        ([1, 2, 3, NAN, NAN], (2, 3, NAN)),
        ([1, 2, NAN, NAN, NAN], (2, NAN, NAN)),
        ([1, 3, NAN, NAN], (2.5, NAN, NAN)),
        ([4], (4, 4, 4)),
        ([NAN], (NAN, NAN, NAN)),
    ],
)
def test_unsolved_seeds_are_slower_than_all_others(
    times: list[float], quartiles: tuple[float, float, float]
) -> None:
    row = summarise(runs(times)).iloc[0]
    names = [f"env_steps_to_solve_{name}" for name in ("q25", "median", "q75")]
    np.testing.assert_array_equal(row[names].to_numpy(dtype=float), quartiles)


def test_a_run_that_fell_back_has_no_time_to_solve() -> None:
    table = runs([7]).assign(solved=False, success_rate=0.6)
    assert np.isnan(summarise(table)["env_steps_to_solve_median"].iloc[0])


def test_frames_with_and_without_types_agree() -> None:
    plain = runs([30, NAN, 50])
    typed = plain.astype({str(name): RUN_COLUMNS[str(name)].dtype for name in plain})
    for other in (typed, plain.astype(object)):
        pd.testing.assert_frame_equal(summarise(plain), summarise(other))


def test_no_runs_give_no_rows() -> None:
    summary = summarise(runs([1]).iloc[:0])
    assert len(summary) == 0
    assert "solved" in summary
