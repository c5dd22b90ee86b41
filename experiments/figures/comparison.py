"""The figures of any comparison: success, time, steps and learning against n, without pyplot.

Everywhere ``runs`` has the columns of ``runs.csv`` and a categorical ``series``, and ``curves``
those of ``curves.csv``, if there is one; a figure that its tables say nothing of is None.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from experiments.evaluation.dithering import optimal_mean_steps
from experiments.figures import drawing, time_to_solve
from experiments.figures.matplotlib_alone import Axes, Figure
from experiments.figures.protocol import is_written, measure, protocol
from experiments.records.summary import spread, summarise

_MAX_PANELS = 16


def success_vs_n(runs: pd.DataFrame) -> Figure:
    """Success rate at the end against n: the HER paper's Figure 1."""
    canvas, axes = _panel(
        "Success rate at the end of training",
        f"{measure(runs)} Lines: mean over seeds with a 95% interval (bootstrap). Faint dots: "
        "single seeds.",
        runs,
    )
    for style, place, group in drawing.series(runs):
        summary = summarise(group).sort_values("n")
        axes.plot(place(group["n"]), group["success_rate"], **drawing.dots(style))
        drawing.rates(axes, place(summary["n"]), summary, style)
    axes.set_ylim(-0.04, 1.04)
    axes.set_ylabel("success rate")
    drawing.scale_of_n(axes, runs)
    return drawing.with_legend(canvas, axes)


def episodes_to_solve(runs: pd.DataFrame) -> Figure:
    """Episodes to solve against n, beside the exact dithering line."""
    canvas, axes = _panel(
        "Training episodes until solved",
        f"{time_to_solve.LEGEND}episodes they used. Dashed: expected episodes of a uniform random "
        "policy up to its first reward, exact.",
        runs,
    )
    further = time_to_solve.draw(axes, runs, "episodes")
    return drawing.with_legend(canvas, axes, further=further)


def steps_vs_optimum(runs: pd.DataFrame, curves: pd.DataFrame | None) -> Figure | None:
    """Mean steps of a greedy episode at the end, between the optimum and the horizon."""
    if curves is None or curves["mean_steps"].isna().all() or is_written(runs).any():
        return None  # what is written takes as many steps, whoever writes it
    canvas, axes = _panel(
        "Steps of a greedy episode at the end of training",
        "Mean over greedy evaluation episodes; those that miss s count with the horizon. Lines: "
        "median seed. Faint dots: single seeds. Dashed: an optimal policy (the mean initial "
        "distance to s), exact.",
        runs,
    )
    last = curves.dropna(subset=["mean_steps"]).sort_values("env_steps", kind="stable")
    steps = last.groupby("run_id")["mean_steps"].last()
    runs = runs.assign(_steps=runs["run_id"].map(steps)).dropna(subset=["_steps"])
    sizes = np.arange(runs["n"].min(), runs["n"].max() + 1) if len(runs) else np.arange(1, 2)
    optimum = [optimal_mean_steps(int(n)) for n in sizes]
    drawing.reference(axes, sizes, optimum, "optimal policy")
    horizon = runs.groupby("n")["max_steps"].max().dropna()
    look: dict[str, Any] = {"color": "0.6", "linestyle": "-", "linewidth": 1, "zorder": 1}
    drawing.reference(axes, horizon.index, horizon, "horizon", **look)
    for style, _, group in drawing.series(runs):  # not aside: the lines of reference slope
        axes.plot(group["n"].to_numpy(float), group["_steps"], **drawing.dots(style))
        medians = group.groupby("n")["_steps"].median()
        axes.plot(medians.index.to_numpy(float), medians, **style, zorder=3)
    axes.set_ylabel("mean steps")
    if drawing.scale_of_n(axes, runs):
        axes.set_yscale("log")
    return drawing.with_legend(canvas, axes)


def learning_curves(runs: pd.DataFrame, curves: pd.DataFrame | None) -> Figure | None:
    """Success rate against environment steps, a panel for each n (at most 16 of them)."""
    if curves is None or curves.empty:
        return None
    curves = curves.merge(runs[["run_id", "series"]], on="run_id")
    curves = curves[curves["env_steps"] > 0]  # a log axis has no zero
    sizes = sorted(curves["n"].unique())
    shown = [sizes[place] for place in spread(len(sizes), _MAX_PANELS)]
    fewer = f"{len(shown)} of {len(sizes)} sizes. " if len(shown) < len(sizes) else ""
    searched = runs["search"].fillna(False).astype(bool).any()
    after = "Steps are those after the search, where there was one. " if searched else ""
    greedy = "" if is_written(runs).any() else "greedy "
    columns = 3 if 4 < len(shown) < 10 else min(4, max(1, len(shown)))
    rows = -(-len(shown) // columns)
    canvas, panels = drawing.panels(
        rows,
        columns,
        f"Learning curves: {greedy}success rate while training",
        f"{fewer}{after}Thin: single seeds. Thick: median over seeds, runs that ended early held "
        f"at their last value. {protocol(runs)}",
        (max(7.5, 2.6 * columns), 1.9 * rows + 1.2) if rows * columns > 1 else (7.5, 4.9),
        sharex=True,
        sharey=True,
    )
    for axes, n in zip(panels.flat, shown, strict=False):
        _learning(axes, curves[curves["n"] == n])
        axes.set_title(f"n = {n}", fontsize=9)
        axes.set_xscale("log")
        axes.set_ylim(-0.04, 1.04)
    for column, axes in enumerate(panels.flat[len(shown) :], start=len(shown) % columns):
        axes.remove()
        if rows > 1:  # the panel above is now the lowest of its column
            panels[-2, column].xaxis.set_tick_params(labelbottom=True)
    part: Any = canvas.subfigs[0]
    part.supxlabel("environment steps", fontsize=10)
    part.supylabel("success rate", fontsize=10)
    return drawing.with_legend(canvas, *panels.flat[: len(shown)])


def _learning(axes: Axes, curves: pd.DataFrame) -> None:
    """Each seed and their median."""
    for style, _, group in drawing.series(curves):
        table = group.pivot_table(
            index="env_steps", columns="run_id", values="success_rate", aggfunc="last"
        ).sort_index()
        for run in table:
            seed = table[run].dropna()
            thin = {"color": style["color"], "linewidth": 0.6, "alpha": 0.35}
            axes.plot(seed.index.to_numpy(float), seed.to_numpy(float), **thin)
        median = table.ffill().median(axis=1)
        thick = style | {"marker": "o" if len(median) == 1 else "", "linewidth": 2.0}
        axes.plot(median.index.to_numpy(float), median.to_numpy(float), **thick)


def _panel(title: str, caption: str, runs: pd.DataFrame) -> tuple[Figure, Axes]:
    """A figure of one panel whose x axis is n."""
    canvas, grid = drawing.panels(1, 1, title, f"{caption} {protocol(runs)}", (7.5, 4.9))
    grid[0, 0].set_xlabel("n (bits)")
    return canvas, grid[0, 0]
