"""FlipTask: where the string is made by flipping its bits, what is asked of one state or many."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces

from bitseq_env import rules
from bitseq_env.arguments import STARTS, choice, integer, shown
from bitseq_env.goals import Goal, GoalTask
from bitseq_env.rules import Bits, random_bits_apart


class FlipTask(GoalTask):
    """Starts, horizon, and the end on arriving: `BitSequenceEnv` has what users are told."""

    _action_is = "the bit to flip"

    def _set_up(
        self, *, start: object, max_steps: object, continuing_task: object, **shared: Any
    ) -> None:
        """Check what a constructor was passed (`TypeError`, `ValueError`), and keep it."""
        self.start: str = choice("start", start, STARTS)
        self._set_up_goals(**shared)
        self.max_steps = self.n if max_steps is None else integer("max_steps", max_steps, 1)
        if not isinstance(continuing_task, bool | np.bool_):
            raise TypeError(f"continuing_task must be True or False, got {shown(continuing_task)}")
        self.continuing_task = bool(continuing_task)
        self._actions = self.n
        self._set_up_rewards(largest=self.n)

    def _string_space(self) -> spaces.Space[Any]:
        return spaces.MultiBinary(self.n)

    def _chosen_target(self, target: object) -> Bits:
        chosen = super()._chosen_target(target)
        if self.start == "zeros" and not chosen.any():
            raise ValueError(
                f"target={shown(target)} is the first state of start='zeros'; allowed is a target "
                "with a 1 in it, or start='random'"
            )
        return chosen

    def _draw_targets(self, count: int | None, forbidden: Bits | None) -> Bits:
        """Draw targets, none equal to the first state of its episode, if that is known already."""
        if forbidden is None and self.start == "zeros":
            forbidden = np.zeros(self.n, dtype=np.int8)
        return super()._draw_targets(count, forbidden)

    def _draw_starts(self, count: int | None, targets: Bits) -> tuple[Bits, Any]:
        """Draw first states, none equal to its target, and say their distances."""
        return random_bits_apart(self.np_random, targets, count)

    def _begin(
        self, count: int | None, target: Bits | None, state: Bits | None
    ) -> tuple[Bits, Bits, Any]:
        target = self._choose_target(count, target, state)
        if state is None and self.start == "random":
            state, distance = self._draw_starts(count, target)
            return target, state, distance
        if state is None:
            state = np.zeros(self.n, dtype=np.int8)
        distance = rules.hamming(state, target)
        if not np.all(distance):
            raise ValueError(
                "the first state of an episode must differ from its target in at least one bit, "
                f"but these options make both the same: state {shown(state.tolist())}, "
                f"target {shown(target.tolist())}"
            )
        return target, state, distance

    def _judge(self, achieved_goal: Goal, desired_goal: Goal) -> tuple[Any, Any]:
        distance = rules.hamming(achieved_goal, desired_goal)
        return distance, (distance == 0) & (not self.continuing_task)
