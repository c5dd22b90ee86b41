"""How long runs take until solved, drawn beside the exact dithering line."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd

from experiments.evaluation.dithering import (
    dithering_env_steps,
    dithering_episodes,
    writing_episodes,
)
from experiments.figures import drawing
from experiments.figures.matplotlib_alone import Axes
from experiments.figures.protocol import is_written
from experiments.records.summary import median, times_to_solve

Unit = Literal["env_steps", "episodes"]

_EXPECTED = {"env_steps": dithering_env_steps, "episodes": dithering_episodes}
_WORDS = {"env_steps": "environment steps", "episodes": "episodes"}

LEGEND = (
    "Solved: a success rate of at least 0.99 (0.95 where strings are written) that later looks "
    "confirm. Lines: median seed, "
    "where it solved. Faint dots: single seeds. Open triangles: runs unsolved at their end, at the "
)
"""What a caption says of :func:`draw`; the unit follows."""


def draw(axes: Axes, runs: pd.DataFrame, unit: Unit) -> dict[str, dict[str, Any]]:
    """Time to solve against n on a log axis: seeds, medians, unsolved runs, the dithering line.

    Args:
        axes: Where.
        runs: The columns of ``runs.csv`` and a categorical ``series``.
        unit: What is counted.

    Returns:
        What the legend should have beside the labelled lines.
    """
    used = runs[unit].to_numpy(dtype=float, na_value=np.nan)
    times = times_to_solve(runs, unit)
    # A log axis has no zero.
    runs = runs.assign(_used=np.maximum(np.where(np.isnan(times), used, times), 1), _time=times)
    for style, place, group in drawing.series(runs):
        failed = group["_time"].isna()
        for some, look in (
            (group[~failed], drawing.dots(style)),
            (group[failed], drawing.hollow(style["color"])),
        ):
            axes.plot(place(some["n"]), some["_used"], **look)
        medians = group.groupby("n")["_time"].agg(median)
        axes.plot(place(medians.index), medians.clip(lower=1), **style, zorder=3)
    axes.set_yscale("log")
    known = runs["_used"].dropna()
    low, high = (known.min(), known.max()) if len(known) else (1.0, 1e4)
    top = high * 50  # a few decades are enough: the dithering line may well go on to 1e300
    sizes, expected = dithering_line(runs, unit, top)
    if expected[0] < top:
        low = min(low, expected[-1])
        top = min(top, 2 * max(high, expected[-1]))
        drawing.reference(axes, sizes, expected, "uniform random policy")
    else:
        top = high * 5
        count = f"{expected[0]:.1e}" if np.isfinite(expected[0]) else "over 1e+308"
        note = f"uniform random policy: {count} {_WORDS[unit]} at n = {sizes[0]}, off the scale"
        axes.annotate(note, (0.02, 0.95), xycoords="axes fraction", fontsize=9, color="0.25")
    axes.set_ylim(low / 2, top)
    axes.set_ylabel(_WORDS[unit])
    drawing.scale_of_n(axes, runs)
    return {"unsolved": drawing.hollow("0.3")} if runs["_time"].isna().any() else {}


def dithering_line(
    runs: pd.DataFrame, unit: Unit, stop: float, first: int | None = None
) -> tuple[list[int], list[float]]:
    """The dithering line under the runs' protocol, until it is above ``stop``.

    Args:
        runs: The columns of ``runs.csv``.
        unit: What is counted.
        stop: The last value is the first above this.
        first: Smallest n, where the horizon is n; the runs' smallest if it is None. Such a line
            goes on beyond the runs' sizes if this is given.

    Returns:
        Sizes and expected values.
    """
    sizes = sorted({int(n) for n in runs["n"]})
    horizons = {int(n): h for n, h in runs.groupby("n")["max_steps"].min().items()}  # type: ignore[call-overload]
    horizon_n = all(pd.isna(h) or h == n for n, h in horizons.items())
    if horizon_n:  # the same rule at every size: the line may have all the sizes between
        end = sizes[-1] if first is None else 10_000
        sizes = list(range(sizes[0] if first is None else first, end + 1))
    writes = len(runs) and is_written(runs).all()
    kept = (runs["start"] == "zeros") & (runs["goal_mode"] == "fixed")
    start: Any = "zeros" if len(runs) and kept.fillna(False).all() else "random"
    line: tuple[list[int], list[float]] = ([], [])
    for n in sizes:
        horizon = None if horizon_n else int(horizons[n])
        if writes:  # each episode is another string
            value = writing_episodes(n) * ((horizon or n) if unit == "env_steps" else 1)
        else:
            value = _EXPECTED[unit](n, horizon, start)
        line[0].append(n)
        line[1].append(value)
        if value > stop:
            break
    return line
