"""SB3's view of the batched environment, beside SB3's own DummyVecEnv with Monitor."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3 import DQN, HerReplayBuffer
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.monitor import Monitor

from bitseq_env.sb3 import BitSequenceVecEnv, make_sb3_vec_env
from tests.bitseq_env.common import APPEND, FLIP

N, COPIES = 5, 6


def ours(env_id: str = FLIP, **settings: Any) -> BitSequenceVecEnv:
    return make_sb3_vec_env(COPIES, env_id=env_id, n=N, **settings)


@pytest.mark.parametrize(
    ("env_id", "own"),
    [
        (FLIP, {"start": "zeros", "continuing_task": False}),
        (FLIP, {"start": "zeros", "continuing_task": True}),
        (APPEND, {"free_bits": 2}),
    ],
)
def test_same_as_sb3s_own(env_id: str, own: dict[str, Any]) -> None:
    """From one start to one target there is nothing to draw, so both must agree to the bit."""
    settings = {"target": "01101", **own}
    batched = ours(env_id, **settings)
    single = make_vec_env(env_id, n_envs=COPIES, env_kwargs={"n": N, **settings})
    one: Any = batched.reset()
    two: Any = single.reset()
    rng = np.random.default_rng(0)
    ends = 0
    for _ in range(120):
        for key in one:
            np.testing.assert_array_equal(one[key], two[key])
        actions = rng.integers(batched.action_space.n, size=COPIES)  # type: ignore[attr-defined]
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
        BitSequenceVecEnv(gym.make_vec(FLIP, num_envs=2, n=3))


@pytest.mark.parametrize("free_bits", [0, 2])
@pytest.mark.parametrize("native", [True, False])
def test_sb3s_hindsight_learns_from_what_was_written(native: bool, free_bits: int) -> None:
    settings: dict[str, Any] = {"n": 12, "word_size": 3, "target_seed": 0, "free_bits": free_bits}
    env: Any = (
        make_sb3_vec_env(4, env_id=APPEND, **settings)
        if native
        else make_vec_env(APPEND, n_envs=4, env_kwargs=settings)
    )
    model = DQN(
        "MultiInputPolicy",
        env,
        replay_buffer_class=HerReplayBuffer,
        replay_buffer_kwargs={"n_sampled_goal": 4, "goal_selection_strategy": "final"},
        learning_starts=100,
        buffer_size=1_000,
        policy_kwargs={"net_arch": [8]},
        seed=0,
    )
    model.learn(400)
    assert model.replay_buffer is not None
    batch: Any = model.replay_buffer.sample(1_000)
    achieved, desired = (
        batch.next_observations[key].numpy() for key in ("achieved_goal", "desired_goal")
    )
    whole = (achieved != 2).all(axis=1)
    assert (desired != 2).all()
    right = whole & (achieved == desired)[:, : 12 - free_bits].all(axis=1)
    # An episode has four steps, four of five transitions have the goal that theirs ended with.
    assert 0.1 < right.mean() < 0.3
    np.testing.assert_array_equal(batch.rewards[:, 0].numpy(), right)
    np.testing.assert_array_equal(batch.dones[:, 0].numpy(), whole)


def test_sb3s_networks_have_room_for_long_strings() -> None:
    """Three values for each of 3 x 50 bits: more than an int8 counts."""
    model = DQN("MultiInputPolicy", make_sb3_vec_env(2, env_id="BitSequenceAppend-v0", n=50))
    assert model.policy.q_net.features_extractor.features_dim == 3 * 3 * 50
