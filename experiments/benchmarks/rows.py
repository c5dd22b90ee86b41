"""The table as data: what is measured together, and what each line of it asks. One CPU thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch as th

from experiments.benchmarks import limits
from experiments.benchmarks.environment_speed import sb3_single, sb3_vector, single, vector
from experiments.benchmarks.learner_speed import STOCK, sampling, setting, training, updating
from experiments.benchmarks.measuring import Contest, Side, UnavailableError
from experiments.benchmarks.sbx_shim import sbx_agent
from experiments.benchmarks.solving import paper_sweep, race
from experiments.benchmarks.verdicts import Row

N = 30
SBX = "sbx"
ON_CPU = "ours on the CPU"
_SECONDS = 0.8
"""Of one repeat of a learner: shorter than most noise, so that it falls on both sides."""
_ONE: dict[str, Any] = {"n_envs": 1, "updates_per_env_step": 1.0}
_BATCHED: dict[str, Any] = {"n_envs": 16, "updates_per_env_step": 0.2}
"""16 updates after every 5 steps of all copies."""
_LARGE: dict[str, Any] = {"batch_size": 4_096}
_COPIES: dict[str, Any] = {
    "n_envs": 4_096,
    "updates_per_env_step": 16 / 4_096,
    "buffer_size": 1_000_000,
    "budget_env_steps": 10_000_000,
}


def _vector() -> dict[str, Side]:
    sides = {"ours": vector(1024, N), "stock": sb3_vector(64, N)}
    return sides | {"ours, autoreset in the same step": vector(1024, N, autoreset_mode="SameStep")}


def _single() -> dict[str, Side]:
    return {"ours": single(N), "stock": sb3_single(N)}


def _many_envs() -> dict[str, Side]:
    sides, stock = _both(training, **_BATCHED), setting(**STOCK, **_BATCHED)
    try:
        return sides | {SBX: training(stock, _SECONDS, sbx_agent(stock))}
    except UnavailableError:
        return sides


def _sample() -> dict[str, Side]:
    return {"ours": sampling(setting(), 10**6), "ours at 10^4": sampling(setting(), 10**4)}


def _solve_mlp() -> dict[str, Side]:
    return race({"method": "her", "n": N, "goal_mode": "random"}, patience=10.0)


def _solve_equivariant() -> dict[str, Side]:
    return race({"method": "her", "network": "equivariant", "n": 50})


def _both(measure: Callable[..., Side], **fields: Any) -> dict[str, Side]:
    own, stock = setting(**fields), setting(**fields, **STOCK)
    return {"ours": measure(own, _SECONDS), "stock": measure(stock, _SECONDS)}


def _on_gpu(measure: Callable[..., Side], **fields: Any) -> dict[str, Side]:
    if not th.cuda.is_available():
        raise UnavailableError("no GPU here")
    on_cpu = measure(setting(**fields), _SECONDS)
    return _both(measure, **fields, device="cuda") | {ON_CPU: on_cpu}


CONTESTS: Mapping[str, Contest] = {
    "vector": Contest("env steps/s", _vector, 15),
    "single": Contest("env steps/s", _single, 15),
    "one-env": Contest("env steps/s", lambda: _both(training, **_ONE), 15),
    "many-envs": Contest("env steps/s", _many_envs, 15),
    "updates": Contest("updates/s", lambda: _both(updating, **_BATCHED), 15),
    "sample": Contest("ms", _sample, 15),
    "solve-mlp": Contest("s", _solve_mlp, 3, alternate=False),
    "solve-equivariant": Contest("s", _solve_equivariant, 15),
    "paper": Contest("minutes", paper_sweep, 1),
    "gpu-updates-128": Contest("updates/s", lambda: _on_gpu(updating, **_BATCHED)),
    "gpu-updates-4096": Contest("updates/s", lambda: _on_gpu(updating, **_BATCHED, **_LARGE)),
    "gpu-steps": Contest("env steps/s", lambda: _on_gpu(training, **_LARGE, **_COPIES)),
    "sgemm": Contest("GFLOP/s", limits.sgemm, 5),
    "memory": Contest("GB/s", limits.memory, 5),
}

ROWS: tuple[Row, ...] = (
    Row(
        "vector",
        "vector environment, 1,024 copies, dict observations: env steps/s",
        "SB3 BitFlippingEnv in DummyVecEnv x64",
        goal=400,
        aim=600,
    ),
    Row(
        "single", "single environment through gym.make: env steps/s", "SB3 BitFlippingEnv raw", 3, 5
    ),
    Row("one-env", "DQN+HER, 1 env, 1 update per step: env steps/s", "stock SB3", 1.7, 2),
    Row(
        "many-envs", "DQN+HER, 16 envs, 1 update per 5 env steps: env steps/s", "stock SB3", 2, SBX
    ),
    Row(
        "sample",
        "time of one sample() at 10^6 slots (at most)",
        "itself at 10^4",
        goal=1.3,
        aim=1,
        other="ours at 10^4",
        at_most=True,
    ),
    Row(
        "solve-mlp",
        "seconds to solve n = 30, mlp, goal per episode",
        "stock SB3, reward -1/0, stopped at 10x our time",
        goal=5,
        aim=10,
    ),
    Row(
        "solve-equivariant",
        "seconds to solve n = 50, equivariant (and under 1 s)",
        "itself on stock buffer and training loop, reward -1/0",
        goal=1.5,
        aim=2,
        within=1.0,
    ),
    Row(
        "paper",
        "minutes of the paper sweep on 2 cores (at most)",
        "-",
        goal=60,
        aim=30,
        other=None,
        at_most=True,
    ),
    *(
        Row(contest, f"GPU, {what}", peer, goal, aim, other)
        for contest, what in (
            ("gpu-updates-128", "batch 128: updates/s"),
            ("gpu-updates-4096", "batch 4,096: updates/s"),
            ("gpu-steps", "4,096 envs, 16 updates of batch 4,096 a step: env steps/s"),
        )
        for peer, goal, aim, other in (
            ("stock SB3 on the same GPU", 5, 10, "stock"),
            ("our own CPU", 1, None, ON_CPU),
        )
    ),
)
