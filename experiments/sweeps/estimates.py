"""How long a sweep will take, roughly."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from experiments.config.run import RunConfig
from experiments.records import tables

_START, _STEP, _UPDATE, _PRODUCT, _SEARCHED = 1.0, 1.5e-4, 1.4e-3, 7e-11, 5e-10
"""Seconds of a run, of a step of all copies, of an update with its share of evaluations, of a
multiply-add in it, and of a step of a search: within a factor of two of most committed runs."""


def modelled(run: RunConfig) -> float:
    """Seconds that a run takes on one core of a common processor if it uses its whole budget."""
    steps = run.budget_env_steps or 0
    updates = steps * (run.updates_per_env_step or 0)
    learning = _STEP * steps / (run.n_envs or 1) + _UPDATE * updates + _PRODUCT * run.cost
    return _START + _SEARCHED * run.searched + learning


def measured(out: Path | None) -> dict[str, float]:
    """Median wall seconds of each configuration that has rows in a folder's runs.csv."""
    if out is None or not (out / "runs.csv").is_file():
        return {}
    runs = tables.read_runs(out / "runs.csv")
    medians = runs.dropna(subset="wall_seconds").groupby("config_id")["wall_seconds"].median()
    return {str(name): float(seconds) for name, seconds in medians.items()}


def seconds(run: RunConfig, known: dict[str, float]) -> float:
    """What other seeds of the same configuration took, or what the model says."""
    return known.get(run.config_id) or modelled(run)


def sweep_seconds(runs: Sequence[RunConfig], known: dict[str, float], workers: int) -> float:
    """Wall seconds of a sweep: its work shared out, but never less than its longest run."""
    each = [seconds(run, known) for run in runs]
    return max(sum(each) / workers, max(each, default=0.0))


def in_words(duration: float) -> str:
    """A duration as a person would say it."""
    for size, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if duration >= 1.5 * size:
            return f"{duration / size:.1f} {name}"
    return f"{duration:.0f} seconds"
