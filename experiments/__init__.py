"""Reproducible experiments on BitSequence.

The modules here are the commands, and ``api``, the same from Python; the folders say what each of
them is for. Settings go one way: commands, then sweeps, then methods, evaluation and records, then
config.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import experiments.methods  # noqa: F401  (fills the registry)

if TYPE_CHECKING:
    from experiments.api import (
        Recorder,
        RunConfig,
        Trained,
        evaluate_run,
        load_policy,
        load_run,
        sweep_runs,
        train_run,
    )

__all__ = [
    "Recorder",
    "RunConfig",
    "Trained",
    "evaluate_run",
    "load_policy",
    "load_run",
    "sweep_runs",
    "train_run",
]


def __getattr__(name: str) -> Any:
    """What :mod:`experiments.api` has; imported when it is asked for, as it brings torch."""
    if name not in __all__:
        raise AttributeError(f"module 'experiments' has no attribute {name!r}")
    from experiments import api

    return getattr(api, name)
