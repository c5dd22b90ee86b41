"""Which target, and which first state."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium.error import ResetNeeded

from bitseq_env import BitSequenceEnv


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("start", ["random", "zeros"])
@pytest.mark.parametrize("goal_mode", ["fixed", "random"])
def test_every_episode_of_one_bit_can_be_won(seed: int, start: str, goal_mode: str) -> None:
    env = BitSequenceEnv(n=1, start=start, goal_mode=goal_mode)
    for again in (seed, None, None):
        _, info = env.reset(seed=again)
        assert info["hamming_distance"] == 1


def test_starts_are_uniform_over_all_other_states() -> None:
    env = BitSequenceEnv(n=2, target="01")
    env.reset(seed=0)
    starts = [tuple(env.reset()[0]["observation"].tolist()) for _ in range(3000)]
    counts = {state: starts.count(state) for state in set(starts)}
    assert set(counts) == {(0, 0), (1, 0), (1, 1)}
    assert all(abs(count - 1000) < 5 * np.sqrt(3000 * 2 / 9) for count in counts.values())


def goals(env: BitSequenceEnv, episodes: int, seed: int | None = None) -> list[str]:
    seeds = [seed] + [None] * (episodes - 1)
    return ["".join(map(str, env.reset(seed=each)[0]["desired_goal"])) for each in seeds]


def test_which_s_a_target() -> None:
    for target in ("0110", [0, 1, 1, 0], (0, 1, 1, 0), np.array([0.0, 1.0, 1.0, 0.0])):
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


def test_which_s_named_by_a_seed_never_changes_between_versions() -> None:
    # Results name their targets by these numbers.
    assert goals(BitSequenceEnv(n=10, target_seed=0), 1) == ["0000010100"]
    assert goals(BitSequenceEnv(n=50, target_seed=1), 1) == [
        "11011000101100100000100001010001100101010011101011"
    ]


def test_which_s_the_environments_own() -> None:
    env = BitSequenceEnv(n=30)
    with pytest.raises(ResetNeeded):
        _ = env.target
    first = goals(env, 3, seed=1)
    assert len(set(first)) == 1
    second = goals(env, 3, seed=2)
    assert len(set(second)) == 1
    assert first != second
    assert goals(env, 3, seed=1) == first
    assert goals(BitSequenceEnv(n=30), 1) != goals(BitSequenceEnv(n=30), 1)


def test_which_s_an_option_has_no_say_in_later_episodes() -> None:
    env = BitSequenceEnv(n=30)
    env.reset(seed=1, options={"target": [1] * 30})
    assert env.target.all()
    assert goals(env, 1) == goals(env, 1, seed=1)


def test_a_goal_for_each_episode() -> None:
    env = BitSequenceEnv(n=30, goal_mode="random")
    assert len(set(goals(env, 10, seed=0))) == 10
    assert goals(env, 10, seed=0) == goals(env, 10, seed=0) != goals(env, 10, seed=1)


def test_a_target_seed_settles_the_goals_and_a_seed_the_starts() -> None:
    env = BitSequenceEnv(n=30, goal_mode="random", target_seed=7)
    stream = goals(env, 5, seed=0)
    assert (
        stream
        == goals(env, 5, seed=1)
        == goals(BitSequenceEnv(n=30, goal_mode="random", target_seed=7), 5)
    )
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
