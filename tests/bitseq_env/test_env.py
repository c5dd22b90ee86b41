"""What one environment does, and many copies alike, by the letter of the documentation."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode
from hypothesis import given, settings
from hypothesis import strategies as st

from bitseq_env import BitSequenceEnv, BitSequenceVectorEnv, rules
from tests.bitseq_env.common import (
    ARGUMENTS,
    CLASSES,
    FLIP,
    ONE_STEP,
    actions_of,
    all_kinds_of_both,
    both,
    flip_arguments,
    flipped,
    is_vector,
    same,
    single_and_vector_of_both,
)


@given(flip_arguments(), st.lists(st.integers(0, 99), max_size=30), st.integers(0, 5))
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
        np.testing.assert_array_equal(state, flipped(before["observation"], action))
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
        recomputed = env.compute_reward(state, goal, info)
        assert (type(recomputed), recomputed) == (float, reward)
        assert terminated is env.compute_terminated(state, goal, info)
        assert env.compute_truncated(state, goal, info) is False
        begins = terminated or truncated
        if begins:
            observation, info = env.reset()


def play(env: Any) -> list[Any]:
    """What eight steps return, always with the same actions, and resets where they are needed."""
    rng = np.random.default_rng(0)
    returned = []
    for _ in range(8):
        returned.append(
            env.step(rng.integers(actions_of(env), size=getattr(env, "num_envs", None)))
        )
        over = np.any(returned[-1][2] | returned[-1][3])
        if over and getattr(env, "autoreset_mode", None) in (None, AutoresetMode.DISABLED):
            returned.append(env.reset())
    return returned


@all_kinds_of_both
@given(st.data(), st.integers(0, 2**40), st.booleans())
@settings(max_examples=40)
def test_seeds_settle_everything_and_copies_continue_alike(
    env_id: str, make: Any, data: st.DataObject, number: int, listed: bool
) -> None:
    env = make(**data.draw(ARGUMENTS[env_id]))
    seed = [number, 3] if listed and is_vector(env) else number
    fresh = pickle.loads(pickle.dumps(env))
    first, *again = [(each.reset(seed=seed), play(each)) for each in (env, fresh, env)]
    assert all(same(first, each) for each in again)
    copies = (copy.deepcopy(env), pickle.loads(pickle.dumps(env)))
    on = play(env)
    assert all(same(on, play(each)) for each in copies)


def arrays_in(value: Any) -> list[Any]:
    """All arrays in nested tuples and dictionaries, those in arrays of objects included."""
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, np.ndarray) and value.dtype != object:
        return [value]
    if isinstance(value, tuple | list | np.ndarray):
        return [array for each in value for array in arrays_in(each)]
    return []


@all_kinds_of_both
@pytest.mark.parametrize("goal_mode", ["fixed", "random"])
def test_nothing_that_is_passed_or_returned_is_aliased(
    env_id: str, make: Any, goal_mode: str
) -> None:
    env, other = (make(n=3, **ONE_STEP[env_id], goal_mode=goal_mode) for _ in range(2))
    vector = is_vector(env)
    actions = np.array([0, 1] if vector else 0)
    states = [[1, 0, 1], [0, 0, 0]] if env_id == FLIP else [[2, 2, 2], [2, 2, 2]]
    state = np.array(states if vector else states[0], dtype=np.int8)
    target, mask = np.array([1, 1, 1], dtype=np.int8), np.array([True, True])
    options = {"state": state, "target": target} | ({"reset_mask": mask} if vector else {})
    passed = copy.deepcopy((actions, options))
    for each in (other, env):
        returned = each.reset(seed=0), each.step(actions), each.reset(options=options)
    arrays = [*arrays_in(returned), env.target, env.target]
    final = 12 if getattr(env, "autoreset_mode", None) is AutoresetMode.SAME_STEP else 0
    assert len(arrays) == (7 + 10 + final + 7 + 2 if vector else 3 + 3 + 3 + 2)
    everything = [*arrays, actions, *options.values()]
    for index, array in enumerate(everything):
        assert not any(np.shares_memory(array, later) for later in everything[index + 1 :])
    for array in arrays:
        array[...] = array == 0
    assert same(passed, (actions, options))
    assert same(env.step(actions), other.step(actions))
    assert same(passed, (actions, options))


@single_and_vector_of_both
def test_a_target_is_copied(make: Any) -> None:
    target = np.array([0, 1, 1], dtype=np.int8)
    env = make(n=3, target=target)
    target[:] = 0
    assert np.all(env.target == [0, 1, 1])


@both
@pytest.mark.parametrize("vector", [False, True])
def test_steps_outside_of_an_episode_need_a_reset(env_id: str, vector: bool) -> None:
    single, many = CLASSES[env_id]
    kwargs: dict[str, Any] = {"n": 1, "render_mode": "ansi"}
    env = many(2, **kwargs, autoreset_mode="Disabled") if vector else single(**kwargs)
    actions = [0, 0] if vector else 0
    some, everyone = (np.array([True, first]) for first in (False, True))
    calls: list[Any] = [lambda: env.step(actions), env.render]
    if vector:
        calls.append(lambda: env.reset(options={"reset_mask": some}))
    for call in calls:
        with pytest.raises(ResetNeeded, match="first reset"):
            call()
    env.reset(options={"reset_mask": everyone} if vector else None)
    assert np.all(env.step(actions)[2])  # n = 1: any episode ends with its only step
    before = env.render()
    with pytest.raises(ResetNeeded, match=r"after the end of .* episode"):
        env.step(actions)
    assert env.render() == before  # the last state can still be looked at
    if vector:
        env.reset(options={"reset_mask": some})
        with pytest.raises(ResetNeeded, match=r"\[1\]"):
            env.step(actions)
        env.reset(options={"reset_mask": ~some})
        assert env.step(actions)[2].all()


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


@pytest.mark.parametrize(
    "action", [2, np.int64(2), np.uint8(2), np.array(2), np.array(2, dtype=np.int32)]
)
def test_actions(action: Any) -> None:
    state = {"state": "000"}
    env = BitSequenceEnv(n=3, target="111")
    env.reset(options=state)
    assert env.step(action)[0]["observation"].tolist() == [0, 0, 1]
    for actions in ([0, action], (0, action), np.array([0, 9, action, 9])[::2]):
        envs = BitSequenceVectorEnv(2, n=3, target="111")
        envs.reset(options=state)
        assert envs.step(actions)[0]["observation"].tolist() == [[1, 0, 0], [0, 0, 1]]  # type: ignore[arg-type]


@pytest.mark.parametrize(("num_envs", "n"), [(None, 10_000), (8, 10_000), (65_536, 10)])
def test_large_ones(num_envs: Any, n: int) -> None:
    kwargs: dict[str, Any] = {"n": n, "target_seed": 0, "max_steps": 3}
    single = num_envs is None
    env: Any = BitSequenceEnv(**kwargs) if single else BitSequenceVectorEnv(num_envs, **kwargs)
    observation, info = env.reset(seed=0)
    for _ in range(2):
        first_wrong = (observation["observation"] != observation["desired_goal"]).argmax(axis=-1)
        before = np.asarray(info["hamming_distance"])
        observation, reward, terminated, _, info = env.step(first_wrong)
        assert np.all((info["hamming_distance"] == before - 1)[before > 0])
        assert np.all(terminated == (before == 1))
        assert np.all(reward == (before == 1))


@both
@pytest.mark.parametrize("target", ["00110", [0, 0, 1, 1, 0]])
def test_the_specification_survives_json(env_id: str, target: Any) -> None:
    own = {"max_steps": 9, "start": "zeros"} if env_id == FLIP else {"word_size": 5, "free_bits": 2}
    kwargs: dict[str, Any] = {"n": 5, "target": target, **own}
    single: Any = gym.make(env_id, **kwargs)
    vector: Any = gym.make_vec(env_id, 3, **kwargs, autoreset_mode="SameStep")
    single, vector = (
        remake(EnvSpec.from_json(env.spec.to_json()))
        for remake, env in ((gym.make, single), (gym.make_vec, vector))
    )
    assert single.target.tolist() == [0, 0, 1, 1, 0]
    assert vector.target.tolist() == [[0, 0, 1, 1, 0]] * 3
    assert (vector.num_envs, vector.autoreset_mode) == (3, AutoresetMode.SAME_STEP)
    for env in (single, vector):
        assert {name: getattr(env, name) for name in own} == own


@both
def test_make_adds_no_wrapper(env_id: str) -> None:
    # Everything of GoalEnv's interface is there without `unwrapped`, and nothing costs time.
    single, vector = CLASSES[env_id]
    for name in (env_id, f"bitseq_env:{env_id}"):
        assert type(gym.make(name, n=3)) is single
        env: Any = gym.make_vec(name, autoreset_mode="Disabled")
        assert type(env) is vector
        assert (env.num_envs, env.metadata["autoreset_mode"]) == (1, AutoresetMode.DISABLED)
        assert vector.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
        sync: Any = gym.make_vec(name, num_envs=2, vectorization_mode="sync", n=4)
        assert type(sync.envs[0]) is single


def test_a_time_limit_of_gymnasiums_tells_the_time() -> None:
    env = gym.make("BitSequence-v0", n=5, target="11111", max_episode_steps=2)
    timed = gym.wrappers.TimeAwareObservation(env, flatten=False)
    observation, _ = timed.reset(options={"state": "00000"})
    assert observation["time"] == 0
    for time in (1, 2):
        observation, _, terminated, truncated, _ = timed.step(0)
        assert (observation["time"], terminated, truncated) == (time, False, time == 2)


def test_observations_flatten_to_one_array() -> None:
    kwargs: dict[str, Any] = {"n": 3, "target": "011"}
    single: Any = gym.wrappers.FlattenObservation(gym.make("BitSequence-v0", **kwargs))
    vector = gym.wrappers.vector.FlattenObservation(gym.make_vec("BitSequence-v0", 2, **kwargs))
    flat = [1, 0, 0, 0, 1, 1, 1, 0, 0]  # in the order of the keys
    assert single.reset(options={"state": "100"})[0].tolist() == flat
    assert np.asarray(vector.reset(options={"state": "100"})[0]).tolist() == [flat] * 2
