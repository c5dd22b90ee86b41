"""Training and looking at an agent on a GPU; skipped where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch as th

from experiments.config.run import RunConfig
from experiments.config.streams import Stream, derived_seed
from experiments.config.task import Task
from experiments.evaluation import greedy
from experiments.methods.dqn.algorithm import BitDQN
from experiments.methods.dqn.updates import CapturedUpdate, Minibatch, Update
from experiments.methods.her.replay import HindsightReplayBuffer
from experiments.methods.learner import learner_of, load_policy
from experiments.sweeps.training import train
from tests.made_policies import policy
from tests.made_transitions import N, drawn

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not th.cuda.is_available(), reason="torch finds no CUDA device here"),
]


@pytest.mark.parametrize("network", ["mlp", "equivariant"])
@pytest.mark.parametrize("implementation", ["fast", "stock"])
def test_training_on_cuda(network: Any, implementation: Any) -> None:
    config = RunConfig.of(
        n=6, network=network, implementation=implementation, device="cuda", budget_env_steps=1_000
    )
    run = train(config)
    assert run.result["device"] == "cuda"
    assert run.provenance["device_name"] == th.cuda.get_device_name()
    policy = load_policy(run.config, run.policy, 6, "cuda")
    seed = derived_seed(run.config.seed, Stream.FINAL_EVALUATION)
    again = greedy.evaluate(policy, Task.of(run.config), seed)
    assert again.success_rate == run.result["success_rate"]


def test_her_learns_on_cuda() -> None:
    assert train(RunConfig.of(n=10, device="cuda")).result["solved"]


def test_a_recorded_step_size_falls() -> None:
    run: Any = RunConfig.of(
        n=6, device="cuda", learning_rate_schedule="linear", budget_env_steps=4_000
    )
    learner = learner_of(run)
    learner.model.learn(run.budget_env_steps)
    (group,) = learner.model.policy.optimizer.param_groups
    assert 0 <= float(group["lr"]) < 0.01 * run.learning_rate


@pytest.mark.parametrize("network", ["mlp", "equivariant"])
def test_recorded_updates_are_the_same_updates(network: str) -> None:
    """Warm-up, recording and replay, with two sizes of minibatch."""
    agents = [policy(N, network).to("cuda") for _ in range(2)]
    eager, recorded = (Update(agent, 0.9, 0.2, 10.0) for agent in agents)
    captured = CapturedUpdate(recorded)
    for seed in range(8):
        for batch in (8, 24):
            parts = Minibatch.deal(drawn(seed, batch), 1)[0]
            data = parts.each(th.Tensor.cuda)
            eager(data)
            captured(data)
    assert captured.recorded == {8, 24}
    th.testing.assert_close(recorded.weights, eager.weights, rtol=1e-4, atol=1e-6)
    th.testing.assert_close(recorded.target_weights, eager.target_weights, rtol=1e-4, atol=1e-6)
    th.testing.assert_close(recorded.loss, eager.loss, rtol=1e-3, atol=1e-5)


def test_agents_and_buffers_cross_devices(tmp_path: Path) -> None:
    """Saved on a CPU, loaded on a GPU, and back; training goes on past the recording."""
    model = learner_of(RunConfig.of(n=5)).model
    env = model.get_env()
    model.learn(400)
    for device in ("cuda", "cpu"):
        model.save(tmp_path / "model.zip")
        model.save_replay_buffer(tmp_path / "buffer.pkl")
        model = BitDQN.load(tmp_path / "model.zip", env=env, device=device)
        with pytest.warns(UserWarning, match="copies"):
            model.load_replay_buffer(tmp_path / "buffer.pkl")
        before = model._n_updates
        model.learn(400, reset_num_timesteps=False)
        assert model._n_updates > before
        buffer = model.replay_buffer
        assert isinstance(buffer, HindsightReplayBuffer)
        assert buffer.bits.device.type == device
        assert all(weight.isfinite().all() for weight in model.q_net.parameters())
