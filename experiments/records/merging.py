"""The tables of a results folder: derived from its run folders, rebuilt at will."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.records import files, tables
from experiments.records.run_folders import FinishedRun, curve_frame
from experiments.records.schema import (
    CURVE_COLUMNS,
    PROVENANCE_COLUMNS,
    RUN_COLUMNS,
    SCHEMA_VERSION,
)
from experiments.records.summary import spread, summarise
from experiments.records.tables import TableError, typed_table

PLAN = "planned.txt"
"""A name a line; who deletes it says that what is there is all that was wanted."""
_READ = {
    "runs.csv": tables.read_runs,
    "curves.csv": tables.read_curves,
    "provenance.csv": tables.read_provenance,
    "transfer.csv": tables.read_transfers,
}


def check_tables(out: Path) -> None:
    """Refuse tables that a merge would not understand, before hours are spent on runs.

    Raises:
        TableError: Naming the file, and where it cannot be understood; also if a table is of an
            older schema, or a row claims a run that provenance.csv does not know.
    """
    for name, read in _READ.items():
        if (out / name).is_file():
            _current(out / name, read(out / name))
    if not (out / "runs.csv").is_file():
        return
    claimed = set(rows_without_folders(out))  # others are described in their folders
    path = out / "provenance.csv"
    known = set(tables.read_provenance(path)["run_id"]) if path.is_file() else set()
    if unknown := sorted(claimed - known):
        raise TableError(
            out / "runs.csv", f"claims run {unknown[0]!r}, which {path.name} does not know"
        )


def _current(path: Path, table: pd.DataFrame) -> pd.DataFrame:
    """The table, if its meanings are those of today."""
    versions = set(table["schema_version"].fillna(0)) if "schema_version" in table else set()
    if old := sorted(versions - {SCHEMA_VERSION}):
        raise TableError(
            path,
            f"is of schema {old[0] or 'unknown'}, and columns may mean something else in schema "
            f"{SCHEMA_VERSION}: tables of two schemas are never merged; name an empty folder",
        )
    return table


def rows_without_folders(out: Path) -> dict[str, bool]:
    """Whether each run is solved that is a row of runs.csv and has no folder.

    So a sweep goes on from rows that were committed, on a machine that has nothing else of it.
    """
    path = out / "runs.csv"
    if not path.is_file():
        return {}
    runs = _current(path, tables.read_runs(path))
    runs = runs[~runs["run_id"].isin(_folders(out))]
    return dict(zip(runs["run_id"], runs["solved"].astype(bool), strict=True))


def _folders(out: Path) -> set[str]:
    folder = out / "runs"
    return {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()


def plan(out: Path, names: Iterable[str]) -> None:
    """Keep the names of the runs that a sweep wants beside its tables."""
    wanted = sorted({*planned(out), *names})
    files.replace_file(out / PLAN, "".join(f"{name}\n" for name in wanted).encode())


def planned(out: Path) -> list[str]:
    """The names of the runs that sweeps into a folder wanted; none if it is not known."""
    path = out / PLAN
    return files.read_bytes(path).decode(errors="replace").split() if path.exists() else []


def merge(out: Path, finished: Mapping[str, FinishedRun], thin: int | None = None) -> pd.DataFrame:
    """Rebuild the tables of a results folder; rows that have no run folder are kept.

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
    origins = [{"run_id": name, **_origin(run.provenance)} for name, run in finished.items()]
    runs = _with_rows_kept(typed_table(rows, RUN_COLUMNS), out / "runs.csv")
    runs = runs.sort_values(["method", "network", "n", "config_id", "seed"], ignore_index=True)
    order = {run_id: place for place, run_id in enumerate(runs["run_id"])}
    curve = _with_rows_kept(pd.concat(curves, ignore_index=True), out / "curves.csv")
    origin = _with_rows_kept(typed_table(origins, PROVENANCE_COLUMNS), out / "provenance.csv")
    curve, origin = (
        table.sort_values(
            ["run_id", *further],
            key=lambda column: column.map(order) if column.name == "run_id" else column,
            ignore_index=True,
        )
        for table, further in ((curve, ["env_steps"]), (origin, []))
    )
    if thin is not None:
        curve = thin_curves(curve, thin)
    made = {"provenance": origin, "runs": runs, "curves": curve, "summary": summarise(runs)}
    for name, frame in made.items():
        files.replace_file(out / f"{name}.csv", files.csv_bytes(frame))
    return runs


def _origin(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Code and machine of a run, as far as they are known."""
    versions = provenance.get("versions")
    words = None
    if isinstance(versions, dict):
        words = ", ".join(f"{name} {number}" for name, number in versions.items())
    return {name: provenance.get(name) for name in PROVENANCE_COLUMNS if name != "run_id"} | {
        "versions": words
    }


def _with_rows_kept(fresh: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The fresh rows, and those of the CSV whose run has no folder.

    A run whose folder is there and cannot be believed is unfinished: its old rows go.
    """
    if not path.is_file():
        return fresh
    old = _current(path, _READ[path.name](path))
    kept = old[~old["run_id"].isin(_folders(path.parent) | set(fresh["run_id"]))]
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
