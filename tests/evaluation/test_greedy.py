"""Greedy evaluation: what the environment itself says, on streams of its own."""

from __future__ import annotations

import functools
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from bitseq_env import BitSequenceEnv
from experiments.config.run import RunConfig
from experiments.config.run_settings import FLIP
from experiments.config.streams import Stream, derived_seed
from experiments.config.task import Task
from experiments.evaluation import greedy
from experiments.records.files import ResultError

Bits = npt.NDArray[np.int8]
Actions = npt.NDArray[np.int64]


def first_wrong_bit(state: Bits, goal: Bits) -> Actions:
    wrong: Actions = (state != goal).argmax(axis=1)
    return wrong


def by_a_hash(state: Bits, goal: Bits) -> Actions:
    """Deterministic, sometimes right, sometimes to and fro, sometimes round in circles."""
    n = state.shape[1]
    code = (state * np.arange(1, n + 1)).sum(1) * 7 + (state != goal).sum(1) * 3
    wrong = first_wrong_bit(state, goal)
    chosen: Actions = np.where(code % 5 < 3, wrong, code % n)
    return chosen


def task(n: int = 6, **settings: Any) -> Task:
    return Task.of(RunConfig.of(**{"n": n, "seed": 3, "eval_episodes": 200, **settings}))


def one_by_one(policy: Any, task: Task, seed: int) -> tuple[list[bool], list[int]]:
    """The same episodes in single environments, with the policy asked at every step."""
    first, _ = greedy.evaluation_env(task, seed).reset(seed=seed)
    reached, steps = [], []
    for state, goal in zip(first["observation"], first["desired_goal"], strict=True):
        env = task.single_env(target_seed=None)
        observation, info = env.reset(seed=0, options={"state": state, "target": goal})
        step, ended = 0, False
        while not (ended or info["is_success"]):
            action = policy(observation["observation"][None], observation["desired_goal"][None])[0]
            observation, _, terminated, truncated, info = env.step(action)
            step, ended = step + 1, terminated or truncated
        reached.append(bool(info["is_success"]))
        steps.append(step)
    return reached, steps


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"max_steps": 3},
        {"goal_mode": "random"},
        {"continuing_task": True, "max_steps": 9},
        {"start": "zeros", "goal_mode": "random"},
        {"reward_type": "hamming"},
        {"reward_type": "minus_one_zero"},
    ],
    ids=str,
)
def test_outcomes_are_those_of_single_environments(settings: dict[str, Any]) -> None:
    some = task(**settings)
    outcome = greedy.evaluate(by_a_hash, some, seed=5)
    reached, steps = one_by_one(by_a_hash, some, seed=5)
    assert outcome.reached.tolist() == reached
    assert outcome.steps.tolist() == steps
    assert 0 < outcome.success_rate < 1


class FailingFlips(gym.Wrapper):
    """An option that somebody added to the environment: a flip fails with probability one half."""

    def __init__(self, n: int, max_steps: int, **settings: Any) -> None:
        super().__init__(BitSequenceEnv(n, max_steps=max_steps + 1, **settings))
        self.horizon = max_steps

    def reset(self, **kwargs: Any) -> Any:
        self.left = self.horizon
        self.last = self.env.reset(**kwargs)
        return self.last

    def step(self, action: Any) -> Any:
        self.left -= 1
        if self.env.unwrapped.np_random.random() < 0.5:
            observation, info = self.last
            return observation, 0.0, False, self.left == 0, info
        observation, reward, terminated, _, info = self.env.step(action)
        self.last = observation, info
        return observation, reward, terminated, not terminated and self.left == 0, info


def failing_flips(num_envs: int, **settings: Any) -> gym.vector.VectorEnv:
    return gym.vector.SyncVectorEnv([functools.partial(FailingFlips, **settings)] * num_envs)


def test_an_option_of_the_environment_is_told_at_its_true_rate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """s is reached if as many of n flips succeed as there are bits to flip."""
    monkeypatch.setattr(gym.registry[FLIP], "vector_entry_point", failing_flips)
    n, episodes = 8, 2_000
    outcome = greedy.evaluate(first_wrong_bit, task(n, eval_episodes=episodes), seed=1)
    expected = stats.binom.sf(outcome.optimum - 1, n, 0.5).mean()
    assert 0.5 < expected < 0.7
    assert outcome.success_rate == pytest.approx(expected, abs=5 * (0.25 / episodes) ** 0.5)


def test_an_optimal_policy_takes_the_hamming_distance() -> None:
    outcome = greedy.evaluate(first_wrong_bit, Task.of(RunConfig.of(n=9)), seed=0)
    assert outcome.success_rate == 1
    assert len(outcome.reached) == 1_000
    np.testing.assert_array_equal(outcome.steps, outcome.optimum)
    # Uniform over all states but s: 2^n / (2^n - 1) * n / 2 in the mean.
    assert outcome.mean_steps == pytest.approx(4.5 * 512 / 511, abs=0.15)


def test_a_policy_is_asked_once_a_state() -> None:
    asked = []

    def to_and_fro(state: Bits, goal: Bits) -> Actions:
        asked.append(len(state))
        return np.zeros(len(state), dtype=np.int64)

    greedy.evaluate(to_and_fro, task(n=30), seed=0)
    assert asked == [200, 200]


def starts(some: Task, seed: int) -> tuple[Bits, Bits]:
    first, _ = greedy.evaluation_env(some, seed).reset(seed=seed)
    return first["observation"], first["desired_goal"]


def test_streams_differ_and_repeat() -> None:
    seeds = [derived_seed(3, Stream.EVALUATION, number) for number in range(50)]
    assert len(set(seeds)) == 50
    assert seeds == [derived_seed(3, Stream.EVALUATION, number) for number in range(50)]
    some = task(n=12)
    np.testing.assert_array_equal(starts(some, seeds[0])[0], starts(some, seeds[0])[0])
    assert (starts(some, seeds[0])[0] != starts(some, seeds[1])[0]).any()


def test_the_target_is_the_runs_own_and_never_a_start() -> None:
    state, goal = starts(task(n=2), 0)
    assert (goal == starts(task(n=2), 1)[1][0]).all()
    assert (state != goal).any(axis=1).all()
    fresh = starts(task(n=20, goal_mode="random"), 0)[1]
    assert len({row.tobytes() for row in fresh}) == 200


def test_weights_of_an_mlp_belong_to_one_n() -> None:
    with pytest.raises(ResultError, match=r"--n 9.*'mlp'.*n = 4.*'equivariant'"):
        greedy.task_at(RunConfig.of(n=4), 9)
    elsewhere = greedy.task_at(RunConfig.of(n=4, network="equivariant", max_steps=9), 600)
    assert (elsewhere.n, elsewhere.max_steps, elsewhere.eval_episodes) == (600, 600, 100)
