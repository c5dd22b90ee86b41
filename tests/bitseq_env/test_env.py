"""One environment: what it does, by the letter of its documentation."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import data_equivalence
from hypothesis import given, settings
from hypothesis import strategies as st

from bitseq_env import BitSequenceEnv, rules

options = st.fixed_dictionaries(
    {
        "n": st.integers(1, 9),
        "goal_mode": st.sampled_from(["fixed", "random"]),
        "start": st.sampled_from(["random", "zeros"]),
        "reward_type": st.sampled_from(rules.REWARD_TYPES),
        "continuing_task": st.booleans(),
        "max_steps": st.none() | st.integers(1, 12),
        "target_seed": st.none() | st.integers(0, 3),
    }
)


def play(env: BitSequenceEnv, actions: list[int], seed: int | None = None) -> Iterator[Any]:
    """What the environment returns, episode after episode; actions are taken modulo n."""
    yield env.reset(seed=seed)
    for action in actions:
        returned = env.step(action % env.n)
        yield returned
        if returned[2] or returned[3]:
            yield env.reset()


@given(options, st.lists(st.integers(0, 99), max_size=30), st.integers(0, 5))
@settings(max_examples=150)
def test_every_step_follows_the_rules(kwargs: Any, actions: list[int], seed: int) -> None:
    env = BitSequenceEnv(**kwargs)
    horizon = kwargs["max_steps"] or env.n
    observation, info = env.reset(seed=seed)
    begins, elapsed, success = True, 0, False
    for action in (each % env.n for each in actions):
        if begins:
            elapsed, success = 0, False
            assert info["is_success"] is False
            assert info["hamming_distance"] > 0
            if env.start == "zeros":
                assert not observation["observation"].any()
        before = observation
        observation, reward, terminated, truncated, info = env.step(action)
        elapsed += 1
        assert observation in env.observation_space
        state, goal = observation["achieved_goal"], observation["desired_goal"]
        np.testing.assert_array_equal(state, rules.flip(before["observation"], action))
        np.testing.assert_array_equal(state, observation["observation"])
        np.testing.assert_array_equal(goal, before["desired_goal"])
        np.testing.assert_array_equal(goal, env.target)
        distance = rules.hamming(state, goal)
        success = success or distance == 0
        assert info == {"is_success": success, "hamming_distance": distance}
        assert (type(info["is_success"]), type(info["hamming_distance"])) == (bool, int)
        assert terminated is (distance == 0 and not env.continuing_task)
        assert truncated is (elapsed == horizon and not terminated)
        assert type(reward) is float
        assert reward == rules.reward_at(distance, env.n, env.reward_type)
        assert reward == env.compute_reward(state, goal, info)
        assert terminated is env.compute_terminated(state, goal, info)
        assert env.compute_truncated(state, goal, info) is False
        begins = terminated or truncated
        if begins:
            observation, info = env.reset()


@given(options, st.lists(st.integers(0, 99), max_size=20), st.integers(0, 2**40))
def test_a_seed_settles_everything(kwargs: Any, actions: list[int], seed: int) -> None:
    env, other = BitSequenceEnv(**kwargs), BitSequenceEnv(**kwargs)
    first = list(play(env, actions, seed))
    assert data_equivalence(first, list(play(other, actions, seed)), exact=True)
    assert data_equivalence(first, list(play(env, actions, seed)), exact=True)


@given(options, st.lists(st.integers(0, 99), max_size=20), st.lists(st.integers(0, 99)))
def test_copies_continue_identically(kwargs: Any, before: list[int], after: list[int]) -> None:
    env = BitSequenceEnv(**kwargs)
    for _ in play(env, before, seed=0):
        pass
    copies = [copy.deepcopy(env), pickle.loads(pickle.dumps(env))]
    if env._playing:  # in the middle of an episode
        steps = [each.step(env.n - 1) for each in (env, *copies)]
        assert all(data_equivalence(steps[0], step, exact=True) for step in steps[1:])
    rest = list(play(env, after))
    for each in copies:
        assert data_equivalence(rest, list(play(each, after)), exact=True)


def test_a_fresh_environment_can_be_copied_too() -> None:
    env = BitSequenceEnv(n=4, target_seed=1)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(env)).target, env.target)


def arrays_of(*returned: Any) -> list[Any]:
    return [value for each in returned for value in each[0].values()]


@pytest.mark.parametrize("goal_mode", ["fixed", "random"])
def test_observations_are_never_aliased(goal_mode: str) -> None:
    env = BitSequenceEnv(n=4, goal_mode=goal_mode, max_steps=3)
    arrays = arrays_of(env.reset(seed=0), env.step(0), env.step(1), env.reset(), env.step(1))
    arrays += [env.target, env.target]
    for index, array in enumerate(arrays):
        assert not any(np.shares_memory(array, other) for other in arrays[index + 1 :])
    state = arrays[-4].copy()
    for array in arrays:
        array[:] = 7
    assert set(np.concatenate(arrays_of(env.step(1)))) <= {0, 1}
    assert rules.hamming(state, env._state) == 1


def test_what_a_user_passes_is_not_aliased() -> None:
    target, state = np.array([0, 1, 1]), np.array([1, 1, 1], dtype=np.int8)
    env = BitSequenceEnv(n=3, target=target)
    env.reset(options={"state": state})
    env.step(2)
    assert state.tolist() == [1, 1, 1]
    target[:] = 0
    assert env.target.tolist() == [0, 1, 1]


def test_success_is_sticky_where_the_task_continues() -> None:
    env = BitSequenceEnv(n=3, target="011", continuing_task=True, max_steps=3)
    env.reset(options={"state": "010"})
    told = [env.step(2)[1:] for _ in range(3)]
    assert [reward for reward, *_ in told] == [1.0, 0.0, 1.0]
    assert [terminated for _, terminated, *_ in told] == [False] * 3
    assert [truncated for *_, truncated, _ in told] == [False, False, True]
    assert [info["is_success"] for *_, info in told] == [True] * 3
    assert [info["hamming_distance"] for *_, info in told] == [0, 1, 0]
    _, info = env.reset()
    assert info["is_success"] is False


def test_arriving_by_the_last_step_is_terminated_and_not_truncated() -> None:
    env = BitSequenceEnv(n=2, target="11", max_steps=2)
    env.reset(options={"state": "00"})
    assert env.step(0)[2:4] == (False, False)
    assert env.step(1)[1:4] == (1.0, True, False)


def test_steps_outside_of_an_episode_need_a_reset() -> None:
    env = BitSequenceEnv(n=1, render_mode="ansi")
    for call in (lambda: env.step(0), env.render):
        with pytest.raises(ResetNeeded, match="before the first reset"):
            call()
    env.reset(seed=0)
    assert env.step(0)[2]  # n = 1: any episode is won by its only step
    with pytest.raises(ResetNeeded, match="after the end of an episode"):
        env.step(0)
    assert env.render()  # the last state can still be looked at


@pytest.mark.parametrize("dtype", [np.int8, np.float32])
@pytest.mark.parametrize("continuing_task", [False, True])
def test_goals_in_batches(dtype: Any, continuing_task: bool) -> None:
    env = BitSequenceEnv(n=3, reward_type="hamming", continuing_task=continuing_task)
    achieved = np.array([[1, 1, 1], [0, 1, 1], [0, 0, 0]], dtype=dtype)
    for count in (3, 0):
        goals: Any = (achieved[:count], np.ones((count, 3)), [{}] * count)
        for compute, kind, expected in (
            (env.compute_reward, np.float64, [0.0, -1 / 3, -1.0]),
            (env.compute_terminated, np.bool_, [not continuing_task, False, False]),
            (env.compute_truncated, np.bool_, [False] * 3),
        ):
            for result in (compute(*goals), compute(goals[0], np.ones(3))):
                assert isinstance(result, np.ndarray)
                assert (result.dtype, result.tolist()) == (kind, expected[:count])
    assert type(env.compute_reward(achieved[0], achieved[0], {})) is float
    assert type(env.compute_terminated(achieved[0], achieved[0], {})) is bool
    assert env.compute_truncated(achieved[0], achieved[0]) is False


@pytest.mark.parametrize(
    "action", [2, np.int64(2), np.uint8(2), np.array(2), np.array(2, dtype=np.int32)]
)
def test_actions(action: Any) -> None:
    env = BitSequenceEnv(n=3, target="111")
    env.reset(options={"state": "000"})
    assert env.step(action)[0]["observation"].tolist() == [0, 0, 1]


def test_ten_thousand_bits() -> None:
    env = BitSequenceEnv(n=10_000, target_seed=0)
    observation, info = env.reset(seed=0)
    wrong = np.flatnonzero(observation["observation"] != observation["desired_goal"])
    assert info["hamming_distance"] == len(wrong)
    for action in wrong[:-1]:
        assert env.step(action)[1:4] == (0.0, False, False)
    assert env.step(wrong[-1])[1:4] == (1.0, True, False)


@pytest.mark.parametrize("target", ["00110", [0, 0, 1, 1, 0]])
def test_the_specification_survives_json(target: Any) -> None:
    env = gym.make("BitSequence-v0", n=5, target=target, max_steps=9, start="zeros")
    assert env.spec is not None
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    assert isinstance(again, BitSequenceEnv)
    assert again.target.tolist() == [0, 0, 1, 1, 0]
    assert (again.max_steps, again.start) == (9, "zeros")


def test_make_adds_no_wrapper() -> None:
    # Everything of GoalEnv's interface is there without `unwrapped`, and nothing costs time.
    assert type(gym.make("BitSequence-v0")) is BitSequenceEnv
    assert type(gym.make("bitseq_env:BitSequence-v0", n=3)) is BitSequenceEnv


def test_a_time_limit_of_gymnasiums_works_too_and_tells_the_time() -> None:
    env = gym.make("BitSequence-v0", n=5, target="11111", max_episode_steps=2)
    timed = gym.wrappers.TimeAwareObservation(env, flatten=False)
    observation, _ = timed.reset(options={"state": "00000"})
    times, ends = [observation["time"]], []
    for _ in range(2):
        observation, _, *end, _ = timed.step(0)
        times.append(observation["time"])
        ends.append(end)
    assert np.concatenate(times).tolist() == [0, 1, 2]
    assert ends == [[False, False], [False, True]]


def test_observations_flatten_to_one_array() -> None:
    kwargs: dict[str, Any] = {"n": 3, "target": "011"}
    single: Any = gym.wrappers.FlattenObservation(gym.make("BitSequence-v0", **kwargs))
    vector = gym.wrappers.vector.FlattenObservation(gym.make_vec("BitSequence-v0", 2, **kwargs))
    flat = [1, 0, 0, 0, 1, 1, 1, 0, 0]  # in the order of the keys
    assert single.reset(options={"state": "100"})[0].tolist() == flat
    assert np.asarray(vector.reset(options={"state": "100"})[0]).tolist() == [flat] * 2
