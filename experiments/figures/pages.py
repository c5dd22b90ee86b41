"""Tables for people: the same rows on a console, and as Markdown beside the CSVs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from experiments.figures.series import base_name
from experiments.records.summary import summarise_transfers

Rows = list[list[str]]


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table: the first column is to the left, the others to the right."""
    aligned = [":--", *["--:"] * (len(header) - 1)]
    lines = [header, aligned, *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def page(name: str, title: str, *parts: str, writer: str = "experiments.plot") -> str:
    """A page with the figure of the same name below its title."""
    head = f"<!-- Written by {writer} from the tables beside this file. -->\n# {title}"
    return "\n\n".join([head, f"![{title}](figures/{name}.png)", *parts]) + "\n"


def number(value: Any, digits: int = 0) -> str:
    """A number with its thousands apart; a dash where there is none."""
    return "-" if pd.isna(value) else f"{value:,.{digits}f}"


def transfer_rows(
    transfers: pd.DataFrame, names: Mapping[str, str] | None = None
) -> tuple[list[str], Rows]:
    """The same weights at other numbers of bits, seeds taken together.

    Args:
        transfers: The columns of ``transfer.csv``.
        names: Of configurations, by their ids.

    Returns:
        Header and rows; the agent stands in front where there are several.
    """
    summary = summarise_transfers(transfers)
    header = ["trained at n", "n", "seeds at 1.0", "lowest", "mean steps", "optimum"]
    rows: Rows = [
        [
            *(number(row.trained_n), number(row.n), f"{row.perfect}/{row.seeds}"),
            number(row.success_rate_min, 3),
            *(number(row.mean_steps, 1), number(row.optimal_mean_steps, 1)),
        ]
        for row in summary.itertuples()
    ]
    agents = [base_name(*pair) for pair in zip(summary["method"], summary["network"], strict=True)]
    # What only their settings tell apart goes by the configuration's name.
    several = summary.groupby(["method", "network", "trained_n"])["config_id"].transform("nunique")
    if several.gt(1).any():
        agents = [(names or {}).get(config, config) for config in summary["config_id"]]
    if len(set(agents)) > 1:
        header = ["agent", *header]
        rows = [[agent, *row] for agent, row in zip(agents, rows, strict=True)]
    return header, rows


def _cell(text: str) -> str:
    return text.replace("|", r"\|")
