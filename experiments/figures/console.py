"""What a person sees of runs: tables of what is planned, of what came out, and of what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from experiments.config.run import RunConfig
from experiments.figures.pages import Rows, transfer_rows
from experiments.records.summary import summarise
from experiments.sweeps import estimates

_LONG = 60
"""Rows from which a table shows configurations instead of runs."""


def print_results(console: Console, runs: pd.DataFrame) -> None:
    """The table of runs, or of configurations where there are many."""
    if len(runs) > _LONG:
        console.print(_configuration_table(summarise(runs)))
    elif len(runs):
        console.print(_run_table(runs))


def print_failures(
    console: Console, failures: Mapping[str, tuple[BaseException, int]], log: Path
) -> None:
    """What is unfinished and why.

    Args:
        console: Where to.
        failures: Each call's error, and how often it was begun.
        log: The file that has their tracebacks.
    """
    if not failures:
        return
    table = Table(title=f"Unfinished: {len(failures)} (tracebacks in {log})", style="red")
    for name in ("what", "attempts", "why"):
        table.add_column(name, no_wrap=name == "what", overflow="fold")
    for name, (error, attempts) in failures.items():
        # Errors quote what they met, which may look like markup.
        table.add_row(escape(name), str(attempts), escape(f"{type(error).__name__}: {error}"))
    console.print(table)


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


def print_plan(
    console: Console,
    runs: Sequence[RunConfig],
    finished: set[str],
    known: dict[str, float],
    workers: int | None,
) -> None:
    """A sweep that is not run: its runs, its size and what it may take.

    Args:
        console: Where to.
        runs: All runs.
        finished: Names of those that need not be trained again.
        known: Seconds of configurations that were run before.
        workers: Runs at a time; None where a cluster will decide.
    """
    table = Table(title=f"{len(runs)} runs")
    for name in ("run", "budget in env steps", "updates", "seconds"):
        table.add_column(name, justify="left" if name == "run" else "right", no_wrap=True)
    for run in runs:
        budget = run.budget_env_steps or 0
        updates = round(budget * (run.updates_per_env_step or 0))
        takes = "finished" if run.run_id in finished else f"{estimates.seconds(run, known):,.0f}"
        table.add_row(run.run_id, f"{budget:,}", f"{updates:,}", takes)
    console.print(table)
    missing = [run for run in runs if run.run_id not in finished]
    alike = sum(run.config_id in known for run in missing)
    each = workers or 1
    time = estimates.in_words(estimates.sweep_seconds(missing, known, each))
    console.print(
        f"{len(runs)} runs, {len(finished)} finished, {len(missing)} to do: about {time} on "
        f"{each} worker{'s' if each > 1 else ''}. {alike} estimated from other seeds in runs.csv, "
        f"{len(missing) - alike} from their budgets (a run that solves its task ends earlier).",
        soft_wrap=True,
        highlight=False,
    )


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
