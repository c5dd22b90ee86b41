"""A network that knows that bits are interchangeable."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch as th
from stable_baselines3.common.torch_layers import create_mlp
from stable_baselines3.common.type_aliases import PyTorchObs
from torch import nn
from torch.nn import functional

from experiments.methods.networks.base import BitQNetwork, Observation


class EquivariantQNetwork(BitQNetwork):
    """Permutation-equivariant Q-values with weights that do not depend on n.

    Per bit the pair (state, goal) goes through a shared layer. Its mean over the bits gives the
    state's value; that mean beside a bit's own features gives the bit's advantage. They make
    Q-values as in a dueling network (Wang et al., 2016), the advantages divided by n: one flip
    moves the mean by 1/n, so what an action adds to a value is that small, and gradient steps of
    the size that values want would drown it.

    A pair of bits has only four values, so the layers run on four rows a sample, weighted by how
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
        body = body or [embed]
        self.value = nn.Sequential(*create_mlp(embed, 1, body, self.activation_fn))
        self.advantage = nn.Sequential(*create_mlp(2 * embed, 1, body, self.activation_fn))
        self.q_net = nn.Sequential()  # in place of SB3's
        pairs = [[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]]
        self.register_buffer("pairs", th.tensor(pairs), persistent=False)

    def forward(self, obs: PyTorchObs) -> th.Tensor:
        """Dict of (batch, n) bits -> (batch, n) Q-values."""
        values, _ = self._by_kind(cast(Observation, obs))
        return th.gather(values, 1, pair_kinds(cast(Observation, obs)).to(th.int64))

    def chosen(self, obs: Observation, actions: th.Tensor) -> th.Tensor:
        """Q-values of (batch, 1) actions, (batch, 1)."""
        values, _ = self._by_kind(obs)
        state, goal = (th.gather(obs[key], 1, actions) for key in ("observation", "desired_goal"))
        return th.gather(values, 1, (2 * state + goal).to(th.int64))

    def best(self, obs: Observation) -> th.Tensor:
        """The highest Q-value of each state, (batch, 1)."""
        values, shares = self._by_kind(obs)
        return values.masked_fill(shares == 0, -th.inf).amax(dim=1, keepdim=True)

    def greedy(self, obs: Observation) -> th.Tensor:
        """The action of highest Q-value, the first of equals, (batch,)."""
        values, shares = self._by_kind(obs)
        kind = values.masked_fill(shares == 0, -th.inf).argmax(dim=1, keepdim=True)
        kinds = pair_kinds(obs)
        kind = kind.to(kinds.dtype)  # or all of them would be widened
        if kinds.device.type == "cpu":  # NumPy compares faster, and stops at the first
            return th.from_numpy((kinds.numpy() == kind.numpy()).argmax(axis=1))
        return (kinds == kind).to(th.uint8).argmax(dim=1)

    def _by_kind(self, obs: Observation) -> tuple[th.Tensor, th.Tensor]:
        """Q-value and share of each of the four pairs, twice (batch, 4)."""
        shares = pair_shares(obs)
        features = self.embed(self.pairs)  # (4, embed)
        mean = shares @ features
        joint: Any = self.advantage[0]
        own, common = joint.weight.chunk(2, dim=1)
        advantage = functional.linear(features, own) + functional.linear(
            mean, common, joint.bias
        ).unsqueeze(1)
        for part in list(self.advantage)[1:]:
            advantage = part(advantage)
        advantage = advantage.squeeze(2)
        above = advantage - (advantage * shares).sum(1, keepdim=True)
        return self.value(mean) + above / obs["observation"].shape[1], shares


def pair_kinds(obs: Observation) -> th.Tensor:
    """Which of the four pairs each bit is: 2 * state + goal, (batch, n) of the bits' type."""
    return obs["observation"] * 2 + obs["desired_goal"]


def pair_shares(obs: Observation) -> th.Tensor:
    """How often each of the four pairs occurs, (batch, 4) float32 that add up to 1."""
    state, goal = obs["observation"].to(th.int8), obs["desired_goal"].to(th.int8)
    # Of ones in the state, in the goal, and in both; the four counts follow, exactly.
    if state.device.type == "cpu":
        # Packed to bits, long strings are counted in a fifth of the time.
        one, other = (np.packbits(bits.numpy().view(np.bool_), axis=1) for bits in (state, goal))
        ones = np.bitwise_count(np.stack((one, other, one & other)))
        sums = th.from_numpy(ones.sum(2, dtype=np.float32))
    else:
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
