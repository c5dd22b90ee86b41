"""The figures: each a function from tables to a matplotlib ``Figure``, without pyplot's state."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments import drawing
from experiments.dithering import dithering_episodes, optimal_mean_steps
from experiments.series import protocol
from experiments.summary import summarise

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
        means = summary["success_rate_mean"].to_numpy(dtype=float)
        ends = summary[["success_rate_low", "success_rate_high"]].to_numpy(dtype=float)
        reach = np.abs(ends - means[:, None]).T
        axes.plot(place(group["n"]), group["success_rate"], **drawing.dots(style))
        at = place(summary["n"])
        _, ends_of_bars, bars = axes.errorbar(at, means, reach, capsize=2, **style, zorder=3)
        for part in (*ends_of_bars, *bars):
            part.set(alpha=0.5, linewidth=0.9)
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
        "Solved: greedy success rate of at least 0.99, confirmed. Lines: median seed, where it "
        "solved. Faint dots: single seeds. Open triangles: runs unsolved at their end, at the "
        "episodes they used. Dashed: expected episodes of a uniform random policy up to its first "
        "reward, exact. " + protocol(runs),
    )
    solved = runs["solved"].fillna(False).astype(bool)
    used = (
        runs["episodes_to_solve"].where(solved, runs["episodes"]).to_numpy(float, na_value=np.nan)
    )
    runs = runs.assign(_used=np.maximum(used, 1), _solved=solved)  # a log axis has no zero
    for style, place, group in drawing.series(runs):
        done, failed = group[group["_solved"]], group[~group["_solved"]]
        axes.plot(place(done["n"]), done["_used"], **drawing.dots(style))
        axes.plot(place(failed["n"]), failed["_used"], **drawing.hollow(style["color"]))
        summary = summarise(group).sort_values("n")
        medians = np.maximum(summary["episodes_to_solve_median"].to_numpy(dtype=float), 1)
        axes.plot(place(summary["n"]), medians, **style, zorder=3)
    axes.set_yscale("log")
    known = runs["_used"].dropna()
    low, high = (known.min(), known.max()) if len(known) else (1.0, 1e4)
    top = high * 50  # a few decades are enough: the dithering line may well go on to 1e300
    sizes, episodes = _dithering_line(runs, top)
    if episodes[0] < top:
        low = min(low, episodes[-1])
        drawing.reference(axes, sizes, episodes, "uniform random policy")
    else:
        top = high * 5
        count = f"{episodes[0]:.1e}" if np.isfinite(episodes[0]) else "over 1e+308"
        note = f"uniform random policy: {count} episodes at n = {sizes[0]}, off the scale"
        axes.annotate(note, (0.02, 0.95), xycoords="axes fraction", fontsize=9, color="0.25")
    axes.set_ylim(low / 2, top)
    axes.set_ylabel("episodes")
    drawing.scale_of_n(axes, runs)
    unsolved = {} if runs["_solved"].all() else {"unsolved": drawing.hollow("0.3")}
    return drawing.with_legend(figure, axes, further=unsolved)


def steps_vs_optimum(runs: pd.DataFrame, curves: pd.DataFrame) -> Figure:
    """Mean steps of a greedy episode at the end, between the optimum and the horizon.

    Args:
        runs: The columns of ``runs.csv`` and a categorical ``series``.
        curves: The columns of ``curves.csv``.
    """
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


def learning_curves(runs: pd.DataFrame, curves: pd.DataFrame) -> Figure:
    """Success rate against environment steps, a panel for each n (at most 16 of them).

    Args:
        runs: The columns of ``runs.csv`` and a categorical ``series``.
        curves: The columns of ``curves.csv``.
    """
    curves = curves.merge(runs[["run_id", "series"]], on="run_id")
    curves = curves[curves["env_steps"] > 0]  # a log axis has no zero
    sizes = sorted(curves["n"].unique())
    shown = [sizes[place] for place in drawing.spread(len(sizes), _MAX_PANELS)]
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


def _dithering_line(runs: pd.DataFrame, stop: float) -> tuple[list[int], list[float]]:
    """The dithering line under the runs' protocol, until it is above ``stop``."""
    sizes = sorted({int(n) for n in runs["n"]})
    horizons = {int(n): h for n, h in runs.groupby("n")["max_steps"].min().items()}  # type: ignore[call-overload]
    horizon_n = all(pd.isna(h) or h == n for n, h in horizons.items())
    if horizon_n:  # the same rule at every size: the line may have all the sizes between
        sizes = list(range(sizes[0], sizes[-1] + 1))
    kept = (runs["start"] == "zeros") & (runs["goal_mode"] == "fixed")
    start: Any = "zeros" if len(runs) and kept.fillna(False).all() else "random"
    line: tuple[list[int], list[float]] = ([], [])
    for n in sizes:
        episodes = dithering_episodes(n, None if horizon_n else int(horizons[n]), start)
        line[0].append(n)
        line[1].append(episodes)
        if episodes > stop:
            break
    return line
