"""The evaluations on the way, when they are due, and what they cost set aside."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.config.run import RunConfig
from experiments.config.streams import Stream, derived_seed
from experiments.config.task import Task
from experiments.evaluation import greedy
from experiments.evaluation.greedy import Policy

CurveRow = dict[str, Any]
Rollout = Callable[[], dict[str, float | None]]


class Looks:
    """Greedy evaluations, spaced geometrically in environment steps, and closer to the end.

    Args:
        run: Whose task is evaluated.
        policy: What is looked at.
    """

    def __init__(self, run: RunConfig, policy: Policy) -> None:
        self.run = run
        self.policy = policy
        self.on_step: list[Callable[[int], object]] = []
        """Called with the environment steps so far; False ends the training."""
        self.on_look: list[Callable[[CurveRow], object]] = []
        """Called with each row of the curve as it is made."""
        self.curve: list[CurveRow] = []
        self.env_steps = self.episodes = 0
        """So far, over all copies; of episodes those that ended, and those that are under way."""
        self.updates: int | None = 0
        """So far, None where nobody counts them."""
        self.rewarded = 0
        """Training episodes whose learner was told that they reached s."""
        self.first_reward: int | None = None
        """Environment steps at the first of them."""
        self.search_env_steps = self.search_episodes = 0
        self.search_seconds = 0.0
        """Of what came before the learning; all else counts from there on."""
        self.stopped_early = False
        self.train_seconds = 0.0
        self._ended = 0
        self._resumed_at = 0.0
        self._next_at = run.first_look
        # A step of all copies may be late, and two of so many are allowed to.
        self._apart = max(1, run.budget_env_steps // (2 * run.late_looks + 4))
        self._looked_at: int | None = -1

    def searched(self, env_steps: int, episodes: int, seconds: float, found: bool) -> None:
        """Before the learning a success was searched for, or given for nothing.

        Args:
            env_steps: Made by the search, the success included.
            episodes: Likewise.
            seconds: That it took.
            found: Whether the learner begins with a success.
        """
        self.search_env_steps, self.search_episodes = env_steps, episodes
        self.search_seconds = seconds
        self.rewarded += found
        self.first_reward = 0 if found else None

    def begin(self) -> None:
        """The training begins now."""
        self._resumed_at = time.perf_counter()

    def step(
        self,
        env_steps: int,
        updates: int | None,
        ended: int,
        rewarded: int,
        rollout: Rollout = dict,
    ) -> bool:
        """Some more steps were made.

        Args:
            env_steps: So far, over all copies.
            updates: Gradient updates so far; None if they are not known.
            ended: Episodes that ended with this step.
            rewarded: Those of them that the learner was told to have reached s.
            rollout: Gives further columns of a curve's row, if it comes to one.

        Returns:
            Whether to go on.
        """
        self.env_steps, self.updates = env_steps, updates
        self._ended += ended
        self.episodes = self._ended + self.run.n_envs - ended
        self.rewarded += rewarded
        if self.rewarded and self.first_reward is None:
            self.first_reward = env_steps
        go_on = [told(env_steps) is not False for told in self.on_step]
        self.stopped_early |= not all(go_on)
        # Looking at the same weights again would only give luck another chance; and the look at
        # the end is another.
        due = self._next_at <= env_steps < self.run.budget_env_steps
        if due and (updates is None or updates != self._looked_at):
            self._looked_at = updates
            further = math.ceil(env_steps * (self.run.eval_spacing - 1))
            self._next_at = env_steps + max(1, min(further, self._apart))
            self.train_seconds += time.perf_counter() - self._resumed_at
            row = self._look(rollout, Stream.EVALUATION, len(self.curve) + 1)
            enough = self.run.solved_from
            if not self.run.full_budget and updates != 0 and row["success_rate"] >= enough:
                again = self._evaluate(Stream.EVALUATION, 0, len(self.curve))
                self.stopped_early |= again.success_rate >= enough
            self._resumed_at = time.perf_counter()
        return not self.stopped_early

    def step_copies(
        self,
        terminated: npt.NDArray[np.bool_],
        truncated: npt.NDArray[np.bool_],
        info: Mapping[str, Any],
        updates: int | None,
        rollout: Rollout = dict,
    ) -> bool:
        """One step of all copies of a vector environment in autoreset mode "SameStep", as it told.

        Args:
            terminated: (copies,).
            truncated: (copies,).
            info: Of all copies.
            updates: Gradient updates so far.
            rollout: As for :meth:`step`.

        Returns:
            Whether to go on, which ends with the budget.
        """
        ended = terminated | truncated
        reached = info.get("final_info", info).get("is_success", False)
        steps = self.env_steps + len(ended)
        go_on = self.step(steps, updates, int(ended.sum()), int((ended & reached).sum()), rollout)
        return go_on and steps < self.run.budget_env_steps

    def end(self, env_steps: int, updates: int | None, rollout: Rollout = dict) -> None:
        """The training has ended; a fresh look is the last row of its curve."""
        self.env_steps, self.updates = env_steps, updates
        self.train_seconds += time.perf_counter() - self._resumed_at
        if self.curve and self.curve[-1]["env_steps"] == env_steps:
            self.curve.pop()
        self._look(rollout, Stream.FINAL_EVALUATION)

    def _evaluate(self, stream: Stream, *numbers: int) -> greedy.Episodes:
        """Greedy episodes on a stream apart from those of training."""
        seed = derived_seed(self.run.seed, stream, *numbers)
        return greedy.evaluate(self.policy, Task.of(self.run), seed)

    def _look(self, rollout: Rollout, stream: Stream, *numbers: int) -> CurveRow:
        """One evaluation, as a row of the learning curve."""
        outcome = self._evaluate(stream, *numbers)
        row: CurveRow = {
            "env_steps": self.env_steps,
            "gradient_updates": self.updates,
            "episodes": self.episodes,
            "train_seconds": self.train_seconds,
            "success_rate": outcome.success_rate,
            "mean_steps": outcome.mean_steps,
            **rollout(),
        }
        self.curve.append(row)
        for told in self.on_look:
            told(row)
        return row
