"""The sieve that numba compiles: which episodes deserve a closer look, billions of steps a second.

Lanes are played side by side by loops that the compiler turns into vector instructions, six steps
in one: a word gives three digits, a digit is shifted to a bit, and all six bits are XORed into the
state. Of its target it asks once for all six whether the bits that the state lacks are among those
that are flipped: without that no state on the way is the target. An episode of which it is true,
or that has to be drawn anew, goes through the sieve, and ``episodes.arrivals`` plays it step by
step. At n = 30 that is one in twenty thousand, nearly all of them drawn anew. A string that is
written is an episode without a step: it goes through if it lacks nothing from the start.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import llvmlite.binding
import numba
import numpy as np
import numpy.typing as npt

from experiments.search import episodes
from experiments.search.episodes import MULTIPLIER
from experiments.search.task import Game

Unsigned = npt.NDArray[np.uint64]
LANES = 256
"""Their arrays, 10 kB, stay in the nearest cache."""
_ROOM = 8 * LANES
_APART = 8
"""Words between arrays: at a multiple of 4 kB loads would wait for stores to another one."""

_ONE, _HALF, _LOW = np.uint64(1), np.uint64(32), np.uint64(episodes.LOW)
_SIGN, _CARRY, _A = np.uint64(2**63), np.uint64(2**32), np.uint64(MULTIPLIER)


def sieve(game: Game, states: npt.NDArray[np.int64], rounds: int) -> Iterator[tuple[Any, Any, Any]]:
    """Play some episodes of every lane, one behind another.

    Args:
        game: What is played.
        states: The generator's, where each lane's first episode begins; changed in place.
        rounds: Episodes of each lane.

    Yields:
        Of episodes that may have arrived, or may have to be drawn anew: the lane, the round, and
        the generator's state where the episode begins. No other episode arrives.
    """
    count = len(states)
    lanes = np.empty((4, count + _APART), dtype=np.uint64)
    found = np.empty((2, _ROOM), dtype=np.int64)
    began = np.empty(_ROOM, dtype=np.uint64)
    numbers = [game.n, episodes.threshold(game), 2**game.counted_bits - 1, episodes.groups(game)]
    constants = np.array(numbers, dtype=np.uint64)
    done = 0
    while done < rounds:
        done, size = _compiled(states.view(np.uint64), lanes, constants, done, rounds, found, began)
        if size:
            yield *found[:, :size].copy(), began[:size].view(np.int64).copy()


def _sieve(
    states: Unsigned,
    lanes: Unsigned,
    constants: Unsigned,
    done: int,
    rounds: int,
    found: npt.NDArray[np.int64],
    began: Unsigned,
) -> tuple[int, int]:
    """Rounds until all are done, or what goes through might have no more room."""
    count, size = states.size, 0
    first, x, lacking, uneven = lanes[0], lanes[1], lanes[2], lanes[3]
    n = constants[0] & _LOW  # the compiler has to see that it is a half
    limit, mask, groups = constants[1], constants[2], constants[3]
    while done < rounds and size + count <= found.shape[1]:
        for c in range(count):
            s = states[c]
            first[c] = s
            high = s >> _HALF
            start = (s ^ high) & _LOW
            s = (s & _LOW) * _A + high
            high = s >> _HALF
            y = (start | ((s ^ high) << _HALF)) & mask
            states[c] = (s & _LOW) * _A + high
            x[c] = y
            # Bit 63 of (y - 1) & ~y is set if y is 0, and only then.
            lacking[c] = (y - _ONE) & ~y
            uneven[c] = np.uint64(0)
        for _ in range(groups):  # of the last some digits may be no actions: then it asks for less
            for c in range(count):
                s = states[c]
                high = s >> _HALF
                u = ((s ^ high) & _LOW) * n
                b1 = _ONE << (u >> _HALF)
                u = (u & _LOW) * n
                b2 = _ONE << (u >> _HALF)
                u = (u & _LOW) * n
                b3 = _ONE << (u >> _HALF)
                s = (s & _LOW) * _A + high
                high = s >> _HALF
                v = ((s ^ high) & _LOW) * n
                b4 = _ONE << (v >> _HALF)
                v = (v & _LOW) * n
                b5 = _ONE << (v >> _HALF)
                v = (v & _LOW) * n
                b6 = _ONE << (v >> _HALF)
                states[c] = (s & _LOW) * _A + high
                y = x[c] & ~(b1 | b2 | b3 | b4 | b5 | b6)
                lacking[c] |= (y - _ONE) & ~y
                # Bit 32 changes if the lower half is below the limit, and only then.
                uneven[c] |= ((u - limit) ^ u) | ((v - limit) ^ v)
                x[c] ^= b1 ^ b2 ^ b3 ^ b4 ^ b5 ^ b6
        some_lacking, some_uneven = np.uint64(0), np.uint64(0)
        for c in range(count):
            some_lacking |= lacking[c]
            some_uneven |= uneven[c]
        if some_lacking & _SIGN or some_uneven & _CARRY:
            for c in range(count):
                if lacking[c] & _SIGN or uneven[c] & _CARRY:
                    found[0, size], found[1, size], began[size] = c, done, first[c]
                    size += 1
        done += 1
    return done, size


def _use_whole_vectors() -> None:
    """512 bits at once where there are such: LLVM prefers 256, which are a third slower here."""
    config: Any = numba.config
    features = llvmlite.binding.get_host_cpu_features()
    if features.get("avx512dq") and not (config.CPU_NAME or config.CPU_FEATURES):
        config.CPU_NAME = llvmlite.binding.get_host_cpu_name()
        config.CPU_FEATURES = f"{features.flatten()},-prefer-256-bit"


def _compile() -> Any:
    """The compiled loops, kept on disk where there is a place for them."""
    try:
        return numba.njit(nogil=True, cache=True)(_sieve)
    except RuntimeError:  # neither this folder nor the user's cache can be written
        return numba.njit(nogil=True)(_sieve)


_use_whole_vectors()
_compiled = _compile()
