"""What a person sees of runs on a terminal: what came out, and what failed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.figures.pages import number, transfer_rows
from experiments.figures.series import name_series
from experiments.records.summary import summarise
from experiments.telling import Console

_LONG = 60
"""Runs from which on their configurations say enough."""


def print_results(console: Console, table: pd.DataFrame, wanted: Collection[str]) -> None:
    """The table of runs, unless there are many, and that of configurations with several seeds.

    Args:
        console: Where to.
        table: The columns of ``runs.csv``; nulls may be among the rows that are not wanted.
        wanted: Names of the runs to print.
    """
    runs = table[table["run_id"].isin(wanted)]
    if 0 < len(runs) <= _LONG:
        console.table(
            "Runs (success: greedy episodes that reach s, at the end, or a policy's own chance to "
            "write it; held: good looks in the second half; solved at: env steps)",
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
    if runs["config_id"].duplicated().any():
        summary = summarise(table)
        summary = summary[summary["config_id"].isin(runs["config_id"])]
        console.table(
            "Configurations (seeds solved; held: looks of at least 0.99, 0.95 where strings are "
            "written, in the second half; null: the same without reward; p: Fisher's test of the "
            "two)",
            ["method", "network", "told", "n", "solved", "held", "steps to solve", "null", "p"],
            [
                [
                    *map(str, (row.method, row.network, row.told, row.n)),
                    f"{row.solved}/{row.seeds}",
                    number(row.held_share_mean, 2),
                    number(row.env_steps_to_solve_median),
                    "is one" if row.withhold_reward else _null(row),
                    number(row.null_p, 4),
                ]
                for row in summary.sort_values(["method", "network", "n"]).itertuples()
            ],
        )


def _null(row: Any) -> str:
    return "-" if number(row.null_p) == "-" else f"{row.null_solved}/{row.null_seeds}"


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


def print_transfers(console: Console, transfers: pd.DataFrame, runs: pd.DataFrame) -> None:
    """Success rates of the same weights at other numbers of bits, seeds taken together."""
    names = dict(zip(runs["config_id"], name_series(runs).astype(str), strict=True))
    console.table("The same weights at other numbers of bits", *transfer_rows(transfers, names))
