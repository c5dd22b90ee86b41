"""What users get wrong: an error that names the value and what is allowed."""

from __future__ import annotations

import gc
import re
import sys
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import InvalidAction

from bitseq_env import BitSequenceEnv, BitSequenceVectorEnv
from tests.bitseq_env.common import single_and_vector

BITS = "string of 3 characters 0 and 1, or 0/1 values of shape (3,)"

# What follows "got" is the value.
ARGUMENTS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"n": 0}, ValueError, "n must be an integer >= 1, got 0"),
    ({"n": 1.5}, TypeError, "n must be an integer >= 1, got 1.5"),
    ({"n": True}, TypeError, "n must be an integer >= 1, got True"),
    ({"n": np.True_}, TypeError, f"n must be an integer >= 1, got {np.True_!r}"),
    ({"n": "8"}, TypeError, "n must be an integer >= 1, got '8'"),
    ({"n": None}, TypeError, "n must be an integer >= 1, got None"),
    ({"target": "01"}, ValueError, f"{BITS} (n=3), got '01' of length 2"),
    ({"target": ""}, ValueError, "got '' of length 0"),
    ({"target": "01x"}, ValueError, "got '01x'"),
    ({"target": [0, 1]}, ValueError, f"{BITS} (n=3), got [0, 1] of shape (2,)"),
    ({"target": [0, 1, 2]}, ValueError, "got [0, 1, 2]"),
    ({"target": [0, 1, 0.5]}, ValueError, "got [0, 1, 0.5]"),
    ({"target": [0, 1, np.nan]}, ValueError, "nan"),
    ({"target": [[0, 1, 1]]}, ValueError, "of shape (1, 3)"),
    ({"target": [[0], [1, 1]]}, ValueError, "got [[0], [1, 1]]"),
    ({"target": 5}, ValueError, "got 5 of shape ()"),
    ({"target": ["0", "1", "1"]}, TypeError, "got ['0', '1', '1']"),
    ({"target": b"011"}, TypeError, "got b'011'"),
    ({"target": {"s": 1}}, TypeError, "got {'s': 1}"),
    ({"target": "000", "start": "zeros"}, ValueError, "target='000' is the first state"),
    ({"target": "011", "target_seed": 4}, ValueError, "target='011' and target_seed=4"),
    ({"target": "011", "goal_mode": "random"}, ValueError, "target='011' needs goal_mode"),
    ({"target_seed": -1}, ValueError, "target_seed must be an integer >= 0, got -1"),
    ({"target_seed": 1.0}, TypeError, "target_seed must be an integer >= 0, got 1.0"),
    ({"goal_mode": "new"}, ValueError, "goal_mode must be one of 'fixed', 'random', got 'new'"),
    ({"goal_mode": None}, ValueError, "goal_mode must be one of 'fixed', 'random', got None"),
    ({"start": 0}, ValueError, "start must be one of 'random', 'zeros', got 0"),
    ({"reward_type": []}, ValueError, "'zero_one', 'minus_one_zero', 'hamming', got []"),
    ({"max_steps": 0}, ValueError, "max_steps must be an integer >= 1, got 0"),
    ({"max_steps": 2.0}, TypeError, "max_steps must be an integer >= 1, got 2.0"),
    ({"continuing_task": 1}, TypeError, "continuing_task must be True or False, got 1"),
    ({"render_mode": "text"}, ValueError, "None, 'ansi', 'rgb_array', 'human', got 'text'"),
]
VECTOR_ARGUMENTS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"num_envs": 0}, ValueError, "num_envs must be an integer >= 1, got 0"),
    ({"num_envs": 2.0}, TypeError, "num_envs must be an integer >= 1, got 2.0"),
    ({"max_episode_steps": 0}, ValueError, "max_episode_steps must be an integer >= 1, got 0"),
    ({"max_episode_steps": 2.0}, TypeError, "max_episode_steps must be an integer >= 1, got 2.0"),
    ({"autoreset_mode": "now"}, ValueError, "'NextStep', 'SameStep', 'Disabled', got 'now'"),
    ({"autoreset_mode": None}, ValueError, "'NextStep', 'SameStep', 'Disabled', got None"),
]


@pytest.mark.parametrize(
    ("make", "kwargs", "error", "says"),
    [
        *[(gym.make, *row) for row in ARGUMENTS],
        *[(gym.make_vec, *row) for row in ARGUMENTS + VECTOR_ARGUMENTS],
    ],
)
@pytest.mark.filterwarnings("ignore:.*not in the possible render_modes")  # as Gymnasium says
def test_arguments(make: Any, kwargs: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=re.escape(says)):
        make("BitSequence-v0", **{"n": 3, **kwargs})


@pytest.mark.parametrize(
    ("make", "name", "first"),
    [(gym.make, "BitSequenceEnv", ""), (gym.make_vec, "BitSequenceVectorEnv", "num_envs, ")],
)
def test_an_unknown_argument_is_told_the_known_ones(make: Any, name: str, first: str) -> None:
    begins = f"{name}.__init__() got an unexpected keyword argument 'frameskip'"
    known = "n, target, target_seed, goal_mode, start, max_steps, reward_type, continuing_task, "
    says = f"{begins} with value 4; it has {first}{known}render_mode"  # TorchRL reads its begin
    with pytest.raises(TypeError, match=f"^{re.escape(says)}"):
        make("BitSequence-v0", frameskip=4)


@pytest.mark.parametrize("cls", [BitSequenceEnv, BitSequenceVectorEnv])
def test_an_environment_that_was_not_made_is_quietly_forgotten(
    cls: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgotten: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", forgotten.append)
    for kwargs in ({"n": 0}, {"frameskip": 4}, {"num_envs": 0}, {"autoreset_mode": "now"}):
        with pytest.raises((TypeError, ValueError)):
            cls(**kwargs)
    with pytest.raises(TypeError, match="positional"):
        cls(1, 2, 3)
    gc.collect()
    assert not forgotten


@pytest.mark.parametrize("target", ["0" * 10_000, [0] * 10_000, np.zeros(10_000)])
def test_errors_do_not_print_ten_thousand_bits(target: Any) -> None:
    with pytest.raises(ValueError, match="target must be") as caught:
        BitSequenceEnv(n=3, target=target)
    assert len(str(caught.value)) < 400


ACTIONS: list[Any] = [-1, 3, 1.0, 1.5, True, None, "1", [1], (1,), 2**70]
ACTIONS += [np.array([1]), np.array(1.0), np.array(True), np.array(3), np.array([[1]])]
ACTIONS += [np.True_, np.float64(1), np.int64(-1)]
VECTOR_ACTIONS: list[Any] = [[0, action] for action in ACTIONS]
VECTOR_ACTIONS += [np.array([0, action]) for action in (-1, 3, 1.0, "1", None, 2**70)]
VECTOR_ACTIONS += [np.array([True, False]), np.array([0, 2**63], dtype=np.uint64)]
VECTOR_ACTIONS += [[0], [0, 1, 2], [[0, 1]], np.array([[0, 1]]), np.array([0])]
VECTOR_ACTIONS += [np.zeros(0, dtype=np.int64), [], 1, np.int64(1), None, "01"]


@pytest.mark.parametrize(
    ("vector", "action"),
    [*[(False, each) for each in ACTIONS], *[(True, each) for each in VECTOR_ACTIONS]],
    ids=repr,
)
def test_actions(vector: bool, action: Any) -> None:
    kwargs: dict[str, Any] = {"n": 3, "render_mode": "ansi"}
    env: Any = BitSequenceVectorEnv(2, **kwargs) if vector else BitSequenceEnv(**kwargs)
    env.reset(seed=0)
    before = env.render()
    with pytest.raises(InvalidAction, match=r"\[0, 2\].* got") as caught:
        env.step(action)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, TypeError)
    assert env.render() == before


OPTIONS: list[tuple[Any, type[Exception], str]] = [
    ([("state", "000")], TypeError, "options must be None or a dict"),
    ("state", TypeError, "options must be None or a dict, got 'state'"),
    ({"start": "000"}, ValueError, "must be one of 'target', 'state'"),
    ({"Target": "000"}, ValueError, "got 'Target'"),
    ({0: "000"}, ValueError, "got 0"),
    ({"state": "00"}, ValueError, "options['state'] must be a string of 3 characters"),
    ({"state": "0a0"}, ValueError, "got '0a0'"),
    ({"state": [0, 1, 2]}, ValueError, "options['state']"),
    ({"state": [[0, 0, 0]]}, ValueError, "of shape (1, 3)"),
    ({"target": [0, 1]}, ValueError, "options['target'] must be a string of 3 characters"),
    ({"target": object()}, TypeError, "options['target']"),
    ({"state": "011"}, ValueError, "differ from its target"),
    ({"target": "000"}, ValueError, "state [0, 0, 0], target [0, 0, 0]"),
]
VECTOR_OPTIONS: list[tuple[Any, type[Exception], str]] = [
    ({"reset_mask": [True, False]}, TypeError, "bool array of shape (2,), got [True, False]"),
    ({"reset_mask": np.array([1, 0])}, TypeError, "bool array of shape (2,)"),
    ({"reset_mask": np.array([True])}, ValueError, "bool array of shape (2,)"),
    ({"reset_mask": np.array([False, False])}, ValueError, "at least one True"),
    ({"state": [[0, 0, 0]]}, ValueError, "(3,) or (2, 3)"),
    ({"state": ["000", "111"]}, TypeError, "(3,) or (2, 3)"),
    ({"state": [[0, 0, 0], [0, 1, 1]]}, ValueError, "differ from its target"),
]


@pytest.mark.parametrize(
    ("vector", "options", "error", "says"),
    [
        *[(False, *row) for row in OPTIONS],
        (False, {"reset_mask": np.array([True])}, ValueError, "got 'reset_mask'"),
        *[(True, *row) for row in OPTIONS + VECTOR_OPTIONS],
    ],
)
def test_a_reset_that_fails_leaves_the_episode_as_it_was(
    vector: bool, options: Any, error: type[Exception], says: str
) -> None:
    kwargs: dict[str, Any] = {"n": 3, "target": "011", "start": "zeros", "render_mode": "ansi"}
    env: Any = BitSequenceVectorEnv(2, **kwargs) if vector else BitSequenceEnv(**kwargs)
    env.reset()
    before = env.render()
    with pytest.raises(error, match=re.escape(says)):
        env.reset(options=options)
    assert env.render() == before
    env.step([0, 1] if vector else 0)


@pytest.mark.parametrize(
    ("seed", "error"),
    [
        (-1, gym.error.Error),
        (1.0, gym.error.Error),
        ([1], ValueError),
        ([1, 2, 3], ValueError),
        ([1, -2], ValueError),
        ([1, 2.0], TypeError),
        ("12", TypeError),
    ],
)
def test_vector_seeds(seed: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"[Ss]eed"):
        BitSequenceVectorEnv(2, n=3).reset(seed=seed)


@single_and_vector
@pytest.mark.parametrize("shape", [(), (2,), (4,), (5, 4), (3, 1)])
@pytest.mark.parametrize("name", ["compute_reward", "compute_terminated", "compute_truncated"])
def test_goals_of_another_length(make: Any, name: str, shape: tuple[int, ...]) -> None:
    wrong, right = np.zeros(shape), np.zeros(3)
    for goals in ((wrong, right), (right, wrong)):
        with pytest.raises(ValueError, match=re.escape(f"(..., 3), got shape {shape}")):
            getattr(make(n=3), name)(*goals, {})
