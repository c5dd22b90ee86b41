"""SB3's view of the batched environment, beside SB3's own DummyVecEnv with Monitor."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.monitor import Monitor

import bitseq_env  # noqa: F401  (registers the environment)
from bitseq_env.sb3 import BitSequenceVecEnv

N, COPIES = 5, 6
ENV_ID = "BitSequence-v0"


def ours(**settings: Any) -> BitSequenceVecEnv:
    return BitSequenceVecEnv(
        gym.make_vec(ENV_ID, num_envs=COPIES, n=N, autoreset_mode="SameStep", **settings)
    )


@pytest.mark.parametrize("continuing_task", [False, True])
def test_same_as_sb3s_own(continuing_task: bool) -> None:
    """From zeros to one target there is nothing to draw, so both must agree to the bit."""
    settings = {"target": "01101", "start": "zeros", "continuing_task": continuing_task}
    batched = ours(**settings)
    single = make_vec_env(ENV_ID, n_envs=COPIES, env_kwargs={"n": N, **settings})
    one: Any = batched.reset()
    two: Any = single.reset()
    rng = np.random.default_rng(0)
    ends = 0
    for _ in range(120):
        for key in one:
            np.testing.assert_array_equal(one[key], two[key])
        actions = rng.integers(N, size=COPIES)
        one, rewards, dones, infos = batched.step(actions)
        two, expected_rewards, expected_dones, expected_infos = single.step(actions)
        np.testing.assert_array_equal(rewards, expected_rewards)
        assert rewards.dtype == expected_rewards.dtype
        np.testing.assert_array_equal(dones, expected_dones)
        for copy in np.flatnonzero(dones):
            ends += 1
            info, expected = infos[copy], expected_infos[copy]
            assert info["is_success"] == expected["is_success"]
            assert info["TimeLimit.truncated"] == expected["TimeLimit.truncated"]
            assert info["episode"]["r"] == expected["episode"]["r"]
            assert info["episode"]["l"] == expected["episode"]["l"]
            for key, value in expected["terminal_observation"].items():
                np.testing.assert_array_equal(info["terminal_observation"][key], value)
        assert not any(infos[copy] for copy in np.flatnonzero(~dones))
    assert ends > 50


def test_observations_are_fresh_each_step() -> None:
    env = ours(target_seed=0)
    env.seed(0)
    first: Any = env.reset()
    kept = {key: value.copy() for key, value in first.items()}
    for _ in range(20):
        env.step(np.zeros(COPIES, dtype=np.int64))
    for key, value in kept.items():
        np.testing.assert_array_equal(first[key], value)


def test_seed_settles_the_starts() -> None:
    env = ours(target_seed=0)
    env.seed(3)
    one: Any = env.reset()
    env.seed(3)
    two: Any = env.reset()
    np.testing.assert_array_equal(one["observation"], two["observation"])
    three: Any = env.reset()
    assert (three["observation"] != two["observation"]).any()


def test_methods_and_wrappers() -> None:
    env = ours(target="01101", render_mode="rgb_array")
    env.reset()
    goals = np.array([[0, 1, 1, 0, 1], [1, 1, 1, 1, 1]], dtype=np.int8)
    target = np.tile(goals[:1], (2, 1))
    rewards = env.env_method("compute_reward", goals, target, [], indices=[0])[0]
    assert rewards.tolist() == [1, 0]
    assert env.env_is_wrapped(Monitor) == [True] * COPIES
    assert env.get_attr("n", indices=[0, 1]) == [N, N]
    assert len(env.get_images()) == COPIES
    with pytest.raises(NotImplementedError, match="n"):
        env.set_attr("n", 3)
    env.close()


def test_other_autoreset_modes_are_refused() -> None:
    with pytest.raises(ValueError, match="SameStep"):
        BitSequenceVecEnv(gym.make_vec(ENV_ID, num_envs=2, n=3))
