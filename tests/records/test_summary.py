"""Summaries, and intervals against scipy."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.records.schema import RUN_COLUMNS
from experiments.records.summary import (
    CONFIG_COLUMNS,
    STATISTICS,
    rate_interval,
    summarise,
    wilson_interval,
)

# --- intervals ----------------------------------------------------------------------------------


def test_wilson_has_its_known_values() -> None:
    assert wilson_interval(5, 5) == pytest.approx((0.5655, 1.0), abs=1e-4)
    assert wilson_interval(0, 5) == pytest.approx((0.0, 0.4345), abs=1e-4)
    assert wilson_interval(999, 1_000)[0] > 0.994


@given(st.integers(1, 30), st.data())
def test_all_or_nothing_rates_give_wilson(seeds: int, data: st.DataObject) -> None:
    solved = data.draw(st.integers(0, seeds))
    rates = [1.0] * solved + [0.0] * (seeds - solved)
    assert rate_interval(rates) == pytest.approx(wilson_interval(solved, seeds), abs=1e-12)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=10))
def test_a_rate_interval_holds_the_mean_and_has_a_width(rates: list[float]) -> None:
    low, high = rate_interval(rates)
    assert 0 <= low <= np.mean(rates) + 1e-12
    assert np.mean(rates) - 1e-12 <= high <= 1
    assert high - low > 0.2


@pytest.mark.parametrize(("successes", "trials"), [(-1, 5), (6, 5), (0, 0)])
def test_impossible_counts_are_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match=f"got {successes} of {trials}"):
        wilson_interval(successes, trials)


@pytest.mark.parametrize("rates", [[], [1.1], [math.nan], [0.5, -0.1]])
def test_impossible_rates_are_refused(rates: list[float]) -> None:
    with pytest.raises(ValueError, match=r"numbers? in \[0, 1\], got"):
        rate_interval(rates)


# --- summaries ----------------------------------------------------------------------------------


def runs(times: list[float | None], n: int = 10, config: str = "c") -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "run_id": f"{config}-{seed}",
                "config_id": config,
                "method": "her",
                "network": "mlp",
                "n": n,
                "seed": seed,
                "max_steps": n,
                "goal_strategy": "future",
                "relabel_done": True,
                "success_rate": 0.25 if time is None else 1.0,
                "solved": time is not None,
                "env_steps_to_solve": time,
                "episodes_to_solve": None if time is None else time / 10,
                "train_seconds": 5.0 + seed,
            }
            for seed, time in enumerate(times)
        ]
    )


def test_a_summary_has_a_row_for_each_configuration() -> None:
    parts = (runs([30.0, 10.0, 20.0], config="b"), runs([None, None], n=5, config="a"))
    table = pd.concat([part.astype(object) for part in parts])
    summary = summarise(table)
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
    assert np.isnan(unsolved["env_steps_to_solve_median"])
    assert unsolved["train_seconds_median"] == 5.5


@pytest.mark.parametrize(
    ("times", "quartiles"),
    [
        ([1.0, 2.0, 3.0, None, None], (2.0, 3.0, math.nan)),
        ([1.0, 2.0, None, None, None], (2.0, math.nan, math.nan)),
        ([1.0, 3.0, None, None], (2.5, math.nan, math.nan)),
        ([4.0], (4.0, 4.0, 4.0)),
        ([None], (math.nan,) * 3),
    ],
)
def test_unsolved_seeds_are_slower_than_all_others(
    times: list[float | None], quartiles: tuple[float, float, float]
) -> None:
    row = summarise(runs(times)).iloc[0]
    names = [f"env_steps_to_solve_{name}" for name in ("q25", "median", "q75")]
    np.testing.assert_array_equal(row[names].to_numpy(dtype=float), quartiles)


def test_a_run_that_fell_back_has_no_time_to_solve() -> None:
    table = runs([7.0])
    table["solved"], table["success_rate"] = False, 0.6
    assert np.isnan(summarise(table)["env_steps_to_solve_median"].iloc[0])


@pytest.mark.filterwarnings("error")
def test_frames_with_and_without_types_agree() -> None:
    plain = runs([30.0, None, 50.0])
    typed = plain.astype({str(name): RUN_COLUMNS[str(name)].dtype for name in plain})
    pd.testing.assert_frame_equal(summarise(plain), summarise(typed))
    pd.testing.assert_frame_equal(summarise(plain), summarise(plain.astype(object)))


def test_no_runs_give_no_rows() -> None:
    summary = summarise(runs([1.0]).iloc[:0])
    assert len(summary) == 0
    assert "solved" in summary
