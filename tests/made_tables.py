"""Tables made by hand, in their types, without any training; and folders of nothing but tables."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.figures.series import name_series
from experiments.records.schema import CURVE_COLUMNS, RUN_COLUMNS, TRANSFER_COLUMNS, Column

_TASK: dict[str, Any] = {
    **{"goal_mode": "fixed", "start": "random", "reward_type": "zero_one"},
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
        row["env_steps_to_solve"] = time
        row["episodes_to_solve"] = None if time is None else time // n
        rows.append(row)
    return _typed(rows, RUN_COLUMNS)


def together(*parts: pd.DataFrame) -> pd.DataFrame:
    """The runs of a sweep with their series, as figures get them."""
    runs = pd.concat(parts, ignore_index=True)
    return runs.assign(series=name_series(runs))


def comparison_of(
    sizes: Iterable[int] = (4, 12, 20),
    seeds: int = 3,
    *,
    methods: Sequence[str] = ("dqn", "her"),
    networks: Sequence[str] = ("mlp",),
    **settings: Any,
) -> pd.DataFrame:
    """Runs of a grid: "dqn" fails from n = 20, others never do."""
    parts = []
    for method, network, n in itertools.product(methods, networks, sizes):
        config = {"method": method, "network": network, "n_envs": 8, "implementation": "fast"}
        config |= {"budget_env_steps": 40_000, "relabel_done": method == "her"} | settings
        solved = method != "dqn" or n < 20
        times = [100 * n * (1 + seed) if solved else None for seed in range(seeds)]
        parts.append(runs_of(config, n, times))
    runs = together(*parts)
    runs["success_rate"] = runs["success_rate"].where(runs["solved"], 0.125 * runs["seed"])
    return runs


def curves_of(runs: pd.DataFrame) -> pd.DataFrame:
    """Eight evaluations of each run, of which only the last of a solved one is a success."""
    rows = []
    for run in runs.to_dict("records"):
        known = {name: run[name] for name in CURVE_COLUMNS if name in run}
        for at in np.geomspace(run["n"], run["env_steps"], 8).astype(int):
            done = run["solved"] and at == run["env_steps"]
            row = {**known, "env_steps": at, "success_rate": 1.0 if done else 0.1}
            rows.append(row | {"mean_steps": run["n"] / 2 if done else run["n"]})
    return _typed(rows, CURVE_COLUMNS)[list(CURVE_COLUMNS)]


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


def folder_with(
    path: Path,
    runs: pd.DataFrame,
    curves: pd.DataFrame | None = None,
    transfers: pd.DataFrame | None = None,
) -> Path:
    """A results folder of nothing but tables; what runs.csv has no column for is in summary.csv."""
    path.mkdir(exist_ok=True)
    further = [str(name) for name in runs if name not in RUN_COLUMNS and name != "series"]
    summary = runs[["config_id", *further]].drop_duplicates("config_id")
    held = {"runs": runs[list(RUN_COLUMNS)], "curves": curves, "transfer": transfers}
    for name, table in (held | {"summary": summary if further else None}).items():
        if table is not None:
            table.to_csv(path / f"{name}.csv", index=False)
    return path


def _typed(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, Column]) -> pd.DataFrame:
    names = dict.fromkeys([*columns, *(name for row in rows for name in row)])
    frame = pd.DataFrame(rows, columns=list(names))
    return frame.astype({name: column.dtype for name, column in columns.items()})
