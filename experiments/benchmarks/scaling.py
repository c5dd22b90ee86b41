"""How cost grows with n, capacity, copies and batch: panels as data, measured and drawn."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from experiments.benchmarks.environment_speed import sb3_vector, vector
from experiments.benchmarks.learner_speed import STOCK, sampling, setting, updating
from experiments.benchmarks.measuring import Contest, Side, measure
from experiments.benchmarks.repeats import Repeat, repeat_table
from experiments.benchmarks.solving import solving
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
    """One picture: at each of its places all its curves are measured in turn."""

    title: str
    along: str
    """What the x axis counts."""
    unit: str
    places: Sequence[int]
    sides: Callable[[int], dict[str, Side]]
    """The curves that have a figure at a place."""


def _copies(copies: int) -> dict[str, Side]:
    ours = {"this project": vector(copies, 30, _SECONDS)}
    return ours if copies > 1_024 else ours | {"stock SB3": sb3_vector(copies, 30, _SECONDS)}


def _length(n: int) -> dict[str, Side]:
    return {"this project": vector(1_024, n, _SECONDS), "stock SB3": sb3_vector(64, n, _SECONDS)}


def _sample(size: int) -> dict[str, Side]:
    settings = {"this project": setting(), "stock SB3": setting(**STOCK)}
    return {name: sampling(config, size, _SECONDS) for name, config in settings.items()}


def _batch(size: int) -> dict[str, Side]:
    ours, stock = setting(batch_size=size), setting(batch_size=size, **STOCK)
    return {"this project": updating(ours, 0.7), "stock SB3": updating(stock, 0.7)}


def _solved(column: str, n: int) -> dict[str, Side]:
    networks = [network for network, sizes in _SIZES.items() if n in sizes]
    return {f"HER, {network}": solving(network, n, column) for network in networks}


_SIZES = {"mlp": (5, 10, 20, 30, 40, 50), "equivariant": (10, 30, 50, 100, 200, 500, 1_000)}
_ALL_SIZES = sorted({n for sizes in _SIZES.values() for n in sizes})
_SECONDS_SOLVED = functools.partial(_solved, "seconds_to_solve")
_STEPS_SOLVED = functools.partial(_solved, "env_steps_to_solve")
PANELS: Mapping[str, Panel] = {
    "copies": Panel(
        "Environment: copies, n = 30",
        "copies",
        "env steps/s",
        (1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536),
        _copies,
    ),
    "length": Panel(
        "Environment: bits",
        "n (bits)",
        "env steps/s",
        (10, 30, 100, 300, 1_000, 3_000, 10_000),
        _length,
    ),
    "sample": Panel(
        "Hindsight buffer: capacity", "slots", "ms", (1_000, 10_000, 100_000, 1_000_000), _sample
    ),
    "batch": Panel(
        "Updates: batch, n = 30, [256]", "batch", "updates/s", (32, 128, 512, 2_048, 8_192), _batch
    ),
    "seconds": Panel("Seconds to solve", "n (bits)", "s", _ALL_SIZES, _SECONDS_SOLVED),
    "steps": Panel(
        "Environment steps to solve", "n (bits)", "environment steps", _ALL_SIZES, _STEPS_SOLVED
    ),
}


def measured(name: str, panel: Panel, repeats: int | None = None) -> Iterator[tuple[int, Repeat]]:
    """Every place of a panel, with each of its repeats, by default three."""
    for place in panel.places:
        contest = Contest(panel.unit, functools.partial(panel.sides, place), 3)
        for repeat in measure(name, contest, repeats):
            yield place, repeat


def scale_table(measured: Sequence[tuple[int, Repeat]]) -> pd.DataFrame:
    """The rows of ``scale.csv``: those of the repeats, each at its place of its panel's curve."""
    table = repeat_table([repeat for _, repeat in measured], [place for place, _ in measured])
    return table.rename(columns={"contest": "panel", "side": "curve"})


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
