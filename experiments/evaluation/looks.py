"""The evaluations on the way, when they are due, and what they cost set aside."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from experiments.config.run import RunConfig
from experiments.config.streams import Stream, derived_seed
from experiments.config.task import Task
from experiments.evaluation import greedy
from experiments.evaluation.greedy import Policy
from experiments.records.schema import SOLVED_FROM

CurveRow = dict[str, Any]
Rollout = Callable[[], dict[str, float | None]]


class Looks:
    """Greedy evaluations, spaced geometrically in environment steps.

    The first that reaches 0.99 and is confirmed on a fresh stream is the time to solve; unless
    the run is to use its full budget, it is also its end.

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
        self.solved: CurveRow | None = None
        self.env_steps = self.updates = self.episodes = 0
        self.train_seconds = 0.0
        self._resumed_at = 0.0
        self._next_at = run.first_look
        self._looked_at = -1
        self._evaluations = 0

    def begin(self) -> None:
        """The training begins now."""
        self._resumed_at = time.perf_counter()

    def step(self, env_steps: int, updates: int, ended: int, rollout: Rollout) -> bool:
        """Some more steps were made.

        Args:
            env_steps: So far, over all copies.
            updates: Gradient updates so far.
            ended: Episodes that ended with this step.
            rollout: Gives further columns of a curve's row, if it comes to one.

        Returns:
            Whether to go on.
        """
        self.env_steps, self.updates = env_steps, updates
        self.episodes += ended
        go_on = [told(env_steps) is not False for told in self.on_step]
        # Looking at the same weights again would only give luck another chance.
        if env_steps >= self._next_at and updates != self._looked_at:
            self._looked_at = updates
            self._next_at = math.ceil(env_steps * self.run.eval_spacing)
            self.train_seconds += time.perf_counter() - self._resumed_at
            self._look(rollout)
            self._resumed_at = time.perf_counter()
        return all(go_on) and (self.solved is None or self.run.full_budget)

    def end(self, env_steps: int, updates: int, rollout: Rollout) -> None:
        """The training has ended; its curve ends there too."""
        self.env_steps, self.updates = env_steps, updates
        self.train_seconds += time.perf_counter() - self._resumed_at
        if self.curve and self.curve[-1]["env_steps"] != env_steps:
            self._look(rollout)

    def time_to_solve(self) -> dict[str, float | int | None]:
        """Steps, episodes and seconds until solved; None where the run never was."""
        row = self.solved or {}
        return {
            "env_steps_to_solve": row.get("env_steps"),
            "episodes_to_solve": row.get("episodes"),
            "seconds_to_solve": row.get("train_seconds"),
        }

    def evaluate(self, stream: Stream, *numbers: int) -> greedy.Episodes:
        """Greedy episodes on a stream apart from those of training."""
        seed = derived_seed(self.run.seed, stream, *numbers)
        return greedy.evaluate(self.policy, Task.of(self.run), seed)

    def _evaluate(self) -> greedy.Episodes:
        self._evaluations += 1
        return self.evaluate(Stream.EVALUATION, self._evaluations)

    def _look(self, rollout: Rollout) -> None:
        """One evaluation, as a row of the learning curve, and what it says of being solved."""
        outcome = self._evaluate()
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
        # A network that was never updated may be good by the luck of its first weights, which is
        # no solution that was learned.
        if self.solved is None and self.updates > 0 and outcome.success_rate >= SOLVED_FROM:
            confirmed = self._evaluate().success_rate >= SOLVED_FROM
            self.solved = row if confirmed else None
