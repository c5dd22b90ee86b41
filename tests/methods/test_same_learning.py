"""Six short runs, pinned: a change of structure changes no evaluation and no weight.

Evaluations hold for one build of PyTorch and instruction set, elsewhere the test skips itself; the
last bit of a weight for one model of processor as well.
Whoever changes a learner on purpose records them again:
``python -m tests.methods.test_same_learning``.
"""

from __future__ import annotations

import hashlib
import json
import platform
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch as th

from experiments.config.run import RunConfig
from experiments.records.provenance import processor
from experiments.sweeps.training import train

RECORD = Path(__file__).with_name("same_learning.json")

RUNS: dict[str, dict[str, Any]] = {
    "dqn-mlp": {"method": "dqn", "n": 6, "budget_env_steps": 3_000},
    "dqn-equivariant": {"method": "dqn", "network": "equivariant", "n": 6, "eval_episodes": 200},
    "her-mlp": {"method": "her", "n": 10, "budget_env_steps": 3_000},
    "her-equivariant": {"method": "her", "network": "equivariant", "n": 40, "eval_episodes": 100},
    "her-stock": {"method": "her", "implementation": "stock", "n": 6, "budget_env_steps": 1_500},
    "her-goal-per-episode": {"goal_mode": "random", "n": 8, "budget_env_steps": 4_000},
}


def build() -> str:
    """What decides how floating-point sums are rounded."""
    return f"torch {th.__version__}, {th.backends.cpu.get_cpu_capability()}, {platform.machine()}"


def outcome(name: str) -> dict[str, Any]:
    """Every evaluation's success rate, and the digest of the weights at the end."""
    settings = {"full_budget": True, "seed": 3, "eval_spacing": 1.3, "budget_env_steps": 1_500}
    run = train(RunConfig.of(**{**settings, **RUNS[name]}))
    digest = hashlib.sha256()
    for key, value in sorted(safetensors.torch.load(run.policy).items()):
        digest.update(key.encode() + value.numpy().tobytes())
    return {
        "success_rates": [row["success_rate"] for row in run.curve],
        "weights": digest.hexdigest(),
    }


@pytest.mark.parametrize("name", RUNS)
def test_same_learning(name: str) -> None:
    record = json.loads(RECORD.read_text())
    if record["build"] != build():
        pytest.skip(f"recorded with {record['build']}, this is {build()}")
    found, wanted = outcome(name), record["runs"][name]
    assert found["success_rates"] == wanted["success_rates"]
    if record["processor"] == processor():
        assert found["weights"] == wanted["weights"]


if __name__ == "__main__":
    th.set_num_threads(1)
    runs = {name: outcome(name) for name in RUNS}
    record = {"build": build(), "processor": processor(), "runs": runs}
    RECORD.write_text(json.dumps(record, indent=1) + "\n")
