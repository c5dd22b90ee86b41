"""What the single and the vector environment share: arguments, targets, starts, and rewards."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import logger, spaces
from gymnasium.error import ResetNeeded

from bitseq_env import rendering, rules
from bitseq_env.arguments import GOAL_MODES, RENDER_MODES, STARTS, bits, choice, integer, shown
from bitseq_env.rules import Bits, random_bits, random_bits_apart, target_generator

Goal = npt.ArrayLike


class TargetNotDrawnError(ResetNeeded, AttributeError):
    """An AttributeError too, so that `hasattr` has an answer before the first reset."""


class GoalTask:
    """The task itself, mixed into both environments; they add time, and one state or many.

    Where a method takes `count`, that is how many strings to draw, as an array of shape
    (count, n), or None for a single one of shape (n,).
    """

    # Gymnasium's Env and VectorEnv both have these.
    np_random: np.random.Generator
    metadata: dict[str, Any]

    # Here, as Gymnasium 1.1 and 1.2 call `close` even if __init__ failed.
    _window: rendering.Window | None = None

    def _set_up(
        self,
        *,
        n: object,
        target: object,
        target_seed: object,
        goal_mode: object,
        start: object,
        reward_type: object,
        max_steps: object,
        continuing_task: object,
        render_mode: object,
    ) -> None:
        """Check what a constructor was passed (`TypeError`, `ValueError`), and keep it."""
        self.n = integer("n", n, 1)
        self.goal_mode: str = choice("goal_mode", goal_mode, GOAL_MODES)
        self.start: str = choice("start", start, STARTS)
        self.reward_type: str = choice("reward_type", reward_type, rules.REWARD_TYPES)
        self.render_mode: str | None = choice("render_mode", render_mode, (None, *RENDER_MODES))
        self.max_steps = self.n if max_steps is None else integer("max_steps", max_steps, 1)
        self.target_seed = None if target_seed is None else integer("target_seed", target_seed, 0)
        if not isinstance(continuing_task, bool | np.bool_):
            raise TypeError(f"continuing_task must be True or False, got {shown(continuing_task)}")
        self.continuing_task = bool(continuing_task)
        self._human = self.render_mode == "human"
        self._was_reset = False
        # Reward by distance: a look-up in `step`, and the same numbers in `compute_reward`.
        self._rewards = rules.reward_at(np.arange(self.n + 1), self.n, self.reward_type)
        # s, where it is the same in all episodes and already known
        self._s = None if target is None else self._chosen_target(target)
        self._s_is_given = target is not None or target_seed is not None
        # The stream of targets where it is one of its own, else None
        self._target_rng: np.random.Generator | None = None
        if self.target_seed is not None:
            self._target_rng = target_generator(self.target_seed, self.n)
            self._settle_target()

    def _chosen_target(self, target: object) -> Bits:
        if self.target_seed is not None:
            raise ValueError(
                "target and target_seed exclude each other, got "
                f"target={shown(target)} and target_seed={self.target_seed}"
            )
        if self.goal_mode == "random":
            raise ValueError(
                f"target={shown(target)} needs goal_mode 'fixed'; goal_mode 'random' draws a new "
                "target in every episode (target_seed seeds them)"
            )
        chosen = bits("target", target, self.n)
        if self.start == "zeros" and not chosen.any():
            raise ValueError(
                f"target={shown(target)} is the first state of start='zeros'; allowed is a target "
                "with a 1 in it, or start='random'"
            )
        return chosen

    def _observation_space(self) -> spaces.Space[Any]:
        keys = ("observation", "achieved_goal", "desired_goal")
        return spaces.Dict({key: spaces.MultiBinary(self.n) for key in keys})

    def _render(self, state: Bits, target: Bits) -> Any:
        if self.render_mode is None:
            logger.warn(
                "render() shows nothing without a render mode: choose one of "
                f"{', '.join(map(repr, RENDER_MODES))} when you make the environment"
            )
            return None
        if self.render_mode == "ansi":
            return rendering.render_ansi(state, target)
        frame = rendering.render_rgb(state, target)
        if not self._human:
            return frame
        if self._window is None:
            self._window = rendering.Window(self.metadata["render_fps"])
        self._window.show(frame)
        return None

    def _need_reset_before(self, call: str) -> None:
        if not self._was_reset:
            raise ResetNeeded(f"{call}() before the first reset(): call reset() first")

    def _close_window(self) -> None:
        if self._window is not None:
            self._window.close()
            self._window = None

    def _forget_targets(self) -> None:
        """After `reset(seed=k)`: targets begin anew, so that k settles all that follows."""
        if not self._s_is_given:
            self._s = None
        elif self.goal_mode == "random" and self.target_seed is not None:
            self._target_rng = target_generator(self.target_seed, self.n)

    def _settle_target(self) -> None:
        """Draw s if it is still to be drawn.

        That is done even for an episode with another target, lest s depend on the options.
        """
        if self._s is None and self.goal_mode == "fixed":
            self._s = self._draw_targets(None, None)

    def _known_target(self) -> Bits:
        if self._s is None:
            raise TargetNotDrawnError("the target is not drawn yet: call reset() first")
        return self._s

    def _draw_targets(self, count: int | None, states: Bits | None) -> Bits:
        """Draw targets, none equal to the first state of its episode, if that is known already."""
        rng = self.np_random if self._target_rng is None else self._target_rng
        if states is None and self.start == "zeros":
            states = np.zeros(self.n, dtype=np.int8)
        if states is None:
            return random_bits(rng, self.n, count)
        return random_bits_apart(rng, states, count)[0]

    def _draw_starts(self, count: int | None, targets: Bits) -> tuple[Bits, Any]:
        """Draw first states, none equal to its target, and say their distances."""
        return random_bits_apart(self.np_random, targets, count)

    def _begin(
        self, count: int | None, target: Bits | None, state: Bits | None
    ) -> tuple[Bits, Bits, Any]:
        """Choose the targets and first states of new episodes, and say their distances.

        A user's own, of shape (n,) or (count, n), are passed; `ValueError` if the two are the same.
        """
        self._settle_target()
        if target is None:
            target = self._s if self._s is not None else self._draw_targets(count, state)
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

    def _distances(self, achieved_goal: Goal, desired_goal: Goal) -> Any:
        for goal in (achieved_goal, desired_goal):
            shape = np.shape(goal)
            if not shape or shape[-1] != self.n:
                raise ValueError(f"a goal must have shape (..., {self.n}), got shape {shape}")
        return rules.hamming(achieved_goal, desired_goal)

    def compute_reward(self, achieved_goal: Goal, desired_goal: Goal, info: Any = None) -> Any:  # noqa: ARG002
        """Rewards of states for targets, from the two alone; what `step` returns.

        Args:
            achieved_goal: 0/1 values of shape (n,) or (..., n), of any dtype.
            desired_goal: The same.
            info: Ignored; the interface of Gymnasium-Robotics' GoalEnv has it.

        Returns:
            A float for a single pair of goals, else a float64 array of shape (...).

        Raises:
            ValueError: If a goal does not have n bits.
        """
        rewards = self._rewards[self._distances(achieved_goal, desired_goal)]
        return float(rewards) if rewards.ndim == 0 else rewards

    def compute_terminated(self, achieved_goal: Goal, desired_goal: Goal, info: Any = None) -> Any:  # noqa: ARG002
        """Whether arriving in states ends their episodes: at the target, unless continuing_task.

        Args and errors are those of `compute_reward`.

        Returns:
            A bool for a single pair of goals, else a bool array of shape (...).
        """
        return (self._distances(achieved_goal, desired_goal) == 0) & (not self.continuing_task)

    def compute_truncated(self, achieved_goal: Goal, desired_goal: Goal, info: Any = None) -> Any:  # noqa: ARG002
        """Always False: goals do not tell the time, and the horizon is all that truncates.

        Args, errors and results are those of `compute_terminated`.
        """
        return (self._distances(achieved_goal, desired_goal) == 0) & False
