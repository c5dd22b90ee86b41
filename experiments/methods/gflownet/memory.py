"""Strings that a learner keeps: those that were rewarded, and the latest."""

from __future__ import annotations

import numpy as np

from experiments.evaluation.greedy import Bits

_KEPT = 2**16


class Kept:
    """Strings that were rewarded, each once with its goal; random ones make room when it is full.

    Each once, so that of several right strings none is replayed for being likely.
    """

    def __init__(self, rng: np.random.Generator, capacity: int = _KEPT) -> None:
        self.rng, self.capacity = rng, capacity
        self._pairs: list[tuple[Bits, Bits | None]] = []
        self._known: set[bytes] = set()

    def __len__(self) -> int:
        return len(self._pairs)

    def add(self, string: Bits, goal: Bits | None) -> None:
        """Keep (n,) bits and the goal that was shown, if one was."""
        name = _name(string, goal)
        if name in self._known:
            return
        place = len(self._pairs)
        if place == self.capacity:
            place = int(self.rng.integers(place))
            self._known.remove(_name(*self._pairs[place]))
            self._pairs[place] = (string, goal)
        else:
            self._pairs.append((string, goal))
        self._known.add(name)

    def sample(self, count: int) -> tuple[Bits, Bits | None]:
        """Some of them, uniformly: (count, n) strings, and their goals or None."""
        chosen = [self._pairs[place] for place in self.rng.integers(len(self), size=count)]
        goals = [goal for _, goal in chosen if goal is not None]
        return np.stack([string for string, _ in chosen]), np.stack(goals) if goals else None


class Latest:
    """The latest strings, uniformly drawn from.

    Args:
        n: Bits.
        rng: What draws.
        capacity: How many.
    """

    def __init__(self, n: int, rng: np.random.Generator, capacity: int = _KEPT) -> None:
        self.rng = rng
        self._strings = np.zeros((capacity, n), dtype=np.int8)
        self._written = 0

    def add(self, strings: Bits) -> None:
        """Keep (count, n) bits, at most as many as there is room for."""
        places = (self._written + np.arange(len(strings))) % len(self._strings)
        self._strings[places] = strings
        self._written += len(strings)

    def sample(self, count: int) -> Bits:
        """(count, n) of them."""
        return self._strings[self.rng.integers(min(self._written, len(self._strings)), size=count)]


def _name(string: Bits, goal: Bits | None) -> bytes:
    return string.tobytes() + (b"" if goal is None else goal.tobytes())
