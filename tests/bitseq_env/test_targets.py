"""Which target, and which first state: of one environment, and of many copies."""

from __future__ import annotations

import inspect
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded

from bitseq_env import BitSequenceEnv, BitSequenceVectorEnv


def goals(env: BitSequenceEnv, episodes: int, seed: int | None = None) -> list[str]:
    seeds = [seed] + [None] * (episodes - 1)
    return ["".join(map(str, env.reset(seed=each)[0]["desired_goal"])) for each in seeds]


def observed(env: BitSequenceVectorEnv, seed: Any) -> tuple[list[Any], list[Any]]:
    """First states and targets of all copies."""
    observation, _ = env.reset(seed=seed)
    return observation["observation"].tolist(), observation["desired_goal"].tolist()


@pytest.mark.parametrize("start", ["random", "zeros"])
@pytest.mark.parametrize("goal_mode", ["fixed", "random"])
@pytest.mark.parametrize("n", [1, 2])
def test_no_start_is_its_target(n: int, start: str, goal_mode: str) -> None:
    env = BitSequenceVectorEnv(200, n=n, start=start, goal_mode=goal_mode)
    single = BitSequenceEnv(n=n, start=start, goal_mode=goal_mode)
    for seed in (0, None, *range(20)):
        assert single.reset(seed=seed)[1]["hamming_distance"] > 0
        observation, info = env.reset(seed=seed)
        assert (info["hamming_distance"] > 0).all()
        if start == "zeros":
            assert not observation["observation"].any()
        elif goal_mode == "random":
            assert len(set(map(tuple, observation["desired_goal"].tolist()))) == 2**n


def test_starts_are_uniform_over_all_other_states() -> None:
    env = BitSequenceEnv(n=2, target="01")
    env.reset(seed=0)
    starts = [tuple(env.reset()[0]["observation"].tolist()) for _ in range(3000)]
    counts = {state: starts.count(state) for state in set(starts)}
    assert set(counts) == {(0, 0), (1, 0), (1, 1)}
    assert all(abs(count - 1000) < 5 * np.sqrt(3000 * 2 / 9) for count in counts.values())


@pytest.mark.parametrize("target", ["0110", [0, 1, 1, 0], (0, 1, 1, 0), np.array([0.0, 1, 1, 0])])
def test_which_s_a_target(target: Any) -> None:
    env = BitSequenceEnv(n=4, target=target)
    assert env.target.tolist() == [0, 1, 1, 0]
    assert goals(env, 2, seed=5) + goals(env, 1, seed=6) == ["0110"] * 3


def test_which_s_a_target_seed() -> None:
    env = BitSequenceEnv(n=40, target_seed=3)
    s = goals(env, 2, seed=0)
    assert set(s) == set(goals(env, 2, seed=1)) == {"".join(map(str, env.target))}
    same = BitSequenceEnv(n=np.int64(40), target_seed=np.int32(3), reward_type="hamming")
    assert goals(same, 1) == s[:1]
    assert goals(BitSequenceEnv(n=40, target_seed=4), 1) != s[:1]
    # not the beginning of another: n counts too
    assert goals(BitSequenceEnv(n=20, target_seed=3), 1)[0] not in s[0]


def test_what_seeds_draw_never_changes_between_versions() -> None:
    # Results name their targets by these numbers, and runs are repeated by them.
    assert goals(BitSequenceEnv(n=10, target_seed=0), 1) == ["0000010100"]
    s = "11011000101100100000100001010001100101010011101011"
    assert goals(BitSequenceEnv(n=50, target_seed=1), 1) == [s]
    observation, _ = BitSequenceEnv(n=20, target_seed=0).reset(seed=3)
    assert "".join(map(str, observation["observation"])) == "11111000110000101011"


def test_which_s_the_environments_own() -> None:
    env = BitSequenceEnv(n=30)
    first = goals(env, 3, seed=1)
    second = goals(env, 3, seed=2)
    assert len(set(first)) == len(set(second)) == 1
    assert first != second
    assert goals(env, 3, seed=1) == first
    assert goals(BitSequenceEnv(n=30), 1) != goals(BitSequenceEnv(n=30), 1)
    env.reset(seed=1, options={"target": [1] * 30})  # an option has no say in later episodes
    assert env.target.all()
    assert goals(env, 1) == first[:1]


@pytest.mark.parametrize("kwargs", [{}, {"goal_mode": "random", "target_seed": 0}])
def test_a_target_that_is_not_drawn_yet_is_not_there_yet(kwargs: dict[str, Any]) -> None:
    made: list[Any] = [
        BitSequenceEnv(n=3, **kwargs),
        gym.wrappers.TimeLimit(BitSequenceEnv(n=3, **kwargs), 3),
        BitSequenceVectorEnv(2, n=3, **kwargs),
    ]
    for env in made:
        assert not hasattr(env.unwrapped, "target")
        assert "target" not in dict(inspect.getmembers(env.unwrapped))
        if isinstance(env, gym.Env):
            assert not env.has_wrapper_attr("target")
        with pytest.raises(ResetNeeded, match="call reset"):
            _ = env.unwrapped.target
        env.reset()
        assert hasattr(env.unwrapped, "target")
    known = BitSequenceVectorEnv(2, n=3, target="011")
    assert known.target.tolist() == [[0, 1, 1]] * 2


def test_a_goal_for_each_episode() -> None:
    env = BitSequenceEnv(n=30, goal_mode="random")
    assert len(set(goals(env, 10, seed=0))) == 10
    assert goals(env, 10, seed=0) == goals(env, 10, seed=0) != goals(env, 10, seed=1)


def test_a_target_seed_settles_the_goals_and_a_seed_the_starts() -> None:
    env = BitSequenceEnv(n=30, goal_mode="random", target_seed=7)
    stream = goals(env, 5, seed=0)
    same = BitSequenceEnv(n=30, goal_mode="random", target_seed=7)
    assert stream == goals(env, 5, seed=1) == goals(same, 5)
    assert stream != goals(BitSequenceEnv(n=30, goal_mode="random", target_seed=8), 5)
    starts = [env.reset(seed=seed)[0]["observation"].tolist() for seed in (0, 0, 1)]
    assert starts[0] == starts[1] != starts[2]


@pytest.mark.parametrize("goal_mode", ["fixed", "random"])
def test_starts_do_not_repeat_the_targets_of_the_same_seed(goal_mode: str) -> None:
    # One stream for both would make a start the target of another episode.
    env = BitSequenceEnv(n=64, goal_mode=goal_mode, target_seed=5)
    observations = [env.reset(seed=seed)[0] for seed in [5] + [None] * 20]
    targets = {each["desired_goal"].tobytes() for each in observations}
    assert targets.isdisjoint(each["observation"].tobytes() for each in observations)


def test_zeros_are_never_the_target_of_a_zeros_start() -> None:
    for target_seed in range(40):
        target = goals(BitSequenceEnv(n=2, target_seed=target_seed, start="zeros"), 1)[0]
        free = goals(BitSequenceEnv(n=2, target_seed=target_seed), 1)[0]
        assert target != "00"
        assert free in (target, "00")
    assert "00" not in goals(BitSequenceEnv(n=2, goal_mode="random", start="zeros"), 40, seed=0)
    assert "00" in goals(BitSequenceEnv(n=2, goal_mode="random"), 40, seed=0)


def test_options_are_for_one_episode() -> None:
    env = BitSequenceEnv(n=3, target="111", start="zeros")
    observation, info = env.reset(options={"target": "100", "state": np.array([1, 0, 1])})
    assert observation["observation"].tolist() == [1, 0, 1]
    assert observation["desired_goal"].tolist() == env.target.tolist() == [1, 0, 0]
    assert info["hamming_distance"] == 1
    assert env.step(2)[1:3] == (1.0, True)
    observation, _ = env.reset()
    assert observation["observation"].tolist() == [0, 0, 0]
    assert observation["desired_goal"].tolist() == [1, 1, 1]


def test_a_state_that_is_given_is_never_the_goal_that_is_drawn() -> None:
    env = BitSequenceEnv(n=1, goal_mode="random")
    for _ in range(20):
        assert env.reset(options={"state": "1"})[0]["desired_goal"].tolist() == [0]


@pytest.mark.parametrize("start", ["random", "zeros"])
@pytest.mark.parametrize("kwargs", [{"target_seed": 3}, {}])
def test_s_of_all_copies_is_that_of_a_single_one(start: str, kwargs: dict[str, Any]) -> None:
    env = BitSequenceVectorEnv(4, n=20, start=start, **kwargs)
    single = BitSequenceEnv(n=20, start=start, **kwargs)
    single.reset(seed=5)
    for seed in (5, [5, 6, 7, 8]):
        observation, _ = env.reset(seed=seed)
        np.testing.assert_array_equal(observation["desired_goal"], [single.target] * 4)
    env.reset()
    np.testing.assert_array_equal(env.target, [single.target] * 4)


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


def test_states_and_targets_for_each_copy() -> None:
    env = BitSequenceVectorEnv(2, n=2, target="11")
    mask = np.array([False, True])
    steps: list[tuple[dict[str, Any], list[Any], list[Any]]] = [
        ({"state": [[0, 0], [1, 0]]}, [[0, 0], [1, 0]], [[1, 1], [1, 1]]),
        ({"state": "00", "target": [[0, 1], [1, 1]]}, [[0, 0], [0, 0]], [[0, 1], [1, 1]]),
        # what stands beside the mask has no say
        ({"reset_mask": mask, "state": [[1, 1], [0, 1]]}, [[0, 0], [0, 1]], [[0, 1], [1, 1]]),
        (
            {"reset_mask": mask, "target": [[1, 1], [1, 0]], "state": "00"},
            [[0, 0], [0, 0]],
            [[0, 1], [1, 0]],
        ),
    ]
    for options, states, targets in steps:
        observation, info = env.reset(options=options)
        assert observation["observation"].tolist() == states
        assert observation["desired_goal"].tolist() == targets
        distance = np.not_equal(states, targets).sum(1)
        told = options.get("reset_mask", np.ones(2, dtype=np.bool_))
        assert info["hamming_distance"].tolist() == (distance * told).tolist()
        assert info["_hamming_distance"].tolist() == told.tolist()


def test_the_others_keep_their_targets_where_a_masked_reset_has_a_seed() -> None:
    env = BitSequenceVectorEnv(2, n=30, max_steps=1)
    _, before = observed(env, 0)
    observation, _ = env.reset(seed=1, options={"reset_mask": np.array([False, True])})
    after = observation["desired_goal"].tolist()
    assert after[0] == before[0]
    assert after[1] != before[1]
    env.step(np.array([0, 0]))
    assert env.step(np.array([0, 0]))[0]["desired_goal"].tolist() == [after[1]] * 2
