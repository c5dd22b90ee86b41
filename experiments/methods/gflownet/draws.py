"""Words drawn from a policy: one string at a time, or many that lie evenly."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch as th

_BITS = 53
"""Of a float64 in [0, 1)."""


class Draws:
    """Inverse transform sampling, word by word, as an arithmetic decoder reads a number.

    A point in [0, 1) is a string, and a uniform point a string of the policy. What is left of the
    point after a word is the point of the next one; the bits that the word took are refilled at
    the low end, so that strings of any length are drawn exactly.

    Args:
        rng: What draws.
        even: Whether the points of successive strings are a van der Corput sequence (1935) with
            the same random digits flipped in all: each is uniform, and any 2^k in a row lie in 2^k
            equal parts of [0, 1).
        uniform_share: Share of words that are uniform instead.
    """

    def __init__(self, rng: np.random.Generator, *, even: bool, uniform_share: float) -> None:
        self.rng, self.even, self.uniform_share = rng, even, uniform_share
        self._flipped = int(rng.integers(2**_BITS))
        self._begun = 0
        self._points = th.zeros(0, dtype=th.float64)

    def begin(self, count: int) -> None:
        """As many strings begin."""
        numbers = np.arange(self._begun, self._begun + count)
        self._begun += count
        even = (mirrored(numbers) ^ self._flipped) * 2.0**-_BITS
        self._points = th.from_numpy(even if self.even else self._uniform(count))

    def choose(self, logits: th.Tensor) -> th.Tensor:
        """The next word of each string, (count,): from (count, words) logits."""
        shares = th.softmax(logits.double(), dim=1).cpu()
        if self.uniform_share:
            shares = th.lerp(shares, th.full_like(shares, 1 / shares.shape[1]), self.uniform_share)
        ends = shares.cumsum(1)
        chosen = (ends[:, :-1] <= self._points.unsqueeze(1)).sum(1, keepdim=True)
        share = shares.gather(1, chosen).squeeze(1)
        left = self._points - ends.gather(1, chosen).squeeze(1) + share
        refill = th.from_numpy(self._uniform(len(chosen))) * 2.0**-_BITS
        self._points = ((left + refill) / share).clamp_(0, 1 - 2.0**-_BITS)
        return chosen.squeeze(1).to(logits.device)

    def _uniform(self, count: int) -> npt.NDArray[np.float64]:
        return self.rng.random(count)


def mirrored(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Whole numbers with their 53 binary digits in reverse: 1, 2, 3 -> 2^52, 2^51, 2^52 + 2^51."""
    found = np.zeros_like(numbers)
    for place in range(int(numbers.max(initial=0)).bit_length()):
        found |= ((numbers >> place) & 1) << (_BITS - 1 - place)
    return found
