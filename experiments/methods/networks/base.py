"""What all Q-networks share: their input, what a learner asks of them, and SB3's policy."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch as th
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import Schedule
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork
from torch import nn
from torch.nn import functional

from bitseq_env.rules import OPEN
from experiments.config import registry
from experiments.config.task import Task
from experiments.evaluation.greedy import Policy

Observation = dict[str, th.Tensor]


class PlusMinusExtractor(BaseFeaturesExtractor):
    """State and goal, or the state alone, as -1 and +1 (0: not written), without SB3's third input.

    ``achieved_goal`` equals ``observation`` here, so a third of what SB3's CombinedExtractor
    passes on is a copy.

    Args:
        observation_space: The environment's Dict of three strings of n.
        sees_target: False drops the goal from the input.
    """

    def __init__(self, observation_space: spaces.Dict, sees_target: bool = True) -> None:
        self.keys = ("observation", "desired_goal") if sees_target else ("observation",)
        super().__init__(
            observation_space, sum(length(observation_space[key]) for key in self.keys)
        )
        self.may_be_open = isinstance(observation_space["observation"], spaces.MultiDiscrete)

    def forward(self, observations: Observation) -> th.Tensor:
        """Dict of (batch, n) bits -> (batch, features) floats of -1 and +1."""
        parts = [observations[key] for key in self.keys]
        bits = th.cat(parts, dim=1) if len(parts) > 1 else parts[0]
        values = bits.to(th.float32).mul_(2).sub_(1)
        return values.masked_fill_(bits == OPEN, 0) if self.may_be_open else values


class BitQNetwork(QNetwork):
    """What the learner asks of a Q-network; one that need not list all n values may override it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # PyTorch walks through all modules for them; filled once all are there.
        self._weights: list[nn.Parameter] = []

    def chosen(self, obs: Observation, actions: th.Tensor) -> th.Tensor:
        """Q-values of (batch, 1) actions, (batch, 1)."""
        return th.gather(self(obs), 1, actions)

    def best(self, obs: Observation) -> th.Tensor:
        """The highest Q-value of each state, (batch, 1)."""
        return cast(th.Tensor, self(obs)).amax(dim=1, keepdim=True)

    def greedy(self, obs: Observation) -> th.Tensor:
        """The action of highest Q-value, the first of equals, (batch,)."""
        return cast(th.Tensor, self(obs)).argmax(dim=1)

    def loss_and_gradients(
        self,
        obs: Observation,
        actions: th.Tensor,
        wanted: th.Tensor,
        weights: th.Tensor | None = None,
    ) -> tuple[th.Tensor, Sequence[th.Tensor], th.Tensor]:
        """Mean Huber loss of the Q-values of some actions, and what lowers it.

        Args:
            obs: (batch, n) bits.
            actions: (batch, 1) whose values are compared.
            wanted: (batch, 1) what they should be.
            weights: (batch, 1) of each one's loss in the mean; None counts all alike.

        Returns:
            The loss, a scalar; its gradient for each of ``parameters()``; and the (batch, 1)
            errors, by how much the values are too high.
        """
        if not self._weights:
            self._weights += self.parameters()
        chosen = self.chosen(obs, actions)
        loss = huber(chosen, wanted, weights)
        return loss.detach(), th.autograd.grad(loss, self._weights), chosen.detach() - wanted


def huber(values: th.Tensor, wanted: th.Tensor, weights: th.Tensor | None) -> th.Tensor:
    """The mean Huber loss of (batch, 1) values, weighted where there are weights."""
    if weights is None:
        return functional.smooth_l1_loss(values, wanted)
    return functional.smooth_l1_loss(values, wanted, reduction="none").mul(weights).mean()


class BitPolicy(DQNPolicy):
    """SB3's DQN policy with one of this project's Q-networks.

    Args:
        observation_space: The environment's.
        action_space: The environment's.
        lr_schedule: SB3's schedule of the learning rate.
        network: Where the network's class is, ``package.module:Name``.
        sees_target: False hides the goal.
        **kwargs: SB3's; ``net_arch`` has the hidden widths.
    """

    def __init__(
        self,
        observation_space: spaces.Space,
        action_space: spaces.Discrete,
        lr_schedule: Schedule,
        *,
        network: str,
        sees_target: bool = True,
        **kwargs: Any,
    ) -> None:
        self.network = network
        self.sees_target = sees_target
        super().__init__(
            observation_space,
            action_space,
            lr_schedule,
            features_extractor_class=PlusMinusExtractor,
            features_extractor_kwargs={"sees_target": sees_target},
            **kwargs,
        )

    def make_q_net(self) -> QNetwork:
        """The online or the target network."""
        arguments = self._update_features_extractor(self.net_args, features_extractor=None)
        net: QNetwork = registry.load(self.network)(**arguments)
        return net.to(self.device)

    def set_training_mode(self, mode: bool) -> None:
        """Nothing: no layer here differs between the two, and SB3 asks at each turn."""

    def _get_constructor_parameters(self) -> dict[str, Any]:
        parameters = super()._get_constructor_parameters()
        # Set in __init__, so SB3 must not pass them back in when it loads a saved policy.
        del parameters["features_extractor_class"], parameters["features_extractor_kwargs"]
        return {**parameters, "network": self.network, "sees_target": self.sees_target}


def goal_space(n: int, *, written: bool = False) -> spaces.Dict:
    """The observations of n bits, which may be open where strings are written."""
    bits = spaces.MultiDiscrete([OPEN + 1] * n, dtype=np.int8) if written else spaces.MultiBinary(n)
    return spaces.Dict({"observation": bits, "achieved_goal": bits, "desired_goal": bits})


def bare_network(kind: Any, task: Task, hidden: Sequence[int], sees_target: bool) -> BitQNetwork:
    """A Q-network for a task, of some class, without a policy around it."""
    space = goal_space(task.n, written=task.writes)
    extractor = PlusMinusExtractor(space, sees_target)
    net: BitQNetwork = kind(
        observation_space=space,
        action_space=spaces.Discrete(task.actions),
        features_extractor=extractor,
        features_dim=extractor.features_dim,
        net_arch=list(hidden),
    )
    return net


def greedy_actions(
    q_net: QNetwork, state: npt.NDArray[np.int8], goal: npt.NDArray[np.int8]
) -> npt.NDArray[np.int64]:
    """The actions of highest Q-value, (batch,), for (batch, n) states and goals."""
    bits = {
        "observation": th.as_tensor(state, device=q_net.device),
        "desired_goal": th.as_tensor(goal, device=q_net.device),
    }
    with th.no_grad():
        if isinstance(q_net, BitQNetwork):
            best = q_net.greedy(bits)
        else:  # SB3's own reads all three
            best = q_net({**bits, "achieved_goal": bits["observation"]}).argmax(dim=1)
    actions: npt.NDArray[np.int64] = best.cpu().numpy()
    return actions


def greedy_policy(q_net: Any) -> Policy:
    """The greedy policy of a Q-network, this project's or SB3's own."""
    return functools.partial(greedy_actions, q_net)


def length(space: spaces.Space) -> int:
    """Bits of a string in its space."""
    return int(np.prod(space.shape or ()))
