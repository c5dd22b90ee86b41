"""What these tests share: every kind of environment, and any valid arguments of theirs."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AutoresetMode
from hypothesis import strategies as st

from bitseq_env import BitSequenceEnv, BitSequenceVectorEnv, rules
from bitseq_env.arguments import GOAL_MODES, STARTS

single_and_vector = pytest.mark.parametrize(
    "make", [BitSequenceEnv, partial(BitSequenceVectorEnv, 2)], ids=["single", "vector"]
)
all_kinds = pytest.mark.parametrize(
    "make",
    [
        BitSequenceEnv,
        *(partial(BitSequenceVectorEnv, 2, autoreset_mode=mode) for mode in AutoresetMode),
    ],
    ids=["single", *(mode.value for mode in AutoresetMode)],
)


@st.composite
def arguments(draw: st.DrawFn) -> dict[str, Any]:
    """Any valid arguments that environments share, on few bits."""
    n = draw(st.integers(1, 6))
    chosen: dict[str, Any] = {
        "n": n,
        "goal_mode": draw(st.sampled_from(GOAL_MODES)),
        "start": draw(st.sampled_from(STARTS)),
        "reward_type": draw(st.sampled_from(rules.REWARD_TYPES)),
        "continuing_task": draw(st.booleans()),
        "max_steps": draw(st.none() | st.integers(1, 8)),
        "target_seed": draw(st.none() | st.integers(0, 9)),
    }
    if chosen["goal_mode"] == "fixed" and draw(st.booleans()):
        bits = st.lists(st.integers(0, 1), min_size=n, max_size=n)
        chosen |= {"target": draw(bits.filter(any)), "target_seed": None}
    return chosen


def same(ours: Any, theirs: Any) -> bool:
    """Whether both are equal in values, types, dtypes, shapes and keys."""
    return data_equivalence(ours, theirs, exact=True)


def flipped(states: Any, bit: Any) -> Any:
    """States with a bit of each flipped, by the definition."""
    return states ^ np.eye(states.shape[-1], dtype=np.int8)[bit]
