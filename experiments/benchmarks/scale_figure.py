"""How cost grows: a panel for each thing that grows, on logarithmic axes."""

from __future__ import annotations

from typing import Any

import pandas as pd

from experiments.benchmarks.scaling import PANELS, Panel
from experiments.figures import drawing
from experiments.figures.matplotlib_alone import Axes, Figure, LogLocator, NullFormatter

_CAPTION = (
    "Lines: median of the repeats, which are the faint dots (seeds, where runs are solved). Open "
    "triangles: runs unsolved at their end, at what they used. Environment: uniform random play; "
    "1,024 copies of this project's, 64 of SB3's BitFlippingEnv in DummyVecEnv, unless copies are "
    "what is counted. Buffer: one sample of 128. One fixed target for the runs that are solved. "
    "One CPU thread."
)
_LOOKS: dict[str, tuple[str, Any, str]] = {
    "this project": ("#0072B2", "-", "o"),
    "stock SB3": ("#D55E00", (0, (5, 1.5)), "s"),
    "HER, mlp": ("#009E73", "-", "D"),
    "HER, equivariant": ("#CC79A7", (0, (5, 1.5)), "P"),
}


def scale(table: pd.DataFrame) -> Figure | None:
    """The panels that a table has rows for.

    Args:
        table: The columns of ``scale.csv``.

    Returns:
        None where there are none.
    """
    some = [panel for panel in PANELS if (table["panel"] == panel.name).any()]
    if not some:
        return None
    columns = min(3, len(some))
    rows = -(-len(some) // columns)
    canvas, grid = drawing.panels(
        rows,
        columns,
        "How cost grows",
        _CAPTION,
        size=(max(7.5, 3.9 * columns), 3.0 * rows + 1.0),
        sharex=False,
        sharey=False,
    )
    for axes, panel in zip(grid.flat, some, strict=False):
        _panel(axes, panel, table[table["panel"] == panel.name])
    for axes in grid.flat[len(some) :]:
        axes.remove()
    return drawing.with_legend(canvas, *grid.flat[: len(some)])


def _panel(axes: Axes, panel: Panel, table: pd.DataFrame) -> None:
    for name, (color, dashes, marker) in _LOOKS.items():
        rows = table[table["curve"] == name]
        if rows.empty:
            continue
        style: dict[str, Any] = {"color": color, "linestyle": dashes, "marker": marker}
        solved = rows[~rows["at_least"]]
        axes.plot(solved["x"], solved["value"], **drawing.dots(style))
        unsolved = rows[rows["at_least"]]
        if len(unsolved):
            axes.plot(unsolved["x"], unsolved["value"], **drawing.hollow(color))
        medians = rows.groupby("x")["median"].first()
        look = style | {"label": name, "markersize": 4.5, "linewidth": 1.6}
        axes.plot(medians.index.to_numpy(float), medians, **look)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_title(panel.title, fontsize=9.5, loc="left")
    axes.set_xlabel(panel.along, fontsize=9)
    axes.set_ylabel(panel.unit, fontsize=9)
    low, high = axes.get_ylim()
    if high < 100 * low:  # a flat line is not to look like a mountain
        middle = (low * high) ** 0.5
        axes.set_ylim(middle / 10, middle * 10)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(10, numticks=8))
        axis.set_minor_formatter(NullFormatter())
