"""How cost grows with n, capacity, copies and batch: panels as data, measured and drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from experiments.benchmarks.measuring import Repeat, Sides, measure, repeat_table
from experiments.benchmarks.solving import solving
from experiments.benchmarks.speeds import STOCK, sampling, sb3_vector, setting, updating, vector
from experiments.figures import drawing
from experiments.figures.matplotlib_alone import Axes, Figure, LogLocator, NullFormatter

_SECONDS = 0.25
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


class Panel(NamedTuple):
    """One picture: at each place on the x axis, its curves are measured in turn."""

    title: str
    along: str
    unit: str
    places: Sequence[int]
    sides: Callable[[int], Sides]


def _copies(copies: int) -> Sides:
    ours = {"this project": vector(copies, 30, _SECONDS)}
    return ours if copies > 1_024 else ours | {"stock SB3": sb3_vector(copies, 30, _SECONDS)}


def _length(n: int) -> Sides:
    return {"this project": vector(1_024, n, _SECONDS), "stock SB3": sb3_vector(64, n, _SECONDS)}


def _sample(size: int) -> Sides:
    return {name: sampling(setting(**own), size, _SECONDS) for name, own in _PEERS.items()}


def _batch(size: int) -> Sides:
    return {name: updating(setting(batch_size=size, **own), 0.7) for name, own in _PEERS.items()}


def _solved(column: str) -> Callable[[int], Sides]:
    return lambda n: {
        f"HER, {network}": solving(network, n, column)
        for network, sizes in _SIZES.items()
        if n in sizes
    }


_BITS = "n (bits)"
_PEERS: dict[str, dict[str, Any]] = {"this project": {}, "stock SB3": STOCK}
_SIZES = {"mlp": (5, 10, 20, 30, 40, 50), "equivariant": (10, 30, 50, 100, 200, 500, 1_000)}
_ALL_SIZES = sorted({n for sizes in _SIZES.values() for n in sizes})
PANELS: Mapping[str, Panel] = {
    "copies": Panel(
        "Environment: copies, n = 30", "copies", "env steps/s", [4**k for k in range(9)], _copies
    ),
    "length": Panel(
        "Environment: bits", _BITS, "env steps/s", (10, 30, 100, 300, 1_000, 3_000, 10_000), _length
    ),
    "sample": Panel(
        "Hindsight buffer: capacity", "slots", "ms", (1_000, 10_000, 100_000, 1_000_000), _sample
    ),
    "batch": Panel(
        "Updates: batch, n = 30, [256]", "batch", "updates/s", (32, 128, 512, 2_048, 8_192), _batch
    ),
    "seconds": Panel("Seconds to solve", _BITS, "s", _ALL_SIZES, _solved("train_seconds")),
    "steps": Panel(
        "Environment steps to solve",
        _BITS,
        "environment steps",
        _ALL_SIZES,
        _solved("env_steps"),
    ),
}


def measured(name: str, repeats: int | None = None) -> Iterator[Repeat]:
    """A row for each repeat, by default three, at every place of a panel."""
    panel = PANELS[name]
    for place in panel.places:
        for row in measure(panel.sides(place), panel.unit, repeats or 3):
            yield {"panel": name, "curve": row["side"], "x": place} | row


def scale_table(measured: Sequence[Repeat]) -> pd.DataFrame:
    """The rows of ``scale.csv``: each repeat at its place of its panel's curve."""
    return repeat_table(measured, ("panel", "curve", "x"))


def scale_figure(table: pd.DataFrame) -> Figure | None:
    """The panels that a ``scale.csv`` has rows for, or None."""
    some = [name for name in PANELS if (table["panel"] == name).any()]
    if not some:
        return None
    columns = min(3, len(some))
    rows = -(-len(some) // columns)
    size = (max(7.5, 3.9 * columns), 3.0 * rows + 1.0)
    canvas, grid = drawing.panels(
        rows, columns, "How cost grows", _CAPTION, size=size, sharex=False, sharey=False
    )
    for axes, name in zip(grid.flat, some, strict=False):
        _draw(axes, PANELS[name], table[table["panel"] == name])
    for axes in grid.flat[len(some) :]:
        axes.remove()
    return drawing.with_legend(canvas, *grid.flat[: len(some)])


def _draw(axes: Axes, panel: Panel, table: pd.DataFrame) -> None:
    for name, (color, dashes, marker) in _LOOKS.items():
        rows = table[table["curve"] == name]
        if rows.empty:
            continue
        style: dict[str, Any] = {"color": color, "linestyle": dashes, "marker": marker}
        solved, unsolved = rows[~rows["at_least"]], rows[rows["at_least"]]
        axes.plot(solved["x"], solved["value"], **drawing.dots(style))
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
