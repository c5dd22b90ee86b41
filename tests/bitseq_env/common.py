"""What these tests share: every kind of environment, and any valid arguments of theirs."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AutoresetMode, VectorEnv
from hypothesis import strategies as st

from bitseq_env import (
    BitSequenceAppendEnv,
    BitSequenceAppendVectorEnv,
    BitSequenceEnv,
    BitSequenceVectorEnv,
    rules,
)
from bitseq_env.arguments import GOAL_MODES, STARTS

FLIP, APPEND = "BitSequence-v0", "BitSequenceAppend-v0"
CLASSES: dict[str, tuple[Any, Any]] = {
    FLIP: (BitSequenceEnv, BitSequenceVectorEnv),
    APPEND: (BitSequenceAppendEnv, BitSequenceAppendVectorEnv),
}
# Arguments of an episode of a single step
ONE_STEP: dict[str, dict[str, Any]] = {FLIP: {"max_steps": 1}, APPEND: {"word_size": 3}}

single_and_vector = pytest.mark.parametrize(
    "make", [BitSequenceEnv, partial(BitSequenceVectorEnv, 2)], ids=["single", "vector"]
)
both = pytest.mark.parametrize("env_id", CLASSES)
single_and_vector_of_both = pytest.mark.parametrize(
    "make",
    [kind for single, vector in CLASSES.values() for kind in (single, partial(vector, 2))],
    ids=[f"{env_id}-{kind}" for env_id in CLASSES for kind in ("single", "vector")],
)
all_kinds_of_both = pytest.mark.parametrize(
    ("env_id", "make"),
    [
        pytest.param(env_id, make, id=f"{env_id}-{kind}")
        for env_id, (single, vector) in CLASSES.items()
        for kind, make in [
            ("single", single),
            *((each.value, partial(vector, 2, autoreset_mode=each)) for each in AutoresetMode),
        ]
    ],
)


def is_vector(env: Any) -> bool:
    return isinstance(env, VectorEnv)


def actions_of(env: Any) -> int:
    """How many actions there are."""
    space = env.single_action_space if is_vector(env) else env.action_space
    return int(space.n)


def _target(draw: st.DrawFn, n: int) -> dict[str, Any]:
    """Arguments that say which s."""
    chosen: dict[str, Any] = {
        "goal_mode": draw(st.sampled_from(GOAL_MODES)),
        "target_seed": draw(st.none() | st.integers(0, 9)),
    }
    if chosen["goal_mode"] == "fixed" and draw(st.booleans()):
        bits = st.lists(st.integers(0, 1), min_size=n, max_size=n)
        chosen |= {"target": draw(bits.filter(any)), "target_seed": None}
    return chosen


@st.composite
def flip_arguments(draw: st.DrawFn) -> dict[str, Any]:
    """Any valid arguments that single and vector environment share, on few bits."""
    n = draw(st.integers(1, 6))
    return {
        "n": n,
        "start": draw(st.sampled_from(STARTS)),
        "reward_type": draw(st.sampled_from(rules.REWARD_TYPES)),
        "continuing_task": draw(st.booleans()),
        "max_steps": draw(st.none() | st.integers(1, 8)),
        **_target(draw, n),
    }


@st.composite
def append_arguments(draw: st.DrawFn) -> dict[str, Any]:
    """The same, of the environments that write."""
    word_size = draw(st.integers(1, 3))
    n = word_size * draw(st.integers(1, 6 // word_size))
    return {
        "n": n,
        "word_size": word_size,
        "free_bits": draw(st.integers(0, n - 1)),
        "reward_type": draw(st.sampled_from(rules.REWARD_TYPES)),
        **_target(draw, n),
    }


ARGUMENTS = {FLIP: flip_arguments(), APPEND: append_arguments()}


def same(ours: Any, theirs: Any) -> bool:
    """Whether both are equal in values, types, dtypes, shapes and keys."""
    return data_equivalence(ours, theirs, exact=True)


def flipped(states: Any, bit: Any) -> Any:
    """States with a bit of each flipped, by the definition."""
    return states ^ np.eye(states.shape[-1], dtype=np.int8)[bit]


def begun(rng: np.random.Generator, n: int, word_size: int) -> Any:
    """A state of which the first words are written, any but the last."""
    state = rng.integers(0, 2, size=n)
    state[word_size * rng.integers(n // word_size) :] = rules.OPEN
    return state
