"""Random bit strings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitseq_env.draws import random_bits, random_bits_apart, target_generator
from bitseq_env.rules import hamming


@given(st.integers(0, 99), st.integers(1, 70), st.integers(0, 5))
def test_together_is_one_by_one(seed: int, n: int, count: int) -> None:
    together = random_bits(np.random.default_rng(seed), n, count)
    assert together.shape == (count, n)
    assert together.dtype == np.int8
    rng = np.random.default_rng(seed)
    assert together.tolist() == [random_bits(rng, n).tolist() for _ in range(count)]


@pytest.mark.parametrize(
    "kind", [np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64]
)
def test_each_bit_is_a_fair_coin_of_its_own(kind: Any) -> None:
    drawn = random_bits(np.random.Generator(kind(0)), 70, 4000).astype(float)
    # five standard deviations
    assert np.abs(drawn.mean(axis=0) - 0.5).max() < 5 * 0.5 / np.sqrt(4000)
    correlations = np.corrcoef(drawn.T) - np.eye(70)
    assert np.abs(correlations).max() < 5 / np.sqrt(4000)


@given(st.integers(0, 99), st.integers(1, 3), st.integers(0, 20))
def test_none_is_the_forbidden_one(seed: int, n: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    forbidden = random_bits(rng, n, count)
    for each in (forbidden, np.ones(n, dtype=np.int8)):
        drawn, distance = random_bits_apart(rng, each, count)
        assert drawn.shape == (count, n)
        assert (distance > 0).all()
        np.testing.assert_array_equal(distance, hamming(drawn, each))
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
