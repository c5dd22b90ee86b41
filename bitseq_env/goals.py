"""What the single and the vector environment share: which target, which start, and the rewards."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import logger, spaces
from gymnasium.error import ResetNeeded

from bitseq_env import rendering, rules
from bitseq_env.arguments import RENDER_MODES, Arguments, shown
from bitseq_env.rules import Bits, random_bits, random_bits_apart, target_generator


class TargetNotDrawnError(ResetNeeded, AttributeError):
    """An AttributeError too, so that `hasattr` has an answer before the first reset."""


class GoalTask(Arguments):
    """The task itself, mixed into both environments; they add time, and one state or many."""

    # Gymnasium's Env and VectorEnv both have these.
    np_random: np.random.Generator
    metadata: dict[str, Any]

    # Here, as Gymnasium 1.1 and 1.2 call `close` even if __init__ failed.
    _window: rendering.Window | None = None

    def _set_up(self, **passed: Any) -> None:
        """Take what a constructor was passed: the keywords and errors of `_check_arguments`."""
        # s, where it is the same in all episodes and already known
        self._s = self._check_arguments(**passed)
        self._s_is_given = self._s is not None or self.target_seed is not None
        self._human = self.render_mode == "human"
        # Reward by distance: a look-up in `step`, and the same numbers in `compute_reward`.
        self._rewards = rules.reward_at(np.arange(self.n + 1), self.n, self.reward_type)
        # The stream of targets where it is one of its own, else None
        self._target_rng: np.random.Generator | None = None
        if self.target_seed is not None:
            self._target_rng = target_generator(self.target_seed, self.n)
            if self.goal_mode == "fixed":
                self._s = self._draw_targets(None, None)

    def _observation_space(self) -> spaces.Space[Any]:
        """Make the observation space of a single environment."""
        keys = ("observation", "achieved_goal", "desired_goal")
        return spaces.Dict({key: spaces.MultiBinary(self.n) for key in keys})

    def _render(self, state: Bits, target: Bits) -> Any:
        """Draw one state as the render mode says."""
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
        """s, where it is known before the first episode.

        Raises:
            TargetNotDrawnError: If it is not.
        """
        if self._s is None:
            raise TargetNotDrawnError("the target is not drawn yet: call reset() first")
        return self._s

    def _draw_targets(self, count: int | None, states: Bits | None) -> Bits:
        """Draw targets of shape (count, n), none equal to the state that its episode starts in.

        Args:
            count: How many, None for a single one of shape (n,).
            states: First states of shape (n,) or (count, n), None if they are yet to be drawn.
        """
        rng = self.np_random if self._target_rng is None else self._target_rng
        if states is None and self.start == "zeros":
            states = np.zeros(self.n, dtype=np.int8)
        if states is None:
            return random_bits(rng, self.n, count)
        return random_bits_apart(rng, states, count)[0]

    def _draw_starts(self, count: int | None, targets: Bits) -> tuple[Bits, Any]:
        """Draw first states of shape (count, n), none equal to its target, and their distances.

        Args:
            count: How many, None for a single one of shape (n,).
            targets: Their targets, of shape (n,) or (count, n).
        """
        return random_bits_apart(self.np_random, targets, count)

    def _begin(
        self, count: int | None, target: Bits | None, state: Bits | None
    ) -> tuple[Bits, Bits, Any]:
        """Choose the targets and first states of new episodes.

        Args:
            count: How many, None for a single one.
            target: Targets of these episodes that a user chose, of shape (n,) or (count, n).
            state: First states that a user chose, of shape (n,) or (count, n).

        Returns:
            Targets and states, each of shape (n,) or (count, n), and the distances between them.

        Raises:
            ValueError: If a state that was asked for is its episode's target.
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

    def _distances(self, achieved_goal: npt.ArrayLike, desired_goal: npt.ArrayLike) -> Any:
        """Hamming distances of goals that a user passed: an int, or integers of shape (...).

        Raises:
            ValueError: If a goal does not have n bits.
        """
        for goal in (achieved_goal, desired_goal):
            shape = np.shape(goal)
            if not shape or shape[-1] != self.n:
                raise ValueError(f"a goal must have shape (..., {self.n}), got shape {shape}")
        return rules.hamming(achieved_goal, desired_goal)

    def compute_reward(
        self,
        achieved_goal: npt.ArrayLike,
        desired_goal: npt.ArrayLike,
        info: Any = None,  # noqa: ARG002
    ) -> Any:
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

    def compute_terminated(
        self,
        achieved_goal: npt.ArrayLike,
        desired_goal: npt.ArrayLike,
        info: Any = None,  # noqa: ARG002
    ) -> Any:
        """Whether arriving in states ends their episodes: at the target, unless continuing_task.

        Args and errors are those of `compute_reward`.

        Returns:
            A bool for a single pair of goals, else a bool array of shape (...).
        """
        return (self._distances(achieved_goal, desired_goal) == 0) & (not self.continuing_task)

    def compute_truncated(
        self,
        achieved_goal: npt.ArrayLike,
        desired_goal: npt.ArrayLike,
        info: Any = None,  # noqa: ARG002
    ) -> Any:
        """Always False: goals do not tell the time, and the horizon is all that truncates.

        Args, errors and results are those of `compute_terminated`.
        """
        return (self._distances(achieved_goal, desired_goal) == 0) & False
