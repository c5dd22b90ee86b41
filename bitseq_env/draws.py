"""Random bit strings."""

from __future__ import annotations

from typing import Any

import numpy as np

from bitseq_env import rules
from bitseq_env.rules import Bits


def random_bits(rng: np.random.Generator, n: int, count: int | None = None) -> Bits:
    """Draw uniform bit strings.

    Each uses up whole raw words, so that drawn together or one by one they are the same. Raw
    words are the one stream that NumPy promises never to change, and their lower halves are all
    that each of its bit generators fills; they are also ten times faster than `integers`.

    Args:
        rng: Where the randomness comes from.
        n: Bits of each.
        count: How many strings, None for a single one.

    Returns:
        A fresh int8 array of shape (count, n), or (n,) for a single one.
    """
    words = -(-n // 32)
    raw = rng.bit_generator.random_raw(words if count is None else (count, words))
    drawn = np.unpackbits(raw.astype("<u4").view(np.uint8), axis=-1, count=n)
    return drawn.view(np.int8)


def random_bits_apart(
    rng: np.random.Generator, forbidden: Bits, count: int | None = None
) -> tuple[Bits, Any]:
    """Draw uniform bit strings, none of them equal to the forbidden one in its row.

    Args:
        rng: Where the randomness comes from.
        forbidden: Bit string of shape (n,), or one for each row, of shape (count, n).
        count: How many strings, None for a single one.

    Returns:
        What `random_bits` returns, and the Hamming distances to the forbidden ones: integers of
        shape (count,), or an int.
    """
    n = forbidden.shape[-1]
    drawn = random_bits(rng, n, count)
    distance = rules.hamming(drawn, forbidden)
    if count is None:
        while not distance:
            drawn = random_bits(rng, n)
            distance = rules.hamming(drawn, forbidden)
        return drawn, distance
    while not distance.all():
        equal = np.flatnonzero(distance == 0)
        drawn[equal] = random_bits(rng, n, len(equal))
        distance = rules.hamming(drawn, forbidden)
    return drawn, distance


def target_generator(seed: int, n: int) -> np.random.Generator:
    """Make the generator of the targets that `target_seed` and n name.

    The spawn key keeps it apart from the stream that `reset(seed=...)` makes of the same number
    (starts would repeat the targets) and keeps targets of different lengths from being each
    other's beginnings.
    """
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(n,))))
