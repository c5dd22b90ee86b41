"""The largest n solved against compute: measured learners, and uniform play at measured rates."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from experiments.evaluation.dithering import dithering_env_steps
from experiments.figures import drawing, pages
from experiments.figures.frontier import largest_solved
from experiments.figures.joined import Joined, points
from experiments.figures.matplotlib_alone import Axes, Figure

Unit = Literal["env_steps", "seconds"]

_STEPS, _SECONDS = (1e3, 1e13), (1e-1, 1e6)
_TIMES = {"minute": 60, "hour": 3_600, "day": 86_400}
_TITLE = "One more bit costs twice the steps, unless s is told"
_SOLVED = "each n that more than half of the seeds solve"
_COMPUTED = "a uniform policy's first reward is expected"
_TASK = "One fixed s, random starts, horizon n, reward 1 at s and 0 elsewhere, network mlp"
_LOOKS: dict[str, dict[str, Any]] = {
    "HER, told s": {"color": "#D55E00", "marker": "s"},
    "packed search, then rewarded replay": {"color": "#000000", "marker": "*", "markersize": 8.5},
    "rewarded replay": {"color": "#009E73", "marker": "D"},
    "prioritized replay": {"color": "#CC79A7", "marker": "P", "markersize": 6.5},
    "uniform replay": {"color": "#0072B2", "marker": "o"},
}
_LINE: dict[str, Any] = {"linestyle": "-", "linewidth": 1.8, "markersize": 5, "zorder": 5}
_QUIET = "0.35"
_ROOM = 3.5
"""Decades of steps that a learner's name takes."""


class End(NamedTuple):
    """Where a learner's line ends."""

    at: float
    n: int
    barred: bool
    """More was spent, up to there, on a larger n that stayed unsolved."""


def figure(joined: Joined | None) -> Figure | None:
    """Largest n solved against environment steps, and against seconds.

    Args:
        joined: None where no folders are joined, and then there is no figure; nor is there one if
            they have nothing of it.
    """
    if joined is None or not (joined.rates or len(points(joined.runs))):
        return None
    found = points(joined.runs)
    canvas, grid = drawing.panels(
        1,
        2,
        _TITLE,
        f"Solid: measured; {_SOLVED}, at the median seed. Thin, to a bar: spent on a larger n that "
        f"stayed unsolved. Dashed: computed; on the right n at which {_COMPUTED}, at measured "
        f"rates. {_TASK}.",
        (11.5, 6.2),
        sharey=True,
        width_ratios=(10, 9),
    )
    left, right = grid[0]
    left.set(xscale="log", xlim=_STEPS, xlabel="environment steps", ylabel="n (bits) solved")
    right.set(xscale="log", xlim=_SECONDS, xlabel="seconds")
    ends = np.array(_STEPS)
    drawing.reference(left, ends, np.log2(ends), "n = log2(steps)", color=_QUIET)
    _names(left, found, _learners(left, found, "env_steps"))
    _learners(right, found, "seconds")
    _clock(right, joined.rates)
    top = 4 + max(
        math.log2(_STEPS[1]),
        *(n for line in left.lines for n in line.get_ydata()),
        *(within(rate * _SECONDS[1]) for rate in joined.rates.values()),
    )
    left.set_ylim(0, top)
    left.fill_between(ends, np.log2(ends), top, color="0.955", linewidth=0, zorder=0)
    _say(
        left, "only if s is told", (_STEPS[1], top), (-6, -6), ha="right", va="top", style="italic"
    )
    _say(left, "n = log2(steps)", (4e11, math.log2(4e11)), (-10, 6), ha="right")
    return canvas


def _say(
    axes: Axes, text: str, at: tuple[float, float], by: tuple[float, float], **look: Any
) -> None:
    """Words beside a place, so many points aside, which need no room of their own in a panel."""
    usual: dict[str, Any] = {"fontsize": 9, "color": _QUIET, "annotation_clip": False}
    axes.annotate(text, at, by, textcoords="offset points", **usual | look)


def _learners(axes: Axes, found: pd.DataFrame, unit: Unit) -> dict[str, End]:
    """A line for each learner, and where it ends."""
    ends = {}
    for name, rows in found.groupby("learner", sort=False) if len(found) else ():
        look = _LOOKS[str(name)]
        times = rows[unit].where(np.isfinite(rows[unit]))
        axes.plot(times, rows["n"], label=str(name), **_LINE | look)
        if times.isna().all():
            continue
        last = rows[times.notna()].iloc[-1]
        spent = rows.loc[rows["n"] > last["n"], f"used_{unit}"].max()
        end = End(float(last[unit]), int(last["n"]), barred=False)
        if spent > end.at:
            bar: dict[str, Any] = {"marker": "|", "markersize": 9, "markevery": [1]}
            thin = {"color": look["color"], "linewidth": 1, "zorder": 4}
            axes.plot([end.at, spent], [end.n, end.n], **bar | thin)
            end = End(float(spent), end.n, barred=True)
        ends[str(name)] = end
    return ends


def _names(axes: Axes, found: pd.DataFrame, ends: Mapping[str, End]) -> None:
    """Each learner's name after its line, or below its middle where there is no room."""
    barred = sorted((name for name in ends if ends[name].barred), key=lambda name: -ends[name].n)
    levels = dict(zip(barred, _apart([ends[name].n for name in barred], 2.4), strict=True))
    for name, (at, n, _) in ends.items():
        look = {"color": _LOOKS[name]["color"], "fontweight": "bold"}
        text = name.replace(", then", ",\nthen")
        if math.log10(_STEPS[1] / at) < _ROOM:
            solved = found[(found["learner"] == name) & np.isfinite(found["env_steps"])]
            middle = solved.iloc[len(solved) // 2]
            _say(axes, text, (middle["env_steps"], middle["n"]), (8, -6), va="top", **look)
        elif name in levels:
            _say(axes, text, (at, levels[name]), (7, 0), va="center", **look)
        else:
            _say(axes, text, (at, n), (8, -3), va="top", **look)


def _clock(axes: Axes, rates: Mapping[str, float]) -> None:
    """How far uniform play gets at each rate, and what a minute, an hour and a day of it reach."""
    top = axes.get_xaxis_transform()
    for name, seconds in _TIMES.items():
        axes.axvline(seconds, color="0.75", linewidth=0.9, zorder=1)
        _say(axes, name, (seconds, 1), (0, 3), xycoords=top, ha="center")
    order = sorted(rates, key=rates.__getitem__, reverse=True)
    if order:
        _say(axes, "uniform play", (_SECONDS[1], 1), (6, 3), xycoords=top, style="italic")
    end = _SECONDS[1]
    levels = _apart([math.log2(rates[name] * end) for name in order], 4.4)
    faster = [math.inf, *(rates[name] for name in order)]
    for name, level, above in zip(order, levels, faster, strict=False):
        rate, expected = rates[name], first_rewards()
        times = np.array(list(expected.values())) / rate
        drawing.reference(axes, times, list(expected), name, color=_QUIET, linewidth=1.1)
        look: dict[str, Any] = {"ha": "right", "va": "bottom"}
        by = (-3.0, 1.0)
        if above < 4 * rate:  # the other line's numbers are there
            look, by = {"ha": "left", "va": "top"}, (3.0, -3.0)
        for seconds in _TIMES.values():
            steps = rate * seconds
            _say(axes, f"{within(steps)}", (seconds, math.log2(steps)), by, **look)
        label = f"{name}\n{_power(rate)} steps/s"
        _say(axes, label, (end, level), (6, 0), va="center", color="0.2", fontsize=8.5)


def _apart(levels: Sequence[float], gap: float) -> list[float]:
    """Levels from the highest, moved down where they are closer than that."""
    return list(itertools.accumulate(levels, lambda above, own: min(own, above - gap)))


def _power(value: float) -> str:
    exponent = math.floor(math.log10(value))
    return rf"${value / 10**exponent:.1f} \cdot 10^{{{exponent}}}$"


@functools.cache
def first_rewards() -> dict[int, float]:
    """Expected environment steps of a uniform policy up to its first reward, by n."""
    return {n: dithering_env_steps(n) for n in range(1, 81)}


def within(steps: float) -> int:
    """The largest n whose first reward a uniform policy expects within so many steps; or 0."""
    return largest_solved(first_rewards(), steps)[0] or 0


def page(joined: Joined | None) -> str | None:
    """Tables: learners by n, uniform play by rate and time, and by steps.

    Args:
        joined: As for :func:`figure`.
    """
    if joined is None or not (joined.rates or len(points(joined.runs))):
        return None
    found = points(joined.runs)
    parts = []
    if len(found):
        names = found.drop_duplicates("learner")
        header = [f"{row.learner} ({row.folder})" for row in names.itertuples()]
        cells = {(row.learner, row.n): _cell(row) for row in found.itertuples()}
        rows = [
            [f"{n}", *(cells.get((name, n), "") for name in names["learner"])]
            for n in sorted(found["n"].unique())
        ]
        parts += [
            f"Measured: seeds solved; environment steps and seconds within which more than half of "
            f"them are (a dash where they are not). In brackets the folder. {_TASK}.",
            pages.markdown(["n", *header], rows),
        ]
    if joined.rates:
        rows = [
            [name, f"{rate:,.0f}", *(f"{within(rate * seconds)}" for seconds in _TIMES.values())]
            for name, rate in joined.rates.items()
        ]
        parts += [
            f"Computed: the largest n at which {_COMPUTED} within a minute, an hour, a day.",
            pages.markdown(["uniform play", "env steps/s", *_TIMES], rows),
        ]
    decades = range(3, 14)
    header = [f"10^{decade}" for decade in decades]
    chance = ["uniform policy", *(f"{within(10.0**decade)}" for decade in decades)]
    listed = ["log2(steps)", *(f"{decade * math.log2(10):.1f}" for decade in decades)]
    parts += [
        "The same by environment steps:",
        pages.markdown(["n within", *header], [chance, listed]),
    ]
    return pages.page("reach", _TITLE, *parts)


def _cell(row: Any) -> str:
    known = math.isfinite(row.env_steps)
    told = f"{row.env_steps:,.0f}, {row.seconds:,.3g} s" if known else "-"
    return f"{row.solved}/{row.seeds}, {told}"
