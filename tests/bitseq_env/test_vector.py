"""The vector environment: what SyncVectorEnv has no say in."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AutoresetMode
from hypothesis import given, settings
from hypothesis import strategies as st

from bitseq_env import BitSequenceEnv, BitSequenceVectorEnv, rules

arguments = st.fixed_dictionaries(
    {
        "num_envs": st.integers(1, 5),
        "n": st.integers(1, 6),
        "goal_mode": st.sampled_from(["fixed", "random"]),
        "start": st.sampled_from(["random", "zeros"]),
        "reward_type": st.sampled_from(rules.REWARD_TYPES),
        "continuing_task": st.booleans(),
        "target_seed": st.none() | st.integers(0, 3),
        "autoreset_mode": st.sampled_from(["NextStep", "SameStep"]),
    }
)


def play(env: BitSequenceVectorEnv, steps: int, seed: Any = None, reset: bool = True) -> list[Any]:
    """What some steps return; the actions are always the same."""
    rng = np.random.default_rng(0)
    returned: list[Any] = [env.reset(seed=seed)] if reset else []
    for _ in range(steps):
        returned.append(env.step(rng.integers(env.n, size=env.num_envs)))
    return returned


@given(arguments, st.integers(0, 99))
@settings(max_examples=60)
def test_seeds_copies_and_rewards(kwargs: dict[str, Any], seed: int) -> None:
    env, other = BitSequenceVectorEnv(**kwargs), BitSequenceVectorEnv(**kwargs)
    returned = play(env, 8, seed)
    assert data_equivalence(returned, play(other, 8, seed), exact=True)
    assert data_equivalence(returned, play(env, 8, seed), exact=True)
    twins = [env, copy.deepcopy(env), pickle.loads(pickle.dumps(env))]
    going_on = [play(each, 8, reset=False) for each in twins]
    assert data_equivalence(going_on[0], going_on[1], exact=True)
    assert data_equivalence(going_on[0], going_on[2], exact=True)
    seeds = list(range(seed, seed + env.num_envs))
    assert data_equivalence(play(env, 4, seeds), play(other, 4, seeds), exact=True)
    for observation, rewards, terminated, truncated, infos in returned[1:]:
        assert observation in env.observation_space
        np.testing.assert_array_equal(
            infos["hamming_distance"],
            rules.hamming(observation["achieved_goal"], observation["desired_goal"]),
        )
        last = copy.deepcopy(observation)
        for index in np.flatnonzero(infos.get("_final_obs", [])):
            for key in last:
                last[key][index] = infos["final_obs"][index][key]
        goals = (last["achieved_goal"], last["desired_goal"])
        # In "NextStep" a step that begins an episode is worth nothing, whatever the reward.
        stepped = (rewards != 0) | terminated | truncated
        np.testing.assert_array_equal(rewards[stepped], env.compute_reward(*goals)[stepped])
        np.testing.assert_array_equal(terminated, env.compute_terminated(*goals))
        assert not env.compute_truncated(*goals).any()


def test_make_vec_is_native() -> None:
    env = gym.make_vec("BitSequence-v0", num_envs=3, n=4, autoreset_mode="Disabled")
    assert type(env) is BitSequenceVectorEnv
    assert env.metadata["autoreset_mode"] is AutoresetMode.DISABLED
    assert BitSequenceVectorEnv.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    assert gym.make_vec("bitseq_env:BitSequence-v0").num_envs == 1
    sync = gym.make_vec("BitSequence-v0", num_envs=2, vectorization_mode="sync", n=4)
    assert type(sync.envs[0]) is BitSequenceEnv  # type: ignore[attr-defined]


@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled"])
def test_the_specification_survives_json(mode: str) -> None:
    env = gym.make_vec("BitSequence-v0", num_envs=3, n=2, target=[0, 1], autoreset_mode=mode)
    assert env.spec is not None
    again = gym.make_vec(EnvSpec.from_json(env.spec.to_json()))
    assert isinstance(again, BitSequenceVectorEnv)
    assert again.num_envs == 3
    assert again.autoreset_mode is AutoresetMode(mode)
    np.testing.assert_array_equal(again.target, [[0, 1]] * 3)


@pytest.mark.parametrize("values", [2, [2, 2], (2, 2)])
def test_what_is_set_is_set_for_all_copies(values: Any) -> None:
    for mode in ("sync", "vector_entry_point"):
        env: Any = gym.make_vec("BitSequence-v0", 2, vectorization_mode=mode, n=5, target="11111")
        env.set_attr("max_steps", values)
        assert env.get_attr("max_steps") == (2, 2)
        env.reset(options={"state": "00000"})
        assert [env.step([0, 0])[3].tolist() for _ in range(2)] == [[False] * 2, [True] * 2]


def test_attributes_that_copies_do_not_have_each() -> None:
    env = BitSequenceVectorEnv(2, n=5)
    for values in ([2, 3], [2], (2, 2, 2), []):
        with pytest.raises(ValueError, match="the copies share max_steps: one value"):
            env.set_attr("max_steps", values)
    assert env.max_steps == 5
    for name in ("reset", "step", "close", "target", "nothing"):
        with pytest.raises(AttributeError, match=r"one of all copies|not drawn|'nothing'"):
            env.get_attr(name)


@pytest.fixture
def limited() -> Iterator[str]:
    """An id that is registered with a time limit of 3 steps."""
    gym.register("Limited-v0", **ENTRY_POINTS, max_episode_steps=3)  # type: ignore[arg-type]
    yield "Limited-v0"
    del gym.registry["Limited-v0"]


ENTRY_POINTS = {
    "entry_point": "bitseq_env.env:BitSequenceEnv",
    "vector_entry_point": "bitseq_env.vector:BitSequenceVectorEnv",
}


@pytest.mark.parametrize(
    ("kwargs", "steps"),
    [
        ({}, 3),
        ({"max_steps": 2}, 2),
        ({"max_episode_steps": 2}, 2),
        ({"max_episode_steps": 4}, 4),
        ({"max_episode_steps": 9}, 5),
        ({"max_episode_steps": -1}, 5),
    ],
)
@pytest.mark.parametrize("mode", ["sync", "vector_entry_point"])
def test_a_time_limit_of_gymnasiums(
    limited: str, kwargs: dict[str, Any], steps: int, mode: str
) -> None:
    made = gym.make_vec(limited, 2, vectorization_mode=mode, n=5, target="11111", **kwargs)
    assert made.spec is not None
    for env in (made, gym.make_vec(made.spec)):
        env.reset(options={"state": "00000"})
        for step in range(1, steps + 1):
            _, _, terminated, truncated, _ = env.step(np.array([0, 0]))
            assert truncated.tolist() == [step == steps] * 2
            assert not terminated.any()


def test_a_time_limit_is_no_end_for_who_arrives() -> None:
    env = gym.make_vec("BitSequence-v0", num_envs=1, n=5, target="11111", max_episode_steps=3)
    env.reset(options={"state": "00111"})
    env.step(np.array([0]))
    assert [flag.item() for flag in env.step(np.array([1]))[1:4]] == [1.0, True, False]


def arrays_in(value: Any) -> list[npt.NDArray[Any]]:
    """All arrays in nested tuples and dictionaries, those in arrays of objects included."""
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, np.ndarray) and value.dtype != object:
        return [value]
    if isinstance(value, tuple | list | np.ndarray):
        return [array for each in value for array in arrays_in(each)]
    return []


@pytest.mark.parametrize("mode", list(AutoresetMode))
@pytest.mark.parametrize("goal_mode", ["fixed", "random"])
def test_nothing_that_is_returned_is_aliased(mode: AutoresetMode, goal_mode: str) -> None:
    kwargs: dict[str, Any] = {"n": 3, "goal_mode": goal_mode, "autoreset_mode": mode}
    env, other = (BitSequenceVectorEnv(2, max_steps=1, **kwargs) for _ in range(2))
    actions, mask = np.array([0, 1]), np.array([True, True])
    for each in (env, other):
        returned = (
            each.reset(seed=0),
            each.step(actions),
            each.reset(options={"reset_mask": mask}),
        )
        if each is env:
            arrays = [*arrays_in(returned), env.target, env.target]
    final = (2 * 3 + 1) + (4 + 1) if mode is AutoresetMode.SAME_STEP else 0
    assert len(arrays) == 7 + 10 + final + 7 + 2
    for index, array in enumerate(arrays):
        assert not any(np.shares_memory(array, later) for later in arrays[index + 1 :])
    for array in arrays:
        array[...] = array == 0
    assert data_equivalence(env.step(actions), other.step(actions), exact=True)
    assert (actions.tolist(), mask.tolist()) == ([0, 1], [True, True])


def test_steps_outside_of_an_episode_need_a_reset() -> None:
    env = BitSequenceVectorEnv(3, n=1, autoreset_mode="Disabled", render_mode="ansi")
    actions = np.zeros(3, dtype=np.int64)
    for call in (
        lambda: env.step(actions),
        env.render,
        lambda: env.reset(options={"reset_mask": np.array([True, False, True])}),
    ):
        with pytest.raises(ResetNeeded, match="first reset"):
            call()
    env.reset(options={"reset_mask": np.ones(3, dtype=np.bool_)})
    assert env.step(actions)[2].all()
    before = env.render()
    with pytest.raises(ResetNeeded, match=r"\[0, 1, 2\]"):
        env.step(actions)
    assert env.render() == before
    env.reset(options={"reset_mask": np.array([True, False, True])})
    with pytest.raises(ResetNeeded, match=r"\[1\]"):
        env.step(actions)
    env.reset(options={"reset_mask": np.array([False, True, False])})
    assert env.step(actions)[2].all()


@pytest.mark.parametrize(
    "actions",
    [
        [0, 2],
        (0, np.int8(2)),
        [np.array(0), 2],
        np.array([0, 2], dtype=np.uint8),
        np.array([0, 2], dtype=np.int32),
        np.array([0, 9, 2, 9])[::2],
    ],
)
def test_actions(actions: Any) -> None:
    env = BitSequenceVectorEnv(2, n=3, target="111")
    env.reset(options={"state": "000"})
    assert env.step(actions)[0]["observation"].tolist() == [[1, 0, 0], [0, 0, 1]]


@pytest.mark.parametrize(("num_envs", "n"), [(65_536, 10), (8, 10_000)])
def test_large_ones(num_envs: int, n: int) -> None:
    env = gym.make_vec("BitSequence-v0", num_envs=num_envs, n=n, target_seed=0, max_steps=3)
    observation, info = env.reset(seed=0)
    for _ in range(2):
        first_wrong = (observation["observation"] != observation["desired_goal"]).argmax(axis=1)
        before = info["hamming_distance"]
        observation, rewards, terminated, _, info = env.step(first_wrong)
        going_on = before > 0
        assert (info["hamming_distance"] == before - 1)[going_on].all()
        assert (terminated == (before == 1)).all()
        assert (rewards == (before == 1)).all()
