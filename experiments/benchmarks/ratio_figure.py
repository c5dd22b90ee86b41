"""The ratios in one picture: every one of them against its goal and its aim."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from experiments.benchmarks.measuring import AtLeast
from experiments.benchmarks.ratios import TITLE, Outcome, words
from experiments.figures import drawing
from experiments.figures.matplotlib_alone import Axes, Figure, FuncFormatter, NullLocator

_MISSED, _QUIET = "#D55E00", "0.55"
_CAPTION = (
    "Where a ratio stands between its goal (the line) and its aim (the diamond): the axis counts "
    'multiples of the goal, turned over for rows that say "at most", so that right is always '
    "better. Dots: median over repeats that measure both sides in turn; bars: their range; an "
    "arrow: a lower bound, as the other side was stopped. One thread."
)
_DOT: dict[str, Any] = {"marker": "o", "linestyle": "none", "markersize": 7}
_HOLLOW: dict[str, Any] = {"markerfacecolor": "white", "markeredgewidth": 1.8}
_LOOKS: dict[str, dict[str, Any]] = {
    "goal met": _DOT | {"color": "#0072B2"},
    "goal missed": _DOT | {"color": _MISSED} | _HOLLOW,
    "aim": _DOT | {"marker": "D", "markersize": 6, "color": "0.15", "markerfacecolor": "none"},
}
_BARS: dict[str, Any] = {"solid_capstyle": "round", "linewidth": 3, "alpha": 0.3, "zorder": 2}
_NOTE: dict[str, Any] = {"va": "center", "ha": "right", "fontsize": 8.5, "style": "italic"}


def ratio_figure(outcomes: Sequence[Outcome]) -> Figure:
    """A line for each row, from top to bottom."""
    size = (11.5, 0.52 * len(outcomes) + 1.5)
    canvas, grid = drawing.panels(1, 1, TITLE, _CAPTION, size=size, sharex=False, sharey=False)
    axes = grid[0, 0]
    for line, outcome in enumerate(outcomes):
        _words(axes, line, outcome)
        axes.axhline(line + 0.5, color="0.93", linewidth=0.7, zorder=0)
        _marks(axes, line, outcome)
    axes.axvline(1, color="0.15", linewidth=1.3, zorder=1)
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    low, high = min(low, 0.45), max(high, 3.0)
    axes.axvspan(low / 10, 1, color=_MISSED, alpha=0.05, linewidth=0, zorder=0)
    axes.set_xlim(low * 0.9, high * 1.1)
    axes.set_xticks([at for at in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50) if low <= at <= high])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}x"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("ratio / goal")
    axes.set_ylim(len(outcomes) - 0.5, -0.5)
    axes.set_yticks([])
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    return drawing.with_legend(canvas, axes, further=_LOOKS)


def _marks(axes: Axes, line: int, outcome: Outcome) -> None:
    """The aim, and what was measured."""

    def place(ratio: float) -> float:
        """Multiples of the goal, so that more is better."""
        goal = outcome.row.goal
        return goal / ratio if outcome.row.at_most else max(ratio, goal / 100) / goal

    if outcome.aim is not None:
        faint = 0.35 if outcome.ratio is None else 1.0
        axes.plot([place(outcome.aim)], [line], **_LOOKS["aim"], zorder=3, alpha=faint)
    if outcome.ratio is None:
        note = outcome.note or "unmeasured"
        axes.annotate(note, (1, line), (-6, 0), textcoords="offset points", color=_QUIET, **_NOTE)
        return
    look, at = _LOOKS[f"goal {outcome.verdict}"], place(outcome.ratio)
    axes.plot([place(end) for end in outcome.ends], [line, line], color=look["color"], **_BARS)
    axes.plot([at], [line], **look, zorder=4)
    if isinstance(outcome.ratio, AtLeast):
        arrow = {"arrowstyle": "->", "color": look["color"], "linewidth": 1.8}
        axes.annotate("", (at * 1.35, line), (at, line), arrowprops=arrow, zorder=4)


def _words(axes: Axes, line: int, outcome: Outcome) -> None:
    """What is compared to the left of a line, its figures to the right."""
    row, told = outcome.row, words(outcome)
    strong: dict[str, Any] = {"va": "bottom", "color": "0.1"}
    if outcome.ratio is None:
        strong["color"] = _QUIET
    quiet: dict[str, Any] = {"va": "top", "color": _QUIET, "fontsize": 7.5}
    aim = "" if row.aim is None else f", aim {told['aim']}"
    texts = [
        (row.what, 0, strong | {"fontsize": 9}),
        (f"against {row.peer}" if row.other else "", 0, quiet),
        (told["ratio"], 1, strong | {"fontsize": 9.5, "fontweight": "bold"}),
        (f"goal {told['goal']}{aim}", 1, quiet),
    ]
    for text, side, look in texts:
        axes.annotate(
            text,
            (side, line),
            (8 if side else -8, 1 if look["va"] == "bottom" else -1),
            xycoords=axes.get_yaxis_transform(),
            textcoords="offset points",
            annotation_clip=False,
            ha="left" if side else "right",
            **look,
        )
