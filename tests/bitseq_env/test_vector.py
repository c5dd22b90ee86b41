"""The vector environment alone: its attributes, and a limit on its steps."""

from __future__ import annotations

import dataclasses
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from bitseq_env import BitSequenceVectorEnv


@pytest.mark.parametrize("mode", ["sync", "vector_entry_point"])
@pytest.mark.parametrize("values", [2, [2, 2], (2, 2)])
def test_what_is_set_is_set_for_all_copies(mode: str, values: Any) -> None:
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
def test_a_time_limit_of_gymnasiums(kwargs: dict[str, Any], steps: int, mode: str) -> None:
    limited = dataclasses.replace(gym.spec("BitSequence-v0"), max_episode_steps=3)
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
