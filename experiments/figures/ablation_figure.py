"""The figure of an ablation: a row a variant, a pair of panels for each n."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from experiments.figures import drawing
from experiments.figures.ablation import DEFAULT, effects, rule, variants
from experiments.figures.series import protocol
from experiments.records.summary import spread, times_to_solve

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
_LOST: dict[str, Any] = {"color": "0.3", "marker": "x", "linestyle": "none", "markersize": 4.5}


def ablation(runs: pd.DataFrame) -> Figure | None:
    """Success and time to solve of each variant, a pair of panels for each n (at most 4).

    Args:
        runs: As for :func:`experiments.figures.ablation.variants`.

    Returns:
        None where there is no ablation.
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
        "end, mean with a 95% interval (Wilson's). Right: environment steps until solved, median "
        "seed. Dots: single seeds. Open triangles: unsolved at their end, at the steps they used. "
        f"{rule(some)} "
        f"{protocol(some[some['variant'] == DEFAULT])}",
        size=(max(7.5, 2.6 + 2.9 * len(sizes)), 1.9 + 0.29 * len(names)),
        sharex=False,
    )
    some = some.assign(_time=times_to_solve(some, "env_steps"))
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
    further = {
        _LABELS[name]: look for name, look in _LOOKS.items() if name in set(table["verdict"])
    }
    if some["_time"].isna().any():
        further["unsolved"] = drawing.hollow("0.3")
    if (some["_time"].isna() & some["env_steps_to_solve"].notna()).any():
        further["solved once, not at the end"] = _LOST
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
        lost = group["env_steps_to_solve"].to_numpy(dtype=float, na_value=np.nan)
        shown = ~done & ~np.isnan(lost)
        axes.plot(lost[shown], places[shown], **_LOST | {"color": look["color"]})
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
