"""Tables to figures: ``python -m experiments.plot results/mine``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pandas as pd
import tyro
from matplotlib.figure import Figure
from rich.console import Console

from experiments import command_line
from experiments.figures import ablation, ablation_figure, comparison, frontier, transfer
from experiments.figures.saving import save_figures
from experiments.figures.series import name_series
from experiments.records import files, tables
from experiments.records.summary import STATISTICS
from experiments.records.tables import TableError


@dataclass(frozen=True, kw_only=True)
class Tables:
    """What a results folder holds."""

    runs: pd.DataFrame
    """With the further settings of ``summary.csv``, and the ``series`` of each run."""
    curves: pd.DataFrame | None
    transfers: pd.DataFrame | None


_FIGURES: tuple[tuple[str, Callable[[Tables], Figure | None]], ...] = (
    ("success_vs_n", lambda held: comparison.success_vs_n(held.runs)),
    ("episodes_to_solve", lambda held: comparison.episodes_to_solve(held.runs)),
    ("learning_curves", lambda held: comparison.learning_curves(held.runs, held.curves)),
    ("steps_vs_optimum", lambda held: comparison.steps_vs_optimum(held.runs, held.curves)),
    ("ablation", lambda held: ablation_figure.ablation(held.runs)),
    ("frontier", lambda held: frontier.frontier(held.runs)),
    ("transfer", lambda held: transfer.transfer(held.transfers, held.runs)),
)
"""Each gives None where the tables do not hold what it shows."""

_PAGES: tuple[tuple[str, Callable[[Tables], str | None]], ...] = (
    ("ablation", lambda held: ablation.page(held.runs)),
    ("frontier", lambda held: frontier.page(held.runs)),
    ("transfer", lambda held: transfer.page(held.transfers)),
)
"""The numbers of the figures of the same name, as Markdown."""


@dataclass(frozen=True, kw_only=True)
class PlotArguments:
    """Draw the figures of a results folder, from its CSV files alone.

    An ablation, a frontier of DQN and a size transfer get a figure and a page of their own.
    """

    directory: Annotated[Path, tyro.conf.Positional]
    """A folder with runs.csv and, for learning curves, curves.csv; figures/ is made in it."""


def plot(directory: Path) -> list[Path]:
    """Write the figures of a results folder as PNG and SVG, and their pages as Markdown.

    The same tables give the same bytes, as long as matplotlib is the same.

    Args:
        directory: Has ``runs.csv``, and ``curves.csv``, ``summary.csv`` and ``transfer.csv`` if
            there are any.

    Returns:
        The files written: figures in ``directory/figures``, pages in ``directory``.

    Raises:
        TableError: If a table is missing, empty, or cannot be understood; nothing is written.
    """
    if not directory.is_dir():
        raise TableError(directory, "is no folder; name one that has a runs.csv")
    held = _read(directory)
    pages = {name: text for name, write in _PAGES if (text := write(held)) is not None}
    paths = save_figures(
        {name: functools.partial(draw, held) for name, draw in _FIGURES}, directory / "figures"
    )
    for name, text in pages.items():
        paths.append(directory / f"{name}.md")
        files.replace_file(paths[-1], text.encode())
    return paths


def _read(directory: Path) -> Tables:
    runs = tables.read_runs(directory / "runs.csv")
    if runs.empty:
        raise TableError(directory / "runs.csv", "has no rows; there is nothing to draw")
    runs = _with_settings(runs, directory / "summary.csv")
    runs = runs.assign(series=name_series(runs))
    curves = None
    if (directory / "curves.csv").exists():
        curves = tables.read_curves(directory / "curves.csv")
        curves = curves[curves["run_id"].isin(runs["run_id"])]
    transfers = None
    if (directory / "transfer.csv").exists():
        transfers = tables.read_transfers(directory / "transfer.csv")
    return Tables(runs=runs, curves=curves, transfers=transfers)


def _with_settings(runs: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The runs with the settings that only ``summary.csv`` has a column for."""
    if not path.exists():
        return runs
    settings = tables.read_settings(path)
    known = {*STATISTICS, *runs.columns} - {"config_id"}
    settings = settings[[name for name in settings if name not in known]]
    return runs.merge(settings, on="config_id", how="left")


def plot_command(arguments: PlotArguments) -> int:
    """Draw, and say what was written."""
    console = Console(highlight=False)
    for path in plot(arguments.directory):
        console.print(f"wrote {path}", soft_wrap=True, markup=False)
    return 0


def main() -> None:
    """The command line."""
    command_line.run_command(PlotArguments, plot_command)


if __name__ == "__main__":
    main()
