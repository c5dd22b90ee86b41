"""The first success of a uniform policy where it is drawn, and how a run begins with it."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import numpy as np
import pytest
from scipy import stats

from experiments.config.run import RunConfig
from experiments.config.run_settings import APPEND
from experiments.config.task import Task
from experiments.methods.first_success import drawn, played, unpacked

N = 3


def arrivals(n: int) -> dict[tuple[tuple[int, ...], tuple[int, ...]], float]:
    """Every first success of at most n steps, from the environment's law, with its chance.

    Starts are uniform over all states but the target, actions are uniform, and the episode ends at
    the target; the chances are given that it does so within n steps.
    """
    found = {}
    for start in itertools.product((0, 1), repeat=n):
        for steps in range(1, n + 1):
            for actions in itertools.product(range(n), repeat=steps):
                states = np.array([start] * (steps + 1))
                for step, action in enumerate(actions):
                    states[step + 1 :, action] ^= 1
                if any(start) and states.any(axis=1).tolist() == [True] * steps + [False]:
                    found[start, actions] = n**-steps / (2**n - 1)
    total = sum(found.values())
    return {path: chance / total for path, chance in found.items()}


def test_a_drawn_success_has_the_law_of_a_first_one() -> None:
    law, count = arrivals(N), 20_000
    assert len(law) == 3 + 6 + 18  # by steps; what comes back at once is none
    draws = [drawn(N, seed) for seed in range(count)]
    seen = Counter((tuple(differs.tolist()), tuple(actions.tolist())) for differs, actions in draws)
    assert seen.keys() == law.keys()
    expected = [count * chance for chance in law.values()]
    assert stats.chisquare([seen[path] for path in law], expected).pvalue > 1e-3


def test_a_uniform_policy_in_the_environment_has_that_law() -> None:
    """What the draw replaces: episodes of the environment itself that arrive."""
    law, seen = arrivals(N), Counter[Any]()
    env = Task.of(RunConfig.of(n=N)).vector_env(4_000, autoreset_mode="Disabled")
    rng = np.random.default_rng(0)
    for seed in range(4):
        observation, _ = env.reset(seed=seed)
        goal = observation["desired_goal"]
        starts = (observation["observation"] ^ goal).tolist()
        actions = rng.integers(N, size=(N, env.num_envs))
        state, waiting = observation["observation"], np.ones(env.num_envs, dtype=bool)
        for step in range(N):
            state[np.arange(env.num_envs), actions[step]] ^= 1
            for copy in np.flatnonzero(waiting & (state == goal).all(axis=1)):
                seen[tuple(starts[copy]), tuple(actions[: step + 1, copy].tolist())] += 1
            waiting &= (state != goal).any(axis=1)
    expected = [seen.total() * chance for chance in law.values()]
    assert seen.keys() == law.keys()
    assert stats.chisquare([seen[path] for path in law], expected).pvalue > 1e-3


@pytest.mark.parametrize("n", [1, 2, 9, 64])
def test_an_episode_is_played_to_its_reward(n: int) -> None:
    task = Task.of(RunConfig.of(n=n, seed=5))
    differs, actions = drawn(n, 5)
    episode = played(task, differs, actions)
    target = task.single_env().unwrapped.target  # type: ignore[attr-defined]
    assert episode.goal.tolist() == target.tolist() == episode.states[-1].tolist()
    assert (episode.states[0] ^ episode.goal).tolist() == differs.tolist()
    flips = (episode.states[1:] ^ episode.states[:-1]).argmax(axis=1)
    assert flips.tolist() == episode.actions.tolist() == actions.tolist()
    last = len(actions) - 1
    assert episode.rewards.tolist() == [0.0] * last + [1.0]
    assert episode.terminated.tolist() == [False] * last + [True]


@pytest.mark.parametrize(("word_size", "free_bits"), [(1, 0), (4, 0), (4, 6)])
def test_a_string_is_written_to_its_reward(word_size: int, free_bits: int) -> None:
    writing: dict[str, Any] = {"env": APPEND, "word_size": word_size, "free_bits": free_bits}
    run = RunConfig.of(method="gflownet", n=12, seed=5, **writing)
    task = Task.of(run)
    differs = np.zeros(12, dtype=np.int8)
    differs[12 - free_bits :] = 1
    none = np.zeros(0, dtype=np.int64)
    episode = played(task, differs, none)
    target = task.single_env().unwrapped.target  # type: ignore[attr-defined]
    assert episode.goal.tolist() == target.tolist()
    assert (episode.states[-1] ^ target).tolist() == differs.tolist()
    steps = 12 // word_size
    assert (episode.states == 2).sum(axis=1).tolist() == list(range(12, -1, -word_size))
    text = "".join(map(str, episode.states[-1]))
    words = [int(text[place : place + word_size], 2) for place in range(0, 12, word_size)]
    assert episode.actions.tolist() == words
    assert episode.rewards.tolist() == [0.0] * (steps - 1) + [1.0]
    assert episode.terminated.tolist() == [False] * (steps - 1) + [True]
    differs[0] = 1
    with pytest.raises(RuntimeError, match=f"ended after {steps}, without success"):
        played(task, differs, none)


def test_what_is_none_of_the_environments_successes_is_refused() -> None:
    task = Task.of(RunConfig.of(n=4))
    start = np.array([1, 0, 0, 0], dtype=np.int8)
    for actions in ([1], [0, 1], [1, 1, 1]):
        with pytest.raises(RuntimeError, match="was to reach the target with its last"):
            played(task, start, np.array(actions))


def test_a_packed_state_has_the_bit_of_each_action_in_its_place() -> None:
    assert unpacked(0b110, 4).tolist() == [0, 1, 1, 0]
    assert unpacked(2**63, 64).tolist() == [0] * 63 + [1]
