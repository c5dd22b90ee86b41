"""What a person sees of runs on a terminal: what came out, and what failed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from experiments.figures.pages import number, transfer_rows
from experiments.records.summary import summarise
from experiments.telling import Console

_LONG = 60
"""Rows from which a table shows configurations instead of runs."""


def print_results(console: Console, runs: pd.DataFrame) -> None:
    """The table of runs, or of configurations where there are many."""
    if len(runs) > _LONG:
        console.table(
            "Configurations (seeds solved; held: looks of at least 0.99 in the second half)",
            ["method", "network", "told", "n", "solved", "held", "steps to solve", "null", "p"],
            [
                [
                    *map(str, (row.method, row.network, row.told, row.n)),
                    f"{row.solved}/{row.seeds}",
                    number(row.held_share_mean, 2),
                    number(row.env_steps_to_solve_median),
                    "-" if number(row.null_p) == "-" else f"{row.null_solved}/{row.null_seeds}",
                    number(row.null_p, 4),
                ]
                for row in summarise(runs).sort_values(["method", "network", "n"]).itertuples()
            ],
        )
    elif len(runs):
        console.table(
            "Runs (success: greedy episodes that reach s, at the end; held: looks of at least 0.99 "
            "in the second half; solved at: env steps)",
            ["method", "network", "told", "n", "seed", "success", "held", "solved at", "train s"],
            [
                [
                    *map(str, (row.method, row.network, row.told, row.n, row.seed)),
                    number(row.success_rate, 3),
                    number(row.held_share, 2),
                    number(row.env_steps_to_solve),
                    number(row.train_seconds, 1),
                ]
                for row in runs.sort_values(["method", "network", "n", "seed"]).itertuples()
            ],
        )


def print_failures(
    console: Console, failures: Mapping[str, tuple[BaseException, int]], log: Path
) -> None:
    """What is unfinished and why.

    Args:
        console: Where to.
        failures: Each call's error, and how often it was begun.
        log: The file that has their tracebacks.
    """
    if failures:
        console.table(
            f"Unfinished: {len(failures)} (tracebacks in {log})",
            ["what", "attempts", "why"],
            [
                [name, str(attempts), f"{type(error).__name__}: {error}"]
                for name, (error, attempts) in failures.items()
            ],
            whole="what",
            style="red",
        )


def print_transfers(console: Console, transfers: pd.DataFrame) -> None:
    """Success rates of the same weights at other numbers of bits, seeds taken together."""
    console.table("The same weights at other numbers of bits", *transfer_rows(transfers))
