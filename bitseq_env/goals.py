"""What all environments share, single and vector: arguments, targets, rewards and pictures."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import logger, spaces
from gymnasium.error import ResetNeeded

from bitseq_env import rendering, rules
from bitseq_env.arguments import BITS, GOAL_MODES, RENDER_MODES, bits, choice, integer, shown
from bitseq_env.rules import Bits, random_bits, random_bits_apart, target_generator

Goal = npt.ArrayLike
Observation = dict[str, Bits]


class TargetNotDrawnError(ResetNeeded, AttributeError):
    """An AttributeError too, so that `hasattr` has an answer before the first reset."""


class GoalTask:
    """A string to be made, and what it is worth to have made it.

    How it is made is the matter of the tasks derived from this, `FlipTask` and `AppendTask`, which
    are mixed into `Single` and `Copies`: those add time, and one state or many.

    Where a method takes `count`, that is how many strings to draw, as an array of shape
    (count, n), or None for a single one of shape (n,).
    """

    # Gymnasium's Env and VectorEnv both have these.
    np_random: np.random.Generator
    metadata: dict[str, Any]

    # What each task has of its own
    max_steps: int  # horizon
    _actions: int  # how many there are
    _action_is: str  # what one means, for errors
    _digits = BITS  # what may stand in a state
    _rewards: npt.NDArray[np.float64]  # by distance: a look-up in `step` and in `compute_reward`

    # Here, as Gymnasium 1.1 and 1.2 call `close` even if __init__ failed.
    _window: rendering.Window | None = None

    def _set_up_goals(
        self,
        *,
        n: object,
        target: object,
        target_seed: object,
        goal_mode: object,
        reward_type: object,
        render_mode: object,
    ) -> None:
        """Check what a constructor was passed (`TypeError`, `ValueError`), and keep it."""
        self.n = integer("n", n, 1)
        self.goal_mode: str = choice("goal_mode", goal_mode, GOAL_MODES)
        self.reward_type: str = choice("reward_type", reward_type, rules.REWARD_TYPES)
        self.render_mode: str | None = choice("render_mode", render_mode, (None, *RENDER_MODES))
        self.target_seed = None if target_seed is None else integer("target_seed", target_seed, 0)
        self._human = self.render_mode == "human"
        self._was_reset = False
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
        return bits("target", target, self.n)

    def _set_up_rewards(self, largest: int) -> None:
        """Keep the rewards of all distances up to the largest."""
        self._rewards = rules.reward_at(np.arange(largest + 1), largest, self.reward_type)

    @abstractmethod
    def _string_space(self) -> spaces.Space[Any]:
        """The space of states, and of goals."""

    def _observation_space(self) -> spaces.Space[Any]:
        keys = ("observation", "achieved_goal", "desired_goal")
        return spaces.Dict({key: self._string_space() for key in keys})

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

    def _draw_targets(self, count: int | None, forbidden: Bits | None) -> Bits:
        """Draw targets, none equal to what is forbidden it, of shape (n,) or (count, n)."""
        rng = self.np_random if self._target_rng is None else self._target_rng
        if forbidden is None:
            return random_bits(rng, self.n, count)
        return random_bits_apart(rng, forbidden, count)[0]

    def _choose_target(
        self, count: int | None, target: Bits | None, forbidden: Bits | None
    ) -> Bits:
        """The targets of new episodes: a user's own, if passed, else s or new ones."""
        self._settle_target()
        if target is not None:
            return target
        return self._s if self._s is not None else self._draw_targets(count, forbidden)

    @abstractmethod
    def _begin(
        self, count: int | None, target: Bits | None, state: Bits | None
    ) -> tuple[Bits, Bits, Any]:
        """Choose the targets and first states of new episodes, and say their distances.

        A user's own, of shape (n,) or (count, n), are passed; `ValueError` if no episode can begin
        like that.
        """

    @abstractmethod
    def _judge(self, achieved_goal: Goal, desired_goal: Goal) -> tuple[Any, Any]:
        """Of states and goals of n bits: distances to look rewards up by, and who ends."""

    def _judged(self, achieved_goal: Goal, desired_goal: Goal) -> tuple[Any, Any]:
        for goal in (achieved_goal, desired_goal):
            shape = np.shape(goal)
            if not shape or shape[-1] != self.n:
                raise ValueError(f"a goal must have shape (..., {self.n}), got shape {shape}")
        return self._judge(achieved_goal, desired_goal)

    def compute_reward(self, achieved_goal: Goal, desired_goal: Goal, info: Any = None) -> Any:  # noqa: ARG002
        """Rewards of states for targets, from the two alone; what `step` returns.

        Args:
            achieved_goal: States, as they are observed, of shape (n,) or (..., n) and any dtype.
            desired_goal: The same.
            info: Ignored; the interface of Gymnasium-Robotics' GoalEnv has it.

        Returns:
            A float for a single pair of goals, else a float64 array of shape (...).

        Raises:
            ValueError: If a goal does not have n bits.
        """
        rewards = self._rewards[self._judged(achieved_goal, desired_goal)[0]]
        return float(rewards) if rewards.ndim == 0 else rewards

    def compute_terminated(self, achieved_goal: Goal, desired_goal: Goal, info: Any = None) -> Any:  # noqa: ARG002
        """Whether arriving in states terminates their episodes (see Episode End of the class).

        Args and errors are those of `compute_reward`.

        Returns:
            A bool for a single pair of goals, else a bool array of shape (...).
        """
        return self._judged(achieved_goal, desired_goal)[1]

    def compute_truncated(self, achieved_goal: Goal, desired_goal: Goal, info: Any = None) -> Any:  # noqa: ARG002
        """Always False: goals do not tell the time, and the horizon is all that truncates.

        Args, errors and results are those of `compute_terminated`.
        """
        return self._judged(achieved_goal, desired_goal)[1] & False
