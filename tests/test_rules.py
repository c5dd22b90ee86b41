"""The rules: properties that hold for all bit strings."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bitseq_env import rules

Bits = npt.NDArray[np.int8]


@st.composite
def batches(draw: st.DrawFn) -> tuple[Bits, Bits, npt.NDArray[np.int64]]:
    """States and targets of shape (count, n), and an action for each."""
    count, n = draw(st.integers(0, 5)), draw(st.integers(1, 70))
    bits = hnp.arrays(np.int8, (count, n), elements=st.integers(0, 1))
    actions = hnp.arrays(np.int64, count, elements=st.integers(0, n - 1))
    return draw(bits), draw(bits), draw(actions)


@given(batches())
def test_a_flip_changes_one_bit_and_two_cancel(
    batch: tuple[Bits, Bits, npt.NDArray[np.int64]],
) -> None:
    states, _, actions = batch
    before = states.copy()
    flipped = rules.flip(states, actions)
    assert (rules.hamming(flipped, states) == 1).all()
    assert (
        flipped[np.arange(len(states)), actions] != states[np.arange(len(states)), actions]
    ).all()
    np.testing.assert_array_equal(rules.flip(flipped, actions), states)
    np.testing.assert_array_equal(states, before)
    assert flipped.dtype == states.dtype


@given(batches())
def test_a_flip_moves_the_distance_by_one(
    batch: tuple[Bits, Bits, npt.NDArray[np.int64]],
) -> None:
    states, targets, actions = batch
    change = rules.hamming(rules.flip(states, actions), targets) - rules.hamming(states, targets)
    assert set(change.tolist()) <= {-1, 1}


@given(batches())
def test_the_fast_update_is_the_slow_one(
    batch: tuple[Bits, Bits, npt.NDArray[np.int64]],
) -> None:
    states, targets, actions = batch
    count, n = states.shape
    after = rules.flip(states, actions)
    differs, distance = states ^ targets, rules.hamming(states, targets)

    together = differs.copy()
    moved = rules.flip_and_distance(together.reshape(-1), np.arange(count) * n + actions, distance)
    np.testing.assert_array_equal(together ^ targets, after)
    np.testing.assert_array_equal(moved, rules.hamming(after, targets))
    assert moved.dtype == distance.dtype

    for row in range(count):
        alone = bytearray(differs[row])
        one = rules.flip_and_distance(alone, int(actions[row]), int(distance[row]))
        assert (bytes(alone), one) == (together[row].tobytes(), moved[row])
        assert type(one) is int


@given(batches(), st.sampled_from(rules.REWARD_TYPES), st.booleans())
def test_a_batch_is_its_rows(
    batch: tuple[Bits, Bits, npt.NDArray[np.int64]], reward_type: str, continuing: bool
) -> None:
    states, targets, actions = batch
    rewards = rules.reward(states, targets, reward_type)
    ends = rules.terminated(states, targets, continuing)
    distances = rules.hamming(states, targets)
    flipped = rules.flip(states, actions)
    assert rewards.shape == ends.shape == distances.shape == (len(states),)
    assert rewards.dtype == np.float64
    assert ends.dtype == np.bool_
    for row, (state, target) in enumerate(zip(states, targets, strict=True)):
        assert rules.reward(state, target, reward_type) == rewards[row]
        assert rules.terminated(state, target, continuing) == ends[row]
        assert (
            rules.hamming(state, target)
            == distances[row]
            == sum(a != b for a, b in zip(state, target, strict=True))
        )
        np.testing.assert_array_equal(rules.flip(state, actions[row]), flipped[row])


@pytest.mark.parametrize(
    ("reward_type", "expected"),
    [
        ("zero_one", [1.0, 0.0, 0.0]),
        ("minus_one_zero", [0.0, -1.0, -1.0]),
        ("hamming", [0.0, -0.25, -1.0]),
    ],
)
def test_rewards(reward_type: str, expected: list[float]) -> None:
    rewards = rules.reward_at([0, 1, 4], 4, reward_type)
    assert rewards.tolist() == expected
    # -0.0 equals 0.0, and looks like a mistake in every log
    assert not np.signbit(rewards[np.equal(expected, 0.0)]).any()


def test_an_unknown_reward_type_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"zero_one.*'dense'"):
        rules.reward_at(0, 1, "dense")


def test_termination_is_arrival_unless_the_task_continues() -> None:
    states, target = np.array([[0, 1], [1, 1]]), np.array([1, 1])
    assert rules.terminated(states, target).tolist() == [False, True]
    assert rules.terminated(states, target, continuing_task=True).tolist() == [False, False]


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float32, np.bool_])
def test_any_dtype_and_any_batch_shape(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    states, targets = rng.integers(0, 2, size=(2, 3, 4, 6)).astype(dtype)
    actions = rng.integers(0, 6, size=(3, 4))
    assert rules.hamming(states, targets).shape == (3, 4)
    assert (rules.hamming(rules.flip(states, actions), states) == 1).all()
    np.testing.assert_array_equal(
        rules.hamming(states, targets[0, 0]), np.abs(states.astype(int) - targets[0, 0]).sum(-1)
    )
