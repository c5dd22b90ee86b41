"""gymnasium's and SB3's environment checkers pass, with no warning, whatever the options."""

from __future__ import annotations

import itertools
from typing import Any

import gymnasium as gym
import pytest
from gymnasium.utils.env_checker import check_env

from bitseq_env.arguments import GOAL_MODES, RENDER_MODES, STARTS
from bitseq_env.rules import REWARD_TYPES
from bitseq_env.single import Single
from tests.bitseq_env.common import APPEND, FLIP, both

SHARED_CHOICES: dict[str, list[Any]] = {
    "goal_mode": [*GOAL_MODES],
    "reward_type": [*REWARD_TYPES],
    "target_seed": [None, 1],
}
CHOICES: dict[str, dict[str, list[Any]]] = {
    FLIP: {
        **SHARED_CHOICES,
        "start": [*STARTS],
        "continuing_task": [False, True],
        "max_steps": [None, 1, 2, 7],
    },
    APPEND: {**SHARED_CHOICES, "word_size": [1, 2, 4], "free_bits": [0, 3]},
}


@pytest.fixture(params=["gymnasium", "SB3"])
def check(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A checker; hundreds of episodes are shown in it, to nobody."""
    monkeypatch.setitem(Single.metadata, "render_fps", 100_000)
    if request.param == "SB3":
        return pytest.importorskip("stable_baselines3.common.env_checker").check_env
    return check_env


@pytest.mark.parametrize(("env_id", "n"), [(FLIP, 1), (FLIP, 4), (APPEND, 4)])
def test_all_options(check: Any, env_id: str, n: int) -> None:
    choices = CHOICES[env_id]
    options = [
        dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())
    ]
    for kwargs in [*options, {"target": "1" * n}]:
        # Gymnasium refuses an environment whose first step truncates. With a horizon of one step
        # only n = 1 avoids it: that step arrives, and terminates unless the task continues.
        if (kwargs.get("max_steps") or n) > 1 or (n == 1 and not kwargs.get("continuing_task")):
            check(gym.make(env_id, n=n, **kwargs), skip_render_check=True)


@both
@pytest.mark.parametrize("kwargs", [{}, {"n": 1}, {"goal_mode": "random"}, {"n": 1000}])
@pytest.mark.parametrize("render_mode", [None, *RENDER_MODES])
def test_rendering(
    check: Any, env_id: str, render_mode: str | None, kwargs: dict[str, Any]
) -> None:
    pytest.importorskip("pygame")  # environments of all the other render modes are made too
    env = gym.make(env_id, render_mode=render_mode, **kwargs)
    check(env, skip_render_check=False)
    env.close()


@both
def test_gymnasiums_passive_checker_has_nothing_to_say(env_id: str) -> None:
    # The registration leaves it out for its cost; who asks for it gets it.
    env = gym.make(env_id, n=4, disable_env_checker=False, render_mode="ansi")
    assert isinstance(env, gym.wrappers.PassiveEnvChecker)
    env.reset(seed=0)
    env.step(env.action_space.sample())
    env.render()
