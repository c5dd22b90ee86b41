"""The search written again, one episode after another, in Python's own numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from experiments.search import episodes
from experiments.search.episodes import MODULUS
from experiments.search.task import Game

A = 4_294_883_355  # MWC64X's


class Played(NamedTuple):
    start: int
    actions: list[int]
    """All n, whenever it arrives; none where a string is written."""
    places: list[int]
    """The generator's states that it read."""
    arrived: int
    """Steps to the first arrival, 0 for none."""


def word(state: int) -> tuple[int, int]:
    """MWC64X as it was published: 32 bits, and the next state."""
    high, low = divmod(state, 2**32)
    return low ^ high, A * low + high


def play(game: Game, seed: int, number: int) -> Played:
    n = game.n
    state, places = episodes.state_at(game, seed, number), list[int]()
    while True:
        behind, drawn = state, []
        for _ in range(episodes.words(game)):
            places.append(behind)
            bits, behind = word(behind)
            drawn.append(bits)
        start = (drawn[0] + (drawn[1] << 32)) % 2**n
        if game.writes:
            right = start % 2 ** (n - game.free_bits) == 0
            return Played(start, [], places, n // game.word_size * right)
        if start and all(bits * n**3 % 2**32 >= 2**32 % n**3 for bits in drawn[2:]):
            break
        state = state * pow(A, 2**57, MODULUS) % MODULUS
    digits = [bits * n ** (k + 1) // 2**32 % n for bits in drawn[2:] for k in range(3)]
    x, arrived = start, 0
    for step, action in enumerate(digits[:n], 1):
        x ^= 1 << action
        arrived = arrived or step * (x == 0)
    return Played(start, digits[:n], places, arrived)


def arriving(game: Game, seed: int) -> Iterator[tuple[int, Played]]:
    """Each number whose episode arrives, and that episode."""
    for number in range(2**40):
        played = play(game, seed, number)
        if played.arrived:
            yield number, played
