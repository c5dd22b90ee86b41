"""Q-networks over a state and a goal of n bits, as SB3 policies.

What each knows beforehand:

* ``mlp``, the HER paper's kind, knows nothing: it has to learn for every bit anew that a bit
  which differs from its goal wants flipping.
* ``equivariant`` knows that bits are interchangeable: renaming them renames the Q-values and
  changes nothing else (Zaheer et al., 2017, "Deep Sets"). That is most of this problem, so a
  comparison is fair only when both are shown. It does *not* know that a bit matters only through
  whether it equals its goal: flipping the same bit of state and goal may change its Q-values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch as th
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor, create_mlp
from stable_baselines3.common.type_aliases import PyTorchObs, Schedule
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork
from torch import nn
from torch.nn import functional

Observation = dict[str, th.Tensor]


class PlusMinusExtractor(BaseFeaturesExtractor):
    """State and goal, or the state alone, as -1 and +1, without SB3's third input.

    ``achieved_goal`` equals ``observation`` here, so a third of what SB3's CombinedExtractor
    passes on is a copy.

    Args:
        observation_space: The environment's Dict of three MultiBinary(n).
        sees_target: False drops the goal from the input.
    """

    def __init__(self, observation_space: spaces.Dict, sees_target: bool = True) -> None:
        self.keys = ("observation", "desired_goal") if sees_target else ("observation",)
        super().__init__(observation_space, sum(_bits(observation_space[key]) for key in self.keys))

    def forward(self, observations: Observation) -> th.Tensor:
        """Dict of (batch, n) bits -> (batch, features) floats of -1 and +1."""
        parts = [observations[key] for key in self.keys]
        bits = th.cat(parts, dim=1) if len(parts) > 1 else parts[0]
        return bits.to(th.float32).mul_(2).sub_(1)


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
        self, obs: Observation, actions: th.Tensor, wanted: th.Tensor
    ) -> tuple[th.Tensor, Sequence[th.Tensor]]:
        """Mean Huber loss of the Q-values of some actions, and what lowers it.

        Args:
            obs: (batch, n) bits.
            actions: (batch, 1) whose values are compared.
            wanted: (batch, 1) what they should be.

        Returns:
            The loss, a scalar, and its gradient for each of ``parameters()``.
        """
        if not self._weights:
            self._weights += self.parameters()
        loss = functional.smooth_l1_loss(self.chosen(obs, actions), wanted)
        return loss.detach(), th.autograd.grad(loss, self._weights)


class MlpQNetwork(BitQNetwork):
    """A plain multilayer perceptron of ReLU layers; weights belong to one n.

    The gradient is written out, as recording and replaying so small a network costs autograd a
    third of an update's time. A test holds it to autograd's.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if self.activation_fn is not nn.ReLU:
            raise ValueError(f"activation_fn must be torch.nn.ReLU, got {self.activation_fn!r}")
        self.linear: list[Any] = [part for part in self.q_net if isinstance(part, nn.Linear)]

    def forward(self, obs: PyTorchObs) -> th.Tensor:
        """Dict of (batch, n) bits -> (batch, n) Q-values."""
        return self._layers(cast(Observation, obs))[-1]

    def _layers(self, obs: Observation) -> list[th.Tensor]:
        """The input, and what each layer makes of the one before it."""
        values = [self.features_extractor.forward(obs)]
        for layer in self.linear:
            values.append(functional.linear(values[-1], layer.weight, layer.bias))
            if layer is not self.linear[-1]:
                values[-1].relu_()
        return values

    @th.no_grad()
    def loss_and_gradients(
        self, obs: Observation, actions: th.Tensor, wanted: th.Tensor
    ) -> tuple[th.Tensor, Sequence[th.Tensor]]:
        """As for any network, by hand."""
        *inputs, q_values = self._layers(obs)
        chosen = q_values.gather(1, actions)
        loss = functional.smooth_l1_loss(chosen, wanted)
        slope = (chosen - wanted).clamp_(-1, 1).div_(len(wanted))
        above = th.zeros_like(q_values).scatter_(1, actions, slope)
        gradients: list[th.Tensor] = []
        for layer, below in zip(reversed(self.linear), reversed(inputs), strict=True):
            gradients += (above.sum(0), above.t() @ below)
            if below is not inputs[0]:
                # What a ReLU lets through is positive, and its sign 1 or 0 says where.
                above = (above @ layer.weight).mul_(below.sign())
        return loss, gradients[::-1]


class EquivariantQNetwork(BitQNetwork):
    """Permutation-equivariant Q-values with weights that do not depend on n.

    Per bit the pair (state, goal) goes through a shared layer; the mean over the bits joins each
    bit's features; a second shared layer gives that bit's Q-value.

    A pair of bits has only four values, so both layers run on four rows a sample, weighted by how
    often each pair occurs, and a bit looks its value up: the same function as the layer-by-layer
    one (a test holds it to that), at a cost that hardly grows with n.
    """

    def __init__(self, *, net_arch: list[int], **kwargs: Any) -> None:
        # SB3 builds a network of its own here; without hidden layers it costs nothing.
        super().__init__(net_arch=[], **kwargs)
        self.net_arch = net_arch
        embed, *body = net_arch
        self.embed = nn.Sequential(nn.Linear(2, embed), self.activation_fn())
        # create_mlp with no body would be a linear map: the last hidden width is the joint layer.
        self.q_net = nn.Sequential(*create_mlp(2 * embed, 1, body or [embed], self.activation_fn))
        pairs = [[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]]
        self.register_buffer("pairs", th.tensor(pairs), persistent=False)

    def forward(self, obs: PyTorchObs) -> th.Tensor:
        """Dict of (batch, n) bits -> (batch, n) Q-values."""
        values, _ = self._by_kind(cast(Observation, obs))
        return th.gather(values, 1, pair_kinds(cast(Observation, obs)).to(th.int64))

    def chosen(self, obs: Observation, actions: th.Tensor) -> th.Tensor:
        """Q-values of (batch, 1) actions, (batch, 1)."""
        bits = (th.gather(obs[key], 1, actions) for key in ("observation", "desired_goal"))
        state, goal = (bit.squeeze(1).to(th.int64) for bit in bits)
        own, common = self._joint_layer(pair_shares(obs))
        return self._above(own.index_select(0, 2 * state + goal) + common)

    def best(self, obs: Observation) -> th.Tensor:
        """The highest Q-value of each state, (batch, 1)."""
        values, shares = self._by_kind(obs)
        return values.masked_fill(shares == 0, -th.inf).amax(dim=1, keepdim=True)

    def greedy(self, obs: Observation) -> th.Tensor:
        """The action of highest Q-value, the first of equals, (batch,)."""
        values, shares = self._by_kind(obs)
        kind = values.masked_fill(shares == 0, -th.inf).argmax(dim=1, keepdim=True)
        return (pair_kinds(obs) == kind).to(th.uint8).argmax(dim=1)

    def _by_kind(self, obs: Observation) -> tuple[th.Tensor, th.Tensor]:
        """Q-value and share of each of the four pairs, twice (batch, 4)."""
        shares = pair_shares(obs)
        own, common = self._joint_layer(shares)
        return self._above(own + common.unsqueeze(1)).squeeze(2), shares

    def _joint_layer(self, shares: th.Tensor) -> tuple[th.Tensor, th.Tensor]:
        """What a bit's own pair (4, width) and all bits' mean (batch, width) add to its layer."""
        features = self.embed(self.pairs)  # (4, embed)
        joint: Any = self.q_net[0]
        own, common = joint.weight.chunk(2, dim=1)
        mean = shares @ features
        return functional.linear(features, own), functional.linear(mean, common, joint.bias)

    def _above(self, values: th.Tensor) -> th.Tensor:
        """The joint layer's activation, and the layers above it."""
        for part in list(self.q_net)[1:]:
            values = part(values)
        return values


def pair_kinds(obs: Observation) -> th.Tensor:
    """Which of the four pairs each bit is: 2 * state + goal, (batch, n) of the bits' type."""
    return obs["observation"] * 2 + obs["desired_goal"]


def pair_shares(obs: Observation) -> th.Tensor:
    """How often each of the four pairs occurs, (batch, 4) float32 that add up to 1."""
    state, goal = obs["observation"].to(th.int8), obs["desired_goal"].to(th.int8)
    # Of ones in the state, in the goal, and in both; the four counts follow, exactly.
    sums = th.stack((state, goal, state & goal)).sum(2, dtype=th.float32)
    n = state.shape[1]
    none, counts = th.split(_COUNTS.to(sums.device), [1, 3])
    return th.addmm(n * none, sums.t(), counts).div_(n)


_COUNTS = th.tensor(
    [
        [1.0, 0.0, 0.0, 0.0],  # n
        [-1.0, 0.0, 1.0, 0.0],  # ones in the state
        [-1.0, 1.0, 0.0, 0.0],  # ones in the goal
        [1.0, -1.0, -1.0, 1.0],  # ones in both
    ]
)
"""How often each pair occurs, from four numbers."""


class BitPolicy(DQNPolicy):
    """SB3's DQN policy with one of this project's Q-networks.

    Args:
        observation_space: The environment's.
        action_space: The environment's.
        lr_schedule: SB3's schedule of the learning rate.
        network: ``mlp`` or ``equivariant``.
        sees_target: False hides the goal (mlp only).
        **kwargs: SB3's; ``net_arch`` has the hidden widths.
    """

    def __init__(
        self,
        observation_space: spaces.Space,
        action_space: spaces.Discrete,
        lr_schedule: Schedule,
        *,
        network: str = "mlp",
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
        kind = EquivariantQNetwork if self.network == "equivariant" else MlpQNetwork
        net: QNetwork = kind(**arguments)
        return net.to(self.device)

    def set_training_mode(self, mode: bool) -> None:
        """Nothing: no layer here differs between the two, and SB3 asks at each turn."""

    def _get_constructor_parameters(self) -> dict[str, Any]:
        parameters = super()._get_constructor_parameters()
        # Set in __init__, so SB3 must not pass them back in when it loads a saved policy.
        del parameters["features_extractor_class"], parameters["features_extractor_kwargs"]
        return {**parameters, "network": self.network, "sees_target": self.sees_target}


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


def _bits(space: spaces.Space) -> int:
    return spaces.flatdim(space)
