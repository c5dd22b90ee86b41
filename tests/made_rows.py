"""Rows of runs.csv and curves.csv, and files of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.records.schema import CURVE_COLUMNS, SCHEMA_VERSION


def run(seed: int = 0, **changes: Any) -> dict[str, Any]:
    """A run as its result.json has it."""
    row = {
        "run_id": f"her-mlp-n10-s{seed}-0123456789",
        "config_id": "her-mlp-n10-abcdefabcd",
        "method": "her",
        "network": "mlp",
        "n": 10,
        "seed": seed,
        "env": "BitSequence-v0",
        "told": "s",
        "goal_mode": "fixed",
        "start": "random",
        "reward_type": "zero_one",
        "max_steps": 10,
        "continuing_task": False,
        "n_envs": 8,
        "budget_env_steps": 50_000,
        "updates_per_env_step": 0.25,
        "withhold_reward": False,
        "relabel_done": True,
        "learner_reward": "r-1",
        "relabel_share": 0.8,
        "goal_strategy": "future",
        "replay": None,
        "exploration": None,
        "search": None,
        "sees_target": True,
        "implementation": "fast",
        "hidden": "256",
        "batch_size": 128,
        "learning_rate": 0.001,
        "gamma": 0.995,
        "method_settings": None,
        "device": "cpu",
        "parent": None,
        "env_steps": 12_345,
        "gradient_updates": 3_000,
        "episodes": 1_300,
        "success_rate": 1 / 3,
        "solved": False,
        "held_share": 0.25,
        "stopped_early": False,
        "env_steps_to_solve": None,
        "episodes_to_solve": None,
        "seconds_to_solve": None,
        "env_steps_to_first_pass": None,
        "env_steps_to_first_reward": 800,
        "rollout_successes": 12,
        **dict.fromkeys(
            ["reward_queries", "samples", "wrong_samples", "right_strings", "kl_to_uniform"]
        ),
        "search_env_steps": 0,
        "search_seconds": 0.0,
        "wall_seconds": 12.5,
        "train_seconds": 10.25,
        "threads": 1,
        "schema_version": SCHEMA_VERSION,
    }
    return row | changes


def curve(steps: int = 100, **changes: Any) -> dict[str, Any]:
    row = {name: run()[name] for name in CURVE_COLUMNS if name in run()}
    row |= {"env_steps": steps, "success_rate": 0.5, "mean_steps": 7.25, "loss": None}
    row |= {"rollout_reward": -0.5, "rollout_success_rate": 0.125, "epsilon": 0.05}
    return row | changes


def written(path: Path, rows: Sequence[dict[str, Any]], columns: Sequence[str] = ()) -> Path:
    """The rows as pandas writes them."""
    pd.DataFrame(rows, columns=list(columns) or list(rows[0])).to_csv(path, index=False)
    return path


def edited(path: Path, old: str, new: str) -> Path:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path
