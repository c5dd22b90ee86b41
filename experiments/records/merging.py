"""runs.csv, curves.csv and summary.csv: derived from the run folders, rebuilt at will."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.config import registry
from experiments.config.run import RunConfig
from experiments.records import files, tables
from experiments.records.run_folders import FinishedRun, config_columns, curve_frame
from experiments.records.schema import CURVE_COLUMNS, RUN_COLUMNS, SCHEMA_VERSION
from experiments.records.summary import spread, summarise
from experiments.records.tables import typed_table


def check_tables(out: Path) -> None:
    """Refuse tables that a merge would not understand, before hours are spent on runs.

    Raises:
        TableError: Naming the file, and where it cannot be understood.
    """
    for name, read in (
        ("runs.csv", tables.read_runs),
        ("curves.csv", tables.read_curves),
        ("summary.csv", tables.read_settings),
        ("transfer.csv", tables.read_transfers),
    ):
        if (out / name).is_file():
            read(out / name)


def merge(out: Path, finished: Mapping[str, FinishedRun], thin: int | None = None) -> pd.DataFrame:
    """Rebuild runs.csv, curves.csv and summary.csv; rows that have no folder are kept.

    Args:
        out: The results folder.
        finished: What its run folders hold.
        thin: At most so many rows of curves.csv for each run; all of them if it is None.

    Returns:
        The rows of runs.csv.

    Raises:
        TableError: If a CSV that is there cannot be understood; none is written then.
    """
    rows = [{**run.result, "schema_version": SCHEMA_VERSION} for run in finished.values()]
    curves = [typed_table([], CURVE_COLUMNS), *(curve_frame(run) for run in finished.values())]
    settings = pd.DataFrame([_settings(run.config) for run in finished.values()])
    runs = _with_rows_kept(typed_table(rows, RUN_COLUMNS), out / "runs.csv", tables.read_runs)
    runs = runs.sort_values(["method", "network", "n", "config_id", "seed"], ignore_index=True)
    curve = _with_rows_kept(
        pd.concat(curves, ignore_index=True), out / "curves.csv", tables.read_curves
    )
    order = {run_id: place for place, run_id in enumerate(runs["run_id"])}
    curve = curve.sort_values(
        ["run_id", "env_steps"],
        key=lambda column: column.map(order) if column.name == "run_id" else column,
        ignore_index=True,
    )
    if thin is not None:
        curve = thin_curves(curve, thin)
    summary = _with_settings(summarise(runs), settings, out / "summary.csv")
    for name, frame in (("runs", runs), ("curves", curve), ("summary", summary)):
        files.replace_file(out / f"{name}.csv", files.csv_bytes(frame))
    return runs


def _settings(config: RunConfig) -> dict[str, Any]:
    """The settings that runs.csv has no column for, for a row of summary.csv."""
    fields = config.to_dict() | {"hidden": "x".join(map(str, config.hidden))}
    own = {name: fields[name] for name in _settings_names() if name in fields}
    return {"config_id": config.config_id, **own}


def _with_settings(summary: pd.DataFrame, settings: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The summary beside each configuration's further settings, old ones kept."""
    known = [settings.drop_duplicates("config_id")] if len(settings) else []
    if path.is_file():
        old = tables.read_settings(path)
        known.append(old[[name for name in ("config_id", *_settings_names()) if name in old]])
    if not known:
        return summary
    rows = pd.concat([frame.astype(object) for frame in known]).drop_duplicates("config_id")
    rows = rows[[name for name in ("config_id", *_settings_names()) if name in rows]]
    return summary.merge(rows, on="config_id", how="left")


def _settings_names() -> list[str]:
    listed = {*config_columns(), "seed"}
    return [name for name in registry.setting_names() if name not in listed]


def _with_rows_kept(
    fresh: pd.DataFrame, path: Path, read: Callable[[Path], pd.DataFrame]
) -> pd.DataFrame:
    """The fresh rows, and those of the CSV whose run has no folder.

    A run whose folder is there and cannot be believed is unfinished: its old rows go.
    """
    if not path.is_file():
        return fresh
    old = read(path)
    folder = path.parent / "runs"
    there = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
    kept = old[~old["run_id"].isin(there | set(fresh["run_id"]))]
    return pd.concat([frame for frame in (kept, fresh) if len(frame)] or [fresh], ignore_index=True)


def thin_curves(curves: pd.DataFrame, rows: int) -> pd.DataFrame:
    """Learning curves for a repository: no more than so many evaluations of each run.

    The first and the last evaluation always stay, and between them those that are evenly spaced
    in rank; as evaluations are spaced geometrically, so is what is left of them.

    Args:
        curves: The columns of ``curves.csv``.
        rows: At most so many of each run, at least 2.

    Returns:
        Rows of ``curves`` in their order, numbered anew.

    Raises:
        ValueError: If ``rows`` is below 2.
    """
    if rows < 2:
        raise ValueError(f"rows must be at least 2, the first and the last, got {rows}")
    ranked = curves.reset_index(drop=True)
    kept: list[int] = []
    for _, run in ranked.groupby("run_id", sort=False):
        order = run.sort_values("env_steps", kind="stable").index
        kept += [order[place] for place in spread(len(order), rows)]
    return ranked.loc[sorted(kept)].reset_index(drop=True)
