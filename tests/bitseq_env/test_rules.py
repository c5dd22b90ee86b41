"""The rules: properties that hold for all bit strings, and for the random ones."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bitseq_env import rules
from bitseq_env.rules import random_bits, random_bits_apart, target_generator
from tests.bitseq_env.common import flipped


@given(st.data(), st.integers(0, 5), st.integers(1, 70))
def test_a_step_in_constant_time_is_a_flip_and_a_count(data: Any, count: int, n: int) -> None:
    bits = hnp.arrays(np.int8, (count, n), elements=st.integers(0, 1))
    states, targets = data.draw(bits), data.draw(bits)
    actions = data.draw(hnp.arrays(np.int64, count, elements=st.integers(0, n - 1)))
    after = flipped(states, actions)
    differs, distance = states ^ targets, rules.hamming(states, targets)

    together = differs.copy()
    moved = rules.flip_and_distance(together.reshape(-1), np.arange(count) * n + actions, distance)
    np.testing.assert_array_equal(together ^ targets, after)
    np.testing.assert_array_equal(moved, (after != targets).sum(axis=1))
    assert moved.dtype == distance.dtype

    for row in range(count):
        alone = bytearray(differs[row])
        one = rules.flip_and_distance(alone, int(actions[row]), int(distance[row]))
        assert (bytes(alone), one) == (together[row].tobytes(), moved[row])
        assert type(one) is int


@given(st.data(), st.integers(0, 5), st.integers(1, 4), st.integers(1, 9))
def test_a_word_is_its_bits_in_order(data: Any, count: int, word_size: int, words: int) -> None:
    n = word_size * words
    targets = data.draw(hnp.arrays(np.int8, (count, n), elements=st.integers(0, 1)))
    free_bits = data.draw(st.integers(0, n - 1))
    written = word_size * data.draw(hnp.arrays(np.int64, count, elements=st.integers(0, words - 1)))
    actions = data.draw(hnp.arrays(np.int64, count, elements=st.integers(0, 2**word_size - 1)))
    strings = data.draw(hnp.arrays(np.int8, (count, n), elements=st.integers(0, 1)))
    strings[np.arange(n) >= written[:, None]] = rules.OPEN
    after = strings.copy()
    for row, (start, action) in enumerate(zip(written, actions, strict=True)):
        after[row, start : start + word_size] = [*map(int, f"{action:0{word_size}b}")]
    to_go = [
        (each[:, : n - free_bits] != targets[:, : n - free_bits]).sum(axis=1)
        for each in (strings, after)
    ]
    distance = rules.bits_to_go(strings, targets, free_bits)
    np.testing.assert_array_equal(distance, to_go[0])
    whole = rules.is_whole(after)
    np.testing.assert_array_equal(whole, written + word_size == n)

    wanted, kept = rules.wanted(targets, free_bits), targets.copy()
    together, at = strings.copy(), np.arange(count) * n + written
    arguments = together.reshape(-1), wanted.reshape(-1), at, actions
    moved = rules.write_and_distance(*arguments, distance, word_size)
    np.testing.assert_array_equal(together, after)
    np.testing.assert_array_equal(moved, to_go[1])
    np.testing.assert_array_equal(targets, kept)
    assert moved.dtype == distance.dtype

    for row in range(count):
        alone = bytearray(strings[row])
        own = int(written[row]), int(actions[row]), int(distance[row])
        one = rules.write_and_distance(alone, wanted[row].tobytes(), *own, word_size)
        assert (bytes(alone), one) == (after[row].tobytes(), moved[row])
        assert type(one) is int
        assert rules.is_whole(after[row]) is bool(whole[row])


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float32, np.bool_])
def test_distances_of_any_dtype_and_any_batch_shape(dtype: Any) -> None:
    states, targets = np.random.default_rng(0).integers(0, 2, size=(2, 3, 4, 6)).astype(dtype)
    for goals in (targets, targets[0, 0]):
        distances = rules.hamming(states, goals)
        np.testing.assert_array_equal(distances, (states != goals).sum(-1))
    alone = rules.hamming(states[0, 0], targets[0, 0])
    assert (type(alone), alone) == (int, distances[0, 0])


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
    assert rewards.dtype == np.float64
    assert rewards.tolist() == expected
    # -0.0 equals 0.0, and looks like a mistake in every log
    assert not np.signbit(rewards[np.equal(expected, 0.0)]).any()


@pytest.mark.parametrize("gamma", [0.9, 0.98])
def test_two_kinds_of_reward_are_one_problem(gamma: float) -> None:
    # In the terminating task Q' = (Q - 1) / (1 - gamma), so that the greedy actions are the same:
    # exactly, by value iteration.
    n = 4
    states = np.array([*itertools.product((0, 1), repeat=n)], dtype=np.int8)
    target, others = states[-1], states[:-1]
    following = flipped(states[:, None], np.arange(n))  # by state and action
    distance = rules.hamming(following, target)
    values = []
    for reward_type in ("zero_one", "minus_one_zero"):
        q = np.zeros((len(states), n))
        for _ in range(2_000):
            best = q.max(axis=1)[following @ (8, 4, 2, 1)]
            q = rules.reward_at(distance, n, reward_type) + gamma * (distance > 0) * best
        values.append(q[:-1])
    plain, shifted = values
    np.testing.assert_allclose(shifted, (plain - 1) / (1 - gamma), atol=1e-9)
    np.testing.assert_allclose(plain.max(1), gamma ** (rules.hamming(others, target) - 1))
    for q in values:
        greedy = np.isclose(q, q.max(axis=1, keepdims=True), atol=1e-9)
        np.testing.assert_array_equal(greedy, others != target)  # what flips a wrong bit


def test_an_unknown_reward_type_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"zero_one.*'dense'"):
        rules.reward_at(0, 1, "dense")


@given(st.integers(0, 99), st.integers(1, 70), st.integers(0, 5))
def test_drawn_together_is_one_by_one(seed: int, n: int, count: int) -> None:
    together = random_bits(np.random.default_rng(seed), n, count)
    assert together.shape == (count, n)
    assert together.dtype == np.int8
    rng = np.random.default_rng(seed)
    assert together.tolist() == [random_bits(rng, n).tolist() for _ in range(count)]


@pytest.mark.parametrize(
    "kind", [np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64]
)
def test_each_drawn_bit_is_a_fair_coin_of_its_own(kind: Any) -> None:
    drawn = random_bits(np.random.Generator(kind(0)), 70, 4000).astype(float)
    # five standard deviations
    assert np.abs(drawn.mean(axis=0) - 0.5).max() < 5 * 0.5 / np.sqrt(4000)
    assert np.abs(np.corrcoef(drawn.T) - np.eye(70)).max() < 5 / np.sqrt(4000)


@given(st.integers(0, 99), st.integers(1, 3), st.integers(0, 20))
def test_none_that_is_drawn_is_the_forbidden_one(seed: int, n: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    for forbidden in (random_bits(rng, n, count), np.ones(n, dtype=np.int8)):
        drawn, distance = random_bits_apart(rng, forbidden, count)
        assert drawn.shape == (count, n)
        assert (distance > 0).all()
        np.testing.assert_array_equal(distance, rules.hamming(drawn, forbidden))
    one, far = random_bits_apart(rng, np.ones(n, dtype=np.int8))
    assert one.shape == (n,)
    assert far == n - one.sum() > 0


def test_targets_of_different_lengths_and_seeds_are_unrelated() -> None:
    streams = [
        target_generator(seed, n).bit_generator.random_raw(4).tolist()
        for seed, n in ((0, 10), (1, 10), (0, 20), (10, 0))
    ]
    streams += [np.random.PCG64(seed).random_raw(4).tolist() for seed in (0, 1, 10)]
    assert len({word for stream in streams for word in stream}) == 4 * len(streams)
