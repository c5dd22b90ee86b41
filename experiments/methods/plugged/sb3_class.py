"""SB3's loop around an algorithm from outside."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch as th
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.vec_env import VecEnv

from bitseq_env.sb3 import BitSequenceVecEnv
from experiments.config.run_settings import APPEND
from experiments.config.task import Task
from experiments.evaluation import written
from experiments.evaluation.greedy import Bits, Policy
from experiments.evaluation.looks import Looks
from experiments.methods import sb3
from experiments.methods.learner import Learner, fitting
from experiments.methods.plugged import PluggedRun
from experiments.methods.plugged.classes import algorithm
from experiments.methods.wrappers import learner_env, without_goal


class Sb3Learner(Learner):
    """An SB3-compatible algorithm on one run."""

    run: PluggedRun

    def __init__(self, run: PluggedRun) -> None:
        super().__init__(run)
        self.model = algorithm(run, self.env, run.device, run.seed)

    def make_env(self) -> VecEnv:
        """SB3's view of what a learner may see."""
        return BitSequenceVecEnv(learner_env(self.run))

    def learn(self, looks: Looks, logs: Path | None = None) -> None:
        """See :meth:`Learner.learn`."""
        sb3.learn(self.model, self.run.budget_env_steps, looks, logs)

    def adopt(self, weights: bytes) -> None:
        """See :meth:`Learner.adopt`; target networks are part of SB3's policies."""
        self.model.policy.load_state_dict(fitting(self.model.policy, weights, self.run.parent))

    @property
    def act(self) -> Policy:
        """The policy's deterministic actions; where it writes, and is stochastic, its chances."""
        return _policy(self.model.policy, self.run)

    def weights(self) -> Mapping[str, th.Tensor]:
        """All of the policy's; copies, as some of them may be one tensor."""
        return {name: value.clone() for name, value in self.model.policy.state_dict().items()}

    @staticmethod
    def load(run: PluggedRun, weights: bytes, n: int, device: str) -> Policy:
        """See :meth:`Learner.load`."""
        env = BitSequenceVecEnv(learner_env(run))
        policy = algorithm(run, env, device, seed=None).policy
        policy.load_state_dict(fitting(policy, weights, run.run_id))
        return _policy(policy, run)


def _policy(policy: Any, run: PluggedRun) -> Policy:
    if run.env == APPEND and isinstance(policy, ActorCriticPolicy):
        return _Writer(policy, run)
    return functools.partial(_act, policy, run.sees_target)


class _Writer:
    """See :class:`experiments.evaluation.greedy.Writer`."""

    def __init__(self, policy: ActorCriticPolicy, run: PluggedRun) -> None:
        self.policy, self.sees_target, self.task = policy, run.sees_target, Task.of(run)

    def __call__(self, state: Bits, goal: Bits) -> npt.NDArray[np.int64]:
        return _act(self.policy, self.sees_target, state, goal)

    def chances(self, goal: Bits) -> npt.NDArray[np.float64]:
        """By teacher forcing."""
        return written.chances(self.log_probs, self.task, goal)

    def log_probs(self, state: Bits, goal: Bits) -> npt.NDArray[np.float64]:
        """Of each next word."""
        seen, _ = self.policy.obs_to_tensor(_seen(self.sees_target, state, goal))
        with th.no_grad():
            distribution: Any = self.policy.get_distribution(seen)
            found: npt.NDArray[np.float64] = distribution.distribution.logits.double().cpu().numpy()
        return found


def _seen(sees_target: bool, state: Bits, goal: Bits) -> dict[str, Bits]:
    whole = {"observation": state, "achieved_goal": state, "desired_goal": goal}
    return whole if sees_target else without_goal(whole)


def _act(policy: Any, sees_target: bool, state: Bits, goal: Bits) -> npt.NDArray[np.int64]:
    actions, _ = policy.predict(_seen(sees_target, state, goal), deterministic=True)
    return np.asarray(actions, dtype=np.int64)
