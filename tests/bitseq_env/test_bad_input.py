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

from bitseq_env import BitSequenceEnv
from tests.bitseq_env.common import APPEND, CLASSES, FLIP, both, single_and_vector_of_both

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
    ({"target": "011", "target_seed": 4}, ValueError, "target='011' and target_seed=4"),
    ({"target": "011", "goal_mode": "random"}, ValueError, "target='011' needs goal_mode"),
    ({"target_seed": -1}, ValueError, "target_seed must be an integer >= 0, got -1"),
    ({"target_seed": 1.0}, TypeError, "target_seed must be an integer >= 0, got 1.0"),
    ({"goal_mode": "new"}, ValueError, "goal_mode must be one of 'fixed', 'random', got 'new'"),
    ({"goal_mode": None}, ValueError, "goal_mode must be one of 'fixed', 'random', got None"),
    ({"reward_type": []}, ValueError, "'zero_one', 'minus_one_zero', 'hamming', got []"),
    ({"render_mode": "text"}, ValueError, "None, 'ansi', 'rgb_array', 'human', got 'text'"),
]
FLIP_ARGUMENTS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"target": "000", "start": "zeros"}, ValueError, "target='000' is the first state"),
    ({"start": 0}, ValueError, "start must be one of 'random', 'zeros', got 0"),
    ({"max_steps": 0}, ValueError, "max_steps must be an integer >= 1, got 0"),
    ({"max_steps": 2.0}, TypeError, "max_steps must be an integer >= 1, got 2.0"),
    ({"continuing_task": 1}, TypeError, "continuing_task must be True or False, got 1"),
]
_divides = "word_size must be at most 16, as there are 2^word_size actions, and divide n="
APPEND_ARGUMENTS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"word_size": 0}, ValueError, "word_size must be an integer >= 1, got 0"),
    ({"word_size": 1.0}, TypeError, "word_size must be an integer >= 1, got 1.0"),
    ({"word_size": 2}, ValueError, f"{_divides}3, got 2"),
    ({"word_size": 6}, ValueError, f"{_divides}3, got 6"),
    ({"word_size": 17, "n": 34}, ValueError, f"{_divides}34, got 17"),
    ({"free_bits": -1}, ValueError, "free_bits must be an integer >= 0, got -1"),
    ({"free_bits": True}, TypeError, "free_bits must be an integer >= 0, got True"),
    (
        {"free_bits": 3},
        ValueError,
        "free_bits must leave a bit that counts: in [0, 2] for n=3, got 3",
    ),
    ({"max_steps": 5}, TypeError, "'max_steps' with value 5; it has n"),
    ({"max_steps": 5}, TypeError, ": an episode has n / word_size steps, so there is no horizon"),
    ({"horizon": 5}, TypeError, ": an episode has n / word_size steps, so there is no horizon"),
    ({"start": "zeros"}, TypeError, ": an episode starts empty, or with the 'state' of reset's"),
    ({"continuing_task": True}, TypeError, ": an episode ends when the string is written"),
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
    ("make", "env_id", "kwargs", "error", "says"),
    [
        (make, env_id, *row)
        for env_id, own in ((FLIP, FLIP_ARGUMENTS), (APPEND, APPEND_ARGUMENTS))
        for make, vector in ((gym.make, []), (gym.make_vec, VECTOR_ARGUMENTS))
        for row in ARGUMENTS + own + vector
    ],
)
@pytest.mark.filterwarnings("ignore:.*not in the possible render_modes")  # as Gymnasium says
def test_arguments(
    make: Any, env_id: str, kwargs: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=re.escape(says)):
        make(env_id, **{"n": 3, **kwargs})


KNOWN = {
    FLIP: "n, target, target_seed, goal_mode, start, max_steps, reward_type, continuing_task, ",
    APPEND: "n, word_size, free_bits, target, target_seed, goal_mode, reward_type, ",
}


@both
@pytest.mark.parametrize("vector", [False, True])
def test_an_unknown_argument_is_told_the_known_ones(env_id: str, vector: bool) -> None:
    begins = f"{CLASSES[env_id][vector].__name__}.__init__() got an unexpected keyword argument"
    first = "num_envs, " if vector else ""  # TorchRL reads the beginning
    says = f"{begins} 'frameskip' with value 4; it has {first}{KNOWN[env_id]}render_mode"
    make: Any = gym.make_vec if vector else gym.make
    with pytest.raises(TypeError, match=f"^{re.escape(says)}"):
        make(env_id, frameskip=4)


@pytest.mark.parametrize("cls", [each for classes in CLASSES.values() for each in classes])
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


def made(env_id: str, vector: bool, **kwargs: Any) -> Any:
    """An environment on three bits whose states can be seen, or two of them."""
    single, many = CLASSES[env_id]
    kwargs |= {"n": 3, "render_mode": "ansi"}
    return many(2, **kwargs) if vector else single(**kwargs)


ACTIONS: list[Any] = [-1, 3, 1.0, 1.5, True, None, "1", [1], (1,), 2**70]
ACTIONS += [np.array([1]), np.array(1.0), np.array(True), np.array(3), np.array([[1]])]
ACTIONS += [np.True_, np.float64(1), np.int64(-1)]
VECTOR_ACTIONS: list[Any] = [[0, action] for action in ACTIONS]
VECTOR_ACTIONS += [np.array([0, action]) for action in (-1, 3, 1.0, "1", None, 2**70)]
VECTOR_ACTIONS += [np.array([True, False]), np.array([0, 2**63], dtype=np.uint64)]
VECTOR_ACTIONS += [[0], [0, 1, 2], [[0, 1]], np.array([[0, 1]]), np.array([0])]
VECTOR_ACTIONS += [np.zeros(0, dtype=np.int64), [], 1, np.int64(1), None, "01"]


@both
@pytest.mark.parametrize(
    ("vector", "action"),
    [*[(False, each) for each in ACTIONS], *[(True, each) for each in VECTOR_ACTIONS]],
    ids=repr,
)
def test_actions(env_id: str, vector: bool, action: Any) -> None:
    env = made(env_id, vector)
    env.reset(seed=0)
    before = env.render()
    with pytest.raises(
        InvalidAction, match=rf"\[0, {2 if env_id == FLIP else 1}\].* got"
    ) as caught:
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
    ({"state": [0, 1, 3]}, ValueError, "options['state']"),
    ({"state": [[0, 0, 0]]}, ValueError, "of shape (1, 3)"),
    ({"target": [0, 1]}, ValueError, "options['target'] must be a string of 3 characters"),
    ({"target": [0, 1, 2]}, ValueError, "or 0/1 values of shape"),
    ({"target": object()}, TypeError, "options['target']"),
]
FLIP_OPTIONS: list[tuple[Any, type[Exception], str]] = [
    ({"state": [0, 1, 2]}, ValueError, "characters 0 and 1, or 0/1 values of shape"),
    ({"state": "011"}, ValueError, "differ from its target"),
    ({"target": "000"}, ValueError, "state [0, 0, 0], target [0, 0, 0]"),
]
_begun = "options['state'] must be whole words of 1 bits, then 2s, at least 1 of them, got "
APPEND_OPTIONS: list[tuple[Any, type[Exception], str]] = [
    ({"state": "013"}, ValueError, "characters 0, 1 and 2, or 0/1/2 values of shape"),
    ({"state": "011"}, ValueError, f"{_begun}[0, 1, 1]"),
    ({"state": "021"}, ValueError, f"{_begun}[0, 2, 1]"),
    ({"state": "212"}, ValueError, f"{_begun}[2, 1, 2]"),
]
VECTOR_OPTIONS: list[tuple[Any, type[Exception], str]] = [
    ({"reset_mask": [True, False]}, TypeError, "bool array of shape (2,), got [True, False]"),
    ({"reset_mask": np.array([1, 0])}, TypeError, "bool array of shape (2,)"),
    ({"reset_mask": np.array([True])}, ValueError, "bool array of shape (2,)"),
    ({"reset_mask": np.array([False, False])}, ValueError, "at least one True"),
    ({"state": [[0, 0, 0]]}, ValueError, "(3,) or (2, 3)"),
    ({"state": ["000", "111"]}, TypeError, "(3,) or (2, 3)"),
]
FLIP_VECTOR_OPTIONS: list[tuple[Any, type[Exception], str]] = [
    ({"state": [[0, 0, 0], [0, 1, 1]]}, ValueError, "differ from its target"),
]
APPEND_VECTOR_OPTIONS: list[tuple[Any, type[Exception], str]] = [
    ({"state": [[0, 2, 2], [0, 1, 1]]}, ValueError, f"{_begun}[[0, 2, 2], [0, 1, 1]]"),
]


@pytest.mark.parametrize(
    ("env_id", "vector", "options", "error", "says"),
    [
        (env_id, vector, *row)
        for env_id, own, own_of_vector in (
            (FLIP, FLIP_OPTIONS, FLIP_VECTOR_OPTIONS),
            (APPEND, APPEND_OPTIONS, APPEND_VECTOR_OPTIONS),
        )
        for vector, more in (
            (False, [({"reset_mask": np.array([True])}, ValueError, "got 'reset_mask'")]),
            (True, VECTOR_OPTIONS + own_of_vector),
        )
        for row in [*OPTIONS, *own, *more]
    ],
)
def test_a_reset_that_fails_leaves_the_episode_as_it_was(
    env_id: str, vector: bool, options: Any, error: type[Exception], says: str
) -> None:
    env = made(env_id, vector, target="011", **({"start": "zeros"} if env_id == FLIP else {}))
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
@both
def test_vector_seeds(env_id: str, seed: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"[Ss]eed"):
        made(env_id, vector=True).reset(seed=seed)


@pytest.mark.parametrize("state", ["0222", "0112", "2201", "0101"])
def test_states_of_torn_words(state: str) -> None:
    env = CLASSES[APPEND][0](n=4, word_size=2)
    with pytest.raises(ValueError, match="whole words of 2 bits, then 2s, at least 2 of them"):
        env.reset(options={"state": state})


@single_and_vector_of_both
@pytest.mark.parametrize("shape", [(), (2,), (4,), (5, 4), (3, 1)])
@pytest.mark.parametrize("name", ["compute_reward", "compute_terminated", "compute_truncated"])
def test_goals_of_another_length(make: Any, name: str, shape: tuple[int, ...]) -> None:
    wrong, right = np.zeros(shape), np.zeros(3)
    for goals in ((wrong, right), (right, wrong)):
        with pytest.raises(ValueError, match=re.escape(f"(..., 3), got shape {shape}")):
            getattr(make(n=3), name)(*goals, {})
