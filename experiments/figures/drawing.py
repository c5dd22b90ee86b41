"""What all figures share: styles of series, panels, the axis of n, the legend.

Series differ in colour (Okabe and Ito's palette, safe for the colour-blind), in dashes and in
markers, so that every figure can be read in grey.
"""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from experiments.figures.matplotlib_alone import Axes, Figure, FuncFormatter, Line2D, NullLocator
from experiments.records.summary import spread

Floats = npt.NDArray[np.float64]

# Without the palette's yellow, which is lost on white.
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (5, 1.2, 1, 1.2)))
_MARKERS = "osDP*Xphd"  # without triangles, which stand for unsolved runs
_LOG_FROM = 100
"""Largest n from which the axis of n is logarithmic."""
_TALL = 10
"""Most entries of a legend in one column."""


def series(table: pd.DataFrame) -> Iterator[tuple[dict[str, Any], Any, pd.DataFrame]]:
    """Style, places on the axis of n, and rows of each series that has rows.

    Series step aside from each other by a hair, as many of them meet at 0 and at 1.
    """
    names = list(table["series"].cat.categories)
    styles = zip(
        itertools.cycle(_COLORS), itertools.cycle(_DASHES), itertools.cycle(_MARKERS), strict=False
    )
    log = len(table) > 0 and table["n"].max() >= _LOG_FROM
    drawn = [name for name in names if (table["series"] == name).any()]
    width = _room(np.unique(table["n"].to_numpy(dtype=float)), len(drawn), log)
    for name, (color, dashes, marker) in zip(names, styles, strict=False):
        if name not in drawn:
            continue
        rows = table[table["series"] == name]
        aside = width * (drawn.index(name) - (len(drawn) - 1) / 2) / max(1, len(drawn) - 1)

        def place(sizes: pd.Series, aside: float = aside) -> Floats:
            values = sizes.to_numpy(dtype=float)
            return values * np.exp(aside) if log else values + aside

        style = {"color": color, "linestyle": dashes, "marker": marker, "markersize": 4.5}
        yield style | {"linewidth": 1.6, "label": plain(str(name))}, place, rows


def _room(sizes: Floats, count: int, log: bool) -> float:
    """How far ``count`` series may spread around a size without being taken for another one's."""
    if len(sizes) < 2:
        return 0.02 * count
    places = np.log(sizes) if log else sizes
    gap, range_ = float(np.diff(places).min()), float(np.ptp(places))
    return min(0.3 * gap, 0.06 * range_, 0.015 * count * range_)


def plain(text: str) -> str:
    """Text that matplotlib does not take for mathematics."""
    return text.replace("$", r"\$")


def dots(style: dict[str, Any]) -> dict[str, Any]:
    """The look of single seeds."""
    look: dict[str, Any] = {"color": style["color"], "marker": ".", "linestyle": "none"}
    return look | {"markersize": 5, "alpha": 0.3, "markeredgewidth": 0}


def hollow(color: str) -> dict[str, Any]:
    """The look of unsolved runs."""
    look: dict[str, Any] = {"color": color, "marker": "^", "linestyle": "none"}
    return look | {"markersize": 6, "markerfacecolor": "none", "alpha": 0.8}


def reference(axes: Axes, sizes: Any, values: Any, label: str, **look: Any) -> None:
    """A line that was computed, not measured: above the others, which may well lie on it."""
    usual: dict[str, Any] = {"color": "0.2", "linestyle": (0, (6, 3)), "linewidth": 1.3}
    if len(sizes) == 1:
        usual |= {"marker": "_", "markersize": 15}
    axes.plot(sizes, values, label=label, **usual | {"zorder": 4} | look)


def rates(
    axes: Axes, at: Any, summary: pd.DataFrame, style: dict[str, Any], *, across: bool = False
) -> None:
    """Mean success rates with their intervals, from the columns of a summary.

    Args:
        axes: Where.
        at: Places on the other axis.
        summary: ``success_rate_mean``, ``_low`` and ``_high``.
        style: Of the line.
        across: Rates lie on the x axis.
    """
    means = summary["success_rate_mean"].to_numpy(dtype=float)
    ends = summary[["success_rate_low", "success_rate_high"]].to_numpy(dtype=float)
    reach = np.abs(ends - means[:, None]).T
    data = {"x": means, "y": at, "xerr": reach} if across else {"x": at, "y": means, "yerr": reach}
    _, caps, lines = axes.errorbar(capsize=2, zorder=3, **data, **style)
    for part in (*caps, *lines):
        part.set(alpha=0.5, linewidth=0.9)


def panels(
    rows: int, columns: int, title: str, caption: str, size: tuple[float, float], **layout: Any
) -> tuple[Figure, Any]:
    """A figure with a grid of panels.

    Args:
        rows: Of the grid.
        columns: Of the grid.
        title: Of the figure.
        caption: Below the title; wrapped.
        size: Inches.
        layout: Matplotlib's, of the grid.

    Returns:
        The figure, and an array of (rows, columns) axes.
    """
    canvas = Figure(figsize=size, layout="constrained")
    canvas.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    # A figure has one title; its only part has another, which is the caption.
    part: Any = canvas.subfigures(1, 1)
    lines = textwrap.wrap(caption, int(size[0] * 15.5))
    part.suptitle(plain("\n".join(lines)), x=0.01, ha="left", fontsize=8.5, color="0.3")
    grid = part.subplots(rows, columns, squeeze=False, **layout)
    for axes in grid.flat:
        axes.grid(color="0.92", linewidth=0.7)
        axes.set_axisbelow(True)
        axes.tick_params(labelsize=9)
        axes.spines[["top", "right"]].set_visible(False)
    return canvas, grid


def scale_of_n(axes: Axes, runs: pd.DataFrame) -> bool:
    """Mark the sizes on the axis of n; logarithmic, and True, where they span decades."""
    sizes = sorted({int(n) for n in runs["n"]})
    log = bool(sizes) and sizes[-1] >= _LOG_FROM
    if log:
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    if log or len(sizes) <= 10:
        axes.set_xticks([sizes[place] for place in spread(len(sizes), 10)])
    return log


def with_legend(
    canvas: Figure, *grid: Axes, further: dict[str, dict[str, Any]] | None = None
) -> Figure:
    """One legend for all panels, outside of them."""
    entries: dict[str, Any] = {}
    for axes in grid:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    for label, look in (further or {}).items():
        entries[label] = Line2D([], [], **look)
    longest = max(map(len, entries), default=1)
    column = 0.065 * longest + 0.7  # inches of text and line
    if len(entries) > _TALL and canvas.get_figwidth() < 2 * column:
        canvas.set_figwidth(2 * column)
    columns = max(1, min(int(canvas.get_figwidth() / column), 4, len(entries)))
    canvas.set_figheight(canvas.get_figheight() + 0.2 * -(-len(entries) // columns))
    usual: dict[str, Any] = {"fontsize": 8.5, "frameon": False, "handlelength": 3}
    canvas.legend(
        list(entries.values()), list(entries), loc="outside lower center", ncols=columns, **usual
    )
    return canvas
