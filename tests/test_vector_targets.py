"""Which targets, and which first states, in the vector environment."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium.error import ResetNeeded

from bitseq_env import BitSequenceEnv, BitSequenceVectorEnv


@pytest.mark.parametrize("start", ["random", "zeros"])
@pytest.mark.parametrize("kwargs", [{"target_seed": 3}, {}])
def test_s_is_that_of_a_single_environment(start: str, kwargs: dict[str, Any]) -> None:
    env = BitSequenceVectorEnv(4, n=20, start=start, **kwargs)
    single = BitSequenceEnv(n=20, start=start, **kwargs)
    single.reset(seed=5)
    for seed in (5, [5, 6, 7, 8]):
        observation, _ = env.reset(seed=seed)
        np.testing.assert_array_equal(observation["desired_goal"], [single.target] * 4)
    env.reset()
    np.testing.assert_array_equal(env.target, [single.target] * 4)


def test_a_target_that_is_not_drawn_yet_needs_a_reset() -> None:
    assert BitSequenceVectorEnv(2, n=3, target="011").target.tolist() == [[0, 1, 1]] * 2
    for kwargs in ({}, {"goal_mode": "random", "target_seed": 0}):
        with pytest.raises(ResetNeeded):
            _ = BitSequenceVectorEnv(2, n=3, **kwargs).target  # type: ignore[arg-type]


def observed(env: BitSequenceVectorEnv, seed: Any) -> tuple[list[Any], list[Any]]:
    observation, _ = env.reset(seed=seed)
    return observation["observation"].tolist(), observation["desired_goal"].tolist()


def test_a_list_of_seeds() -> None:
    env = BitSequenceVectorEnv(3, n=40)
    starts, goals = observed(env, [1, 2, 3])
    assert observed(env, (1, 2, 3)) == observed(env, np.array([1, 2, 3])) == (starts, goals)
    other_starts, same_goals = observed(env, [1, 2, 4])
    assert same_goals == goals
    assert other_starts != starts
    assert observed(env, [2, 2, 3])[1] != goals
    kept = env.target.tolist()
    assert observed(env, [None, None, None])[1] == kept
    some, still_kept = observed(env, [None, 2, 3])
    assert still_kept == kept
    assert observed(env, [None, 2, 3])[0] != some


def test_goals_of_all_copies_come_from_one_stream() -> None:
    env = BitSequenceVectorEnv(4, n=30, goal_mode="random", target_seed=7)
    single = BitSequenceEnv(n=30, goal_mode="random", target_seed=7)
    stream = [single.reset(seed=each)[0]["desired_goal"].tolist() for each in (0, *[None] * 7)]
    _, first = observed(env, 0)
    _, second = observed(env, None)
    assert first + second == stream
    assert observed(env, 1)[1] == first
    assert len({tuple(goal) for goal in first}) == 4


@pytest.mark.parametrize("start", ["random", "zeros"])
@pytest.mark.parametrize("goal_mode", ["fixed", "random"])
@pytest.mark.parametrize("n", [1, 2])
def test_no_start_is_its_target(n: int, start: str, goal_mode: str) -> None:
    env = BitSequenceVectorEnv(200, n=n, start=start, goal_mode=goal_mode)
    for seed in (0, None):
        observation, info = env.reset(seed=seed)
        assert (info["hamming_distance"] > 0).all()
        if start == "zeros":
            assert not observation["observation"].any()
        elif goal_mode == "random":
            assert set(map(tuple, observation["desired_goal"].tolist())) == (
                {(0,), (1,)} if n == 1 else {(0, 0), (0, 1), (1, 0), (1, 1)}
            )


def test_states_and_targets_for_each_copy() -> None:
    env = BitSequenceVectorEnv(2, n=2, target="11")
    observation, info = env.reset(options={"state": [[0, 0], [1, 0]]})
    assert observation["observation"].tolist() == [[0, 0], [1, 0]]
    assert info["hamming_distance"].tolist() == [2, 1]
    observation, _ = env.reset(options={"state": "00", "target": [[0, 1], [1, 1]]})
    assert observation["desired_goal"].tolist() == [[0, 1], [1, 1]]
    assert observation["observation"].tolist() == [[0, 0], [0, 0]]
    mask = np.array([False, True])
    state = np.array([[1, 1], [0, 1]])  # what stands beside the mask has no say
    observation, info = env.reset(options={"reset_mask": mask, "state": state})
    assert observation["observation"].tolist() == [[0, 0], [0, 1]]
    assert observation["desired_goal"].tolist() == [[0, 1], [1, 1]]
    assert info["hamming_distance"].tolist() == [0, 1]
    assert info["_hamming_distance"].tolist() == [False, True]
    target = np.array([[1, 1], [1, 0]])
    observation, _ = env.reset(options={"reset_mask": mask, "target": target, "state": "00"})
    assert observation["desired_goal"].tolist() == [[0, 1], [1, 0]]


def test_the_others_keep_their_targets_where_a_masked_reset_has_a_seed() -> None:
    env = BitSequenceVectorEnv(2, n=30, max_steps=1)
    _, before = observed(env, 0)
    observation, _ = env.reset(seed=1, options={"reset_mask": np.array([False, True])})
    after = observation["desired_goal"].tolist()
    assert after[0] == before[0]
    assert after[1] != before[1]
    env.step(np.array([0, 0]))
    assert env.step(np.array([0, 0]))[0]["desired_goal"].tolist() == [after[1]] * 2
