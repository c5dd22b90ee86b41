"""Speed, side by side: ``python -m experiments.benchmark --out results/benchmark``."""

from __future__ import annotations

import functools
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pandas as pd
import torch as th

from experiments import command_line
from experiments.benchmarks import limits, ratio_figure, ratios, scaling
from experiments.benchmarks.measuring import (
    REPEATS,
    Repeat,
    UnavailableError,
    measure,
    read_repeats,
    repeat_table,
)
from experiments.benchmarks.ratios import judge
from experiments.benchmarks.rows import CONTESTS, ROWS
from experiments.figures.saving import save_figures
from experiments.records import files
from experiments.telling import Console

if TYPE_CHECKING:
    ContestName = str
    PanelName = str
else:  # what there is can be asked for
    ContestName, PanelName = Literal[tuple(CONTESTS)], Literal[tuple(scaling.PANELS)]


@dataclass(frozen=True, kw_only=True)
class BenchmarkArguments:
    """Measure this project beside stock SB3, and write the table, its repeats and its figure.

    Both sides are measured in turn on one thread. Close what else runs: it takes about ten
    minutes on a quiet core. Rows that need a GPU, or SBX from the extra named benchmark, are
    unmeasured without it.
    """

    out: Path = Path("results/benchmark")
    """Results folder; made if it is not there."""
    rows: tuple[ContestName, ...] = ()
    """What is measured. By default: everything."""
    repeats: int | None = None
    """Repeats of each. By default: a number of its own, 1 to 15."""
    scale: command_line.Flag = False
    """Measure instead how cost grows with n, copies, capacity and batch: scale.csv and its figure,
    about ten minutes."""
    panels: tuple[PanelName, ...] = ()
    """With --scale: what is measured. By default: everything."""


def benchmark(arguments: BenchmarkArguments) -> int:
    """Measure, and write what was measured after each part of it.

    Raises:
        TableError: If the repeats in the folder cannot be understood.
    """
    repeats, console = arguments.repeats, Console()
    if repeats is not None:
        command_line.check_count("repeats", repeats, 1_000)
    with files.locked(arguments.out) as out:
        th.set_num_threads(1)
        if arguments.scale:
            _scale(out, arguments.panels or scaling.PANELS, repeats, console)
        else:
            _compare(out, arguments.rows or CONTESTS, repeats, console)
    return 0


def _compare(out: Path, wanted: Collection[str], repeats: int | None, console: Console) -> None:
    """Measure contests, and tell their rows beside those that the folder has of others."""
    measured = kept(out, wanted)
    told = {repeat["contest"] for repeat in measured} | set(wanted)
    notes: dict[str, str] = {}
    for name, (unit, sides, usual, on_gpu) in CONTESTS.items():
        if name not in wanted:
            continue
        console.print(f"measuring {name}", style="dim")
        try:
            turns = measure(sides(), unit, repeats or usual, on_gpu)
            measured += ({"contest": name} | repeat for repeat in turns)
        except UnavailableError as reason:
            notes[name] = str(reason)
        figures = [*measured, *limits.derived(measured)]
        _write(out, REPEATS, repeat_table(figures))
        found = [judge(r, measured, notes.get(r.contest, "")) for r in ROWS if r.contest in told]
        _write(out, "benchmark.csv", ratios.ratio_table(found))
        if found:
            page = ratios.page(found, figures)
            files.replace_file(out / "benchmark.md", page.encode())
            draw = functools.partial(ratio_figure.ratio_figure, found)
            save_figures({"benchmark": draw}, out / "figures")
    ratios.print_ratios(console, found, figures)


def kept(out: Path, wanted: Collection[str]) -> list[Repeat]:
    """What the folder has of other contests: a part that is measured anew costs no other."""
    measured = read_repeats(out / REPEATS)
    return [each for each in measured if each["contest"] not in {*wanted, limits.NAME}]


def _scale(out: Path, wanted: Collection[str], repeats: int | None, console: Console) -> None:
    measured: list[Repeat] = []
    for name, panel in scaling.PANELS.items():
        if name not in wanted:
            continue
        console.print(f"measuring {panel.title}", style="dim")
        measured += scaling.measured(name, repeats)
        table = scaling.scale_table(measured)
        _write(out, "scale.csv", table)
        draw = functools.partial(scaling.scale_figure, table)
        save_figures({"scale": draw}, out / "figures")
    console.print(f"wrote {out / 'scale.csv'} and its figure")


def _write(out: Path, name: str, table: pd.DataFrame) -> None:
    files.replace_file(out / name, files.csv_bytes(table))


def main() -> None:
    """The command line."""
    command_line.run_command(BenchmarkArguments, benchmark)


if __name__ == "__main__":
    main()
