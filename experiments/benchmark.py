"""Speed, side by side: ``python -m experiments.benchmark --out results/benchmark``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from experiments import command_line
from experiments.benchmarks import running
from experiments.benchmarks.rows import CONTESTS
from experiments.benchmarks.scaling import PANELS
from experiments.records import files
from experiments.telling import Console

if TYPE_CHECKING:
    ContestName = str
    PanelName = str
else:  # what there is can be asked for
    ContestName, PanelName = Literal[tuple(CONTESTS)], Literal[tuple(PANELS)]


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
    repeats, console = arguments.repeats, Console()
    if repeats is not None:
        command_line.check_count("repeats", repeats, 1_000)
    with files.locked(arguments.out) as out:
        if arguments.scale:
            running.scale(out, arguments.panels, repeats, console)
        else:
            running.compare(out, arguments.rows, repeats, console)
    return 0


def main() -> None:
    """The command line."""
    command_line.run_command(BenchmarkArguments, benchmark)


if __name__ == "__main__":
    main()
