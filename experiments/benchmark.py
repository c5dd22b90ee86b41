"""Speed, side by side: ``python -m experiments.benchmark --out results/benchmark``."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch as th

from experiments import command_line
from experiments.benchmarks import figure, limits, page, rows, scale_figure, scaling, tables
from experiments.benchmarks.measuring import (
    Contest,
    Outcome,
    Repeat,
    UnavailableError,
    judge,
    measure,
)
from experiments.figures.saving import save_figures
from experiments.records import files
from experiments.telling import Console

ContestName = Literal[
    "vector",
    "single",
    "one-env",
    "many-envs",
    "updates",
    "sample",
    "solve-mlp",
    "solve-equivariant",
    "paper",
    "gpu-updates-128",
    "gpu-updates-4096",
    "gpu-steps",
    "sgemm",
    "memory",
]
PanelName = Literal["copies", "length", "sample", "batch", "seconds", "steps"]


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
    """Measure, and write what was measured after each part of it."""
    console = Console()
    if arguments.repeats is not None:
        command_line.check_count("repeats", arguments.repeats, 1_000)
    th.set_num_threads(1)
    with files.locked(arguments.out) as out:
        if arguments.scale:
            _scale(out, arguments, console)
        else:
            _compare(out, arguments, console)
    return 0


def _compare(out: Path, arguments: BenchmarkArguments, console: Console) -> None:
    """Measure every contest that is wanted, and tell the rows that they answer."""
    contests = [c for c in rows.CONTESTS if not arguments.rows or c.name in arguments.rows]
    repeats = _kept(out, {contest.name for contest in contests})
    told = [c for c in rows.CONTESTS if c in contests or any(c.name == r.contest for r in repeats)]
    notes: dict[str, str] = {}
    for contest in contests:
        console.print(f"measuring {contest.name}", style="dim")
        try:
            repeats += measure(contest, arguments.repeats)
        except UnavailableError as reason:
            notes[contest.name] = str(reason)
        _write(out, outcomes(told, repeats, notes), [*repeats, *limits.derived(repeats)])
    found = outcomes(told, repeats, notes)
    header, lines = page.result_rows(found)
    short = [header.index(name) for name in ("what", "ratio", "goal", "aim", "verdict")]
    lines = [[line[place] for place in short] for line in lines]
    console.table(page.TITLE, [header[place] for place in short], lines)
    further = page.further_rows(found, tables.repeat_table([*repeats, *limits.derived(repeats)]))
    console.table("Further figures, and what the machine could do at best", *further)


def _kept(out: Path, wanted: set[str]) -> list[Repeat]:
    """What the folder has of other contests: a part that is measured anew costs no other."""
    path = out / tables.REPEATS
    known = tables.read_repeats(path) if path.is_file() else []
    return [repeat for repeat in known if repeat.contest not in wanted | {limits.NAME}]


def outcomes(
    contests: Sequence[Contest], repeats: Sequence[Repeat], notes: Mapping[str, str]
) -> list[Outcome]:
    """The rows of some contests, as far as these are measured.

    Args:
        contests: Those that are wanted.
        repeats: Of all of them.
        notes: Why a contest, by its name, cannot be measured.
    """
    wanted = {contest.name for contest in contests}
    return [
        judge(
            row,
            [repeat for repeat in repeats if repeat.contest == row.contest],
            notes.get(row.contest, ""),
        )
        for row in rows.ROWS
        if row.contest in wanted
    ]


def _write(out: Path, found: Sequence[Outcome], repeats: Sequence[Repeat]) -> None:
    """Both tables, the page and the figure; the page and the figure need a row."""
    files.replace_file(out / tables.TABLE, files.csv_bytes(tables.outcome_table(found)))
    files.replace_file(out / tables.REPEATS, files.csv_bytes(tables.repeat_table(repeats)))
    if found:
        files.replace_file(out / "benchmark.md", page.page(found, repeats).encode())
        save_figures({"benchmark": lambda: figure.benchmark(found)}, out / "figures")


def _scale(out: Path, arguments: BenchmarkArguments, console: Console) -> None:
    """Measure every panel that is wanted."""
    measured: list[tuple[int, Repeat]] = []
    for panel in scaling.PANELS:
        if arguments.panels and panel.name not in arguments.panels:
            continue
        console.print(f"measuring {panel.title}", style="dim")
        for place, repeat in scaling.measured(panel, arguments.repeats):
            measured.append((place, repeat))
        table = tables.scale_table(measured)
        files.replace_file(out / tables.SCALE, files.csv_bytes(table))
        save_figures({"scale": functools.partial(scale_figure.scale, table)}, out / "figures")
    console.print(f"wrote {out / tables.SCALE} and its figure")


def main() -> None:
    """The command line."""
    command_line.run_command(BenchmarkArguments, benchmark)


if __name__ == "__main__":
    main()
