"""The vector environment alone: its attributes, and a limit on its steps."""

from __future__ import annotations

import dataclasses
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from tests.bitseq_env.common import APPEND, CLASSES, FLIP, both

# From here no episode ends before its horizon, where every action is a 0.
EARLY = {FLIP: "00000", APPEND: "22222"}


@both
@pytest.mark.parametrize("mode", ["sync", "vector_entry_point"])
@pytest.mark.parametrize("values", [2, [2, 2], (2, 2)])
def test_what_is_set_is_set_for_all_copies(env_id: str, mode: str, values: Any) -> None:
    env: Any = gym.make_vec(env_id, 2, vectorization_mode=mode, n=5, target="11111")
    env.set_attr("max_steps", values)
    assert env.get_attr("max_steps") == (2, 2)
    env.reset(options={"state": EARLY[env_id]})
    assert [env.step([0, 0])[3].tolist() for _ in range(2)] == [[False] * 2, [True] * 2]


@both
def test_attributes_that_copies_do_not_have_each(env_id: str) -> None:
    env = CLASSES[env_id][1](2, n=5)
    for values in ([2, 3], [2], (2, 2, 2), []):
        with pytest.raises(ValueError, match="the copies share max_steps: one value"):
            env.set_attr("max_steps", values)
    assert env.max_steps == 5
    for name in ("reset", "step", "close", "target", "nothing"):
        with pytest.raises(AttributeError, match=r"one of all copies|not drawn|'nothing'"):
            env.get_attr(name)


@pytest.mark.parametrize(
    ("env_id", "kwargs", "steps"),
    [
        *[
            (env_id, kwargs, steps)
            for env_id in CLASSES
            for kwargs, steps in (
                ({}, 3),
                ({"max_episode_steps": 2}, 2),
                ({"max_episode_steps": 4}, 4),
                ({"max_episode_steps": 9}, 5),
                ({"max_episode_steps": -1}, 5),
            )
        ],
        (FLIP, {"max_steps": 2}, 2),
    ],
)
@pytest.mark.parametrize("mode", ["sync", "vector_entry_point"])
def test_a_time_limit_of_gymnasiums(
    env_id: str, kwargs: dict[str, Any], steps: int, mode: str
) -> None:
    limited = dataclasses.replace(gym.spec(env_id), max_episode_steps=3)
    made = gym.make_vec(limited, 2, vectorization_mode=mode, n=5, target="11111", **kwargs)
    assert made.spec is not None
    for env in (made, gym.make_vec(made.spec)):
        env.reset(options={"state": EARLY[env_id]})
        for step in range(1, steps + 1):
            _, _, terminated, truncated, _ = env.step(np.array([0, 0]))
            # by then a string that is written is whole, and no flip of one bit makes it right
            ends, whole = step == steps, env_id == APPEND and step == 5
            assert truncated.tolist() == [ends and not whole] * 2
            assert terminated.tolist() == [whole] * 2


@pytest.mark.parametrize(("env_id", "state"), [(FLIP, "00111"), (APPEND, "11122")])
def test_a_time_limit_is_no_end_for_who_arrives(env_id: str, state: str) -> None:
    env = gym.make_vec(env_id, num_envs=1, n=5, target="11111", max_episode_steps=2)
    env.reset(options={"state": state})
    for action in (0, 1) if env_id == FLIP else (1, 1):
        ends = [flag.item() for flag in env.step(np.array([action]))[1:4]]
    assert ends == [1.0, True, False]
