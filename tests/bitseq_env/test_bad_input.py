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

BITS = "string of 3 characters 0 and 1, or 0/1 values of shape (3,)"

# arguments; the error; what it says besides the value
ARGUMENTS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"n": 0}, ValueError, "n must be an integer >= 1, got 0"),
    ({"n": 1.5}, TypeError, "n must be an integer >= 1, got 1.5"),
    ({"n": True}, TypeError, "n must be an integer >= 1, got True"),
    ({"n": np.True_}, TypeError, f"n must be an integer >= 1, got {np.True_!r}"),
    ({"n": "8"}, TypeError, "n must be an integer >= 1, got '8'"),
    ({"n": None}, TypeError, "n must be an integer >= 1, got None"),
    ({"n": 3, "target": "01"}, ValueError, f"{BITS} (n=3), got '01' of length 2"),
    ({"n": 3, "target": ""}, ValueError, "got '' of length 0"),
    ({"n": 3, "target": "01x"}, ValueError, "got '01x'"),
    ({"n": 3, "target": [0, 1]}, ValueError, f"{BITS} (n=3), got [0, 1] of shape (2,)"),
    ({"n": 3, "target": [0, 1, 2]}, ValueError, "got [0, 1, 2]"),
    ({"n": 3, "target": [0, 1, 0.5]}, ValueError, "got [0, 1, 0.5]"),
    ({"n": 3, "target": [0, 1, np.nan]}, ValueError, "nan"),
    ({"n": 3, "target": [[0, 1, 1]]}, ValueError, "of shape (1, 3)"),
    ({"n": 3, "target": [[0], [1, 1]]}, ValueError, "got [[0], [1, 1]]"),
    ({"n": 3, "target": 5}, ValueError, "got 5 of shape ()"),
    ({"n": 3, "target": ["0", "1", "1"]}, TypeError, "got ['0', '1', '1']"),
    ({"n": 3, "target": b"011"}, TypeError, "got b'011'"),
    ({"n": 3, "target": {"s": 1}}, TypeError, "got {'s': 1}"),
    ({"n": 3, "target": "000", "start": "zeros"}, ValueError, "target='000' is the first state"),
    ({"n": 3, "target": "011", "target_seed": 4}, ValueError, "target='011' and target_seed=4"),
    ({"n": 3, "target": "011", "goal_mode": "random"}, ValueError, "target='011' needs goal_mode"),
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
    (
        {"horizon": 5},
        TypeError,
        "__init__() got an unexpected keyword argument 'horizon' with value 5; it has",
    ),
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
    ("cls", "kwargs", "error", "says"),
    [
        *[(BitSequenceEnv, *row) for row in ARGUMENTS],
        *[(BitSequenceVectorEnv, *row) for row in ARGUMENTS + VECTOR_ARGUMENTS],
    ],
)
def test_arguments(cls: Any, kwargs: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=re.escape(says)):
        cls(**kwargs)


def test_an_unknown_argument_is_told_the_known_ones() -> None:
    known = "n, target, target_seed, goal_mode, start, max_steps, reward_type, continuing_task"
    known += ", render_mode"
    begins = r"__init__\(\) got an unexpected keyword argument 'frameskip'"  # TorchRL reads this
    with pytest.raises(TypeError, match=f"^BitSequenceEnv.{begins}.* it has {known}"):
        BitSequenceEnv(frameskip=4)  # type: ignore[call-arg]
    with pytest.raises(
        TypeError, match=f"^BitSequenceVectorEnv.{begins}.* it has num_envs, {known}"
    ):
        BitSequenceVectorEnv(frameskip=4)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("kwargs", "error"), [({"n": 0}, ValueError), ({"n": "8"}, TypeError), ({"m": 1}, TypeError)]
)
def test_errors_come_through_make(kwargs: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=r"n must be|unexpected keyword argument 'm' with value 1"):
        gym.make("BitSequence-v0", **kwargs)
    with pytest.raises(error, match=r"n must be|unexpected keyword argument 'm' with value 1"):
        gym.make_vec("BitSequence-v0", num_envs=2, **kwargs)


@pytest.mark.parametrize("cls", [BitSequenceEnv, BitSequenceVectorEnv])
def test_an_environment_that_was_not_made_is_quietly_forgotten(cls: Any) -> None:
    forgotten: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "unraisablehook", forgotten.append)
        for arguments in ({"n": 0}, {"frameskip": 4}, {"num_envs": 0}, {"autoreset_mode": "now"}):
            with pytest.raises((TypeError, ValueError)):
                cls(**arguments)
        with pytest.raises(TypeError, match="positional"):
            cls(1, 2, 3)
        gc.collect()
    assert not forgotten


def test_an_unknown_render_mode_comes_through_make() -> None:
    with (
        pytest.warns(UserWarning, match="not in the possible render_modes"),
        pytest.raises(ValueError, match="render_mode must be one of"),
    ):
        gym.make("BitSequence-v0", render_mode="text")


def test_errors_do_not_print_ten_thousand_bits() -> None:
    for target in ("0" * 10_000, [0] * 10_000, np.zeros(10_000)):
        with pytest.raises(ValueError, match="target must be") as caught:
            BitSequenceEnv(n=3, target=target)
        assert len(str(caught.value)) < 400


ACTIONS: list[Any] = [-1, 3, 1.0, 1.5, True, None, "1", [1], (1,), 2**70]
ACTIONS += [np.array([1]), np.array(1.0), np.array(True), np.array(3), np.array([[1]])]
ACTIONS += [np.True_, np.float64(1), np.int64(-1)]


@pytest.mark.parametrize("action", ACTIONS, ids=repr)
def test_actions(action: Any) -> None:
    env = BitSequenceEnv(n=3)
    env.reset(seed=0)
    before = env._state.copy()
    with pytest.raises(InvalidAction, match=re.escape("an integer in [0, 2]")) as caught:
        env.step(action)
    assert "got" in str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, TypeError)
    np.testing.assert_array_equal(env._state, before)


@pytest.mark.parametrize(
    "actions",
    [
        *[[0, action] for action in ACTIONS],
        *[np.array([0, action]) for action in (-1, 3, 1.0, "1", None, 2**70)],
        np.array([True, False]),
        np.array([0, 2**63], dtype=np.uint64),
        [0, -1],
        [0],
        [0, 1, 2],
        [[0, 1]],
        np.array([[0, 1]]),
        np.array([0]),
        np.zeros(0, dtype=np.int64),
        [],
        1,
        None,
        "01",
    ],
    ids=repr,
)
@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_vector_actions(actions: Any, mode: str) -> None:
    env = BitSequenceVectorEnv(2, n=3, autoreset_mode=mode, render_mode="ansi")
    env.reset(seed=0)
    before = env.render()
    with pytest.raises(InvalidAction, match=re.escape("[0, 2]")) as caught:
        env.step(actions)
    assert "got" in str(caught.value)
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
    ({"state": 3.0}, ValueError, "got 3.0"),
    ({"target": [0, 1]}, ValueError, "options['target'] must be a string of 3 characters"),
    ({"target": object()}, TypeError, "options['target']"),
    ({"state": "011"}, ValueError, "differ from its target"),
    ({"state": "010", "target": [0, 1, 0]}, ValueError, "state [0, 1, 0], target [0, 1, 0]"),
]


@pytest.mark.parametrize(("options", "error", "says"), OPTIONS)
def test_options(options: Any, error: type[Exception], says: str) -> None:
    for env in (BitSequenceEnv(n=3, target="011"), BitSequenceVectorEnv(2, n=3, target="011")):
        with pytest.raises(error, match=re.escape(says)):
            env.reset(options=options)


def test_options_that_belong_to_the_vector_environment() -> None:
    env = BitSequenceEnv(n=3)
    with pytest.raises(ValueError, match="got 'reset_mask'"):
        env.reset(options={"reset_mask": np.array([True])})
    with pytest.raises(ValueError, match=r"shape \(1, 3\)"):
        env.reset(options={"state": [[0, 0, 0]]})


def test_a_zero_target_for_an_episode_that_starts_at_zeros() -> None:
    env = BitSequenceEnv(n=3, start="zeros")
    with pytest.raises(ValueError, match="differ from its target"):
        env.reset(options={"target": "000"})
    env.reset(options={"target": "000", "state": "111"})


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"reset_mask": [True, False]}, TypeError, "bool array of shape (2,), got [True, False]"),
        ({"reset_mask": np.array([1, 0])}, TypeError, "bool array of shape (2,)"),
        ({"reset_mask": np.array([True])}, ValueError, "bool array of shape (2,)"),
        ({"reset_mask": np.array([False, False])}, ValueError, "at least one True"),
        ({"state": [[0, 0, 0]]}, ValueError, "(3,) or (2, 3)"),
        ({"state": ["000", "111"]}, TypeError, "(3,) or (2, 3)"),
        ({"state": [[0, 0, 0], [0, 1, 1]]}, ValueError, "differ from its target"),
    ],
)
def test_vector_options(options: Any, error: type[Exception], says: str) -> None:
    env = BitSequenceVectorEnv(2, n=3, target="011")
    env.reset(seed=0)
    with pytest.raises(error, match=re.escape(says)):
        env.reset(options=options)


def test_a_failed_reset_leaves_the_episode_as_it_was() -> None:
    env = BitSequenceVectorEnv(2, n=3, target="011", render_mode="ansi")
    env.reset(seed=0)
    before = env.render()
    with pytest.raises(ValueError, match="differ from its target"):
        env.reset(options={"state": "011"})
    assert env.render() == before
    env.step(np.array([0, 1]))


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


@pytest.mark.parametrize("shape", [(), (2,), (4,), (5, 4), (3, 1)])
@pytest.mark.parametrize("name", ["compute_reward", "compute_terminated", "compute_truncated"])
def test_goals_of_another_length(name: str, shape: tuple[int, ...]) -> None:
    compute = getattr(BitSequenceEnv(n=3), name)
    with pytest.raises(ValueError, match=re.escape(f"(..., 3), got shape {shape}")):
        compute(np.zeros(shape), np.zeros(3), {})
    with pytest.raises(ValueError, match=re.escape(f"(..., 3), got shape {shape}")):
        compute(np.zeros(3), np.zeros(shape), {})
