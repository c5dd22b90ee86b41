"""The figures: each a function from tables to a matplotlib ``Figure``, without pyplot's state."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.evaluation.dithering import optimal_mean_steps
from experiments.figures import drawing, times
from experiments.figures.series import protocol
from experiments.records.summary import spread, summarise

_MAX_PANELS = 16


def success_vs_n(runs: pd.DataFrame) -> Figure:
    """Success rate at the end against n: the HER paper's Figure 1.

    Args:
        runs: The columns of ``runs.csv`` and a categorical ``series``.
    """
    figure, axes = drawing.figure(
        "Success rate at the end of training",
        "Share of greedy evaluation episodes that reach s within the horizon. Lines: mean over "
        "seeds with a 95% interval (Wilson's). Faint dots: single seeds. " + protocol(runs),
    )
    for style, place, group in drawing.series(runs):
        summary = summarise(group).sort_values("n")
        axes.plot(place(group["n"]), group["success_rate"], **drawing.dots(style))
        drawing.rates(axes, place(summary["n"]), summary, style)
    axes.set_ylim(-0.04, 1.04)
    axes.set_ylabel("success rate")
    drawing.scale_of_n(axes, runs)
    return drawing.with_legend(figure, axes)


def episodes_to_solve(runs: pd.DataFrame) -> Figure:
    """Episodes to solve against n, beside the exact dithering line.

    Args:
        runs: The columns of ``runs.csv`` and a categorical ``series``.
    """
    figure, axes = drawing.figure(
        "Training episodes until solved",
        f"{times.LEGEND}episodes they used. Dashed: expected episodes of a uniform random policy "
        "up to its first reward, exact. " + protocol(runs),
    )
    further = times.draw(axes, runs, "episodes")
    return drawing.with_legend(figure, axes, further=further)


def steps_vs_optimum(runs: pd.DataFrame, curves: pd.DataFrame | None) -> Figure | None:
    """Mean steps of a greedy episode at the end, between the optimum and the horizon.

    Args:
        runs: The columns of ``runs.csv`` and a categorical ``series``.
        curves: The columns of ``curves.csv``, if there is one.

    Returns:
        None where no curve says how many steps episodes take.
    """
    if curves is None or curves["mean_steps"].isna().all():
        return None
    figure, axes = drawing.figure(
        "Steps of a greedy episode at the end of training",
        "Mean over greedy evaluation episodes; those that miss s count with the horizon. Lines: "
        "median seed. Faint dots: single seeds. Dashed: an optimal policy (the mean initial "
        "distance to s), exact. " + protocol(runs),
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
    return drawing.with_legend(figure, axes)


def learning_curves(runs: pd.DataFrame, curves: pd.DataFrame | None) -> Figure | None:
    """Success rate against environment steps, a panel for each n (at most 16 of them).

    Args:
        runs: The columns of ``runs.csv`` and a categorical ``series``.
        curves: The columns of ``curves.csv``, if there is one.

    Returns:
        None where there is no curve.
    """
    if curves is None or curves.empty:
        return None
    curves = curves.merge(runs[["run_id", "series"]], on="run_id")
    curves = curves[curves["env_steps"] > 0]  # a log axis has no zero
    sizes = sorted(curves["n"].unique())
    shown = [sizes[place] for place in spread(len(sizes), _MAX_PANELS)]
    fewer = f"{len(shown)} of {len(sizes)} sizes. " if len(shown) < len(sizes) else ""
    columns = 3 if 4 < len(shown) < 10 else min(4, max(1, len(shown)))
    rows = -(-len(shown) // columns)
    figure, panels = drawing.panels(
        rows,
        columns,
        "Learning curves: greedy success rate while training",
        f"{fewer}Thin: single seeds. Thick: median over seeds, runs that ended early held at "
        f"their last value. {protocol(runs)}",
    )
    for axes, n in zip(panels.flat, shown, strict=False):
        for style, _, group in drawing.series(curves[curves["n"] == n]):
            table = group.pivot_table(
                index="env_steps", columns="run_id", values="success_rate", aggfunc="last"
            ).sort_index()
            thin = {"color": style["color"], "linewidth": 0.6, "alpha": 0.35}
            for run in table:
                seed = table[run].dropna()
                axes.plot(seed.index.to_numpy(float), seed.to_numpy(float), **thin)
            median = table.ffill().median(axis=1)
            thick = style | {"marker": "o" if len(median) == 1 else "", "linewidth": 2.0}
            axes.plot(median.index.to_numpy(float), median.to_numpy(float), **thick)
        axes.set_title(f"n = {n}", fontsize=9)
        axes.set_xscale("log")
        axes.set_ylim(-0.04, 1.04)
    for column, axes in enumerate(panels.flat[len(shown) :], start=len(shown) % columns):
        axes.remove()
        if rows > 1:  # the panel above is now the lowest of its column
            panels[-2, column].xaxis.set_tick_params(labelbottom=True)
    part: Any = figure.subfigs[0]
    part.supxlabel("environment steps", fontsize=10)
    part.supylabel("success rate", fontsize=10)
    return drawing.with_legend(figure, *panels.flat[: len(shown)])
