"""What a person sees of runs: a sweep's progress, and tables."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from experiments.config import RunConfig
from experiments.pages import Rows, transfer_rows
from experiments.results import FinishedRun
from experiments.summary import summarise

_LONG = 60
"""Rows from which a table shows configurations instead of runs."""


class SweepDisplay:
    """Overall progress with what is running and what is solved, and a line for each ended run.

    Args:
        console: Where to.
        total: Runs of the sweep.
        skipped: Those that were finished before.
        solved: Those of them that solved.
    """

    def __init__(self, console: Console, total: int, skipped: int, solved: int = 0) -> None:
        self.console = console
        self.solved = solved
        self.running: dict[str, dict[str, Any]] = {}
        self.bar = Progress(
            TextColumn("[bold]runs"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.description}"),
            console=console,
        )
        self.task = self.bar.add_task("starting workers", total=total, completed=skipped)

    def __enter__(self) -> SweepDisplay:
        self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.stop()

    def progress(self, run_id: str, news: dict[str, Any]) -> None:
        """A worker's news of a run."""
        self.running[run_id] = news
        self._describe()

    def ended(self, run: RunConfig, outcome: FinishedRun | BaseException) -> None:
        """A run's last line."""
        self.running.pop(run.run_id, None)
        name = f"{run.method:4} {run.network} n={run.n} seed {run.seed}"
        if isinstance(outcome, FinishedRun):
            result = outcome.result
            self.solved += bool(result["solved"])
            text = (
                f"{'solved  ' if result['solved'] else 'unsolved'} {name}: success "
                f"{result['success_rate']:.3f} after {result['env_steps']:,} steps, "
                f"{result['train_seconds']:.1f} s"
            )
            self.console.print(text, highlight=False, soft_wrap=True)
        else:
            self.console.print(f"unfinished {name}: {outcome!r}", style="red", markup=False)
        self.bar.advance(self.task)
        self._describe()

    def _describe(self) -> None:
        shown = [
            f"{run_id.rsplit('-', 1)[0]} {news['success_rate']:.0%}"
            for run_id, news in list(self.running.items())[-4:]
        ]
        self.bar.update(self.task, description=f"{self.solved} solved; {', '.join(shown)}")


def print_results(
    console: Console, runs: pd.DataFrame, failures: dict[str, BaseException] | None = None
) -> None:
    """The table of runs, or of configurations where there are many, and of what failed."""
    if len(runs) > _LONG:
        console.print(_configuration_table(summarise(runs)))
    elif len(runs):
        console.print(_run_table(runs))
    for run_id, error in (failures or {}).items():
        console.print(f"unfinished: {run_id}: {error!r}", style="red", soft_wrap=True, markup=False)


def print_transfers(console: Console, transfers: pd.DataFrame) -> None:
    """Success rates of the same weights at other numbers of bits, seeds taken together."""
    header, rows = transfer_rows(transfers)
    print_table(console, "The same weights at other numbers of bits", header, rows)


def print_table(console: Console, title: str, header: Sequence[str], rows: Rows) -> None:
    """A table of texts: words to the left, numbers to the right."""
    table = Table(title=title)
    for place, name in enumerate(header):
        numbers = all(row[place][:1].isdigit() or row[place] == "-" for row in rows)
        table.add_column(name, justify="right" if numbers else "left")
    for row in rows:
        table.add_row(*map(escape, row))
    console.print(table)


def print_plan(console: Console, runs: list[RunConfig]) -> None:
    """A sweep that is not run: its runs and its size."""
    table = Table(title=f"{len(runs)} runs")
    for name in ("run", "budget in env steps", "updates"):
        table.add_column(name, justify="left" if name == "run" else "right", no_wrap=True)
    for run in runs:
        budget = run.budget_env_steps or 0
        updates = round(budget * (run.updates_per_env_step or 0))
        table.add_row(run.run_id, f"{budget:,}", f"{updates:,}")
    console.print(table)


def _run_table(runs: pd.DataFrame) -> Table:
    table = Table(
        title="Runs (success: share of greedy episodes that reach s; solved at: env steps)"
    )
    for name in ("method", "network"):
        table.add_column(name)
    for name in ("n", "seed", "env steps", "success", "solved at", "train s"):
        table.add_column(name, justify="right")
    for row in runs.sort_values(["method", "network", "n", "seed"]).itertuples():
        after = row.env_steps_to_solve
        solved = "-" if pd.isna(after) else f"{int(after):,}"  # type: ignore[arg-type]
        table.add_row(
            str(row.method),
            str(row.network),
            str(row.n),
            str(row.seed),
            f"{row.env_steps:,}",
            f"{row.success_rate:.3f}",
            solved,
            f"{row.train_seconds:.1f}",
        )
    return table


def _configuration_table(summary: pd.DataFrame) -> Table:
    table = Table(title="Configurations (seeds solved; success rate at the end)")
    for name in ("method", "network"):
        table.add_column(name)
    for name in ("n", "solved", "success rate", "env steps to solve (median)"):
        table.add_column(name, justify="right")
    for row in summary.sort_values(["method", "network", "n"]).itertuples():
        median: Any = row.env_steps_to_solve_median
        table.add_row(
            str(row.method),
            str(row.network),
            str(row.n),
            f"{row.solved}/{row.seeds}",
            f"{row.success_rate_mean:.3f}",
            "-" if pd.isna(median) else f"{median:,.0f}",
        )
    return table
