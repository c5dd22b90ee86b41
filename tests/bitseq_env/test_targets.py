"""Which target, and which first state: of one environment, and of many copies."""

from __future__ import annotations

import inspect
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded

from bitseq_env import BitSequenceEnv, BitSequenceVectorEnv
from tests.bitseq_env.common import (
    APPEND,
    CLASSES,
    FLIP,
    both,
    single_and_vector,
    single_and_vector_of_both,
)


def texts(bits: Any) -> list[str]:
    return ["".join(map(str, row)) for row in np.atleast_2d(bits).tolist()]


def starts_and_goals(env: Any, *seeds: Any, **options: Any) -> tuple[list[str], list[str]]:
    """Of an episode for each seed, copy by copy."""
    told = [env.reset(seed=seed, options=options)[0] for seed in seeds]
    starts, goals = (
        [text for each in told for text in texts(each[key])]
        for key in ("observation", "desired_goal")
    )
    return starts, goals


def goals(env: Any, *seeds: Any) -> list[str]:
    return starts_and_goals(env, *seeds)[1]


@pytest.mark.parametrize("start", ["random", "zeros"])
@pytest.mark.parametrize("goal_mode", ["fixed", "random"])
@pytest.mark.parametrize("n", [1, 2])
def test_no_start_is_its_target(n: int, start: str, goal_mode: str) -> None:
    kwargs: dict[str, Any] = {"n": n, "start": start, "goal_mode": goal_mode}
    for env in (BitSequenceEnv(**kwargs), BitSequenceVectorEnv(200, **kwargs)):
        first, goal = starts_and_goals(env, 0, None, *range(20))
        assert all(a != b for a, b in zip(first, goal, strict=True))
        assert set(first) == ({"0" * n} if start == "zeros" else set(first + goal))
    assert len(set(goal)) == 2**n - (start == "zeros")


def test_starts_are_uniform_over_all_other_states() -> None:
    starts, _ = starts_and_goals(BitSequenceEnv(n=2, target="01"), 0, *[None] * 2999)
    assert set(starts) == {"00", "10", "11"}
    for state in set(starts):
        assert abs(starts.count(state) - 1000) < 5 * np.sqrt(3000 * 2 / 9)


@pytest.mark.parametrize("target", ["0110", [0, 1, 1, 0], (0, 1, 1, 0), np.array([0.0, 1, 1, 0])])
@single_and_vector_of_both
def test_which_s_a_target(make: Any, target: Any) -> None:
    env = make(n=4, target=target)
    assert {*texts(env.target), *goals(env, 5, None, 6)} == {"0110"}


@single_and_vector_of_both
def test_which_s_a_target_seed(make: Any) -> None:
    env = make(n=40, target_seed=3)
    (s,) = {*texts(env.target), *goals(env, 0, None, 1)}
    same = make(n=np.int64(40), target_seed=np.int32(3), reward_type="hamming")
    assert goals(same, None)[0] == s != goals(make(n=40, target_seed=4), None)[0]
    # not the beginning of another: n counts too
    assert not s.startswith(goals(make(n=20, target_seed=3), None)[0])


def test_what_seeds_draw_never_changes_between_versions() -> None:
    # Results name their targets by these numbers, and runs are repeated by them.
    assert goals(BitSequenceEnv(n=10, target_seed=0), None) == ["0000010100"]
    s = "11011000101100100000100001010001100101010011101011"
    assert goals(BitSequenceEnv(n=50, target_seed=1), None) == [s]
    starts, _ = starts_and_goals(BitSequenceEnv(n=20, target_seed=0), 3)
    assert starts == ["11111000110000101011"]


@single_and_vector_of_both
def test_which_s_the_environments_own(make: Any) -> None:
    env = make(n=30)
    (first,), (second,) = set(goals(env, 1, None, None)), set(goals(env, 2, None))
    assert first != second
    assert set(goals(env, 1)) == {first}
    assert set(goals(make(n=30), None)) != set(goals(make(n=30), None))
    # an option has no say in later episodes
    assert set(starts_and_goals(env, 1, target=[1] * 30)[1]) == {"1" * 30}
    assert set(goals(env, None)) == {first}


@pytest.mark.parametrize("kwargs", [{}, {"goal_mode": "random", "target_seed": 0}])
@single_and_vector_of_both
def test_a_target_that_is_not_drawn_yet_is_not_there_yet(make: Any, kwargs: Any) -> None:
    env = make(n=3, **kwargs)
    assert not hasattr(env, "target")
    assert "target" not in dict(inspect.getmembers(env))
    if isinstance(env, gym.Env):
        assert not gym.wrappers.TimeLimit(env, 3).has_wrapper_attr("target")
    with pytest.raises(ResetNeeded, match="call reset"):
        _ = env.target
    env.reset()
    assert hasattr(env, "target")


def test_a_target_seed_settles_the_goals_and_a_seed_the_starts() -> None:
    env, same, other = (
        BitSequenceEnv(n=64, goal_mode="random", target_seed=seed) for seed in (7, 7, 8)
    )
    starts, stream = starts_and_goals(env, 7, *[None] * 20)
    assert stream == goals(env, 1, *[None] * 20) == goals(same, *[None] * 21)
    assert not {*stream} & {*goals(other, *[None] * 21)}
    assert starts == starts_and_goals(same, 7, *[None] * 20)[0]
    assert not {*starts} & {*starts_and_goals(same, 8, *[None] * 20)[0]}
    assert not {*starts} & {*stream}  # one stream for both would make goals of starts
    s = goals(BitSequenceEnv(n=64, target_seed=7), None)[0]
    assert s not in starts


def test_zeros_are_never_the_target_of_a_zeros_start() -> None:
    free, never = (
        [goals(BitSequenceEnv(n=2, target_seed=k, start=start), None)[0] for k in range(40)]
        for start in ("random", "zeros")
    )
    assert "00" in free
    assert "00" not in never
    assert all(a in (b, "00") for a, b in zip(free, never, strict=True))


def test_options_are_for_one_episode() -> None:
    env = BitSequenceEnv(n=3, target="111", start="zeros")
    told = starts_and_goals(env, None, target="100", state=np.array([1, 0, 1]))
    assert told == (["101"], ["100"])
    assert env.target.tolist() == [1, 0, 0]
    assert env.step(2)[1:3] == (1.0, True)
    assert starts_and_goals(env, None) == (["000"], ["111"])


@single_and_vector
def test_a_state_that_is_given_is_never_the_goal_that_is_drawn(make: Any) -> None:
    env = make(n=1, goal_mode="random")
    assert set(starts_and_goals(env, *[None] * 20, state="1")[1]) == {"0"}


@pytest.mark.parametrize(
    ("env_id", "own"), [(FLIP, {"start": "random"}), (FLIP, {"start": "zeros"}), (APPEND, {})]
)
@pytest.mark.parametrize("seeded", [{"target_seed": 3}, {}])
def test_s_of_all_copies_is_that_of_a_single_one(
    env_id: str, own: dict[str, Any], seeded: dict[str, Any]
) -> None:
    single, vector = CLASSES[env_id]
    kwargs = own | seeded
    s = goals(single(n=20, **kwargs), 5)
    env = vector(4, n=20, **kwargs)
    assert goals(env, 5, [5, 6, 7, 8], None) == s * 12


def test_a_list_of_seeds() -> None:
    env = BitSequenceVectorEnv(3, n=40)
    starts, goal = starts_and_goals(env, [1, 2, 3])
    assert starts_and_goals(env, (1, 2, 3), np.array([1, 2, 3])) == (starts * 2, goal * 2)
    other_starts, same_goal = starts_and_goals(env, [1, 2, 4])
    assert same_goal == goal
    assert other_starts != starts
    kept = goals(env, [2, 2, 3])
    assert kept != goal
    by_chance, still = starts_and_goals(env, [None] * 3, [None, 2, 3], [None, 2, 3])
    assert still == kept * 3
    assert len(set(by_chance)) == 9


@both
def test_goals_of_all_copies_come_from_one_stream(env_id: str) -> None:
    single, vector = CLASSES[env_id]
    kwargs: dict[str, Any] = {"n": 30, "goal_mode": "random", "target_seed": 7}
    stream = goals(single(**kwargs), 0, *[None] * 7)
    env = vector(4, **kwargs)
    assert goals(env, 0, None) == stream
    assert goals(env, 1) == stream[:4]


def test_states_and_targets_for_each_copy() -> None:
    env = BitSequenceVectorEnv(2, n=2, target="11")
    mask = np.array([False, True])
    steps: list[tuple[dict[str, Any], list[str], list[str]]] = [
        ({"state": [[0, 0], [1, 0]]}, ["00", "10"], ["11", "11"]),
        ({"state": "00", "target": [[0, 1], [1, 1]]}, ["00", "00"], ["01", "11"]),
        # what stands beside the mask has no say
        ({"reset_mask": mask, "state": [[1, 1], [0, 1]]}, ["00", "01"], ["01", "11"]),
        (
            {"reset_mask": mask, "target": [[1, 1], [1, 0]], "state": "00"},
            ["00", "00"],
            ["01", "10"],
        ),
    ]
    for options, states, targets in steps:
        observation, info = env.reset(options=options)
        assert texts(observation["observation"]) == states
        assert texts(observation["desired_goal"]) == targets
        told = options.get("reset_mask", np.array([True, True]))
        distance = (observation["observation"] != observation["desired_goal"]).sum(1)
        assert info["hamming_distance"].tolist() == (distance * told).tolist()
        assert info["_hamming_distance"].tolist() == told.tolist()


@pytest.mark.parametrize(("env_id", "own"), [(FLIP, {"max_steps": 1}), (APPEND, {"word_size": 15})])
def test_the_others_keep_their_targets_where_a_masked_reset_has_a_seed(
    env_id: str, own: dict[str, Any]
) -> None:
    env = CLASSES[env_id][1](2, n=30, **own)
    before, _ = goals(env, 0)
    _, (kept, after) = starts_and_goals(env, 1, reset_mask=np.array([False, True]))
    assert kept == before != after
    for _ in range(env.max_steps):
        env.step(np.array([0, 0]))
    assert texts(env.step(np.array([0, 0]))[0]["desired_goal"]) == [after] * 2
