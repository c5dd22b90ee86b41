"""Prioritized replay (Schaul et al., 2016), proportional, with importance weights.

A sum tree over the ring's rows, on the buffer's own stream. TorchRL's would bring a second buffer
and draw from generators that other runs share; cpprb has no release for current NumPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch as th
from stable_baselines3.common.vec_env import VecNormalize

from experiments.methods.dqn.replay import Drawn, PlainReplayBuffer, Rows, refuse_normalisation

_EXPONENT = 0.6
"""How much errors count: 0 would draw uniformly. The paper's, as are the next two."""
_CORRECTED_FROM, _CORRECTED_TO = 0.4, 1.0
"""How much weights correct for the draw, at the beginning and at the end of training."""
_LEAST = 1e-6
"""Added to errors, so that everything is drawn at times."""

Floats = npt.NDArray[np.float64]


class SumTree:
    """Numbers that are drawn in proportion to their size, in O(log(size)) each.

    Args:
        size: How many, all 0 at first.
    """

    def __init__(self, size: int) -> None:
        self.levels = max(size - 1, 0).bit_length()
        self.leaves = 1 << self.levels
        self.nodes = np.zeros(2 * self.leaves)
        """A node's children are at twice its place and behind; each is the sum of its children."""

    @property
    def total(self) -> float:
        """Sum of all."""
        return float(self.nodes[1])

    def __getitem__(self, rows: Rows) -> Floats:
        """Some of the numbers."""
        return self.nodes[self.leaves + rows]

    def __setitem__(self, rows: Rows, values: Any) -> None:
        """Set numbers, at least 0, and the sums above them."""
        places = self.leaves + rows
        self.nodes[places] = values
        for _ in range(self.levels):
            # Siblings set one parent twice, to the same; and a sum is never adjusted, only made
            # anew, so that no rounding adds up.
            places = places >> 1
            self.nodes[places] = self.nodes[2 * places] + self.nodes[2 * places + 1]

    def find(self, marks: Floats) -> Rows:
        """Which number each mark in [0, total) falls into, were they laid end to end."""
        places = np.ones(len(marks), dtype=np.int64)
        marks = marks.copy()
        for _ in range(self.levels):
            places *= 2
            left = self.nodes[places]
            # Rounding may put a mark beyond all: what is 0 is never found.
            right = (marks >= left) & (self.nodes[places + 1] > 0)
            marks -= np.where(right, left, 0)
            places += right
        return places - self.leaves


class PrioritizedReplayBuffer(PlainReplayBuffer):
    """Plain replay that draws a transition in proportion to a power of its last error.

    What has not been drawn yet has the largest priority so far. Minibatches that are drawn together
    see each other's errors only afterwards.

    Args:
        *args: SB3's.
        **kwargs: Those of :class:`PlainReplayBuffer`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._forget()

    def _forget(self) -> None:
        self.tree = SumTree(self.buffer_size * self.n_envs)
        self.highest = 1.0
        self.corrected = _CORRECTED_FROM
        self._drawn: Rows = np.zeros(0, dtype=np.int64)

    def reset(self) -> None:
        """Forget everything."""
        super().reset()
        self._forget()

    def add(self, *args: Any, **kwargs: Any) -> None:
        """Store one step of every copy; see SB3's for the arguments."""
        rows = np.arange(self.pos * self.n_envs, (self.pos + 1) * self.n_envs)
        super().add(*args, **kwargs)
        self.tree[rows] = self.highest

    def sample(  # type: ignore[override]
        self, batch_size: int, env: VecNormalize | None = None
    ) -> Drawn:
        """A minibatch by priority, one transition from each of as many equal parts of their sum."""
        refuse_normalisation(env)
        marks = (np.arange(batch_size) + self.rng.random(batch_size)) * self.tree.total / batch_size
        self._drawn = self.tree.find(marks)
        # Those of one over the chance, up to a factor: the largest is 1.
        weights = self.tree[self._drawn] ** -self.corrected
        weights /= weights.max()
        drawn = self.assemble(*self.stored(self.on_device(self._drawn)))
        column = th.from_numpy(weights.astype(np.float32)).reshape(-1, 1)
        return drawn._replace(weights=column.to(self.device))

    def learned(self, errors: th.Tensor, done: float) -> None:
        """Take the errors of the last minibatch as its priorities.

        Args:
            errors: (batch, 1) of the values, before the update.
            done: Share of the training that is over, in [0, 1].
        """
        found = errors.abs().double().reshape(-1).cpu().numpy()
        priorities = (found + _LEAST) ** _EXPONENT
        self.highest = max(self.highest, float(priorities.max()))
        self.tree[self._drawn] = priorities
        self.corrected = _CORRECTED_FROM + (_CORRECTED_TO - _CORRECTED_FROM) * done
