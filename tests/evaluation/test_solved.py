"""What a curve says, and when it is looked at."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.config.run import RunConfig
from experiments.evaluation.looks import Looks
from experiments.evaluation.solved import judge


def curve(*rates: float, apart: int = 100) -> list[dict[str, Any]]:
    return [
        {"env_steps": apart * (place + 1), "success_rate": rate} for place, rate in enumerate(rates)
    ]


@pytest.mark.parametrize(
    ("rates", "solved", "held", "since", "first"),
    [
        ([0.0] * 5 + [1.0] * 15, True, 1.0, 600, 600),
        # Luck: a single look on the way.
        ([0.0, 1.0] + [0.0] * 18, False, 0.0, None, 200),
        # Good to the end but for the end.
        ([1.0] * 19 + [0.98], False, 10 / 11, None, 100),
        # Good at the end alone.
        ([0.0] * 19 + [1.0], False, 1 / 11, None, 2_000),
        # One in ten may fail, two may not.
        ([0.0] * 9 + [1.0] * 5 + [0.5] + [1.0] * 5, True, 10 / 11, 1_000, 1_000),
        ([0.0] * 9 + [1.0] * 4 + [0.5, 0.5] + [1.0] * 5, False, 9 / 11, None, 1_000),
        # An early flash does not count, as less than 9 in 10 follow.
        ([1.0] + [0.0] * 5 + [1.0] * 14, True, 1.0, 700, 100),
        ([0.99], True, 1.0, 100, 100),
        ([0.9899], False, 0.0, None, None),
    ],
)
def test_solved_is_held(
    rates: list[float], solved: bool, held: float, since: int | None, first: int | None
) -> None:
    verdict = judge(curve(*rates), 100 * len(rates))
    assert verdict.solved == solved
    assert verdict.held_share == pytest.approx(held)
    assert (verdict.since or {}).get("env_steps") == since
    assert (verdict.first_pass or {}).get("env_steps") == first


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=1, max_size=40))
def test_what_holds_of_every_verdict(rates: list[float]) -> None:
    looks = curve(*rates)
    verdict = judge(looks, 100 * len(looks))
    assert verdict.solved == (rates[-1] == 1.0 and verdict.held_share >= 0.9)
    assert (verdict.since is not None) == verdict.solved
    if verdict.since is not None:
        after = [row["success_rate"] for row in looks[looks.index(verdict.since) :]]
        assert after[0] == 1.0
        assert np.mean(np.array(after) == 1.0) >= 0.9
        assert verdict.first_pass is not None
        assert verdict.first_pass["env_steps"] <= verdict.since["env_steps"]


def looked(together: int = 1, **settings: Any) -> Looks:
    """A training that learns nothing, with new weights at each step of all copies."""
    run = RunConfig.of(**{"n": 4, "eval_episodes": 2, **settings})
    looks = Looks(run, lambda state, goal: np.zeros(len(state), dtype=np.int64))
    looks.begin()
    steps = 0
    while steps < run.budget_env_steps:
        steps += together
        if not looks.step(steps, steps, 0, 0, dict):
            break
    looks.end(steps, steps, dict)
    return looks


@given(st.integers(200, 20_000), st.sampled_from([1, 8, 64]), st.floats(1.001, 3))
def test_twenty_looks_lie_in_the_second_half(budget: int, together: int, spacing: float) -> None:
    budget = max(budget, 500 * together)
    looks = looked(
        together, budget_env_steps=budget, eval_spacing=spacing, n_envs=1, eval_episodes=1
    )
    steps = [row["env_steps"] for row in looks.curve]
    assert steps == sorted(set(steps))
    assert steps[-1] == looks.env_steps >= budget
    assert sum(step >= budget / 2 for step in steps) >= 20
    # Early ones are a ratio apart.
    early = [step for step in steps if step < budget / 20]
    assert all(
        later <= earlier * spacing + together + 1 for earlier, later in itertools.pairwise(early)
    )


def test_a_few_looks_where_one_takes_long() -> None:
    looks = looked(budget_env_steps=20_000, eval_spacing=1.6, late_looks=2, n_envs=1)
    assert 15 <= len(looks.curve) <= 25


def test_old_weights_are_looked_at_once_and_at_the_end() -> None:
    run = RunConfig.of(n=4, eval_episodes=2, updates_per_env_step=0)
    looks = Looks(run, lambda state, goal: np.zeros(len(state), dtype=np.int64))
    looks.begin()
    for steps in range(0, run.budget_env_steps, 8):
        looks.step(steps + 8, 0, 0, 0, dict)
    looks.end(run.budget_env_steps, 0, dict)
    assert len(looks.curve) == 2


def test_episodes_under_way_count_and_rewards_are_dated() -> None:
    run = RunConfig.of(n=4, n_envs=4_096, eval_episodes=2)
    looks = Looks(run, lambda state, goal: np.zeros(len(state), dtype=np.int64))
    looks.begin()
    looks.step(4_096, 0, 0, 0, dict)
    assert (looks.episodes, looks.first_reward) == (4_096, None)
    looks.step(8_192, 0, 1_000, 3, dict)  # these begin anew, and have not made a step
    assert (looks.episodes, looks.first_reward, looks.rewarded) == (4_096, 8_192, 3)
    looks.step(12_288, 0, 0, 0, dict)
    assert looks.episodes == 5_096


def test_whoever_asks_to_stop_is_heard() -> None:
    run = RunConfig.of(n=4, eval_episodes=2)
    looks = Looks(run, lambda state, goal: np.zeros(len(state), dtype=np.int64))
    looks.on_step.append(lambda steps: steps < 100)
    looks.begin()
    assert looks.step(99, 0, 0, 0, dict)
    assert not looks.step(100, 0, 0, 0, dict)
    assert looks.stopped_early
