"""What the environment that writes does, one or many copies, by its documentation's letter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitseq_env import (
    BitSequenceAppendEnv,
    BitSequenceAppendVectorEnv,
    BitSequenceEnv,
    BitSequenceVectorEnv,
)
from tests.bitseq_env.common import append_arguments

LOWEST = {"zero_one": 0.0, "minus_one_zero": -1.0, "hamming": -1.0}


@given(append_arguments(), st.lists(st.integers(0, 99), min_size=1, max_size=20))
@settings(max_examples=100)
def test_every_step_follows_the_rules(kwargs: Any, actions: list[int]) -> None:
    env = BitSequenceAppendEnv(**kwargs)
    counted = env.n - env.free_bits
    observation, info = env.reset(seed=0)
    goal, text = observation["desired_goal"].tolist(), ""
    for action in (each % 2**env.word_size for each in actions):
        if not text:
            assert observation["observation"].tolist() == [2] * env.n
            assert info == {"is_success": False, "hamming_distance": counted}
        text += f"{action:0{env.word_size}b}"
        observation, reward, terminated, truncated, info = env.step(action)
        written = [int(bit) for bit in text]
        state, target = observation["achieved_goal"], observation["desired_goal"]
        assert observation in env.observation_space
        assert state.tolist() == written + [2] * (env.n - len(text))
        assert observation["observation"].tolist() == state.tolist()
        assert goal == target.tolist() == env.target.tolist()
        whole, wrong = len(text) == env.n, int((state != target)[:counted].sum())
        assert info == {"is_success": whole and wrong == 0, "hamming_distance": wrong}
        assert (type(info["is_success"]), type(info["hamming_distance"])) == (bool, int)
        assert (terminated, truncated) == (whole, False)
        at_the_end = {
            "zero_one": float(wrong == 0),
            "minus_one_zero": -float(wrong > 0),
            "hamming": -wrong / counted,
        }
        assert type(reward) is float
        assert reward == (at_the_end if whole else LOWEST)[env.reward_type]
        recomputed = env.compute_reward(state, target, info)
        assert (type(recomputed), recomputed) == (float, reward)
        assert env.compute_terminated(state, target, info) is terminated
        assert env.compute_truncated(state, target, info) is False
        if terminated:
            observation, info = env.reset()
            goal, text = observation["desired_goal"].tolist(), ""


def test_the_most_significant_bit_comes_first() -> None:
    env = BitSequenceAppendEnv(n=6, word_size=3, target="011110")
    env.reset()
    assert env.step(0b011)[0]["observation"].tolist() == [0, 1, 1, 2, 2, 2]
    assert env.step(0b110)[1:3] == (1.0, True)


@pytest.mark.parametrize("reward_type", LOWEST)
@pytest.mark.parametrize("dtype", [np.int8, np.float32])
def test_goals_in_batches(dtype: Any, reward_type: str) -> None:
    env = BitSequenceAppendEnv(n=3, free_bits=1, reward_type=reward_type)
    low = LOWEST[reward_type]
    half = {"zero_one": 0.0, "minus_one_zero": -1.0, "hamming": -0.5}[reward_type]
    right = float(reward_type == "zero_one")
    pairs: list[tuple[list[int], list[int], float, bool]] = [
        ([1, 0, 1], [1, 0, 1], right, True),
        ([1, 0, 1], [1, 0, 0], right, True),  # the last bit is free
        ([1, 0, 1], [1, 1, 1], half, True),
        ([1, 0, 2], [1, 0, 2], low, False),  # equal, and still no string
        ([1, 0, 2], [1, 0, 0], low, False),
        ([1, 0, 0], [1, 0, 2], low, False),
        ([2, 2, 2], [2, 2, 2], low, False),
    ]
    for count in (len(pairs), 0):
        achieved, desired = (
            np.array([pair[side] for pair in pairs[:count]], dtype=dtype).reshape(count, 3)
            for side in (0, 1)
        )
        for compute, kind, expected in (
            (env.compute_reward, np.float64, [pair[2] for pair in pairs]),
            (env.compute_terminated, np.bool_, [pair[3] for pair in pairs]),
            (env.compute_truncated, np.bool_, [False] * len(pairs)),
        ):
            result = compute(achieved, desired, [{}] * count)
            assert isinstance(result, np.ndarray)
            assert (result.dtype, result.tolist()) == (kind, expected[:count])
    assert env.compute_terminated(achieved, np.ones(3)).shape == (0,)
    assert env.compute_terminated(np.ones((4, 3)), np.ones(3)).tolist() == [True] * 4


@pytest.mark.parametrize("free_bits", [0, 1, 3])
def test_as_many_strings_are_right_as_free_bits_allow(free_bits: int) -> None:
    env = BitSequenceAppendVectorEnv(16, n=4, word_size=4, free_bits=free_bits, target="1010")
    env.reset(seed=0)
    _, rewards, terminated, _, info = env.step(np.arange(16))
    right = np.arange(16) >> free_bits == 0b1010 >> free_bits
    assert right.sum() == 2**free_bits
    assert rewards.tolist() == right.tolist() == info["is_success"].tolist()
    assert (info["hamming_distance"] == 0).tolist() == right.tolist()
    assert terminated.all()


def test_bits_that_are_left_may_all_be_free() -> None:
    env = BitSequenceAppendEnv(n=3, free_bits=2, target="100")
    env.reset()
    _, reward, terminated, _, info = env.step(1)
    assert (reward, terminated, info) == (0.0, False, {"is_success": False, "hamming_distance": 0})
    env.step(1)
    assert env.step(1)[1:3] == (1.0, True)


def test_a_state_is_what_was_written_before() -> None:
    env = BitSequenceAppendEnv(n=4, word_size=2, target="0110")
    observation, info = env.reset(options={"state": "0122", "target": "0111"})
    assert observation["observation"].tolist() == [0, 1, 2, 2]
    assert info["hamming_distance"] == 2
    assert env.step(0b11)[1:3] == (1.0, True)
    seen = env.reset()[0]["observation"]
    assert seen.tolist() == [2, 2, 2, 2]
    assert env.reset(options={"state": seen})[1]["hamming_distance"] == 4
    assert env.reset(options={"state": [1, 1, 2.0, 2]})[1]["hamming_distance"] == 3
    assert env.step(0b10)[1:3] == (0.0, True)  # nothing that is written changes


def test_states_for_each_copy() -> None:
    envs = BitSequenceAppendVectorEnv(2, n=3, target="011", autoreset_mode="Disabled")
    _, info = envs.reset(options={"state": [[0, 1, 2], [1, 2, 2]]})
    assert info["hamming_distance"].tolist() == [1, 3]
    observation, rewards, terminated, *_ = envs.step(np.array([1, 1]))
    assert observation["observation"].tolist() == [[0, 1, 1], [1, 1, 2]]
    assert (rewards.tolist(), terminated.tolist()) == ([1.0, 0.0], [True, False])
    envs.reset(options={"reset_mask": terminated, "state": [[0, 2, 2], [0, 0, 2]]})
    observation, _, terminated, *_ = envs.step(np.array([0, 0]))
    assert observation["observation"].tolist() == [[0, 0, 2], [1, 1, 0]]
    assert terminated.tolist() == [False, True]


@pytest.mark.parametrize("kwargs", [{"target_seed": 7}, {}])
@pytest.mark.parametrize("goal_mode", ["fixed", "random"])
def test_s_is_that_of_the_environment_that_flips(kwargs: Any, goal_mode: str) -> None:
    options: dict[str, Any] = {"n": 20, "goal_mode": goal_mode, **kwargs}
    pairs: list[tuple[Any, Any]] = [
        (BitSequenceAppendEnv(**options), BitSequenceEnv(**options)),
        (BitSequenceAppendVectorEnv(3, **options), BitSequenceVectorEnv(3, **options)),
    ]
    for writes, flips in pairs:
        for _ in range(2 if kwargs else 1):  # the starts of the other are drawn from what is left
            goals = [each.reset(seed=5)[0]["desired_goal"].tolist() for each in (writes, flips)]
            assert goals[0] == goals[1]


def test_goals_are_uniform_over_all_strings() -> None:
    envs = BitSequenceAppendVectorEnv(4000, n=2, goal_mode="random")
    goals = envs.reset(seed=0)[0]["desired_goal"] @ [2, 1]
    assert np.abs(np.bincount(goals, minlength=4) - 1000).max() < 5 * np.sqrt(4000 * 3 / 16)


@pytest.mark.parametrize(
    ("num_envs", "n", "word_size"), [(None, 9_999, 3), (8, 9_999, 3), (65_536, 10, 1)]
)
def test_large_ones(num_envs: Any, n: int, word_size: int) -> None:
    kwargs: dict[str, Any] = {"n": n, "word_size": word_size, "target_seed": 0}
    single = num_envs is None
    env: Any = (
        BitSequenceAppendEnv(**kwargs) if single else BitSequenceAppendVectorEnv(num_envs, **kwargs)
    )
    observation, _ = env.reset(seed=0)
    words = observation["desired_goal"].reshape(-1, n // word_size, word_size)
    for word in np.moveaxis(words @ (2 ** np.arange(word_size)[::-1]), 1, 0):
        _, reward, terminated, truncated, info = env.step(word[0] if single else word)
    assert np.all(reward == 1.0)
    assert np.all(terminated & info["is_success"] & ~np.asarray(truncated))
    assert env.max_steps == n // word_size
