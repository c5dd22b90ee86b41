"""The table of everything in a folder: each row beside its null, and the command that makes it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

import pandas as pd

from experiments.config.errors import ConfigError
from experiments.figures import pages
from experiments.figures.protocol import protocol
from experiments.records.run_folders import run_of
from experiments.records.summary import fisher, median, summarise

_HOLDS = 0.01
"""A row holds if a null as good as it would leave it so many solved seeds in fewer cases."""
_TRIVIAL = 5
"""Smaller n have so few strings that nulls solve them."""
_FLAGS = {"budget_env_steps": "budget", "method": "methods", "network": "networks"}
_TOLD = (
    "*Told*: what the learner is told beforehand: nothing, s, the symmetry of the bits. *Solved*: "
    "seeds whose last look, and at least 9 in 10 of those in the second half of the budget, are at "
    "least 0.99 (0.95 where strings are written). *Held*: share of the looks in that half that are "
    "(mean, lowest seed). *To solve*: median over all seeds, unsolved ones the slowest, of the "
    "first look from which on 9 in 10 are; a dash where the median seed is unsolved. *First "
    "reward*: the same for the first rewarded training episode. *Null*: the same with its reward "
    "withheld, and so without successes to keep, to search for or to be given; p is Fisher's exact "
    "test, one-sided, and a row holds below 0.01."
)


def page(runs: pd.DataFrame) -> str | None:
    """A row for each configuration; None for tables of an older schema, which know no nulls.

    Args:
        runs: The columns of ``runs.csv`` and a categorical ``series``.
    """
    if runs["held_share"].isna().any():
        return None
    names = dict(zip(runs["config_id"], runs["series"].astype(str), strict=True))
    first = runs.groupby("config_id")["env_steps_to_first_reward"].agg(median)
    summary = summarise(runs)
    summary["_series"] = summary["config_id"].map(names)
    header = ["learner", "told", "n", "solved", "held (lowest)", "env steps to solve"]
    header += ["episodes", "seconds", "first reward", "null", "p"]
    rows, commands = [], []
    for row in summary.sort_values(["_series", "n"], kind="stable").to_dict("records"):
        name = names[row["config_id"]]
        rows.append(
            [
                *(name, str(row["told"]), f"{row['n']:,}", f"{row['solved']}/{row['seeds']}"),
                f"{row['held_share_mean']:.2f} ({row['held_share_min']:.2f})",
                pages.number(row["env_steps_to_solve_median"]),
                pages.number(row["episodes_to_solve_median"]),
                pages.number(row["seconds_to_solve_median"], 1),
                pages.number(first[row["config_id"]]),
                *_null(row),
            ]
        )
        commands.append(f"{_command(row)}  # {name}, n = {row['n']}")
    code = "\n".join(commands)
    return pages.page(
        "success_vs_n",
        "Configurations",
        f"{protocol(runs)}. {_TOLD}",
        pages.markdown(header, rows),
        "Each row again (`--out` names a folder of your own):",
        f"```sh\n{code}\n```",
    )


def _null(row: Mapping[Any, Any]) -> tuple[str, str]:
    """The null's solved seeds, and whether the row holds beside it."""
    if row["withhold_reward"]:
        return "is one", ""
    if pd.isna(row["null_p"]):
        return "-", "-"
    if row["n"] < _TRIVIAL:
        return f"{row['null_solved']}/{row['null_seeds']}", "trivial"
    if fisher(row["seeds"], row["seeds"], 0, row["null_seeds"]) >= _HOLDS:
        return f"{row['null_solved']}/{row['null_seeds']}", "too few seeds"
    holds = "holds" if row["null_p"] < _HOLDS else "does not hold"
    return f"{row['null_solved']}/{row['null_seeds']}", f"{row['null_p']:.2g}, {holds}"


def _command(row: Mapping[Any, Any]) -> str:
    """What makes a configuration's runs again."""
    try:
        run = run_of({**row, "seed": 0})
        given = run.given()
    except (ConfigError, KeyError, ValueError) as error:
        return f"# not by a command: {error}"
    if run.config_id != row["config_id"]:
        return "# of an older version"
    given = {"method": row["method"], "network": row["network"], "n": row["n"]} | given
    given.pop("seed", None)
    words = ["python", "-m", "experiments.compare"]
    for name, value in {**given, "seeds": row["seeds"], "device": row["device"]}.items():
        values = value if isinstance(value, tuple) else (value,)
        words += [f"--{_FLAGS.get(name, name).replace('_', '-')}", *map(str, values)]
    return shlex.join([*words, "--out", "results/mine"])
