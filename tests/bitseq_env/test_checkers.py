"""gymnasium's and SB3's environment checkers pass, with no warning, whatever the options."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import pytest
from gymnasium.utils.env_checker import check_env

from bitseq_env import BitSequenceEnv
from bitseq_env.arguments import GOAL_MODES, STARTS
from bitseq_env.rules import REWARD_TYPES

WHICH_S: list[dict[str, Any]] = [{}, {"target_seed": 1}, {"target": "0110"}]


def combinations(n: int) -> Iterator[dict[str, Any]]:
    """All valid combinations of the options but render_mode, for one n."""
    for goal_mode, start, reward_type, continuing, max_steps, which in itertools.product(
        GOAL_MODES, STARTS, REWARD_TYPES, (False, True), (None, 1, 2, 7), WHICH_S
    ):
        if "target" in which and (goal_mode == "random" or n != len(which["target"])):
            continue  # an error, see test_bad_input.py
        # Gymnasium refuses an environment whose first step truncates. With a horizon of one step
        # only n = 1 avoids it: that step arrives, and terminates unless the task continues.
        if (max_steps or n) == 1 and (n > 1 or continuing):
            continue
        yield {
            "n": n,
            "goal_mode": goal_mode,
            "start": start,
            "reward_type": reward_type,
            "continuing_task": continuing,
            "max_steps": max_steps,
            **which,
        }


def test_the_combinations_are_what_they_should_be() -> None:
    assert len(list(combinations(4))) == 2 * 3 * 2 * 3 * (3 + 2)
    assert len(list(combinations(1))) == 2 * 3 * (4 + 2) * (2 + 2)


@pytest.fixture(autouse=True)
def a_window_that_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of episodes are shown here, to nobody."""
    monkeypatch.setitem(BitSequenceEnv.metadata, "render_fps", 100_000)


@pytest.mark.parametrize("n", [1, 4])
def test_gymnasium(n: int) -> None:
    for kwargs in combinations(n):
        check_env(gym.make("BitSequence-v0", **kwargs), skip_render_check=True)


@pytest.mark.parametrize("kwargs", [{}, {"n": 1}, {"goal_mode": "random"}, {"n": 1000}])
@pytest.mark.parametrize("render_mode", [None, "ansi", "rgb_array", "human"])
def test_gymnasium_rendering(render_mode: str | None, kwargs: dict[str, Any]) -> None:
    pytest.importorskip("pygame")  # environments of all the other render modes are made too
    env = gym.make("BitSequence-v0", render_mode=render_mode, **kwargs)
    check_env(env)
    env.close()


@pytest.mark.parametrize("n", [1, 4])
def test_stable_baselines3(n: int) -> None:
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    for kwargs in combinations(n):
        checker.check_env(gym.make("BitSequence-v0", **kwargs), warn=True)


@pytest.mark.parametrize("render_mode", ["ansi", "rgb_array", "human"])
def test_stable_baselines3_rendering(render_mode: str) -> None:
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    if render_mode == "human":
        pytest.importorskip("pygame")
    env = gym.make("BitSequence-v0", render_mode=render_mode)
    checker.check_env(env, warn=True, skip_render_check=False)
    env.close()


def test_gymnasiums_passive_checker_has_nothing_to_say() -> None:
    # The registration leaves it out for its cost; who asks for it gets it.
    env = gym.make("BitSequence-v0", n=4, disable_env_checker=False, render_mode="ansi")
    assert isinstance(env, gym.wrappers.PassiveEnvChecker)
    env.reset(seed=0)
    env.step(env.action_space.sample())
    env.render()
