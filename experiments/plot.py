"""Tables to figures: ``python -m experiments.plot results/mine``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from experiments import command_line
from experiments.figures.folder import draw_folder
from experiments.telling import Console


@dataclass(frozen=True, kw_only=True)
class PlotArguments:
    """Draw the figures of a results folder, from its CSV files alone.

    An ablation, a frontier of DQN and a size transfer get a figure and a page of their own; so does
    what several folders say together of the largest n that so much compute solves.
    """

    directory: Annotated[
        Path,
        tyro.conf.Positional,
        command_line.told(
            "A folder with runs.csv and, for learning curves, curves.csv; figures/ is made in it."
        ),
    ]
    beside: Annotated[
        tuple[Path, ...],
        command_line.told(
            "Further folders, with runs.csv or benchmark_repeats.csv: draw reach as well, the "
            "largest n solved against compute. A learner that several have is the first one's.",
            help_behavior_hint="(default: none)",
        ),
    ] = ()


def plot(arguments: PlotArguments) -> int:
    """Draw, and say what was written."""
    console = Console()
    for path in draw_folder(arguments.directory, arguments.beside):
        console.print(f"wrote {path}")
    return 0


def main() -> None:
    """The command line."""
    command_line.run_command(PlotArguments, plot)


if __name__ == "__main__":
    main()
