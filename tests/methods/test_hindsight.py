"""The replay buffers: what is relabelled, what ends, and that sampling is uniform."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch as th
from stable_baselines3 import HerReplayBuffer

from bitseq_env.sb3 import BitSequenceVecEnv
from experiments.config.run import RunConfig
from experiments.methods.dqn.replay import PlainReplayBuffer
from experiments.methods.her.replay import HindsightReplayBuffer
from experiments.methods.sb3 import training_env

N = 4


def vec_env(n_envs: int = 2, **settings: Any) -> BitSequenceVecEnv:
    env = training_env(RunConfig.of(n=N, n_envs=n_envs, **settings))
    assert isinstance(env, BitSequenceVecEnv)
    return env


def filled(buffer: Any, env: BitSequenceVecEnv, steps: int, seed: int = 0) -> Any:
    """The buffer after uniform random steps, fed as SB3's collect_rollouts feeds it."""
    rng = np.random.default_rng(seed)
    env.seed(seed)
    observation: Any = env.reset()
    for _ in range(steps):
        actions = rng.integers(N, size=env.num_envs)
        following, rewards, dones, infos = env.step(actions)
        after = {key: value.copy() for key, value in following.items()}  # type: ignore[union-attr]
        for copy in np.flatnonzero(dones):
            for key, value in infos[copy]["terminal_observation"].items():
                after[key][copy] = value
        buffer.add(observation, after, actions, rewards, dones, infos)
        observation = following
    return buffer


def hindsight(
    env: BitSequenceVecEnv, capacity: int = 400, stock: bool = False, **kwargs: Any
) -> Any:
    kind = HerReplayBuffer if stock else HindsightReplayBuffer
    own: dict[str, Any] = {} if stock else {"seed": 0}
    return kind(
        capacity,
        env.observation_space,  # type: ignore[arg-type]
        env.action_space,
        env=env,
        device="cpu",
        n_envs=env.num_envs,
        **own,
        **kwargs,
    )


def reached(sample: Any) -> npt.NDArray[np.bool_]:
    after = sample.next_observations
    equal: th.Tensor = (after["achieved_goal"] == after["desired_goal"]).all(1)
    return equal.numpy()


@pytest.mark.parametrize("goal_mode", ["fixed", "random"])
@pytest.mark.parametrize("strategy", ["final", "future", "episode"])
def test_virtual_samples_end_exactly_where_the_relabelled_goal_is_reached(
    goal_mode: str, strategy: str
) -> None:
    env = vec_env(goal_mode=goal_mode)
    buffer = hindsight(env, relabel_share=1.0, goal_selection_strategy=strategy)
    sample = filled(buffer, env, 150).sample(4_000)
    done = sample.dones.numpy().ravel().astype(bool)
    np.testing.assert_array_equal(done, reached(sample))
    np.testing.assert_array_equal(sample.rewards.numpy().ravel(), done.astype(np.float32))
    assert 0 < done.mean() < 1


def test_stock_flags_are_selectable_and_wrong() -> None:
    """SB3 issue #627: the stored flag stays, whatever the relabelled goal."""
    env = vec_env()
    ours = filled(hindsight(env, relabel_share=1.0, relabel_done=False), env, 150).sample(4_000)
    arrivals = reached(ours)
    assert ours.rewards.numpy().ravel()[arrivals].min() == 1
    assert ours.dones.numpy().ravel()[arrivals].mean() < 0.5


def test_timeouts_bootstrap_and_arrivals_do_not() -> None:
    env = vec_env()
    buffer = filled(hindsight(env, relabel_share=0.0), env, 150)
    ended = np.count_nonzero(buffer.episodes.place[:150] == N - 1)
    assert ended > buffer.facts[:, 2].sum() > 0  # some are cut off, and some arrive
    sample = buffer.sample(4_000)
    np.testing.assert_array_equal(sample.dones.numpy().ravel().astype(bool), reached(sample))


def test_continuing_task_never_ends_a_virtual_sample() -> None:
    env = vec_env(continuing_task=True)
    sample = filled(hindsight(env, relabel_share=1.0), env, 150).sample(1_000)
    assert sample.dones.sum() == 0
    assert sample.rewards.sum() > 0


@pytest.mark.parametrize("share", [0.0, 0.5, 0.8, 1.0])
def test_share_of_relabelled_goals(share: float) -> None:
    env = vec_env()
    buffer = filled(hindsight(env, relabel_share=share), env, 150)
    target = buffer.bits[0, 2 * N :]
    sample = buffer.sample(1_000)
    real = (sample.observations["desired_goal"] == target).all(1).numpy()
    assert real[round(share * 1_000) :].all()
    # A relabelled goal is the target only where an episode happened to pass it.
    if share:
        assert real[: round(share * 1_000)].mean() < 0.6


def test_reward_shift_moves_every_reward() -> None:
    env = vec_env()
    plain = filled(hindsight(env), env, 150).sample(500)
    shifted = filled(hindsight(env, reward_shift=-1.0), env, 150).sample(500)
    np.testing.assert_array_equal(shifted.rewards, plain.rewards - 1)
    np.testing.assert_array_equal(shifted.dones, plain.dones)


def rows(sample: Any) -> Counter[bytes]:
    """How often each transition occurs, state, action, next state, goal, reward together."""
    table = np.concatenate(
        [
            sample.observations["achieved_goal"].numpy().astype(np.int8),
            sample.actions.numpy().astype(np.int8),
            sample.next_observations["achieved_goal"].numpy().astype(np.int8),
            sample.next_observations["desired_goal"].numpy().astype(np.int8),
            sample.rewards.numpy().astype(np.int8),
        ],
        axis=1,
    )
    return Counter(row.tobytes() for row in table)


@pytest.mark.parametrize("strategy", ["final", "future", "episode"])
@pytest.mark.parametrize("capacity", [60, 400])
def test_same_distribution_as_stock_sampling(strategy: str, capacity: int) -> None:
    """A wrapped buffer with unfinished and overwritten episodes, and one that is not full."""
    env, draws = vec_env(), 60_000
    settings: dict[str, Any] = {"goal_selection_strategy": strategy}
    ours = filled(hindsight(env, capacity, **settings), env, 53).sample(draws)
    np.random.seed(0)  # noqa: NPY002  (SB3 draws from the global stream)
    theirs = filled(hindsight(env, capacity, stock=True, **settings), env, 53).sample(draws)
    mine, stock = rows(ours), rows(theirs)
    assert set(mine) <= set(stock) | {row for row, count in mine.items() if count < 20}
    difference = sum(abs(mine[row] - stock[row]) for row in set(mine) | set(stock))
    # Two samples of one distribution over k rows differ by about 2 * sqrt(k * draws / pi).
    expected = 2 * np.sqrt(len(set(mine) | set(stock)) * draws / np.pi)
    assert difference < 1.3 * expected


def test_only_whole_finished_episodes_are_sampled() -> None:
    """Hand-made: capacity 8 with one copy, episodes of 3; the buffer wraps inside an episode."""
    env = vec_env(n_envs=1)
    buffer = hindsight(env, capacity=8, relabel_share=0.0)
    state = np.zeros((1, N), dtype=np.int8)
    for step in range(10):
        # The action is the step's number modulo n; every third step is cut off by its horizon.
        observation = dict.fromkeys(("observation", "achieved_goal", "desired_goal"), state)
        ends = np.array([step % 3 == 2])
        buffer.add(
            observation,
            observation,
            np.array([step % N]),
            np.array([float(step)]),
            ends,
            [{"TimeLimit.truncated": bool(ends[0])}],
        )
    # Steps 8 and 9 overwrote 0 and 1, so episode 0 (steps 0-2) is gone with step 2; episodes
    # 1 (3-5) and 2 (6-8) are whole; step 9 is unfinished.
    sampled = set(buffer.sample(2_000).rewards.numpy().ravel().astype(int))
    assert sampled == {3, 4, 5, 6, 7, 8}


def test_nothing_to_sample_is_a_clear_error() -> None:
    env = vec_env()
    with pytest.raises(RuntimeError, match="learning_starts"):
        hindsight(env).sample(4)
    with pytest.raises(RuntimeError, match="learning_starts"):
        filled(hindsight(env), env, 2).sample(4)


def test_an_episode_longer_than_the_buffer_is_refused() -> None:
    env = vec_env(n_envs=1, continuing_task=True, max_steps=12)
    with pytest.raises(ValueError, match="over 8 steps"):
        filled(hindsight(env, capacity=8), env, 12)


def test_unknown_settings_are_refused() -> None:
    env = vec_env()
    with pytest.raises(TypeError, match="n_sampled_goal"):
        hindsight(env, n_sampled_goal=4)
    with pytest.raises(ValueError, match="optimize_memory_usage must be False"):
        hindsight(env, optimize_memory_usage=True)


def test_rewards_are_not_to_be_normalised() -> None:
    env = vec_env()
    with pytest.raises(ValueError, match="VecNormalize"):
        filled(hindsight(env), env, 50).sample(4, env=object())


def test_reset_forgets_everything() -> None:
    env = vec_env()
    buffer = filled(hindsight(env), env, 50)
    buffer.reset()
    assert buffer.size() == 0
    with pytest.raises(RuntimeError, match="learning_starts"):
        buffer.sample(4)
    assert len(filled(buffer, env, 50, seed=1).sample(10).rewards) == 10


def test_episodes_under_way_may_be_cut_off() -> None:
    env = vec_env(n_envs=1)
    buffer = filled(hindsight(env, relabel_share=0.0), env, N - 2)
    with pytest.warns(UserWarning, match="1 copies"):
        buffer.truncate_last_trajectory()
    assert buffer.sample(10).dones.sum() == 0
    buffer.truncate_last_trajectory()  # nothing is under way


@pytest.mark.parametrize("reward_type", ["zero_one", "minus_one_zero", "hamming"])
def test_relabelled_rewards_are_the_environments(reward_type: str) -> None:
    env = vec_env(reward_type=reward_type)
    sample = filled(hindsight(env, relabel_share=1.0), env, 150).sample(1_000)
    after = sample.next_observations
    expected = env.env.compute_reward(  # type: ignore[attr-defined]
        after["achieved_goal"].numpy(), after["desired_goal"].numpy(), []
    )
    np.testing.assert_allclose(sample.rewards.numpy().ravel(), expected, rtol=1e-6)


def test_plain_buffer_returns_what_was_stored() -> None:
    env = vec_env()
    buffer = PlainReplayBuffer(
        400,
        env.observation_space,
        env.action_space,
        device="cpu",
        n_envs=2,
        reward_shift=-1.0,
        seed=0,
    )
    sample = filled(buffer, env, 100).sample(1_000)
    np.testing.assert_array_equal(sample.rewards.numpy().ravel() + 1, reached(sample))
    np.testing.assert_array_equal(sample.dones.numpy().ravel(), reached(sample))
    flipped = (sample.observations["observation"] != sample.next_observations["observation"]).sum(1)
    assert (flipped == 1).all()
