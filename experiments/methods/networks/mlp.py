"""A plain multilayer perceptron."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch as th
from stable_baselines3.common.type_aliases import PyTorchObs
from torch import nn
from torch.nn import functional

from experiments.methods.networks.base import BitQNetwork, Observation, huber


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
        self,
        obs: Observation,
        actions: th.Tensor,
        wanted: th.Tensor,
        weights: th.Tensor | None = None,
    ) -> tuple[th.Tensor, Sequence[th.Tensor], th.Tensor]:
        """As for any network, by hand."""
        *inputs, q_values = self._layers(obs)
        chosen = q_values.gather(1, actions)
        errors = chosen - wanted
        slope = errors.clamp(-1, 1).div_(len(wanted))
        if weights is not None:
            slope.mul_(weights)
        above = th.zeros_like(q_values).scatter_(1, actions, slope)
        gradients: list[th.Tensor] = []
        for layer, below in zip(reversed(self.linear), reversed(inputs), strict=True):
            gradients += (above.sum(0), above.t() @ below)
            if below is not inputs[0]:
                # What a ReLU lets through is positive, and its sign 1 or 0 says where.
                above = (above @ layer.weight).mul_(below.sign())
        return huber(chosen, wanted, weights), gradients[::-1], errors
