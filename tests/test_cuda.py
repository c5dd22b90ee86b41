"""Training and looking at an agent on a GPU; skipped where there is none."""

from __future__ import annotations

from typing import Any

import pytest
import torch as th

from experiments import evaluation
from experiments.agents import greedy_policy, load_policy
from experiments.config import RunConfig
from experiments.streams import Stream
from experiments.train import train

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not th.cuda.is_available(), reason="torch finds no CUDA device here"),
]


@pytest.mark.parametrize("network", ["mlp", "equivariant"])
@pytest.mark.parametrize("implementation", ["fast", "stock"])
def test_training_on_cuda(network: Any, implementation: Any) -> None:
    config = RunConfig(
        n=6, network=network, implementation=implementation, device="cuda", budget_env_steps=1_000
    )
    run = train(config)
    assert run.result["device"] == "cuda"
    assert run.provenance["device_name"] == th.cuda.get_device_name()
    policy = greedy_policy(load_policy(run.config, run.policy, 6, "cuda"))
    again = evaluation.evaluate(policy, run.config, Stream.FINAL_EVALUATION)
    assert again.success_rate == run.result["success_rate"]


def test_her_learns_on_cuda() -> None:
    assert train(RunConfig(n=10, device="cuda")).result["solved"]
