"""Runs, curves and folders to draw, and where a figure keeps what it shows."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from experiments.figures.series import name_series
from experiments.records.schema import CURVE_COLUMNS, RUN_COLUMNS

NAMES = {"success_vs_n", "episodes_to_solve", "learning_curves", "steps_vs_optimum"}


def make(
    sizes: Iterable[int] = (4, 12, 20), seeds: int = 3, **settings: Any
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Runs and curves in their types: "dqn" fails from n = 20, "her" never does."""
    runs, curves = [], []
    methods, networks = settings.pop("methods", ("dqn", "her")), settings.pop("networks", ("mlp",))
    for method, network, n, seed in itertools.product(methods, networks, sizes, range(seeds)):
        solved = method == "her" or n < 20
        config: dict[str, Any] = {"method": method, "network": network, "n": n, "max_steps": n}
        config |= {"goal_mode": "fixed", "start": "random", "reward_type": "zero_one"}
        config |= {"continuing_task": False, "n_envs": 8, "budget_env_steps": 40_000}
        config |= {"implementation": "fast", "relabel_done": method == "her"} | settings
        key = "-".join(str(value) for value in config.values())
        run: dict[str, Any] = {"run_id": f"{key}-s{seed}", "config_id": key, "seed": seed, **config}
        steps = 100 * n * (1 + seed)
        run |= {"env_steps": 40_000, "episodes": 40_000 // n, "success_rate": 0.125 * seed}
        if solved:
            run |= {"env_steps": steps, "episodes": steps // n, "success_rate": 1.0}
            run |= {"env_steps_to_solve": steps, "episodes_to_solve": steps // n}
        runs.append(run | {"solved": solved, "device": "cpu", "schema_version": 1})
        for at in np.geomspace(n, run["env_steps"], 8).astype(int):
            rate = 1.0 if solved and at == steps else 0.1
            row = {name: run[name] for name in ("run_id", "config_id", "method", "network", "n")}
            row |= {"seed": seed, "env_steps": at, "success_rate": rate, "schema_version": 1}
            curves.append(row | {"mean_steps": n / 2 if rate == 1.0 else n})
    typed = []
    for rows, columns in ((runs, RUN_COLUMNS), (curves, CURVE_COLUMNS)):
        frame = pd.DataFrame(rows, columns=list(columns))
        typed.append(frame.astype({name: column.dtype for name, column in columns.items()}))
    typed[0]["series"] = name_series(typed[0])
    return typed[0], typed[1]


def folder(path: Path, runs: pd.DataFrame, curves: pd.DataFrame | None = None) -> Path:
    """A results folder with nothing but CSVs."""
    path.mkdir(exist_ok=True)
    runs.drop(columns="series").to_csv(path / "runs.csv", index=False)
    if curves is not None:
        curves.to_csv(path / "curves.csv", index=False)
    return path


def labels(figure: Figure | None) -> list[str]:
    assert figure is not None
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def grid(figure: Figure | None) -> list[Axes]:
    assert figure is not None
    return list(figure.subfigs[0].axes)


def panel(figure: Figure | None) -> Axes:
    (axes,) = grid(figure)
    return axes


def heights(line: Any) -> NDArray[np.float64]:
    return np.asarray(line.get_ydata(), dtype=np.float64)
