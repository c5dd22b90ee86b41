"""Which stored transitions belong to whole, finished episodes, and where those episodes lie.

Everything that is drawn from a replay buffer is drawn here, as row numbers, in O(batch): nothing
looks at the whole capacity. It runs on NumPy and on the buffer's own stream, so that a run draws
the same transitions whatever device its bits are on.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from stable_baselines3.her.goal_selection_strategy import GoalSelectionStrategy

from experiments.methods.dqn.replay import Rows


class EpisodeIndex:
    """The episodes in a ring that all copies of the environment write to side by side.

    A copy's finished episodes lie one behind another, so what can be drawn of a copy is one stretch
    of the ring: where it begins and how long it is are two numbers. Each transition knows its place
    in its episode, and each episode's length stands at its first slot.

    Args:
        slots: Steps that the ring holds.
        copies: Environments that are stepped together.
    """

    def __init__(self, slots: int, copies: int) -> None:
        self.slots = slots
        self.copies = copies
        self.place = np.zeros((slots, copies), dtype=np.int32)
        self.length = np.zeros((slots, copies), dtype=np.int32)
        self.clear()

    def clear(self) -> None:
        """Forget all episodes."""
        self.first = np.zeros(self.copies, dtype=np.int64)
        self.count = np.zeros(self.copies, dtype=np.int64)
        # Steps of the episodes that are under way; these begin where the finished ones end.
        self.age = np.zeros(self.copies, dtype=np.int64)

    def add(self, slot: int, ended: npt.NDArray[np.bool_]) -> None:
        """One more step of every copy, stored at a slot.

        An episode whose first step is overwritten is forgotten whole.

        Args:
            slot: Where, one behind the last.
            ended: (copies,) whether this step is its episode's last.

        Raises:
            ValueError: If an episode does not fit into the ring.
        """
        full = self.count + self.age == self.slots
        if full.any():
            self._forget_oldest(np.flatnonzero(full))
        self.place[slot] = self.age
        self.age += 1
        if ended.any():
            self.end(slot, np.flatnonzero(ended))

    def end(self, slot: int, copies: npt.NDArray[np.intp]) -> None:
        """The episodes of some copies have ended with the step at a slot."""
        age = self.age[copies]
        self.length[(slot + 1 - age) % self.slots, copies] = age
        self.count[copies] += age
        self.age[copies] = 0

    def _forget_oldest(self, copies: npt.NDArray[np.intp]) -> None:
        if (self.count[copies] == 0).any():
            raise ValueError(
                f"an episode of over {self.slots} steps does not fit into the replay buffer: "
                f"buffer_size must be more than its length times n_envs, {self.copies}"
            )
        gone = self.length[self.first[copies], copies]
        self.first[copies] = (self.first[copies] + gone) % self.slots
        self.count[copies] -= gone

    def draw(self, rng: np.random.Generator, size: int) -> Rows:
        """Uniform rows, with replacement, among the transitions of finished episodes.

        Raises:
            RuntimeError: If no episode has ended yet.
        """
        ends = np.cumsum(self.count)
        if not ends[-1]:
            raise RuntimeError(
                "no episode has ended yet, so there is nothing to sample: learning_starts must be "
                "at least max_steps * n_envs"
            )
        number = rng.integers(ends[-1], size=size)
        copy = np.searchsorted(ends, number, side="right")
        begins = self.first - (ends - self.count)
        slot: Rows = (begins[copy] + number) % self.slots
        return slot * self.copies + copy

    def draw_goals(
        self, rng: np.random.Generator, rows: Rows, strategy: GoalSelectionStrategy
    ) -> Rows:
        """For each row another of its episode, whose next state is to be its goal.

        Args:
            rng: The buffer's.
            rows: Of finished episodes.
            strategy: SB3's: the last, one from the row itself on, or any.
        """
        slot, copy = np.divmod(rows, self.copies)
        place = self.place[slot, copy]
        start = (slot - place) % self.slots
        length = self.length[start, copy]
        match strategy:
            case GoalSelectionStrategy.FINAL:
                step = length.astype(np.int64) - 1
            case GoalSelectionStrategy.FUTURE:
                step = rng.integers(place, length)
            case _:
                step = rng.integers(0, length)
        goals: Rows = (start + step) % self.slots * self.copies + copy
        return goals
