"""Q-networks: symmetry, weights without n, and what reaches the input."""

from __future__ import annotations

import resource
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch as th
from hypothesis import given, settings
from hypothesis import strategies as st
from stable_baselines3.dqn.policies import QNetwork

from experiments.config.run import RunConfig
from experiments.methods.learner import learner_of, load_policy
from experiments.methods.networks.base import BitQNetwork, greedy_actions
from experiments.methods.networks.equivariant import EquivariantQNetwork, pair_kinds, pair_shares
from experiments.records.files import ResultError
from tests.made_policies import policy


def q_values(net: QNetwork, state: th.Tensor, goal: th.Tensor) -> th.Tensor:
    with th.no_grad():
        values: th.Tensor = net({"observation": state, "desired_goal": goal})
    return values


def layer_by_layer(net: EquivariantQNetwork, state: th.Tensor, goal: th.Tensor) -> th.Tensor:
    """The network as its docstring says it, bit by bit."""
    pairs = th.stack((state, goal), dim=2).float() * 2 - 1  # (batch, n, 2)
    with th.no_grad():
        own = net.embed(pairs)
        mean = own.mean(dim=1, keepdim=True)
        advantage = net.advantage(th.cat((own, mean.expand_as(own)), dim=2)).squeeze(2)
        above: th.Tensor = advantage - advantage.mean(dim=1, keepdim=True)
        value: th.Tensor = net.value(mean).squeeze(2)
    return value + above / state.shape[1]


@st.composite
def batches(draw: st.DrawFn) -> tuple[th.Tensor, th.Tensor]:
    n, size = draw(st.integers(1, 12)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    bits = rng.integers(0, 2, size=(2, size, n), dtype=np.int8)
    return th.as_tensor(bits[0]), th.as_tensor(bits[1])


@settings(deadline=None, max_examples=40)
@given(batches())
def test_four_kinds_of_pair_are_the_whole_network(batch: tuple[th.Tensor, th.Tensor]) -> None:
    state, goal = batch
    net = policy(state.shape[1], "equivariant").q_net
    assert isinstance(net, EquivariantQNetwork)
    th.testing.assert_close(q_values(net, state, goal), layer_by_layer(net, state, goal))


@settings(deadline=None, max_examples=40)
@given(batches(), st.randoms(use_true_random=False))
def test_renaming_bits_renames_q_values(batch: tuple[th.Tensor, th.Tensor], random: Any) -> None:
    state, goal = batch
    net = policy(state.shape[1], "equivariant").q_net
    order = list(range(state.shape[1]))
    random.shuffle(order)
    th.testing.assert_close(
        q_values(net, state[:, order], goal[:, order]), q_values(net, state, goal)[:, order]
    )


def test_mlp_is_not_equivariant_and_flips_are_not_promised() -> None:
    state = th.tensor([[0, 1, 1, 0, 1]], dtype=th.int8)
    goal = th.tensor([[1, 1, 0, 0, 0]], dtype=th.int8)
    order = [4, 3, 2, 1, 0]
    mlp = policy(5, "mlp").q_net
    renamed = q_values(mlp, state[:, order], goal[:, order])
    assert not th.allclose(renamed, q_values(mlp, state, goal)[:, order])
    equivariant = policy(5, "equivariant").q_net
    flipped = q_values(equivariant, 1 - state, 1 - goal)
    assert not th.allclose(flipped, q_values(equivariant, state, goal))


def test_weights_do_not_depend_on_n() -> None:
    small, large = policy(3, "equivariant"), policy(300, "equivariant")
    large.q_net.load_state_dict(small.q_net.state_dict())
    state = th.zeros((1, 300), dtype=th.int8)
    assert q_values(large.q_net, state, 1 - state).shape == (1, 300)
    with pytest.raises(RuntimeError, match="size mismatch"):
        policy(4, "mlp").q_net.load_state_dict(policy(3, "mlp").q_net.state_dict())


def test_pair_kinds_counts_every_bit_once() -> None:
    state = th.tensor([[0, 0, 1, 1, 1]], dtype=th.int8)
    goal = th.tensor([[0, 1, 0, 1, 1]], dtype=th.int8)
    bits = {"observation": state, "desired_goal": goal}
    assert pair_kinds(bits).tolist() == [[0, 1, 2, 3, 3]]
    th.testing.assert_close(pair_shares(bits), th.tensor([[0.2, 0.2, 0.2, 0.4]]))


@settings(deadline=None, max_examples=60)
@given(batches(), st.sampled_from(["mlp", "equivariant"]))
def test_what_the_learner_asks_is_what_all_values_say(
    batch: tuple[th.Tensor, th.Tensor], network: str
) -> None:
    state, goal = batch
    net = policy(state.shape[1], network).q_net
    assert isinstance(net, BitQNetwork)
    bits = {"observation": state, "desired_goal": goal}
    values = q_values(net, state, goal)
    actions = th.arange(len(state)).reshape(-1, 1) % state.shape[1]
    with th.no_grad():
        th.testing.assert_close(net.chosen(bits, actions), values.gather(1, actions))
        th.testing.assert_close(net.best(bits), values.amax(1, keepdim=True))
        assert net.greedy(bits).tolist() == values.argmax(1).tolist()


def test_a_network_that_is_not_told_ignores_the_goal() -> None:
    state, goal = th.zeros((1, 6), dtype=th.int8), th.zeros((1, 6), dtype=th.int8)
    blind = policy(6, "mlp", sees_target=False).q_net
    told = policy(6, "mlp").q_net
    assert th.equal(q_values(blind, state, goal), q_values(blind, state, 1 - goal))
    assert not th.allclose(q_values(told, state, goal), q_values(told, state, 1 - goal))


def test_no_duplicate_input() -> None:
    first = policy(6, "mlp").q_net.q_net[0]
    assert isinstance(first, th.nn.Linear)
    assert first.in_features == 12


def test_greedy_actions_are_the_best() -> None:
    net = policy(6, "mlp").q_net
    rng = np.random.default_rng(0)
    state, goal = rng.integers(0, 2, size=(2, 20, 6), dtype=np.int8)
    values = q_values(net, th.as_tensor(state), th.as_tensor(goal))
    assert greedy_actions(net, state, goal).tolist() == values.argmax(1).tolist()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"hidden": (16, 8, 4)},
        {"method": "dqn", "sees_target": False},
        {"implementation": "stock"},
        {"network": "equivariant", "hidden": (9,)},
        {"network": "equivariant", "implementation": "stock"},
    ],
    ids=str,
)
def test_weights_that_are_kept_act_as_the_learner_did(settings: dict[str, Any]) -> None:
    run = RunConfig.of(**{"n": 6, **settings})
    learner = learner_of(run)
    weights = {name: value.contiguous() for name, value in learner.weights().items()}
    again = load_policy(run, safetensors.torch.save(weights), 6, "cpu")
    bits = np.random.default_rng(0).integers(0, 2, size=(2, 50, 6), dtype=np.int8)
    assert again(*bits).tolist() == learner.act(*bits).tolist()
    for torn in (
        {**weights, "further": th.zeros(1)},
        dict(list(weights.items())[1:]),
        {name: value[..., :1].contiguous() for name, value in weights.items()},
    ):
        with pytest.raises(ResultError, match="do not fit"):
            load_policy(run, safetensors.torch.save(torn), 6, "cpu")


@pytest.mark.parametrize("network", ["mlp", "equivariant"])
def test_weights_of_a_few_bytes_make_no_network_of_gigabytes(network: str) -> None:
    run = RunConfig.of(n=6, network=network, hidden=(60_000, 60_000))
    few = safetensors.torch.save({"q_net.0.weight": th.zeros(2, 2)})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ResultError, match="do not fit"):
        load_policy(run, few, 6, "cpu")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # kilobytes
