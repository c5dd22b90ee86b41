"""The table as data: what is measured together, and what each line of it asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch as th

from experiments.benchmarks import environments, limits, solving
from experiments.benchmarks.learners import sampling, setting, training, updating
from experiments.benchmarks.measuring import Contest, Row, Side, UnavailableError
from experiments.benchmarks.sbx_shim import sbx_agent
from experiments.benchmarks.solving import STOCK

N = 30
SBX = "sbx"
ON_CPU = "ours on the CPU"
SAME_STEP = "ours, autoreset in the same step"
_SECONDS = 0.8
"""Of one repeat of a learner: shorter than most noise, so that it falls on both sides."""
_MANY = 15
_GPU_COPIES = 4_096
_BATCHED: dict[str, Any] = {"n_envs": 16, "updates_per_env_step": 0.2}
"""16 updates after every 5 steps of all copies."""


def _vector() -> dict[str, Side]:
    return {
        "ours": environments.vector(1024, N),
        "stock": environments.sb3_vector(64, N),
        SAME_STEP: environments.vector(1024, N, autoreset_mode="SameStep"),
    }


def _single() -> dict[str, Side]:
    return {"ours": environments.single(N), "stock": environments.sb3_single(N)}


def _one_env() -> dict[str, Side]:
    return _both(n_envs=1, updates_per_env_step=1.0)


def _many_envs() -> dict[str, Side]:
    sides, stock = _both(**_BATCHED), setting(**STOCK, **_BATCHED)
    try:
        return sides | {SBX: training(stock, _SECONDS, sbx_agent(stock))}
    except UnavailableError:
        return sides


def _updates() -> dict[str, Side]:
    return {
        "ours": updating(setting(**_BATCHED), _SECONDS),
        "stock": updating(setting(**_BATCHED, **STOCK), _SECONDS),
    }


def _sample() -> dict[str, Side]:
    return {"ours": sampling(setting(), 10**6), "ours at 10^4": sampling(setting(), 10**4)}


def _solve_mlp() -> dict[str, Side]:
    return solving.race({"method": "her", "n": N, "goal_mode": "random"}, patience=10.0)


def _solve_equivariant() -> dict[str, Side]:
    return solving.race({"method": "her", "network": "equivariant", "n": 50})


def _gpu_updates(batch: int) -> Mapping[str, Side]:
    _need_gpu()
    fields = _BATCHED | {"batch_size": batch}
    return {
        "ours": updating(setting(device="cuda", **fields), _SECONDS),
        "stock": updating(setting(device="cuda", **fields, **STOCK), _SECONDS),
        ON_CPU: updating(setting(**fields), _SECONDS),
    }


def _gpu_steps() -> Mapping[str, Side]:
    _need_gpu()
    fields: dict[str, Any] = {
        "n_envs": _GPU_COPIES,
        "batch_size": 4_096,
        "updates_per_env_step": 16 / _GPU_COPIES,
        "buffer_size": 1_000_000,
        "budget_env_steps": 10_000_000,
    }
    return _both(device="cuda", **fields) | {ON_CPU: training(setting(**fields), _SECONDS)}


def _both(**fields: Any) -> dict[str, Side]:
    return {
        "ours": training(setting(**fields), _SECONDS),
        "stock": training(setting(**fields, **STOCK), _SECONDS),
    }


def _need_gpu() -> None:
    if not th.cuda.is_available():
        raise UnavailableError("no GPU here")


CONTESTS: tuple[Contest, ...] = (
    Contest(name="vector", unit="env steps/s", sides=_vector, repeats=_MANY),
    Contest(name="single", unit="env steps/s", sides=_single, repeats=_MANY),
    Contest(name="one-env", unit="env steps/s", sides=_one_env, repeats=_MANY),
    Contest(name="many-envs", unit="env steps/s", sides=_many_envs, repeats=_MANY),
    Contest(name="updates", unit="updates/s", sides=_updates, repeats=_MANY),
    Contest(name="sample", unit="ms", sides=_sample, repeats=_MANY),
    Contest(name="solve-mlp", unit="s", sides=_solve_mlp, repeats=3, alternate=False),
    Contest(
        name="solve-equivariant",
        unit="s",
        sides=_solve_equivariant,
        repeats=_MANY,
    ),
    Contest(name="paper", unit="minutes", sides=solving.paper_sweep, repeats=1),
    Contest(name="gpu-updates-128", unit="updates/s", sides=lambda: _gpu_updates(128)),
    Contest(name="gpu-updates-4096", unit="updates/s", sides=lambda: _gpu_updates(4_096)),
    Contest(name="gpu-steps", unit="env steps/s", sides=_gpu_steps),
    *limits.CONTESTS,
)

_GPU = "stock SB3 on the same GPU"
_OWN_CPU = "our own CPU"

ROWS: tuple[Row, ...] = (
    Row(
        what="vector environment, 1,024 copies, dict observations: env steps/s",
        peer="SB3 BitFlippingEnv in DummyVecEnv x64",
        contest="vector",
        goal=400,
        aim=600,
    ),
    Row(
        what="single environment through gym.make: env steps/s",
        peer="SB3 BitFlippingEnv raw",
        contest="single",
        goal=3,
        aim=5,
    ),
    Row(
        what="DQN+HER, 1 env, 1 update per step: env steps/s",
        peer="stock SB3",
        contest="one-env",
        goal=1.7,
        aim=2,
    ),
    Row(
        what="DQN+HER, 16 envs, 1 update per 5 env steps: env steps/s",
        peer="stock SB3",
        contest="many-envs",
        goal=2,
        aim=SBX,
    ),
    Row(
        what="time of one sample() at 10^6 slots (at most)",
        peer="itself at 10^4",
        contest="sample",
        other="ours at 10^4",
        goal=1.3,
        aim=1,
        at_most=True,
    ),
    Row(
        what="seconds to solve n = 30, mlp, goal per episode",
        peer="stock SB3, reward -1/0, stopped at 10x our time",
        contest="solve-mlp",
        goal=5,
        aim=10,
    ),
    Row(
        what="seconds to solve n = 50, equivariant (and under 1 s)",
        peer="itself on stock buffer and training loop, reward -1/0",
        contest="solve-equivariant",
        goal=1.5,
        aim=2,
        within=1.0,
    ),
    Row(
        what="minutes of the paper sweep on 2 cores (at most)",
        peer="-",
        contest="paper",
        other=None,
        goal=60,
        aim=30,
        at_most=True,
    ),
    *(
        Row(what=f"GPU, {what}", peer=peer, contest=contest, other=other, goal=goal, aim=aim)
        for contest, what in (
            ("gpu-updates-128", "batch 128: updates/s"),
            ("gpu-updates-4096", "batch 4,096: updates/s"),
            ("gpu-steps", "4,096 envs, 16 updates of batch 4,096 a step: env steps/s"),
        )
        for peer, other, goal, aim in ((_GPU, "stock", 5, 10), (_OWN_CPU, ON_CPU, 1, None))
    ),
)
