"""SB3 policies for tests of networks and of updates."""

from __future__ import annotations

from typing import Any

import torch as th
from gymnasium import spaces

from experiments.config import registry
from experiments.methods.networks.base import BitPolicy


def policy(n: int, network: str, **kwargs: Any) -> BitPolicy:
    """A policy of n bits with one hidden layer of 16 and always the same first weights."""
    th.manual_seed(0)
    bits = spaces.MultiBinary(n)
    space = spaces.Dict({"observation": bits, "achieved_goal": bits, "desired_goal": bits})
    settings = {"net_arch": [16], "network": registry.network(network).module, **kwargs}
    return BitPolicy(space, spaces.Discrete(n), lambda _: 1e-3, **settings)
