"""Measuring what is wanted, part by part, and writing what came out after each of them."""

from __future__ import annotations

import functools
from collections.abc import Collection
from pathlib import Path

import pandas as pd
import torch as th

from experiments.benchmarks import limits, ratio_figure, ratio_table, scaling
from experiments.benchmarks.measuring import UnavailableError, measure
from experiments.benchmarks.repeats import REPEATS, Repeat, read_repeats, repeat_table
from experiments.benchmarks.rows import CONTESTS, ROWS
from experiments.benchmarks.verdicts import judge
from experiments.figures.saving import save_figures
from experiments.records import files
from experiments.telling import Console


def compare(out: Path, wanted: Collection[str], repeats: int | None, console: Console) -> None:
    """Measure contests, and tell their rows beside those that the folder has of others.

    Args:
        out: The folder, which nobody else writes to.
        wanted: Names; all that there are if it is empty.
        repeats: Of each, instead of its own number.
        console: What people see.

    Raises:
        TableError: If the repeats in the folder cannot be understood.
    """
    th.set_num_threads(1)
    contests = {name: each for name, each in CONTESTS.items() if not wanted or name in wanted}
    measured = kept(out, contests)
    told = {repeat.contest for repeat in measured} | set(contests)
    notes: dict[str, str] = {}
    for name, contest in contests.items():
        console.print(f"measuring {name}", style="dim")
        try:
            measured += measure(name, contest, repeats)
        except UnavailableError as reason:
            notes[name] = str(reason)
        figures = [*measured, *limits.derived(measured)]
        _write(out, REPEATS, repeat_table(figures))
        found = [judge(r, measured, notes.get(r.contest, "")) for r in ROWS if r.contest in told]
        _write(out, "benchmark.csv", ratio_table.ratio_table(found))
        if found:
            page = ratio_table.page(found, figures)
            files.replace_file(out / "benchmark.md", page.encode())
            draw = functools.partial(ratio_figure.ratio_figure, found)
            save_figures({"benchmark": draw}, out / "figures")
    ratio_table.print_ratios(console, found, figures)


def kept(out: Path, wanted: Collection[str]) -> list[Repeat]:
    """What the folder has of other contests: a part that is measured anew costs no other."""
    known = read_repeats(out / REPEATS)
    return [each for each in known if each.contest not in wanted and each.contest != limits.NAME]


def scale(out: Path, wanted: Collection[str], repeats: int | None, console: Console) -> None:
    """Measure panels, and draw those; arguments as in :func:`compare`."""
    th.set_num_threads(1)
    measured: list[tuple[int, Repeat]] = []
    for name, panel in scaling.PANELS.items():
        if wanted and name not in wanted:
            continue
        console.print(f"measuring {panel.title}", style="dim")
        measured += scaling.measured(name, panel, repeats)
        table = scaling.scale_table(measured)
        _write(out, "scale.csv", table)
        draw = functools.partial(scaling.scale_figure, table)
        save_figures({"scale": draw}, out / "figures")
    console.print(f"wrote {out / 'scale.csv'} and its figure")


def _write(out: Path, name: str, table: pd.DataFrame) -> None:
    files.replace_file(out / name, files.csv_bytes(table))
