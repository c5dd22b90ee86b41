"""From a run of DQN to SB3's model, and from its weights back to a policy."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch as th
from gymnasium import spaces
from stable_baselines3 import DQN
from stable_baselines3.common.torch_layers import CombinedExtractor
from stable_baselines3.common.utils import LinearSchedule
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.dqn.policies import QNetwork

from experiments.config import registry
from experiments.config.task import Task
from experiments.evaluation.greedy import Policy
from experiments.evaluation.looks import Looks
from experiments.methods import sb3
from experiments.methods.dqn import DqnRun
from experiments.methods.dqn.algorithm import BitDQN
from experiments.methods.dqn.deep_q import DeepQRun
from experiments.methods.dqn.prioritized import PrioritizedReplayBuffer
from experiments.methods.dqn.replay import PlainReplayBuffer
from experiments.methods.dqn.rewarded import RewardedReplayBuffer
from experiments.methods.first_success import Episode
from experiments.methods.learner import Learner, fitted, fitting
from experiments.methods.networks.base import (
    BitPolicy,
    bare_network,
    goal_space,
    greedy_policy,
)


class DeepQLearner(Learner):
    """DQN: this project's, or SB3's own where the run is a stock one."""

    def __init__(self, run: DeepQRun) -> None:
        super().__init__(run)
        self.model: DQN = self._stock() if run.implementation == "stock" else self._fast()

    def make_env(self) -> VecEnv:
        """SB3's view of it."""
        return sb3.training_env(self.run)

    @abc.abstractmethod
    def replay(self) -> dict[str, Any]:
        """The replay buffer's class and arguments, as SB3 takes them."""

    def stored(self) -> dict[str, Any]:
        """The arguments of any of this project's replay buffers."""
        shift = -1.0 if self.run.learner_reward == "r-1" else 0.0
        return {"reward_shift": shift, "seed": self.run.seed}

    def learn(self, looks: Looks, logs: Path | None = None) -> None:
        """See :meth:`Learner.learn`."""
        sb3.learn(self.model, self.run.budget_env_steps, looks, logs)

    @property
    def act(self) -> Policy:
        """The greedy policy of the network that acts."""
        return greedy_policy(self._acting)

    def weights(self) -> Mapping[str, th.Tensor]:
        """Those of the network that acts."""
        return self._acting.state_dict()

    def adopt(self, weights: bytes) -> None:
        """See :meth:`Learner.adopt`; the target network begins with them too."""
        for network in (self.model.q_net, self.model.q_net_target):
            network.load_state_dict(fitting(network, weights, self.run.parent))

    @property
    def _acting(self) -> QNetwork:
        average = self.run.acting_weights == "average"
        return self.model.q_net_target if average else self.model.q_net

    @staticmethod
    def load(run: Any, weights: bytes, n: int, device: str) -> Policy:
        """See :meth:`Learner.load`."""
        # Imported first: a module that makes tensors is not to make them without memory.
        kind = registry.load(registry.network_of(dict(run)).module)

        def make() -> QNetwork:
            if _is_sb3s(run):
                return _sb3_network(n, run.hidden)
            return bare_network(kind, Task.of(run).at(n), run.hidden, run.sees_target)

        return greedy_policy(fitted(make, weights, run.run_id).to(device))

    def _fast(self) -> DQN:
        policy = self._our_policy() | {"optimizer_kwargs": {"fused": True}}
        return BitDQN(
            BitPolicy,
            policy_kwargs=policy,
            exploration_steps=self.run.exploration_steps,
            spreads=self.run.exploration == "spread",
            acts_with_average=self.run.acting_weights == "average",
            **self.replay(),
            **self._common(),
        )

    def _stock(self) -> DQN:
        """SB3 as it comes; only a network that it does not have is ours."""
        run = self.run
        sb3s = _is_sb3s(run)
        return DQN(
            "MultiInputPolicy" if sb3s else BitPolicy,
            policy_kwargs={"net_arch": list(run.hidden)} if sb3s else self._our_policy(),
            target_update_interval=run.target_update_interval,
            exploration_fraction=min(1.0, run.exploration_steps / run.budget_env_steps),
            **self.replay(),
            **self._common(),
        )

    def _our_policy(self) -> dict[str, Any]:
        run = self.run
        module = registry.network_of(dict(run)).module
        return {"net_arch": list(run.hidden), "network": module, "sees_target": run.sees_target}

    def _common(self) -> dict[str, Any]:
        """What both implementations take."""
        run = self.run
        vector_steps, updates = run.rollout
        return {
            "env": self.env,
            "learning_rate": _step_size(run),
            "buffer_size": run.buffer_size,
            "learning_starts": run.learning_starts,
            "batch_size": run.batch_size,
            "tau": run.tau,
            "gamma": run.gamma,
            "train_freq": vector_steps,
            "gradient_steps": updates,
            "exploration_initial_eps": 1.0,
            "exploration_final_eps": run.exploration_final_eps,
            "max_grad_norm": run.max_grad_norm,
            "seed": run.seed,
            "device": run.device,
        }


class DqnLearner(DeepQLearner):
    """DQN without hindsight."""

    run: DqnRun

    def replay(self) -> dict[str, Any]:
        """None for a stock run: SB3 has its own."""
        if self.run.implementation == "stock":
            return {}
        kinds: dict[str, tuple[type, dict[str, Any]]] = {
            "uniform": (PlainReplayBuffer, {}),
            "rewarded": (RewardedReplayBuffer, {"share": self.run.replay_share}),
            "prioritized": (PrioritizedReplayBuffer, {}),
        }
        kind, own = kinds[self.run.replay]
        return {"replay_buffer_class": kind, "replay_buffer_kwargs": self.stored() | own}

    def given(self, episode: Episode) -> None:
        """See :meth:`Learner.given`; rewarded replay keeps it."""
        buffer: Any = self.model.replay_buffer
        buffer.keep(episode)


def _step_size(run: DeepQRun) -> float | LinearSchedule:
    if run.learning_rate_schedule == "constant":
        return run.learning_rate
    return LinearSchedule(run.learning_rate, 0.0, 1.0)


def _is_sb3s(run: DeepQRun) -> bool:
    """Whether the network is SB3's own: it has nothing but multilayer perceptrons."""
    return run.implementation == "stock" and registry.network_of(dict(run)).sb3s


def _sb3_network(n: int, hidden: tuple[int, ...]) -> QNetwork:
    space = goal_space(n)
    extractor = CombinedExtractor(space)
    return QNetwork(
        space, spaces.Discrete(n), extractor, extractor.features_dim, net_arch=list(hidden)
    )
