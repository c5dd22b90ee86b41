"""What the world does, written once: array functions on bit strings, on numpy alone.

States and targets are arrays of 0/1 whose last axis holds the `n` bits; all before it is batch. In
a string that is written from left to right, `OPEN` stands where nothing is written yet.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.int8]

REWARD_TYPES = ("zero_one", "minus_one_zero", "hamming")

# In a string: not written yet. In what is wanted of one: any bit will do.
OPEN = 2


def hamming(a: npt.ArrayLike, b: npt.ArrayLike) -> Any:
    """Count the positions in which two bit strings differ.

    Args:
        a: 0/1 array of shape (..., n), of any dtype.
        b: The same, of a shape that broadcasts with that of `a`.

    Returns:
        Distances in bits: an int for two single strings, else integers of shape (...).
    """
    differs = np.asarray(a) != np.asarray(b)
    if differs.ndim == 1:
        return int(np.count_nonzero(differs))
    # What `differs.sum(axis=-1)` returns, in half the time for large batches.
    counts = np.einsum("...i->...", differs.view(np.int8), dtype=np.int32)
    return counts.astype(np.intp)


def reward_at(distance: npt.ArrayLike, n: int, reward_type: str) -> npt.NDArray[np.float64]:
    """Reward for being at a Hamming distance from the target.

    Args:
        distance: Distances in bits, integers of any shape.
        n: Length of the bit string, the largest distance.
        reward_type: "zero_one" (1 at the target, else 0), "minus_one_zero" (0 at the target,
            else -1) or "hamming" (-distance / n).

    Returns:
        Rewards of the shape of `distance`.

    Raises:
        ValueError: If `reward_type` is none of the three.
    """
    distance = np.asarray(distance)
    if reward_type == "zero_one":
        return np.asarray(distance == 0, dtype=np.float64)
    if reward_type == "minus_one_zero":
        return np.asarray(distance == 0, dtype=np.float64) - 1.0
    if reward_type == "hamming":
        # The integer is negated, not the quotient: the reward at the target is 0.0 and not -0.0.
        return np.asarray(-distance / n, dtype=np.float64)
    raise ValueError(f"reward_type must be one of {REWARD_TYPES}, got {reward_type!r}")


def flip_and_distance(differs: Any, index: Any, distance: Any) -> Any:
    """Flip bits in place and say what became of the distance, without recounting it.

    A state is seen from its target here, as the bits in which the two differ (state XOR target):
    flipping bit i of the one flips bit i of the other, and moves the distance by exactly 1. So a
    step costs O(1) per state, not O(n), for one state and for many.

    Args:
        differs: Flat mutable buffer of 0/1 integers, state XOR target, changed in place: a 1-D
            array, or a bytearray when `index` is an int.
        index: Positions to flip: an int, or distinct integers of shape (k,).
        distance: Distances before the flip: an int, or integers of shape (k,).

    Returns:
        Distances after the flip, of the type and shape of `distance`.
    """
    before = differs[index]
    after = before ^ 1
    differs[index] = after
    return distance + (after - before)


def wanted(targets: Bits, free_bits: int) -> Bits:
    """Say which bits count: a copy of targets, with `OPEN` in the last `free_bits` places."""
    counts = targets.copy()
    counts[..., targets.shape[-1] - free_bits :] = OPEN
    return counts


def is_whole(strings: npt.ArrayLike) -> Any:
    """Whether strings are written to the end: a bool for a single one, else of shape (...)."""
    whole = np.all(np.asarray(strings) != OPEN, axis=-1)
    return whole if whole.ndim else bool(whole)


def bits_to_go(strings: npt.ArrayLike, targets: npt.ArrayLike, free_bits: int) -> Any:
    """Count the bits that count and are wrong or not written yet.

    Args:
        strings: 0/1/`OPEN` array of shape (..., n), of any dtype.
        targets: 0/1 array of a shape that broadcasts with it.
        free_bits: How many of the last bits do not count, in [0, n).

    Returns:
        Distances as `hamming` tells them, from 0 to n - free_bits.
    """
    counted = np.shape(targets)[-1] - free_bits
    return hamming(np.asarray(strings)[..., :counted], np.asarray(targets)[..., :counted])


def write_and_distance(
    strings: Any, wanted: Any, index: Any, words: Any, distance: Any, word_size: int
) -> Any:
    """Write words in place, the most significant bit first, and say what is still to go.

    What is written counts if it is wanted, and nothing was there before: so a step costs as many
    operations as a word has bits, not n, for one string and for many.

    Args:
        strings: Flat mutable buffer of 0/1/`OPEN` integers, `OPEN` where the words will be.
        wanted: Flat buffer of the same length: the bits that are right, `OPEN` where any is.
        index: Where the words begin: an int, or integers of shape (k,) that are words apart.
        words: What to write: an int in [0, 2^word_size), or integers of shape (k,).
        distance: `bits_to_go` before: an int, or integers of shape (k,).
        word_size: Bits in a word.

    Returns:
        `bits_to_go` afterwards, of the type and shape of `distance`.
    """
    for shift in range(word_size - 1, -1, -1):
        bit = (words >> shift) & 1
        strings[index] = bit
        distance = distance - (bit == wanted[index])
        index = index + 1
    return distance


def random_bits(rng: np.random.Generator, n: int, count: int | None = None) -> Bits:
    """Draw uniform bit strings.

    Each uses up whole raw words, so that drawn together or one by one they are the same. Raw
    words are the one stream that NumPy promises never to change, and their lower halves are all
    that each of its bit generators fills; they are also ten times faster than `integers`.

    Returns:
        A fresh int8 array of shape (count, n), or (n,) if `count` is None.
    """
    words = -(-n // 32)
    raw = rng.bit_generator.random_raw(words if count is None else (count, words))
    drawn = np.unpackbits(raw.astype("<u4").view(np.uint8), axis=-1, count=n)
    return drawn.view(np.int8)


def random_bits_apart(
    rng: np.random.Generator, forbidden: Bits, count: int | None = None
) -> tuple[Bits, Any]:
    """Draw as `random_bits` does, but no string equal to the forbidden one in its row.

    That one has shape (n,), or there is one for each row, of shape (count, n).

    Returns:
        The strings, and their distances to the forbidden ones, as `hamming` tells them.
    """
    n = forbidden.shape[-1]
    drawn = random_bits(rng, n, count)
    distance = hamming(drawn, forbidden)
    if count is None:
        return (drawn, distance) if distance else random_bits_apart(rng, forbidden)
    while not distance.all():
        equal = np.flatnonzero(distance == 0)
        drawn[equal] = random_bits(rng, n, len(equal))
        distance = hamming(drawn, forbidden)
    return drawn, distance


def target_generator(seed: int, n: int) -> np.random.Generator:
    """Make the generator of the targets that `target_seed` and n name.

    The spawn key keeps it apart from the stream that `reset(seed=...)` makes of the same number
    (starts would repeat the targets) and keeps targets of different lengths from being each
    other's beginnings.
    """
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(n,))))
