"""Streams of random numbers that one seed gives, apart from each other.

The environment draws its starts from the stream that ``reset(seed=k)`` makes. A generator that is
made of k alone would repeat it, so everything else has a name that goes into its seed. Targets
are drawn by n in the same way (`bitseq_env.rules.target_generator`): the stream of number n begins
as a target of n bits does, which nothing that learns makes use of.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What draws."""

    EXPLORATION = 1
    REPLAY = 2
    EVALUATION = 3
    """On the way; each evaluation has a number of its own."""
    FINAL_EVALUATION = 4
    """The success rate that is reported."""
    EVALUATE_COMMAND = 5
    TRANSFER = 6
    SEARCH = 7
    FIRST_SUCCESS = 8
    """Where it is drawn."""
    NETWORK = 9
    """First weights, where SB3 does not draw them."""
    DIVERSITY = 10
    """Strings that are sampled after the training."""


def sequence(seed: int, stream: Stream, *numbers: int) -> np.random.SeedSequence:
    """The entropy of one stream of a run.

    Args:
        seed: The run's.
        stream: What draws.
        numbers: Which of several, where there are several.
    """
    return np.random.SeedSequence(seed, spawn_key=(int(stream), *numbers))


def generator(seed: int, stream: Stream, *numbers: int) -> np.random.Generator:
    """The generator of one stream of a run; arguments are those of :func:`sequence`."""
    return np.random.default_rng(sequence(seed, stream, *numbers))


def derived_seed(seed: int, stream: Stream, *numbers: int) -> int:
    """A 32-bit seed for what takes an int; arguments are those of :func:`sequence`."""
    return int(sequence(seed, stream, *numbers).generate_state(1)[0])
