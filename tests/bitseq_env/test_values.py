"""Training on r - 1 is the same problem: the identity, exactly, by value iteration.

In the terminating task, with arrival at time T, a policy is worth gamma^(T-1) under reward 1/0
and -(1 - gamma^(T-1)) / (1 - gamma) under 0/-1, so Q' = (Q - 1) / (1 - gamma) and the greedy
actions are the same.
"""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest

from bitseq_env import rules
from tests.bitseq_env.common import flipped

Table = npt.NDArray[np.float64]


def value_iteration(n: int, gamma: float, shift: float) -> Table:
    """Optimal Q-values, (2^n states, n actions), of reaching 1...1; the target's rows are 0."""
    states = np.array(list(itertools.product((0, 1), repeat=n)), dtype=np.int8)
    target = np.ones(n, dtype=np.int8)
    weights = 2 ** np.arange(n)[::-1]
    following = flipped(states[:, None], np.arange(n))  # (2^n states, n actions, n bits)
    distance = rules.hamming(following, target)
    rewards = rules.reward_at(distance, n, "zero_one") + shift
    ends = distance == 0
    index = following @ weights
    q = np.zeros((len(states), n))
    for _ in range(2_000):
        q = rewards + gamma * ~ends * q.max(axis=1)[index]
    q[-1] = 0
    return q


@pytest.mark.parametrize("n", [3, 4])
@pytest.mark.parametrize("gamma", [0.9, 0.98])
def test_shifted_rewards_rescale_values_and_keep_every_greedy_set(n: int, gamma: float) -> None:
    plain, shifted = value_iteration(n, gamma, 0.0)[:-1], value_iteration(n, gamma, -1.0)[:-1]
    np.testing.assert_allclose(shifted, (plain - 1) / (1 - gamma), atol=1e-9)
    best_plain = np.isclose(plain, plain.max(1, keepdims=True), atol=1e-12)
    best_shifted = np.isclose(shifted, shifted.max(1, keepdims=True), atol=1e-9)
    np.testing.assert_array_equal(best_plain, best_shifted)
    # The best actions are the ones that flip a wrong bit: Q = gamma^(d - 1).
    distance = np.array([n - sum(bits) for bits in itertools.product((0, 1), repeat=n)])[:-1]
    np.testing.assert_allclose(plain.max(1), gamma ** (distance - 1))
    np.testing.assert_array_equal(best_plain.sum(1), distance)
