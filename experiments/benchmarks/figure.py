"""The benchmark in one picture: every ratio against its goal and its aim."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from experiments.benchmarks.measuring import Outcome
from experiments.benchmarks.page import TITLE, aim_shown, shown, significant
from experiments.figures import drawing
from experiments.figures.matplotlib_alone import Axes, Figure, FuncFormatter, NullLocator

_MET, _MISSED, _QUIET = "#0072B2", "#D55E00", "0.55"
_CAPTION = (
    "Where a ratio stands between its goal (the line) and its aim (the diamond): the axis counts "
    'multiples of the goal, turned over for rows that say "at most", so that right is always '
    "better. Dots: median over repeats that measure both sides in turn; bars: their range; an "
    "arrow: a lower bound, as the other side was stopped. One thread."
)
_LOOKS: dict[str, dict[str, Any]] = {
    "goal met": {"marker": "o", "linestyle": "none", "markersize": 7, "color": _MET},
    "goal missed": {
        "marker": "o",
        "linestyle": "none",
        "markersize": 7,
        "color": _MISSED,
        "markerfacecolor": "white",
        "markeredgewidth": 1.8,
    },
    "aim": {
        "marker": "D",
        "linestyle": "none",
        "markersize": 6,
        "color": "0.15",
        "markerfacecolor": "none",
    },
}
_BARS: dict[str, Any] = {"solid_capstyle": "round", "linewidth": 3, "alpha": 0.3, "zorder": 2}


def benchmark(outcomes: Sequence[Outcome]) -> Figure:
    """A line for each row, from top to bottom."""
    canvas, grid = drawing.panels(
        1, 1, TITLE, _CAPTION, size=(11.5, 0.52 * len(outcomes) + 1.5), sharex=False, sharey=False
    )
    axes = grid[0, 0]
    for place, outcome in enumerate(outcomes):
        _line(axes, place, outcome)
    axes.axvline(1, color="0.15", linewidth=1.3, zorder=1)
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    low, high = min(low, 0.45), max(high, 3.0)
    axes.axvspan(low / 10, 1, color=_MISSED, alpha=0.05, linewidth=0, zorder=0)
    axes.set_xlim(low * 0.9, high * 1.1)
    ticks = [tick for tick in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50) if low <= tick <= high]
    axes.set_xticks(ticks)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}x"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("ratio / goal")
    axes.set_ylim(len(outcomes) - 0.5, -0.5)
    axes.set_yticks([])
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    return drawing.with_legend(canvas, axes, further=_LOOKS)


def _line(axes: Axes, place: int, outcome: Outcome) -> None:
    measured = outcome.ratio is not None
    _words(axes, place, outcome)
    axes.axhline(place + 0.5, color="0.93", linewidth=0.7, zorder=0)
    if outcome.aim is not None:
        aim = _place(outcome, outcome.aim)
        axes.plot([aim], [place], **_LOOKS["aim"], zorder=3, alpha=1.0 if measured else 0.35)
    if outcome.ratio is None or outcome.low is None or outcome.high is None:
        axes.annotate(
            outcome.note or "unmeasured",
            (1, place),
            (-6, 0),
            textcoords="offset points",
            va="center",
            ha="right",
            fontsize=8.5,
            color=_QUIET,
            style="italic",
        )
        return
    look = _LOOKS["goal met" if outcome.verdict == "met" else "goal missed"]
    ends = [_place(outcome, outcome.low), _place(outcome, outcome.high)]
    axes.plot(ends, [place, place], color=look["color"], **_BARS)
    at = _place(outcome, outcome.ratio)
    axes.plot([at], [place], **look, zorder=4)
    if outcome.at_least:
        arrow = {"arrowstyle": "->", "color": look["color"], "linewidth": 1.8}
        axes.annotate("", (at * 1.35, place), (at, place), arrowprops=arrow, zorder=4)


def _place(outcome: Outcome, ratio: float) -> float:
    """Multiples of the goal, so that more is better."""
    goal = outcome.row.goal
    return goal / ratio if outcome.row.at_most else max(ratio, goal / 100) / goal


def _words(axes: Axes, place: int, outcome: Outcome) -> None:
    """What is compared to the left of a line, its figures to the right."""
    row = outcome.row
    color = "0.1" if outcome.ratio is not None else _QUIET
    usual: dict[str, Any] = {
        "xycoords": axes.get_yaxis_transform(),
        "textcoords": "offset points",
        "annotation_clip": False,
    }
    left = usual | {"ha": "right"}
    axes.annotate(row.what, (0, place), (-8, 1), va="bottom", fontsize=9, color=color, **left)
    if row.other is not None:
        text = f"against {row.peer}"
        axes.annotate(text, (0, place), (-8, -1), va="top", fontsize=7.5, color=_QUIET, **left)
    told = f"goal {significant(row.goal)}"
    if row.aim is not None:
        told += f", aim {aim_shown(outcome)}"
    right = usual | {"ha": "left"}
    axes.annotate(
        shown(outcome),
        (1, place),
        (8, 1),
        va="bottom",
        fontsize=9.5,
        fontweight="bold",
        color=color,
        **right,
    )
    axes.annotate(told, (1, place), (8, -1), va="top", fontsize=7.5, color=_QUIET, **right)
