"""The dithering line against counting and simulation."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.evaluation.dithering import (
    dithering_env_steps,
    dithering_episodes,
    optimal_mean_steps,
)


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
