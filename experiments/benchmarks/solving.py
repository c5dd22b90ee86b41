"""Seconds until a task is solved: runs against each other, seed by seed, and committed sweeps."""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.benchmarks.measuring import AtLeast, Side, Sides, UnavailableError
from experiments.benchmarks.speeds import STOCK
from experiments.config.blocks import plan
from experiments.config.presets import PRESETS
from experiments.config.run import RunConfig
from experiments.methods.her import HerRun
from experiments.records import tables
from experiments.sweeps.training import train

PAPER = Path(__file__).parents[2] / "results" / "paper" / "runs.csv"
_CORES = 2
_ENDLESS = 10_000_000
"""Environment steps that no run against a clock reaches."""


def seconds_to_solve(config: RunConfig, limit: float | None = None) -> float:
    """Seconds of training until a first good look that a second one confirms, or the limit.

    It compares speeds, and says nothing of whether what is learned would hold.
    """
    trained, since, late = 0.0, 0.0, False

    def looked(row: Mapping[str, Any]) -> None:
        """An evaluation is over, and no part of the training: its row knows how long that took."""
        nonlocal trained, since
        trained, since = row["train_seconds"], time.perf_counter()

    def stepped(_: int) -> bool:
        nonlocal since, late
        since = since or time.perf_counter()
        late = limit is not None and trained + time.perf_counter() - since >= limit
        return not late

    result = train(config.but(full_budget=False), on_step=stepped, on_look=looked).result
    seconds = float(result["train_seconds"])
    return seconds if result["stopped_early"] and not late else AtLeast(limit or seconds)


def race(patience: float | None = None, **task: Any) -> Sides:
    """Our implementation of DQN+HER against SB3's on a task; each repeat is a seed.

    Args:
        patience: How many times our time the other may take before it is stopped.
        task: Fields of :class:`HerRun`; ours fills the rest by its rules, and so does stock.
    """
    theirs = {**task, **STOCK}
    for fields in (task, theirs):  # what a process loads once
        train(HerRun(**(fields | {"n": 5, "budget_env_steps": 1_000, "eval_episodes": 10})))
    if patience is not None:
        # It is the clock that stops it; its buffer stays what its own budget would have made it.
        size = HerRun(**theirs).buffer_size
        theirs |= {"budget_env_steps": _ENDLESS, "buffer_size": size}

    @functools.cache  # the other one may ask first
    def ours(seed: int) -> float:
        return seconds_to_solve(HerRun(**task, seed=seed))

    def stock(seed: int) -> float:
        limit = None if patience is None else patience * ours(seed)
        return seconds_to_solve(HerRun(**theirs, seed=seed), limit)

    return {"ours": ours, "stock": stock}


@functools.cache
def run_result(network: str, n: int, seed: int) -> dict[str, Any]:
    """The result of a run of ours to its first confirmed look; a seed is run once."""
    return train(HerRun(n=n, seed=seed, network=network, full_budget=False)).result


def solving(network: str, n: int, column: str) -> Side:
    """A column of :func:`run_result` for each seed: what it took to that look."""

    def repeat(seed: int) -> float:
        result = run_result(network, n, seed)
        used = float(result[column])
        return used if result["stopped_early"] else AtLeast(used)

    return repeat


def paper_sweep(path: Path = PAPER) -> Sides:
    """Minutes of all runs of the preset ``paper`` on two cores, from its committed table.

    Raises:
        UnavailableError: If it is not all there.
    """
    planned = {config.run_id for config in plan(PRESETS["paper"].blocks, {})}
    seconds: list[float] = []
    if path.is_file():
        runs = tables.read_runs(path)
        seconds = runs["wall_seconds"][runs["run_id"].isin(planned)].dropna().tolist()
    if len(seconds) < len(planned):
        found = f"{len(seconds)} of the paper sweep's {len(planned)} runs"
        raise UnavailableError(f"{found} are committed")
    minutes = sum(seconds) / _CORES / 60
    return {"ours": lambda _: minutes}
