"""What each episode of the search is: a function of the game, the seed and its number.

A state is kept as state XOR target, so that the target is 0 and nothing here needs to know it.
Arrays are NumPy's or PyTorch's, of 64-bit words as int64 (an unsigned word as its bits): both
libraries wrap around alike, so that one function serves both to the last bit.

**Stream.** The generator is MWC64X (D. B. Thomas, "The MWC64X random number generator"): its state
x steps to A (x mod 2^32) + x div 2^32, which is A x modulo the prime p = A 2^32 - 1, and gives 32
bits, the XOR of its halves. As (p - 1)/2 is prime as well and A a square, all states but 0 lie on
two cycles of (p - 1)/2, nearly 2^63, and a jump of k steps is a product with A^k. A seed names a
state, and episode k reads the words from place k w on, where w is what an episode needs: streams of
different episodes are disjoint because their places are. (Two seeds are two random places: that
searches of 2^40 steps meet has a chance of 2^-20.)

**String.** What a uniform policy writes is a uniform string: the lowest n bits of two words, and
right if those that count are 0. **Start.** Where bits are flipped it is the same, but for 0.

**Actions.** A word u is a fraction u / 2^32, and its first three digits in base n are three flips.
To be uniform to the last bit, a word is accepted unless what is left, u n^3 mod 2^32, is below
2^32 mod n^3: then each of the n^3 triples has as many words (Lemire 2019). Whether a word is
accepted tells nothing of its digits. An episode with a start of 0 or a word that is not accepted is
drawn anew as a whole, from places 2^57 farther on, again and again: so each number is one episode,
exactly uniform.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bitseq_env.rules import OPEN
from experiments.config.streams import Stream, sequence
from experiments.search.task import Game

MULTIPLIER = 4_294_883_355
MODULUS = (MULTIPLIER << 32) - 1
_DIGITS = 3
"""Of a word: more are seldomer accepted, fewer cost more words."""
_FARTHER = 2**57
"""Places between an episode and the same drawn anew."""
LOW = 2**32 - 1
_LOWEST = -(2**63)
_SIGNED_MODULUS = MODULUS - 2**64
Words = Any
"""An array of 64-bit words as int64, NumPy's or PyTorch's."""


@dataclass(frozen=True)
class Episode:
    """A whole episode that is rewarded."""

    game: Game
    number: int
    """Counted from 0."""
    start: int
    """First state XOR target, or of a string that is written, all of it XOR target: bit i of the
    number is bit i of the string."""
    actions: npt.NDArray[np.int64]
    """(steps,) the bits that are flipped, (0,) where a string is written."""

    @property
    def env_steps(self) -> int:
        """Up to the reward."""
        return self.game.horizon if self.game.writes else len(self.actions)

    def states(self, target: npt.ArrayLike) -> npt.NDArray[np.int8]:
        """All states up to the reward, for a target of shape (n,): (env_steps + 1, n).

        In a string that is written 2 stands for what is open, as in the environment.
        """
        states = np.empty((self.env_steps + 1, self.game.n), dtype=np.int8)
        states[:] = [self.start >> bit & 1 for bit in range(self.game.n)]
        states ^= np.asarray(target, dtype=np.int8)
        if self.game.writes:
            for step in range(self.env_steps):
                states[step, step * self.game.word_size :] = OPEN
        for step, action in enumerate(self.actions):
            states[step + 1 :, action] ^= 1
        return states


def groups(game: Game) -> int:
    """Pairs of words that the actions take; of the last some digits may be left over."""
    return -(-game.flips // (2 * _DIGITS))


def words(game: Game) -> int:
    """Words of an episode, w: two for its start, and those of its actions."""
    return 2 + 2 * groups(game)


def last_number(game: Game) -> int:
    """The number that no episode reaches, as the places of its words are another's second draw."""
    return _FARTHER // words(game)


def threshold(game: Game) -> int:
    """A word is accepted if what its digits leave is not below this."""
    return int(2**32 % game.n**_DIGITS)


def block_episodes(game: Game) -> int:
    """Episodes of a block: a small share of those that are needed, and less than a tenth second."""
    share, most = (4, 25) if game.writes else (7, 23)
    return 1 << min(max(8, game.counted_bits - share), most)


def origin(seed: int) -> int:
    """The generator's state at place 0 of a seed."""
    (drawn,) = sequence(seed, Stream.SEARCH).generate_state(1, np.uint64)
    return int(drawn) % (MODULUS - 1) + 1


def state_at(game: Game, seed: int, number: int) -> int:
    """The generator's state where an episode begins, drawn for the first time."""
    return origin(seed) * pow(MULTIPLIER, number * words(game), MODULUS) % MODULUS


def lanes(xp: Any, game: Game, state: int, count: int, apart: int, device: Any = None) -> Words:
    """The generator's states of lanes whose first episodes are evenly apart.

    Args:
        xp: The library, ``numpy`` or ``torch``.
        game: What is played.
        state: Of the first lane.
        count: Of lanes, a power of two.
        apart: Episodes from one lane to the next.
        device: PyTorch's.

    Returns:
        Words of shape (count,).
    """
    where = {} if device is None else {"device": device}
    states = xp.asarray([_signed(state)], dtype=xp.int64, **where)
    while len(states) < count:
        places = len(states) * apart * words(game)
        states = xp.concatenate([states, times(states, pow(MULTIPLIER, places, MODULUS))])
    return states


def play(game: Game, states: Words) -> tuple[Words, Words, Words]:
    """Play an episode of every lane.

    Args:
        game: What is played.
        states: The generator's, where the episodes begin.

    Returns:
        Steps to the first arrival, 0 where there is none; whether the episode has to be drawn
        anew, so that it is none; the generator's states behind it.
    """
    state, actions, anew, behind = drawn(game, states)
    if game.writes:
        wrong = state & _signed(2**game.counted_bits - 1)
        return (wrong == 0) * game.horizon, anew, behind
    going, steps = state != 0, state * 0
    for action in actions:
        state = state ^ (1 << action)
        going = going & (state != 0)
        steps = steps + going
    return (steps + 1) * ~going, anew, behind


def arrivals(game: Game, states: Words) -> Words:
    """Steps to the first arrival of episodes, those that are drawn anew included; 0 for none.

    Args:
        game: What is played.
        states: The generator's, where the episodes begin when drawn for the first time.
    """
    arrived, anew, _ = play(game, states)
    if anew.any():
        arrived[anew] = arrivals(game, times(states[anew], pow(MULTIPLIER, _FARTHER, MODULUS)))
    return arrived


def arriving_episode(game: Game, seed: int, number: int) -> Episode:
    """An episode as a whole, up to its arrival.

    Raises:
        ValueError: If it does not arrive.
    """
    states = lanes(np, game, state_at(game, seed, number), 1, 1)
    while True:
        start, actions, anew, _ = drawn(game, states)
        if not anew.any():
            break
        states = times(states, pow(MULTIPLIER, _FARTHER, MODULUS))
    steps = int(play(game, states)[0][0])
    if not steps:
        raise ValueError(f"episode {number} of seed {seed} at n = {game.n} never arrives")
    flipped = np.array(actions[:steps], dtype=np.int64).reshape(-1)
    return Episode(game, number, int(start[0]) % 2**64, flipped)


def drawn(game: Game, states: Words) -> tuple[Words, list[Words], Words, Words]:
    """Starts, actions, whether all that has to be drawn anew, and the generator behind it.

    Of a string that is written the start is all there is, and none is refused.
    """
    low, states = _word(states)
    high, states = _word(states)
    start = (low | high << 32) & _signed(2**game.n - 1)
    anew = (start == 0) & (not game.writes)
    actions = []
    for _ in range(2 * groups(game)):
        product, states = _word(states)
        for _ in range(_DIGITS):
            product = (product & LOW) * game.n
            actions.append(product >> 32)
        anew = anew | ((product & LOW) < threshold(game))
    return start, actions[: game.flips], anew, states


def _word(states: Words) -> tuple[Words, Words]:
    """32 bits, and the generator's next states."""
    return (states ^ _high(states)) & LOW, _step(states)


def _step(states: Words) -> Words:
    """A x mod p, or p itself for 0."""
    return (states & LOW) * MULTIPLIER + _high(states)


def times(states: Words, factor: int) -> Words:
    """The product of the generator's states with a number, modulo p.

    A step divides by 2^32 modulo p, so that a factor of 64 bits, taken 2^64-fold, is multiplied in
    by halves with a step behind each (Montgomery).
    """
    factor = (factor << 64) % MODULUS
    lower = _step(_times_half(states, factor & LOW))
    return _sum(lower, _times_half(states, factor >> 32))


def _times_half(states: Words, factor: int) -> Words:
    """The product with a number below 2^32, over 2^32, modulo p."""
    return _sum(_high(states) * factor, _step((states & LOW) * factor))


def _sum(one: Words, other: Words) -> Words:
    """A sum modulo p of two words up to p; itself below p."""
    total = one + other
    wrapped = _below(total, one)
    return total - (wrapped | ~_below(total, _SIGNED_MODULUS)) * _SIGNED_MODULUS


def _below(one: Words, other: Any) -> Words:
    """Whether unsigned words are smaller."""
    return (one ^ _LOWEST) < (other ^ _LOWEST)


def _high(values: Words) -> Words:
    """The upper half of words."""
    return (values >> 32) & LOW


def _signed(word: int) -> int:
    """A number below 2^64 as the int64 of the same bits."""
    return word - 2**64 if word >= 2**63 else word
