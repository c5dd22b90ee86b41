"""A results folder: its tables to all figures and pages that they have something for."""

from __future__ import annotations

import json
from collections import ChainMap
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from experiments.config import registry
from experiments.figures import (
    ablation,
    comparison,
    configurations,
    frontier,
    generation,
    reach,
    transfer,
)
from experiments.figures.joined import RATES, Joined, read_rates
from experiments.figures.matplotlib_alone import Figure
from experiments.figures.protocol import is_written
from experiments.figures.saving import save_figures
from experiments.figures.series import name_series
from experiments.figures.writers import free_bits, name_writers
from experiments.records import files, merging, tables
from experiments.records.summary import STATISTICS
from experiments.records.tables import TableError


class Tables(NamedTuple):
    """What a results folder holds."""

    runs: pd.DataFrame
    """With the further settings of ``summary.csv``, and the ``series`` of each run."""
    curves: pd.DataFrame | None
    transfers: pd.DataFrame | None
    joined: Joined | None = None
    """What the folder and those beside it say together, if there are any."""
    missing: int = 0
    """Runs of the sweep that are not finished."""

    @property
    def compared(self) -> pd.DataFrame:
        """The runs that figures against n compare: where one string is right, if there are such."""
        one = free_bits(self.runs) == 0
        return self.runs[one] if one.any() else self.runs


_FIGURES: dict[str, Callable[[Tables], Figure | None]] = {
    "success_vs_n": lambda held: comparison.success_vs_n(held.compared),
    "episodes_to_solve": lambda held: comparison.episodes_to_solve(held.compared),
    "learning_curves": lambda held: comparison.learning_curves(held.compared, held.curves),
    "steps_vs_optimum": lambda held: comparison.steps_vs_optimum(held.compared, held.curves),
    "ablation": lambda held: ablation.figure(held.runs),
    "frontier": lambda held: frontier.figure(held.runs),
    "generation": lambda held: generation.figure(held.runs),
    "transfer": lambda held: transfer.figure(held.transfers, held.runs),
    "reach": lambda held: reach.figure(held.joined),
}
"""Each gives None where the tables do not hold what it shows."""

_PAGES: dict[str, Callable[[Tables], str | None]] = {
    "configurations": lambda held: configurations.page(held.runs),
    "ablation": lambda held: ablation.page(held.runs),
    "frontier": lambda held: frontier.page(held.runs),
    "generation": lambda held: generation.page(held.runs),
    "transfer": lambda held: transfer.page(held.transfers, held.runs),
    "reach": lambda held: reach.page(held.joined),
}
"""The numbers of the figures of the same name, as Markdown."""


def draw_folder(directory: Path, beside: Sequence[Path] = ()) -> list[Path]:
    """Write the figures of a results folder as PNG and SVG, and their pages as Markdown.

    The same tables give the same bytes, as long as matplotlib is the same.

    Args:
        directory: Has ``runs.csv``, and ``curves.csv``, ``summary.csv`` and ``transfer.csv`` if
            there are any.
        beside: Further folders, each with ``runs.csv`` or ``benchmark_repeats.csv`` or both, for
            the figure that joins them.

    Returns:
        The files written: figures in ``directory/figures``, pages in ``directory``.

    Raises:
        TableError: If a table is missing, empty, or cannot be understood; nothing is written.
    """
    if not directory.is_dir():
        raise TableError(directory, "is no folder; name one that has a runs.csv")
    held = _read(directory)
    label, joined = _unfinished(held.missing), ""
    if beside:
        tables = {directory: held} | {path: _read(path) for path in beside if _has_runs(path)}
        rates = [read_rates(path) for path in beside if (path / RATES).exists()]
        runs = [(path.resolve().name, each.runs) for path, each in tables.items()]
        held = held._replace(joined=Joined(runs, dict(ChainMap(*rates))))
        joined = _unfinished(sum(each.missing for each in tables.values()))
    labels = dict.fromkeys([*_FIGURES, *_PAGES], label) | {"reach": joined}
    pages = {
        name: text.replace("\n\n", f"\n\n**{labels[name]}**\n\n", 1) if labels[name] else text
        for name, write in _PAGES.items()
        if (text := write(held)) is not None
    }
    draws = {name: partial(_labelled, draw, held, labels[name]) for name, draw in _FIGURES.items()}
    paths = save_figures(draws, directory / "figures")
    for name, text in pages.items():
        paths.append(directory / f"{name}.md")
        files.replace_file(paths[-1], text.encode())
    return paths


def _has_runs(directory: Path) -> bool:
    """Whether a folder beside has runs, and not rates alone.

    Raises:
        TableError: If it has neither.
    """
    there = [name for name in ("runs.csv", RATES) if (directory / name).exists()]
    if not there:
        what = "has neither" if directory.is_dir() else "is no folder; name one that has"
        joint = "nor" if directory.is_dir() else "or"
        raise TableError(directory, f"{what} runs.csv {joint} {RATES}")
    return "runs.csv" in there


def _unfinished(missing: int) -> str:
    return f"Unfinished: of the runs of this sweep, {missing} missing." if missing else ""


def _labelled(draw: Callable[[Tables], Figure | None], held: Tables, label: str) -> Figure | None:
    """A figure, and on it that rows are missing, where some are."""
    figure = draw(held)
    if figure is not None and label:
        figure.text(0.99, 0.995, label, ha="right", va="top", color="#D55E00", fontsize=9)
    return figure


def _spread_out(runs: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The runs with a column for each setting that ``method_settings`` has, as text."""
    try:
        rows = [{} if pd.isna(cell) else json.loads(cell) for cell in runs["method_settings"]]
        further = pd.DataFrame(rows, index=runs.index, dtype=object).astype("string")
    except (ValueError, AttributeError) as error:
        raise TableError(path, f"must be JSON ({error})", column="method_settings") from error
    return runs.join(further[[name for name in further if name not in runs]])


def _with_neutral(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs, where rows of before a setting existed say what they did without it."""
    for name, value in registry.neutral().items():
        if name in runs and runs[name].isna().any() and runs[name].notna().any():
            text = runs[name].dtype == "string"
            runs = runs.assign(**{name: runs[name].fillna(str(value) if text else value)})
    return runs


def _read(directory: Path) -> Tables:
    runs = tables.read_runs(directory / "runs.csv")
    if runs.empty:
        raise TableError(directory / "runs.csv", "has no rows; there is nothing to draw")
    runs = _spread_out(runs, directory / "runs.csv")
    curves: pd.DataFrame | None = None
    transfers: pd.DataFrame | None = None
    if (path := directory / "summary.csv").exists():  # the first schema has settings in it alone
        settings = tables.read_settings(path)
        known = {*STATISTICS, *runs.dropna(axis="columns", how="all")} - {"config_id"}
        settings = settings[[name for name in settings if name not in known]]
        empty = [name for name in settings if name in runs and name != "config_id"]
        runs = runs.drop(columns=empty).merge(settings, on="config_id", how="left")
    if (path := directory / "curves.csv").exists():
        curves = tables.read_curves(path)
        curves = curves[curves["run_id"].isin(runs["run_id"])]
    if (path := directory / "transfer.csv").exists():
        transfers = tables.read_transfers(path)
    runs = _with_neutral(runs)
    missing = len(set(merging.planned(directory)) - set(runs["run_id"]))
    named = name_writers if is_written(runs).all() else name_series
    runs = runs.assign(series=named(runs))
    return Tables(runs, curves, transfers, missing=missing)
