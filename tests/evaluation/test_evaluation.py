"""Greedy evaluation: the same outcomes as the environment itself, on streams of its own."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest

from experiments.config.run import RunConfig
from experiments.config.streams import Stream, derived_seed
from experiments.evaluation import greedy
from experiments.methods.agents import ENV_ID, env_arguments

Actions = npt.NDArray[np.int64]


def first_wrong_bit(state: npt.NDArray[np.int8], goal: npt.NDArray[np.int8]) -> Actions:
    wrong: Actions = (state != goal).argmax(axis=1)
    return wrong


def by_a_hash(state: npt.NDArray[np.int8], goal: npt.NDArray[np.int8]) -> Actions:
    """Deterministic, sometimes right, sometimes to and fro, sometimes round in circles."""
    n = state.shape[1]
    code = (state * np.arange(1, n + 1)).sum(1) * 7 + (state != goal).sum(1) * 3
    wrong = first_wrong_bit(state, goal)
    chosen: Actions = np.where(code % 5 < 3, wrong, code % n)
    return chosen


def in_the_environment(policy: Any, config: RunConfig, start: Any, goal: Any) -> tuple[bool, int]:
    arguments = {**env_arguments(config), "target_seed": None}
    env = gym.make(ENV_ID, **arguments)
    observation, _ = env.reset(seed=0, options={"state": start, "target": goal})
    for step in range(1, (config.max_steps or 0) + 1):
        action = policy(observation["observation"][None], observation["desired_goal"][None])[0]
        observation, _, terminated, truncated, info = env.step(action)
        if info["is_success"]:
            return True, step
        if terminated or truncated:
            return False, step
    raise AssertionError("the environment outlived its horizon")


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"max_steps": 3},
        {"goal_mode": "random"},
        {"continuing_task": True, "max_steps": 9},
        {"start": "zeros", "goal_mode": "random"},
    ],
    ids=str,
)
def test_outcomes_are_those_of_the_environment(settings: dict[str, Any]) -> None:
    config = RunConfig(n=6, seed=3, **settings).resolved()
    state, goal = greedy.starts(config, 60, seed=5)
    outcome = greedy.run_episodes(by_a_hash, state, goal, config.max_steps or 0)
    played = [
        in_the_environment(by_a_hash, config, *pair) for pair in zip(state, goal, strict=True)
    ]
    assert outcome.reached.tolist() == [reached for reached, _ in played]
    assert outcome.steps.tolist() == [steps for _, steps in played]
    assert 0 < outcome.success_rate < 1


def test_an_optimal_policy_takes_the_hamming_distance() -> None:
    config = RunConfig(n=9).resolved()
    outcome = greedy.evaluate(first_wrong_bit, config, Stream.EVALUATION)
    assert outcome.success_rate == 1
    assert len(outcome.reached) == 1_000
    np.testing.assert_array_equal(outcome.steps, outcome.optimum)
    # Uniform over all states but s: 2^n / (2^n - 1) * n / 2 in the mean.
    assert outcome.mean_steps == pytest.approx(4.5 * 512 / 511, abs=0.15)


def test_arguments_are_left_alone() -> None:
    state, goal = np.zeros((2, 3), dtype=np.int8), np.ones((2, 3), dtype=np.int8)
    greedy.run_episodes(first_wrong_bit, state, goal, 3)
    assert state.sum() == 0
    assert goal.sum() == 6


def test_streams_differ_and_repeat() -> None:
    config = RunConfig(n=12).resolved()
    seeds = [derived_seed(3, Stream.EVALUATION, number) for number in range(50)]
    assert len(set(seeds)) == 50
    assert seeds == [derived_seed(3, Stream.EVALUATION, number) for number in range(50)]
    one, _ = greedy.starts(config, 20, seeds[0])
    same, _ = greedy.starts(config, 20, seeds[0])
    other, _ = greedy.starts(config, 20, seeds[1])
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_the_target_is_the_runs_own_and_never_a_start() -> None:
    config = RunConfig(n=2, seed=4).resolved()
    _, goal = greedy.starts(config, 50, seed=0)
    state, same = greedy.starts(config, 50, seed=1)
    assert (goal == same[0]).all()
    assert (state != same).any(axis=1).all()


def test_random_goals_are_fresh_ones() -> None:
    config = RunConfig(n=20, goal_mode="random").resolved()
    _, goal = greedy.starts(config, 50, seed=0)
    assert len({row.tobytes() for row in goal}) == 50
