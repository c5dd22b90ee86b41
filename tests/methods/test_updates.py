"""One gradient update: flat weights, gradients by hand, and the step that SB3 would make."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch as th
from torch import nn
from torch.nn import functional

from experiments.methods.dqn.updates import Minibatch, Update, flatten
from experiments.methods.networks.base import BitPolicy, BitQNetwork
from tests.made_policies import policy
from tests.made_transitions import BATCH, N, drawn


@pytest.mark.parametrize("net_arch", [[16], [16, 8, 4]])
@pytest.mark.parametrize("scale", [0.1, 30.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_gradients_by_hand_are_autograds(net_arch: list[int], scale: float, weighted: bool) -> None:
    """Small errors and large ones, where the Huber loss is linear."""
    net = policy(N, "mlp", net_arch=net_arch).q_net
    assert isinstance(net, BitQNetwork)
    data = drawn()
    wanted = scale * th.randn(BATCH, 1)
    weights = th.rand(BATCH, 1) if weighted else None
    asked = (data.observations, data.actions, wanted, weights)
    loss, gradients, errors = net.loss_and_gradients(*asked)
    expected_loss, expected, expected_errors = BitQNetwork.loss_and_gradients(net, *asked)
    th.testing.assert_close(loss, expected_loss)
    th.testing.assert_close(errors, expected_errors)
    th.testing.assert_close(errors, net(data.observations).gather(1, data.actions) - wanted)
    assert len(gradients) == len(expected) == 2 * (len(net_arch) + 1)
    for mine, theirs in zip(gradients, expected, strict=True):
        assert theirs.abs().sum() > 0
        th.testing.assert_close(mine, theirs)


def test_only_relu_layers_have_gradients_by_hand() -> None:
    with pytest.raises(ValueError, match=r"activation_fn must be torch\.nn\.ReLU, got .*Tanh"):
        policy(N, "mlp", activation_fn=nn.Tanh)


def sb3_step(agent: BitPolicy, optimizer: th.optim.Optimizer, data: Any, clip: float) -> None:
    """What SB3's DQN.train does with one minibatch, and its running average."""
    with th.no_grad():
        following = agent.q_net_target(data.next_observations).max(dim=1, keepdim=True).values
        wanted = data.rewards + (1 - data.dones) * 0.9 * following
    values = agent.q_net(data.observations).gather(1, data.actions)
    optimizer.zero_grad()
    functional.smooth_l1_loss(values, wanted).backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(agent.q_net.parameters(), clip)
    optimizer.step()
    with th.no_grad():
        for slow, fast in zip(
            agent.q_net_target.parameters(), agent.q_net.parameters(), strict=True
        ):
            slow.lerp_(fast, 0.2)


@pytest.mark.parametrize("network", ["mlp", "equivariant"])
@pytest.mark.parametrize("clip", [0.01, 10.0])
def test_updates_are_sb3s(network: str, clip: float) -> None:
    ours, theirs = policy(N, network), policy(N, network)
    update = Update(ours, gamma=0.9, tau=0.2, max_grad_norm=clip)
    optimizer = th.optim.Adam(theirs.q_net.parameters(), lr=1e-3)
    for seed in range(5):
        data = drawn(seed)
        (minibatch,) = Minibatch.deal(data, 1)
        update(minibatch)
        sb3_step(theirs, optimizer, data, clip)
    for name in ("q_net", "q_net_target"):
        mine, expected = getattr(ours, name).state_dict(), getattr(theirs, name).state_dict()
        for key in expected:
            th.testing.assert_close(mine[key], expected[key], rtol=1e-4, atol=1e-6)
    assert update.loss > 0


@pytest.mark.parametrize("make", [lambda: policy(N, "mlp"), lambda: policy(N, "equivariant")])
def test_weights_are_views_of_one_tensor(make: Callable[[], BitPolicy]) -> None:
    net = make().q_net
    before = {name: weight.clone() for name, weight in net.state_dict().items()}
    flat = flatten(net)
    assert flat.numel() == sum(weight.numel() for weight in net.parameters())
    for name, weight in net.state_dict().items():
        th.testing.assert_close(weight, before[name], rtol=0, atol=0)
    flat.zero_()
    assert not any(weight.any() for weight in net.parameters())
    net.load_state_dict(before)
    assert flat.any()
