"""Tables made by hand: rows of runs.csv and transfer.csv in their types, without any training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.figures.series import name_series
from experiments.records.schema import RUN_COLUMNS, TRANSFER_COLUMNS, Column

_TASK: dict[str, Any] = {
    "goal_mode": "fixed",
    "start": "random",
    "reward_type": "zero_one",
    "continuing_task": False,
}
HER: dict[str, Any] = {
    **{"method": "her", "network": "mlp", "n_envs": 8, "implementation": "fast"},
    **{"budget_env_steps": 30_000, "relabel_done": True, "learner_reward": "r-1"},
    **{"relabel_share": 0.8, "goal_strategy": "future"},
}
DQN: dict[str, Any] = {
    **{"method": "dqn", "network": "mlp", "n_envs": 1, "implementation": "fast"},
    "budget_env_steps": 100_000,
}


def runs_of(settings: Mapping[str, Any], n: int, times: Sequence[float | None]) -> pd.DataFrame:
    """A configuration's runs, one for each time to solve; None is a run that never solves.

    Args:
        settings: Columns of runs.csv, and further ones.
        n: Bits.
        times: Environment steps to solve, by seed.
    """
    config = {**_TASK, "n": n, "max_steps": n, **settings}
    name = "-".join(f"{value}" for value in config.values())
    rows = []
    for seed, time in enumerate(times):
        steps = config["budget_env_steps"] if time is None else time
        row = {**config, "config_id": name, "run_id": f"{name}-s{seed}", "seed": seed}
        row |= {"env_steps": steps, "episodes": steps // n, "solved": time is not None}
        row |= {"success_rate": 0.25 if time is None else 1.0, "schema_version": 1}
        row |= {
            "env_steps_to_solve": time,
            "episodes_to_solve": None if time is None else time // n,
        }
        rows.append(row)
    return _typed(rows, RUN_COLUMNS)


def together(*parts: pd.DataFrame) -> pd.DataFrame:
    """The runs of a sweep with their series, as figures get them."""
    runs = pd.concat(parts, ignore_index=True)
    return runs.assign(series=name_series(runs))


def transfers_of(
    rates: Mapping[int, Sequence[float]], *, trained_n: int = 8, network: str = "equivariant"
) -> pd.DataFrame:
    """Rows of transfer.csv, from the success rates of the seeds at each n."""
    rows: list[dict[str, Any]] = []
    for n, some in rates.items():
        for seed, rate in enumerate(some):
            config = f"dqn-{network}-n{trained_n}"
            row = {"config_id": config, "run_id": f"{config}-s{seed}", "seed": seed, "n": n}
            row |= {"method": "dqn", "network": network, "trained_n": trained_n, "max_steps": n}
            row |= {"episodes": 20 if n >= 10_000 else 1_000, "success_rate": rate}
            row |= {"mean_steps": n / 2 * rate + n * (1 - rate), "optimal_mean_steps": n / 2}
            rows.append(row | {"seconds": 1.0, "schema_version": 1})
    return _typed(rows, TRANSFER_COLUMNS)


def folder_with(path: Path, runs: pd.DataFrame, transfers: pd.DataFrame | None = None) -> Path:
    """A results folder of nothing but tables; what runs.csv has no column for is in summary.csv."""
    path.mkdir(exist_ok=True)
    runs[list(RUN_COLUMNS)].to_csv(path / "runs.csv", index=False)
    further = [str(name) for name in runs if name not in RUN_COLUMNS and name != "series"]
    summary = runs[["config_id", *further]].drop_duplicates("config_id")
    summary.to_csv(path / "summary.csv", index=False)
    if transfers is not None:
        transfers.to_csv(path / "transfer.csv", index=False)
    return path


def _typed(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, Column]) -> pd.DataFrame:
    names = dict.fromkeys([*columns, *(name for row in rows for name in row)])
    frame = pd.DataFrame(rows, columns=list(names))
    return frame.astype({name: column.dtype for name, column in columns.items()})
