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
            "Configurations (seeds solved; success rate at the end)",
            ["method", "network", "n", "solved", "success rate", "env steps to solve (median)"],
            [
                [
                    *map(str, (row.method, row.network, row.n, f"{row.solved}/{row.seeds}")),
                    number(row.success_rate_mean, 3),
                    number(row.env_steps_to_solve_median),
                ]
                for row in summarise(runs).sort_values(["method", "network", "n"]).itertuples()
            ],
        )
    elif len(runs):
        console.table(
            "Runs (success: share of greedy episodes that reach s; solved at: env steps)",
            ["method", "network", "n", "seed", "env steps", "success", "solved at", "train s"],
            [
                [
                    *map(str, (row.method, row.network, row.n, row.seed)),
                    number(row.env_steps),
                    number(row.success_rate, 3),
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
