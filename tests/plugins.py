"""What people bring along: methods and networks that the project does not know."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch as th
from stable_baselines3 import DQN

from experiments.evaluation.greedy import Policy
from experiments.evaluation.looks import Looks
from experiments.methods.learner import Learner
from experiments.methods.networks.mlp import MlpQNetwork


class Idle(Learner):
    """Flips the first bit, whatever happens."""

    defaults: ClassVar[Mapping[str, Any]] = {"patience": 3}

    def learn(self, looks: Looks, logs: Path | None = None) -> None:
        self.env.reset(seed=self.run.seed)
        looks.begin()
        go_on = True
        while go_on:
            flips = np.zeros(self.run.n_envs, dtype=np.int64)
            _, _, terminated, truncated, info = self.env.step(flips)
            go_on = looks.step_copies(terminated, truncated, info, 1)
        looks.end(looks.env_steps, 1)

    @property
    def act(self) -> Policy:
        return lambda states, goals: np.zeros(len(states), dtype=np.int64)

    def weights(self) -> Mapping[str, th.Tensor]:
        return {}

    @staticmethod
    def load(run: Any, weights: bytes, n: int, device: str) -> Policy:
        return lambda states, goals: np.zeros(len(states), dtype=np.int64)


class OwnEnv(Idle):
    """Makes its own environment, around which nothing can be put."""

    def make_env(self) -> Any:
        return None


class Broken(Idle):
    """Fails while it learns."""

    def learn(self, looks: Looks, logs: Path | None = None) -> None:
        raise LookupError("enough")


class Mlp(MlpQNetwork):
    """Has a name that is taken."""


class Deep(MlpQNetwork):
    """A network like another."""

    knows_symmetry = True


class Alike(DQN):
    """SB3's own under another name."""
