"""Which setting makes the difference: a figure and a page with a row for each variant."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from experiments.figures import drawing, pages
from experiments.figures.matplotlib_alone import Axes, Figure, NullFormatter
from experiments.figures.protocol import protocol
from experiments.figures.variants import DEFAULT, effects, rule, variants
from experiments.records.summary import spread

_MAX_SIZES = 4

_FILLED: dict[str, Any] = {"linestyle": "none", "markersize": 6.5, "linewidth": 1.2}
_LOOKS: dict[str, dict[str, Any]] = {
    DEFAULT: _FILLED | {"color": "#000000", "marker": "D"},
    "worse": _FILLED | {"color": "#D55E00", "marker": "s"},
    "better": _FILLED | {"color": "#009E73", "marker": "*", "markersize": 10},
    "unclear": _FILLED | {"color": "#0072B2", "marker": "o", "markerfacecolor": "white"},
}
_LABELS = {
    DEFAULT: "default",
    "worse": "worse than the default in every seed",
    "better": "better in every seed",
    "unclear": "no clear difference",
}


def figure(runs: pd.DataFrame) -> Figure | None:
    """Success and time to solve of each variant, a pair of panels for each n (at most 4).

    Args:
        runs: As for :func:`experiments.figures.variants.variants`; None where it gives None.
    """
    some = variants(runs)
    if some is None:
        return None
    table = effects(some)
    sizes = sorted(int(n) for n in table["n"].unique())
    sizes = [sizes[place] for place in spread(len(sizes), _MAX_SIZES)]
    names = list(table["variant"].cat.categories)
    canvas, grid = drawing.panels(
        1,
        2 * len(sizes),
        "Which of these makes the difference? DQN + HER",
        "One setting of the default changed at a time. Left of each pair: success rate at the "
        "end, mean with a 95% interval (bootstrap). Right: environment steps until solved, median "
        "seed. Dots: single seeds. Open triangles: unsolved at their end, at the steps they used. "
        f"{rule(some)} {protocol(some[some['variant'] == DEFAULT])}",
        (max(7.5, 2.6 + 2.9 * len(sizes)), 1.9 + 0.29 * len(names)),
        sharey=True,
    )
    some["_used"] = some["env_steps"].to_numpy(dtype=float, na_value=np.nan)
    reached = some["_time"].fillna(some["_used"]).clip(lower=1).dropna()
    for left, right, n in zip(grid[0, ::2], grid[0, 1::2], sizes, strict=True):
        _success(left, some[some["n"] == n], table[table["n"] == n])
        _steps(right, some[some["n"] == n], table[table["n"] == n])
        left.set_title(f"n = {n}", fontsize=10, fontweight="bold", loc="left")
        if len(reached):
            low = 10 ** np.floor(np.log10(reached.min()))
            right.set_xlim(low, max(10 * low, reached.max() * 1.5))  # a decade at least
    canvas.subfigs[0].align_xlabels(grid[0])
    first = grid[0, 0]
    first.set_yticks(range(len(names)), [drawing.plain(textwrap.fill(name, 30)) for name in names])
    first.set_ylim(len(names) - 0.4, -0.6)
    first.get_yticklabels()[names.index(DEFAULT)].set_fontweight("bold")
    found = set(table["verdict"])
    further = {_LABELS[name]: look for name, look in _LOOKS.items() if name in found}
    if some["_time"].isna().any():
        further["unsolved"] = drawing.hollow("0.3")
    return drawing.with_legend(canvas, further=further)


def _success(axes: Axes, runs: pd.DataFrame, table: pd.DataFrame) -> None:
    for row, places, group in _rows(axes, runs, table):
        look = _LOOKS[row["verdict"].iloc[0]]
        axes.plot(group["success_rate"], places, **drawing.dots(look) | {"alpha": 0.5})
        drawing.rates(axes, row["variant"].cat.codes.to_numpy(dtype=float), row, look, across=True)
    axes.axvline(_usual(table, "success_rate_mean"), color="0.75", linewidth=1, zorder=1)
    axes.set_xlim(-0.05, 1.05)
    axes.set_xlabel("success rate", fontsize=9)


def _steps(axes: Axes, runs: pd.DataFrame, table: pd.DataFrame) -> None:
    for row, places, group in _rows(axes, runs, table):
        look = _LOOKS[row["verdict"].iloc[0]]
        done = group["_time"].notna().to_numpy()
        axes.plot(group["_time"][done], places[done], **drawing.dots(look) | {"alpha": 0.5})
        failed = drawing.hollow(look["color"]) | {"markersize": 5}
        axes.plot(group["_used"][~done], places[~done], **failed)
        axes.plot(row["steps"], row["variant"].cat.codes, **look, zorder=3)
    axes.axvline(_usual(table, "steps"), color="0.75", linewidth=1, zorder=1)
    axes.set_xscale("log")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("env steps until solved", fontsize=9)


def _rows(
    axes: Axes, runs: pd.DataFrame, table: pd.DataFrame
) -> Iterator[tuple[pd.DataFrame, Any, pd.DataFrame]]:
    """Each variant's row of the table, its seeds' places on the y axis, and its runs."""
    axes.axhspan(-0.5, 0.5, color="0.95", zorder=0)
    for place in range(len(table)):
        row = table.iloc[[place]]
        group = runs[runs["variant"] == row["variant"].iloc[0]].sort_values("seed")
        aside = np.linspace(-0.25, 0.25, len(group)) if len(group) > 1 else np.zeros(len(group))
        yield row, row["variant"].cat.codes.iloc[0] + aside, group


def _usual(table: pd.DataFrame, name: str) -> float:
    return float(table.loc[table["variant"] == DEFAULT, name].iloc[0])


def page(runs: pd.DataFrame) -> str | None:
    """The same as a page: a row a variant, three columns for each n, and the verdict.

    Args:
        runs: As for :func:`figure`.
    """
    some = variants(runs)
    if some is None:
        return None
    table = effects(some)
    sizes = sorted(int(n) for n in table["n"].unique())
    header = ["DQN + HER"]
    for n in sizes:
        header += [f"n = {n}: solved", "success rate (lowest)", "env steps to solve"]
    rows = []
    for variant, group in table.groupby("variant", observed=True):
        name = str(variant)
        cells = [f"**{name}**" if name == DEFAULT else name]
        by_size = {int(row["n"]): row for row in group.to_dict("records")}
        for n in sizes:
            cells += _cells(by_size[n]) if n in by_size else ["-"] * 3
        found = [
            f"{verdict} at n = {', '.join(places)}"
            for verdict in ("worse", "better")
            if (places := [str(n) for n, row in by_size.items() if row["verdict"] == verdict])
        ]
        rows.append([*cells, "; ".join(found) or "-"])
    return pages.page(
        "ablation",
        "Which of these makes the difference?",
        "Each row is HER's default with one setting changed, and with what by default goes with "
        "it. *Solved*: seeds that are. *Env steps to solve*: median over all seeds, unsolved ones "
        "the slowest, and its ratio to the default's; a dash where the median seed is unsolved. "
        f"{rule(some)}",
        f"{protocol(some[some['variant'] == DEFAULT])}.",
        pages.markdown([*header, "difference"], rows),
    )


def _cells(row: dict[Any, Any]) -> list[str]:
    ratio = "" if row["verdict"] == DEFAULT or pd.isna(row["ratio"]) else f" (x {row['ratio']:.2g})"
    return [
        f"{row['solved']}/{row['seeds']}",
        f"{row['success_rate_mean']:.3f} ({row['success_rate_min']:.3f})",
        f"{pages.number(row['steps'])}{ratio}",
    ]
