"""AppendTask: where the string is written word by word, what is asked of one state or many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from bitseq_env import rules
from bitseq_env.arguments import BITS_OR_OPEN, integer, shown
from bitseq_env.goals import Goal, GoalTask
from bitseq_env.rules import OPEN, Bits

MAX_WORD_SIZE = 16  # 65,536 actions

# What the flip environment lets its users choose, and others call a horizon.
_HORIZON = ": an episode has n / word_size steps, so there is no horizon to choose"
NOT_TO_CHOOSE: Mapping[str, str] = {
    "max_steps": _HORIZON,
    "horizon": _HORIZON,
    "start": ": an episode starts empty, or with the 'state' of reset's options",
    "continuing_task": ": an episode ends when the string is written",
}


class AppendTask(GoalTask):
    """Words, and which bits count: `BitSequenceAppendEnv` has what users are told."""

    _action_is = "the word to write"
    _digits = BITS_OR_OPEN

    def _set_up(self, *, word_size: object, free_bits: object, **shared: Any) -> None:
        """Check what a constructor was passed (`TypeError`, `ValueError`), and keep it."""
        self._set_up_goals(**shared)
        self.word_size = integer("word_size", word_size, 1)
        if self.word_size > MAX_WORD_SIZE or self.n % self.word_size:
            raise ValueError(
                f"word_size must be at most {MAX_WORD_SIZE}, as there are 2^word_size actions, and "
                f"divide n={self.n}, got {self.word_size}"
            )
        self.free_bits = integer("free_bits", free_bits, 0)
        if self.free_bits >= self.n:
            raise ValueError(
                f"free_bits must leave a bit that counts: in [0, {self.n - 1}] for n={self.n}, got "
                f"{self.free_bits}"
            )
        self.max_steps = self.n // self.word_size
        self._actions = 2**self.word_size
        self._farthest = self.n - self.free_bits
        self._set_up_rewards(largest=self._farthest)

    def _string_space(self) -> spaces.Space[Any]:
        space = spaces.MultiDiscrete(np.full(self.n, OPEN + 1), dtype=np.int8)
        # Networks are as wide as their sum, which as int8, Gymnasium's choice, ends at 127.
        space.nvec = space.nvec.astype(np.int64)
        return space

    def _begin(
        self, count: int | None, target: Bits | None, state: Bits | None
    ) -> tuple[Bits, Bits, Any]:
        if state is None:
            state = np.full(self.n, OPEN, dtype=np.int8)
        else:
            self._check_is_begun(state)
        target = self._choose_target(count, target, None)
        return target, state, rules.bits_to_go(state, target, self.free_bits)

    def _check_is_begun(self, state: Bits) -> None:
        """Refuse states that no episode passes through on its way (`ValueError`)."""
        written = state != OPEN
        words = written.reshape(*written.shape[:-1], -1, self.word_size)
        whole = words.all(axis=-1)
        torn = (words.any(axis=-1) != whole).any() or (whole[..., 1:] > whole[..., :-1]).any()
        if torn or whole[..., -1].any():
            raise ValueError(
                f"options['state'] must be whole words of {self.word_size} bits, then {OPEN}s, at "
                f"least {self.word_size} of them, got {shown(state.tolist())}"
            )

    def _count_written(self, state: Bits) -> Any:
        """How many bits are written."""
        return np.count_nonzero(state != OPEN, axis=-1)

    def _judge(self, achieved_goal: Goal, desired_goal: Goal) -> tuple[Any, Any]:
        # What is not whole is as far as can be, so that no kind of reward likes it.
        whole = rules.is_whole(achieved_goal) & rules.is_whole(desired_goal)
        distance = rules.bits_to_go(achieved_goal, desired_goal, self.free_bits)
        return np.where(whole, distance, self._farthest), whole

    def _render(self, state: Bits, target: Bits) -> Any:
        return super()._render(state, rules.wanted(target, self.free_bits))
