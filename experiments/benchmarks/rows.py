"""The table as data: what is measured together, and what each line of it asks. One CPU thread."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import torch as th

from experiments.benchmarks import limits
from experiments.benchmarks.measuring import Side, Sides, UnavailableError
from experiments.benchmarks.ratios import Row
from experiments.benchmarks.sbx_shim import sbx_agent
from experiments.benchmarks.solving import paper_sweep, race
from experiments.benchmarks.speeds import (
    STOCK,
    packed,
    sampling,
    sb3_vector,
    setting,
    single,
    training,
    updating,
    vector,
)

SBX = "sbx"
ON_CPU = "ours on the CPU"
_NATIVE = "native vector environment"
_ONE_THREAD = "one thread"
_SMALL = "ours at 10^4"
_GPU = ("ours", "stock")
_N = 30
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


class Contest(NamedTuple):
    """What is measured together, in turn."""

    unit: str
    """Of the figures. Of one that ends in /s more is better; of the others less."""
    sides: Callable[[], Sides]
    """Sets up those that are installed; raises UnavailableError where nothing can be measured."""
    repeats: int = 15
    on_gpu: Collection[str] = ()
    """The sides that are."""


def _vector() -> Sides:
    sides = {"ours": vector(1024, _N), "stock": sb3_vector(64, _N)}
    return sides | {"ours, autoreset in the same step": vector(1024, _N, autoreset_mode="SameStep")}


def _many_envs() -> Sides:
    sides, stock = _both(training, **_BATCHED), setting(**STOCK, **_BATCHED)
    try:
        return sides | {SBX: training(stock, _SECONDS, sbx_agent(stock))}
    except UnavailableError:
        return sides


def _both(measure: Callable[..., Side], **fields: Any) -> Sides:
    own, stock = setting(**fields), setting(**fields, **STOCK)
    return {"ours": measure(own, _SECONDS), "stock": measure(stock, _SECONDS)}


def _on_gpu(measure: Callable[..., Side], **fields: Any) -> Sides:
    if not th.cuda.is_available():
        raise UnavailableError("no GPU here")
    on_cpu = measure(setting(**fields), _SECONDS)
    return _both(measure, **fields, device="cuda") | {ON_CPU: on_cpu}


def _search() -> Sides:
    return {"ours": packed(_N), _NATIVE: vector(4_096, _N)}


def _search_threads() -> Sides:
    # Longer searches than at n = 30, whose threads are mostly busy with their beginnings and ends.
    return {"ours": packed(40, threads=2, budget=2**32), _ONE_THREAD: packed(40, budget=2**32)}


def _gpu_search() -> Sides:
    if not th.cuda.is_available():
        raise UnavailableError("no GPU here")
    return {"ours": packed(40, device="cuda", budget=2**37), ON_CPU: packed(40, budget=2**32)}


CONTESTS: Mapping[str, Contest] = {
    "vector": Contest("env steps/s", _vector),
    "single": Contest("env steps/s", lambda: {"ours": single(_N), "stock": single(_N, sb3=True)}),
    "one-env": Contest("env steps/s", lambda: _both(training, **_ONE)),
    "many-envs": Contest("env steps/s", _many_envs),
    "updates": Contest("updates/s", lambda: _both(updating, **_BATCHED)),
    "sample": Contest(
        "ms",
        lambda: {"ours": sampling(setting(), 10**6), _SMALL: sampling(setting(), 10**4)},
    ),
    "solve-mlp": Contest("s", lambda: race(n=_N, goal_mode="random", patience=10.0), 3),
    "solve-equivariant": Contest("s", lambda: race(n=50, network="equivariant")),
    "paper": Contest("minutes", paper_sweep, 1),
    "gpu-updates-128": Contest("updates/s", lambda: _on_gpu(updating, **_BATCHED), 7, _GPU),
    "gpu-updates-4096": Contest(
        "updates/s", lambda: _on_gpu(updating, **_BATCHED, **_LARGE), 7, _GPU
    ),
    "gpu-steps": Contest("env steps/s", lambda: _on_gpu(training, **_LARGE, **_COPIES), 7, _GPU),
    "search": Contest("env steps/s", _search),
    "search-threads": Contest("env steps/s", _search_threads, 7),
    "search-gpu": Contest("env steps/s", _gpu_search, 7, ("ours",)),
    "sgemm": Contest("GFLOP/s", limits.sgemm, 5),
    "memory": Contest("GB/s", limits.memory, 5),
}

ROWS: tuple[Row, ...] = (
    Row(
        "vector",
        "vector environment, 1,024 copies, dict observations: env steps/s",
        "SB3 BitFlippingEnv in DummyVecEnv x64",
        400,
        600,
    ),
    Row(
        "single", "single environment through gym.make: env steps/s", "SB3 BitFlippingEnv raw", 3, 5
    ),
    Row("one-env", "DQN+HER, 1 env, 1 update per step: env steps/s", "stock SB3", 1.7, 2),
    Row(
        "many-envs", "DQN+HER, 16 envs, 1 update per 5 env steps: env steps/s", "stock SB3", 2, SBX
    ),
    Row("sample", "time of one sample() at 10^6 slots (at most)", "itself at 10^4", 1.3, 1, _SMALL),
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
        "search",
        "packed search, n = 30, 1 thread: env steps/s (and over 2 x 10^9)",
        "native vector environment, 4,096 copies",
        20,
        40,
        _NATIVE,
        over=2e9,
    ),
    Row(
        "search-threads",
        "packed search, n = 40, 2 threads: env steps/s",
        "itself on 1 thread",
        1.7,
        2,
        _ONE_THREAD,
    ),
    Row("paper", "minutes of the paper sweep on 2 cores (at most)", "-", 60, 30, other=None),
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
    Row(
        "search-gpu",
        "GPU, packed search, n = 40: env steps/s (and over 10^11)",
        "our own CPU, 1 thread",
        1,
        None,
        ON_CPU,
        over=1e11,
    ),
)
