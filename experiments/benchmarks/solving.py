"""Seconds until a task is solved: runs against each other, seed by seed, and committed sweeps."""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.benchmarks.measuring import Measured, Side, UnavailableError
from experiments.config.presets import PAPER_SIZES
from experiments.config.run import RunConfig
from experiments.records import tables
from experiments.sweeps.training import train

STOCK: dict[str, Any] = {"implementation": "stock", "reward_type": "minus_one_zero"}
"""SB3 as it comes. Its buffer never learns on rewards 1/0 (issue #627), so it gets the HER paper's
-1/0: the same task, on which it does best."""
PAPER = Path(__file__).parents[2] / "results" / "paper" / "runs.csv"
_PAPER_SEEDS = 10
_CORES = 2
_ENDLESS = 10_000_000
"""Environment steps that no run against a clock reaches."""


class StopAfter:
    """Ends a training after some seconds of it, evaluations not counted.

    Args:
        seconds: From the start of the training.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._trained = 0.0
        self._since = 0.0

    def looked(self, row: Mapping[str, Any]) -> None:
        """An evaluation is over: its row knows how long the training itself took so far."""
        self._trained, self._since = row["train_seconds"], time.perf_counter()

    def stepped(self, _: int) -> bool:
        """Whether there is time left."""
        self._since = self._since or time.perf_counter()
        return self._trained + time.perf_counter() - self._since < self.seconds


def seconds_to_solve(config: RunConfig, limit: float | None = None) -> Measured:
    """Seconds of training until the task is solved; those that it used if it never is.

    Args:
        config: The run.
        limit: Seconds after which it is stopped.
    """
    stop = StopAfter(float("inf") if limit is None else limit)
    result = train(config, on_step=stop.stepped, on_look=stop.looked).result
    seconds = result["seconds_to_solve"]
    if seconds is not None:
        return Measured(seconds)
    return Measured(limit or result["train_seconds"], at_least=True)


def race(task: Mapping[str, Any], patience: float | None = None) -> dict[str, Side]:
    """Our implementation against SB3's on a task; each repeat is a seed.

    Args:
        task: Fields of :class:`RunConfig`; ours fills the rest by its rules, and so does stock.
        patience: How many times our time the other may take before it is stopped.
    """
    ours: dict[int, float] = {}
    further: dict[str, Any] = {}
    if patience is not None:
        # It is the clock that stops it; its buffer stays what its own budget would have made it.
        usual = RunConfig.of(**task, **STOCK)
        further = {"budget_env_steps": _ENDLESS, "buffer_size": usual.buffer_size}
    nothing: dict[str, Any] = {}
    for fields in (nothing, STOCK):  # what a process loads once
        small = dict(task) | {"n": 5, "budget_env_steps": 1_000, "eval_episodes": 10}
        train(RunConfig.of(**small, **fields))

    def mine(seed: int) -> Measured:
        found = seconds_to_solve(RunConfig.of(**task, seed=seed))
        ours[seed] = found.value
        return found

    def theirs(seed: int) -> Measured:
        limit = None if patience is None else patience * ours[seed]
        return seconds_to_solve(RunConfig.of(**task, **STOCK, **further, seed=seed), limit)

    return {"ours": Side(mine), "stock": Side(theirs)}


@functools.cache
def run_result(network: str, n: int, seed: int) -> dict[str, Any]:
    """The result of a run of ours with one fixed target; a seed is run once."""
    fields: dict[str, Any] = {"network": network}
    return train(RunConfig.of(method="her", n=n, seed=seed, **fields)).result


def solving(network: str, n: int, column: str) -> Side:
    """One figure of :func:`run_result` for each seed: seconds, or steps, until solved."""
    used = {"seconds_to_solve": "train_seconds", "env_steps_to_solve": "env_steps"}[column]

    def repeat(seed: int) -> Measured:
        result = run_result(network, n, seed)
        if result[column] is None:
            return Measured(result[used], at_least=True)
        return Measured(result[column])

    return Side(repeat)


def paper_sweep(path: Path = PAPER) -> dict[str, Side]:
    """Minutes of the ``paper`` sweep on two cores, from its committed runs.

    Raises:
        UnavailableError: If it is not all there.
    """
    expected = 2 * len(PAPER_SIZES) * _PAPER_SEEDS
    runs = tables.read_runs(path) if path.is_file() else None
    found = 0
    if runs is not None:
        told = runs["sees_target"] & (runs["goal_mode"] == "fixed") & (runs["network"] == "mlp")
        runs = runs[told & runs["method"].isin(["dqn", "her"]) & runs["n"].isin(PAPER_SIZES)]
        runs = runs[(runs["seed"] < _PAPER_SEEDS) & (runs["implementation"] == "fast")]
        found = len(runs.drop_duplicates(["method", "n", "seed"]))
    if runs is None or found != expected or runs["wall_seconds"].isna().any():
        raise UnavailableError(f"{found} of the paper sweep's {expected} runs are committed")
    minutes = float(runs["wall_seconds"].sum()) / _CORES / 60
    return {"ours": Side(lambda _: Measured(minutes))}
