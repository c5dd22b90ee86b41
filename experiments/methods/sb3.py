"""Stable-Baselines3's side of things: its environments, and its training loop told to us."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.logger import Logger, configure
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.utils import safe_mean
from stable_baselines3.common.vec_env import VecEnv

from bitseq_env.sb3 import BitSequenceVecEnv
from experiments.config.run import RunConfig
from experiments.config.task import Task
from experiments.evaluation.looks import Looks
from experiments.methods.wrappers import WithheldReward, training_copies

LOG_INTERVAL = 100
"""Episodes between two lines of SB3's logs."""


def training_env(run: RunConfig) -> VecEnv:
    """The training environment of DQN, whose replay and network see to r-1 and a hidden goal."""
    if run.implementation == "stock":
        arguments = Task.of(run).arguments
        if run.goal_mode == "random":
            # Copies made apart would all draw the same goals from one target_seed.
            arguments["target_seed"] = None
        wrapper = WithheldReward if run.withhold_reward else None
        return make_vec_env(run.env, n_envs=run.n_envs, env_kwargs=arguments, wrapper_class=wrapper)
    return BitSequenceVecEnv(training_copies(run))


def learn(model: BaseAlgorithm, steps: int, looks: Looks, logs: Path | None) -> None:
    """SB3's training loop, with its steps told and its logs where they are wanted.

    Args:
        model: Any algorithm of SB3's.
        steps: Environment steps, over all copies.
        looks: Told of them.
        logs: A folder for SB3's CSV and TensorBoard logs.
    """
    # SB3 would log to a new folder of the system's temporary files.
    logger = configure(str(logs), ["csv", "tensorboard"]) if logs else Logger(None, [])
    model.set_logger(logger)
    try:
        model.learn(steps, callback=_Teller(looks), log_interval=LOG_INTERVAL)
    finally:
        logger.close()


class _Teller(BaseCallback):
    """Tells of every step of SB3's loop."""

    def __init__(self, looks: Looks) -> None:
        super().__init__()
        self.looks = looks
        looks.on_look.append(self._log)
        self._steps: int | None = None

    def _on_training_start(self) -> None:
        if isinstance(self.model, OnPolicyAlgorithm):
            # PPO calls a pass over all minibatches one update.
            self._steps = 0
            self.model.policy.optimizer.register_step_post_hook(self._stepped)
        self.looks.begin()

    def _stepped(self, *_: Any) -> None:
        assert self._steps is not None
        self._steps += 1

    @property
    def _updates(self) -> int:
        """Gradient steps so far."""
        model: Any = self.model
        return int(model._n_updates) if self._steps is None else self._steps

    def _on_step(self) -> bool:
        # SB3 counts an episode only after this.
        ended = np.flatnonzero(self.locals["dones"])
        infos = self.locals["infos"]
        rewarded = sum(bool(infos[copy].get("is_success")) for copy in ended)
        go_on = self.looks.step(
            self.num_timesteps, self._updates, len(ended), rewarded, self._rollout
        )
        # On-policy algorithms collect thousands of steps before they ask whether it is enough.
        on_policy = isinstance(self.model, OnPolicyAlgorithm)
        return go_on and not (on_policy and self.num_timesteps >= self.looks.run.budget_env_steps)

    def _on_training_end(self) -> None:
        self.looks.end(self.num_timesteps, self._updates, self._rollout)

    def _rollout(self) -> dict[str, float | None]:
        """What training itself says of how it goes."""
        model: Any = self.model
        return {
            "rollout_success_rate": _mean(model.ep_success_buffer),
            "rollout_reward": _mean([episode["r"] for episode in model.ep_info_buffer]),
            "loss": self.logger.name_to_value.get("train/loss"),
            "epsilon": getattr(model, "exploration_rate", None),
        }

    def _log(self, row: dict[str, Any]) -> None:
        self.logger.record("eval/success_rate", row["success_rate"])
        model: Any = self.model
        model.dump_logs()


def _mean(values: Any) -> float | None:
    return float(safe_mean(values)) if len(values) else None
