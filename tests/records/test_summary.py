"""Summaries and intervals against scipy, the dithering line against counting and simulation."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.records.columns import RUN_COLUMNS
from experiments.records.summary import (
    CONFIG_COLUMNS,
    STATISTICS,
    dithering_env_steps,
    dithering_episodes,
    optimal_mean_steps,
    rate_interval,
    summarise,
    wilson_interval,
)

# --- the dithering line -----------------------------------------------------------------------


def counted(n: int, horizon: int, distance: int) -> tuple[Fraction, Fraction]:
    """P(arrive) and mean length of an episode, by trying every sequence of actions."""
    arrived, steps, total = 0, 0, n**horizon
    for actions in itertools.product(range(n), repeat=horizon):
        differing = set(range(distance))
        for step, action in enumerate(actions, start=1):
            differing ^= {action}
            if not differing or step == horizon:
                arrived += not differing
                steps += step
                break
    return Fraction(arrived, total), Fraction(steps, total)


@pytest.mark.parametrize(
    ("n", "horizon"),
    [(1, 1), (1, 3), (2, 1), (2, 2), (2, 5), (3, 3), (3, 4), (4, 4), (4, 6), (5, 5)],
)
def test_the_line_is_what_counting_gives(n: int, horizon: int) -> None:
    weights = [Fraction(math.comb(n, d), 2**n - 1) for d in range(1, n + 1)]
    chances, lengths = zip(*(counted(n, horizon, d) for d in range(1, n + 1)), strict=True)
    arrive = sum(w * p for w, p in zip(weights, chances, strict=True))
    length = sum(w * m for w, m in zip(weights, lengths, strict=True))
    for start, mode in (("random", "fixed"), ("random", "random"), ("zeros", "random")):
        protocol: Any = {"start": start, "goal_mode": mode}
        assert dithering_episodes(n, horizon, **protocol) == pytest.approx(float(1 / arrive))
        steps = dithering_env_steps(n, horizon, **protocol)
        assert steps == pytest.approx(float(length / arrive))

    if all(chances):
        both = [
            sum(w * u / p for w, u, p in zip(weights, unit, chances, strict=True))
            for unit in ([1] * n, lengths)
        ]
    else:  # some targets are out of reach
        both = [math.inf, math.inf]
    assert dithering_episodes(n, horizon, "zeros") == pytest.approx(float(both[0]))
    assert dithering_env_steps(n, horizon, "zeros") == pytest.approx(float(both[1]))


@pytest.mark.parametrize(
    ("n", "horizon", "start"),
    [(4, 4, "random"), (6, 6, "random"), (8, 5, "random"), (6, 9, "zeros")],
)
def test_the_line_is_what_simulation_gives(n: int, horizon: int, start: Any) -> None:
    rng = np.random.default_rng(n)
    trials = 3_000
    target = rng.integers(1, 2**n, trials)  # one fixed target for each trial, never zeros
    episodes, steps = np.zeros(trials), np.zeros(trials)
    waiting = np.arange(trials)
    while waiting.size:
        goal = target[waiting]
        offset = rng.integers(1, 2**n, waiting.size) if start == "random" else goal
        state = goal ^ offset  # uniform over all states but the goal; zeros if offset is the goal
        going = np.ones(waiting.size, dtype=bool)
        for _ in range(horizon):
            steps[waiting[going]] += 1
            state[going] ^= 1 << rng.integers(0, n, going.sum())
            going &= state != goal
        episodes[waiting] += 1
        waiting = waiting[going]
    for sample, expected in (
        (episodes, dithering_episodes(n, horizon, start)),
        (steps, dithering_env_steps(n, horizon, start)),
    ):
        error = sample.std() / math.sqrt(trials)
        assert abs(sample.mean() - expected) < 4 * error
        assert error < 0.1 * expected


@pytest.mark.parametrize(
    ("n", "published"), [(10, 115), (13, 687), (15, 2_350), (20, 5.5e4), (30, 3.7e7), (50, 2.3e13)]
)
def test_the_line_has_its_known_values(n: int, published: float) -> None:
    assert dithering_episodes(n) == pytest.approx(published, rel=0.01)
    assert dithering_episodes(n) == pytest.approx(2**n / n, rel=0.15)


def test_the_line_holds_until_floats_end() -> None:
    assert dithering_episodes(1) == dithering_env_steps(1) == 1
    for n in (200, 500, 1_000):
        expected = n * math.log(2) - math.log(n)
        assert math.log(dithering_episodes(n)) == pytest.approx(expected, abs=0.01)
    assert dithering_episodes(1_030) < math.inf
    assert dithering_episodes(1_040) == dithering_env_steps(1_040) == math.inf
    assert dithering_episodes(10_000, start="zeros") == math.inf
    assert dithering_episodes(3, max_steps=2, start="zeros") == math.inf


@given(st.integers(1, 30), st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_the_line_is_ordered(n: int, horizon: int) -> None:
    episodes, steps = dithering_episodes(n, horizon), dithering_env_steps(n, horizon)
    slack = 1 + 1e-9
    assert episodes * slack >= 1
    assert episodes <= steps * slack
    assert steps <= episodes * horizon * slack
    assert dithering_episodes(n, horizon + 1) <= episodes * slack
    # Jensen: what is the same in the mean over targets takes longer when a target is kept.
    assert dithering_episodes(n, horizon, "zeros") * slack >= episodes


@given(st.integers(1, 12))
def test_the_optimum_is_the_mean_distance(n: int) -> None:
    distances = [value.bit_count() for value in range(1, 2**n)]
    assert optimal_mean_steps(n) == pytest.approx(np.mean(distances))


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "8", None])
def test_wrong_sizes_are_refused(value: Any) -> None:
    for function in (dithering_episodes, dithering_env_steps, optimal_mean_steps):
        with pytest.raises(ValueError, match="n must be a whole number of at least 1, got"):
            function(value)
    if value is not None:
        with pytest.raises(ValueError, match="max_steps must be a whole number of at least 1"):
            dithering_episodes(3, value)


def test_wrong_protocols_are_refused() -> None:
    wrong: Any = "ones"
    with pytest.raises(ValueError, match=r"start must be one of .*got 'ones'"):
        dithering_episodes(3, start=wrong)
    with pytest.raises(ValueError, match=r"goal_mode must be one of .*got 'ones'"):
        dithering_episodes(3, goal_mode=wrong)


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
