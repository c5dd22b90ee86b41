"""SB3 callbacks: the evaluations on the way, and what they cost set aside."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.utils import safe_mean

from experiments.config.run import RunConfig
from experiments.config.streams import Stream
from experiments.evaluation import greedy
from experiments.methods.agents import greedy_policy
from experiments.records.schema import SOLVED_FROM

CurveRow = dict[str, Any]


class EvaluationCallback(BaseCallback):
    """Greedy evaluations, spaced geometrically in environment steps.

    The first that reaches 0.99 and is confirmed on a fresh stream is the time to solve; unless
    the run is to use its full budget, it is also its end.

    Args:
        config: The resolved run.
        on_evaluation: Called with each row of the curve as it is made.
    """

    def __init__(
        self, config: RunConfig, on_evaluation: Callable[[CurveRow], None] | None = None
    ) -> None:
        super().__init__()
        self.config = config
        self.on_evaluation = on_evaluation
        self.curve: list[CurveRow] = []
        self.solved: CurveRow | None = None
        self.train_seconds = 0.0
        self._resumed_at = 0.0
        self._next_at = config.learning_starts or 0
        self._looked_at = -1
        self._evaluations = 0
        self.episodes = 0

    def time_to_solve(self) -> dict[str, float | int | None]:
        """Steps, episodes and seconds until solved; None where the run never was."""
        row = self.solved or {}
        return {
            "env_steps_to_solve": row.get("env_steps"),
            "episodes_to_solve": row.get("episodes"),
            "seconds_to_solve": row.get("train_seconds"),
        }

    def _on_training_start(self) -> None:
        self._resumed_at = time.perf_counter()

    def _on_step(self) -> bool:
        # SB3 counts an episode only after this.
        self.episodes += int(np.count_nonzero(self.locals["dones"]))
        # Looking at the same weights again would only give luck another chance.
        updates = self.model._n_updates
        if self.num_timesteps < self._next_at or updates == self._looked_at:
            return True
        self._looked_at = updates
        self._next_at = math.ceil(self.num_timesteps * self.config.eval_spacing)
        with self._clock_stopped():
            self._look()
        return self.solved is None or self.config.full_budget

    def _on_training_end(self) -> None:
        self.train_seconds += time.perf_counter() - self._resumed_at
        if self.curve and self.curve[-1]["env_steps"] != self.num_timesteps:
            self._look()

    @contextmanager
    def _clock_stopped(self) -> Iterator[None]:
        self.train_seconds += time.perf_counter() - self._resumed_at
        yield
        self._resumed_at = time.perf_counter()

    def _evaluate(self) -> tuple[float, float]:
        self._evaluations += 1
        outcome = greedy.evaluate(
            greedy_policy(self.model), self.config, Stream.EVALUATION, self._evaluations
        )
        return outcome.success_rate, outcome.mean_steps

    def _look(self) -> None:
        """One evaluation, as a row of the learning curve, and what it says of being solved."""
        success_rate, mean_steps = self._evaluate()
        model: Any = self.model
        finished = model.ep_info_buffer
        row: CurveRow = {
            "env_steps": self.num_timesteps,
            "gradient_updates": model._n_updates,
            "episodes": self.episodes,
            "train_seconds": self.train_seconds,
            "success_rate": success_rate,
            "mean_steps": mean_steps,
            "rollout_success_rate": _mean(model.ep_success_buffer),
            "rollout_reward": _mean([episode["r"] for episode in finished]),
            "loss": self.logger.name_to_value.get("train/loss"),
            "epsilon": model.exploration_rate,
        }
        self.curve.append(row)
        self.logger.record("eval/success_rate", success_rate)
        model.dump_logs()
        if self.on_evaluation is not None:
            self.on_evaluation(row)
        # A network that was never updated may be good by the luck of its first weights, which is
        # no solution that was learned.
        learned = model._n_updates > 0
        if self.solved is None and learned and _good(success_rate) and _good(self._evaluate()[0]):
            self.solved = row


def _good(success_rate: float) -> bool:
    return success_rate >= SOLVED_FROM


def _mean(values: Any) -> float | None:
    return float(safe_mean(values)) if len(values) else None
