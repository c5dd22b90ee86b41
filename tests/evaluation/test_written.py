"""What a stochastic policy writes, against all strings that it could have written."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from experiments.config.run import RunConfig
from experiments.config.run_settings import APPEND
from experiments.config.task import Task
from experiments.evaluation import greedy, written
from experiments.evaluation.dithering import writing_episodes
from experiments.evaluation.greedy import Bits


def task(**settings: Any) -> Task:
    return Task.of(RunConfig.of(**{"method": "dqn", "env": APPEND, "n": 6, **settings}))


def log_probs_of(task: Task) -> written.LogProbs:
    """A policy that prefers some words, other ones after other beginnings."""

    def log_probs(state: Bits, goal: Bits) -> written.Floats:
        hashed = (state.astype(np.int64) @ 3 ** np.arange(task.n))[:, None]
        values = np.sin(hashed * 0.37 + 2.0 * np.arange(task.actions))
        total: written.Floats = values - np.logaddexp.reduce(values, axis=1, keepdims=True)
        return total

    return log_probs


def by_enumeration(task: Task, goal: Bits) -> float:
    """The environment says which strings are right; each is written word by word."""
    env: Any = task.single_env()
    goal_of = env.unwrapped
    total = 0.0
    for number in range(2**task.n):
        string = np.array([number >> bit & 1 for bit in range(task.n)], dtype=np.int8)
        if goal_of.compute_reward(string[None], goal[None], {})[0] != 1:
            continue
        log = 0.0
        for begin in range(0, task.n, task.word_size):
            state = string.copy()
            state[begin:] = 2
            word = int("".join(map(str, string[begin : begin + task.word_size])), 2)
            log += log_probs_of(task)(state[None], goal[None])[0, word]
        total += float(np.exp(log))
    return total


@pytest.mark.parametrize(
    ("word_size", "free_bits"), [(1, 0), (1, 2), (2, 0), (2, 3), (3, 1), (3, 4), (6, 5)]
)
def test_chances_are_those_of_all_right_strings(word_size: int, free_bits: int) -> None:
    some = task(word_size=word_size, free_bits=free_bits)
    goals = np.random.default_rng(0).integers(2, size=(3, some.n), dtype=np.int8)
    found = written.chances(log_probs_of(some), some, goals)
    expected = [by_enumeration(some, goal) for goal in goals]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_writer_is_judged_by_its_own_chance() -> None:
    some = task(goal_mode="random", eval_episodes=40)

    class Policy:
        def __call__(self, state: Bits, goal: Bits) -> Any:
            raise AssertionError("nothing is played")

        def log_probs(self, state: Bits, goal: Bits) -> Any:
            raise AssertionError("its chances are asked for")

        def chances(self, goal: Bits) -> Any:
            return written.chances(log_probs_of(some), some, goal)

    outcome = greedy.evaluate(Policy(), some, seed=3)
    env = greedy.evaluation_env(some, 3)
    goals = env.reset(seed=3)[0]["desired_goal"]
    assert outcome.success_rate == pytest.approx(
        np.mean([by_enumeration(some, goal) for goal in goals])
    )
    assert outcome.mean_steps == some.max_steps


def test_a_greedy_policy_writes_its_goal_in_the_environment() -> None:
    some = task(word_size=2, goal_mode="random", eval_episodes=20)

    def copies(state: Bits, goal: Bits) -> Any:
        at = (state != 2).sum(axis=1)
        rows = np.arange(len(state))
        return goal[rows, at] * 2 + goal[rows, at + 1]

    outcome = greedy.evaluate(copies, some, seed=0)
    assert outcome.success_rate == 1
    assert (outcome.steps == 3).all()


@pytest.mark.parametrize(("n", "free", "expected"), [(5, 0, 32.0), (5, 2, 8.0), (2_000, 0, np.inf)])
def test_episodes_of_a_uniform_writer(n: int, free: int, expected: float) -> None:
    assert writing_episodes(n, free) == expected
