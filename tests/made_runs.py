"""Finished runs made by hand, every file of a run without its training, and their folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from experiments.config.run import RunConfig
from experiments.evaluation.solved import judge
from experiments.records.run_folders import (
    CONFIG,
    CURVE,
    POLICY,
    RESULT,
    FinishedRun,
    settings_row,
)

Files = dict[str, bytes]

NAMES = (CONFIG, RESULT, CURVE, POLICY)
TABLES = ("provenance.csv", "runs.csv", "curves.csv", "summary.csv")
"""In the order in which they are written."""

SMALL: dict[str, Any] = {"n": 3, "budget_env_steps": 900, "eval_episodes": 10}


def make_finished_run(
    *, success_rate: float = 1.0, solved_at: int | None = 600, **fields: Any
) -> FinishedRun:
    """A curve of three evaluations, and weights of a few bytes.

    Args:
        success_rate: At the end.
        solved_at: Environment steps at the first solved evaluation: 300, 600, 900 or None.
        fields: Of the RunConfig.
    """
    config = RunConfig.of(**{**SMALL, **fields})
    curve: list[dict[str, Any]] = [
        {
            "env_steps": steps,
            "gradient_updates": steps // 4,
            "episodes": steps // 3,
            "train_seconds": steps / 7,
            "success_rate": 1.0 if solved_at is not None and steps >= solved_at else 0.1,
            "mean_steps": 900 / steps,
            "rollout_success_rate": steps / 1000,
            "rollout_reward": None if steps == 300 else steps / 3000,
            "loss": None if steps == 300 else 1 / steps,
            "epsilon": 1 - steps / 1000,
        }
        for steps in (300, 600, 900)
    ]
    curve[-1]["success_rate"] = success_rate
    verdict = judge(curve, 900)
    since, first = verdict.since or {}, verdict.first_pass or {}
    result: dict[str, Any] = {
        **settings_row(config),
        "env_steps": 900,
        "gradient_updates": 225,
        "episodes": 300,
        "success_rate": success_rate,
        "solved": verdict.solved,
        "held_share": verdict.held_share,
        "stopped_early": False,
        "env_steps_to_solve": since.get("env_steps"),
        "episodes_to_solve": since.get("episodes"),
        "seconds_to_solve": since.get("train_seconds"),
        "env_steps_to_first_pass": first.get("env_steps"),
        "env_steps_to_first_reward": 150,
        "rollout_successes": 90,
        "search_env_steps": 0,
        "search_seconds": 0.0,
        "wall_seconds": 140.25,
        "train_seconds": 900 / 7,
        "threads": 1,
    }
    weights = {"layer.weight": np.arange(6, dtype=np.float32).reshape(2, 3) + config.seed}
    return FinishedRun(
        config=config,
        result=result,
        curve=curve,
        policy=safetensors.numpy.save(weights, metadata={"run_id": config.run_id}),
        provenance={"commit": None, "versions": {"torch": "2.13.0"}, "threads": 1},
    )


def tree(folder: Path) -> Files:
    """Every file below a folder by its path, but for the lock."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def with_content(folder: Path, content: Files) -> Path:
    folder.mkdir(parents=True)
    for name, data in content.items():
        (folder / name).write_bytes(data)
    return folder
