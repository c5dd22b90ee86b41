"""Strings that are written: success by n and by how many are right, and how much policies vary.

Everywhere ``runs`` has the columns of ``runs.csv``.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from experiments.figures import drawing, pages
from experiments.figures.matplotlib_alone import Axes, Figure
from experiments.figures.protocol import is_written, measure, protocol, span
from experiments.figures.writers import free_bits, name_writers
from experiments.records.summary import median, summarise

_TITLE = "Writing a string, by who is told what"
_MEANS = "Lines: mean over seeds with a 95% interval (bootstrap)."
_MEMORISED = (
    "Untold, one string that is written from an empty start is found by search and then memorised, "
    "whatever the method."
)
_AMONG = ["n", "free_bits"]
_SPENT = {
    "strings": "budget_env_steps",
    "first": "env_steps_to_first_reward",
    "to solve": "env_steps_to_solve",
    "updates": "gradient_updates",
    "reward queries": "reward_queries",
}


def figure(runs: pd.DataFrame) -> Figure | None:
    """Success against n and against density, and the right strings that are written; or None."""
    tasks = _tasks(runs)
    if tasks is None:
        return None
    controls = tasks["withhold_reward"].fillna(False) | (tasks["updates_per_env_step"] == 0)
    tasks = tasks[~controls.astype(bool)]
    single, dense, diverse = _by_size(tasks), _by_density(tasks), _diverse(tasks)
    parts = [part for part in (single, dense, diverse) if part is not None]
    if not parts:
        return None
    canvas, grid = drawing.panels(
        1,
        len(parts),
        _TITLE,
        f"{measure(tasks)} {_MEANS} {_MEMORISED} Nulls are on the page. {protocol(tasks)}",
        (max(7.5, 4.6 * len(parts)), 4.9),
    )
    panels = iter(grid[0])
    if single is not None:
        axes = next(panels)
        _success(axes, single, single["n"])
        axes.set_xlabel("n (bits), one string is right")
        drawing.scale_of_n(axes, single)
    if dense is not None:
        axes = next(panels)
        bits = int(dense["n"].iloc[0])
        _success(axes, dense, dense["free_bits"] - bits)
        axes.set_xticks(sorted({free - bits for free in dense["free_bits"].tolist()}))
        axes.set_xlabel(f"log2 of the share of strings that are right, n = {bits}")
    if diverse is not None:
        _right(next(panels), diverse)
    return drawing.with_legend(canvas, *grid[0])


def page(runs: pd.DataFrame) -> str | None:
    """What each learner took, in strings, and how much policies vary; None where none writes."""
    tasks = _tasks(runs)
    if tasks is None:
        return None
    parts = [
        f"{protocol(tasks)}. Medians over all seeds, unsolved ones the slowest; a dash where the "
        "median seed is. *First*: strings until the first right one, those of a search among them. "
        "*Reward queries*: strings whose reward the learner was told, searched and relabelled ones "
        f"among them. {_MEMORISED}",
        _spent(tasks),
    ]
    diverse = tasks[tasks["samples"].notna()]
    if len(diverse):
        parts += [
            "Where several strings are right. *Right strings*: different ones among those that "
            "were sampled after the training. *KL* of the uniform distribution over all right "
            "strings to the policy, in nats, exact; infinite where one is never written. A policy "
            "that is not stochastic writes one string.",
            _varies(diverse),
        ]
    return pages.page("generation", _TITLE, *parts)


def _spent(tasks: pd.DataFrame) -> str:
    """What learning took, in strings, updates and rewards that were asked for."""
    header = ["learner", "n", "free bits", "solved", *_SPENT]
    spent = {name: tasks[column].astype(float) for name, column in _SPENT.items()}
    for name in ("strings", "first", "to solve"):
        spent[name] /= tasks["max_steps"]
    rows = [
        [
            *(str(name), f"{n:,}", f"{free:,}", f"{group['solved'].sum()}/{len(group)}"),
            *(pages.number(median(column[group.index])) for column in spent.values()),
        ]
        for (name, n, free), group in tasks.groupby(["series", *_AMONG], observed=True)
    ]
    return pages.markdown(header, rows)


def _varies(diverse: pd.DataFrame) -> str:
    """How many right strings are written, and how evenly."""
    header = ["learner", "n", "free bits", "seeds", "right strings", "wrong", "of samples"]
    header += ["KL, median", "KL, range"]
    rows = []
    for (name, n, free), group in diverse.groupby(["series", *_AMONG], observed=True):
        divergence = group["kl_to_uniform"].astype(float).fillna(math.inf)
        rows.append(
            [
                *(str(name), f"{n:,}", f"{free:,}", f"{len(group)}"),
                f"{span(group['right_strings'])} of {2 ** int(str(free)):,}",
                span(group["wrong_samples"]),
                span(group["samples"]),
                _nats(divergence.median()),
                f"{_nats(divergence.min())} to {_nats(divergence.max())}",
            ]
        )
    return pages.markdown(header, rows)


def _tasks(runs: pd.DataFrame) -> pd.DataFrame | None:
    """The runs that write, by who learns and what is told; None where there are none."""
    tasks = runs[is_written(runs) & runs["held_share"].notna()]
    if tasks.empty:
        return None
    return tasks.assign(free_bits=free_bits(tasks), series=name_writers(tasks, by_task=False))


def _by_size(tasks: pd.DataFrame) -> pd.DataFrame | None:
    single = tasks[tasks["free_bits"] == 0]
    return single if len(single) else None


def _by_density(tasks: pd.DataFrame) -> pd.DataFrame | None:
    """The size that was written with most numbers of free bits, if they are three at least."""
    counts = tasks.groupby("n")["free_bits"].nunique()
    return tasks[tasks["n"] == counts.idxmax()] if counts.max() > 2 else None


def _diverse(tasks: pd.DataFrame) -> pd.DataFrame | None:
    """The smallest task whose right strings were counted."""
    counted = tasks[tasks["samples"].notna()]
    if counted.empty:
        return None
    first = counted[_AMONG].sort_values(_AMONG).iloc[0]
    return counted[(counted[_AMONG] == first).all(axis=1)]


def _success(axes: Axes, runs: pd.DataFrame, at: pd.Series) -> None:
    """Rates against what differs, and the chance to have met a right string."""
    right = np.exp2((runs["free_bits"] - runs["n"]).astype(float))
    strings = runs["budget_env_steps"] / runs["max_steps"]
    runs = runs.assign(n=at, _met=-np.expm1(strings * np.log1p(-right)))  # the axis is that of n
    for style, place, group in drawing.series(runs):
        summary = summarise(group).sort_values("n")
        axes.plot(place(group["n"]), group["success_rate"], **drawing.dots(style))
        drawing.rates(axes, place(summary["n"]), summary, style)
    untold = runs[(runs["told"] == "nothing") & ~runs["search"].fillna(False).astype(bool)]
    if len(untold):
        met = untold.groupby("n")["_met"].median()
        label = "chance to meet a right one in as many uniform strings"
        drawing.reference(axes, met.index.to_numpy(float), met.to_numpy(float), label)
    axes.set_ylim(-0.04, 1.04)
    axes.set_ylabel("success")


def _right(axes: Axes, runs: pd.DataFrame) -> None:
    """How many right strings each learner writes, with its name and its divergence."""
    n, free = (int(runs[name].iloc[0]) for name in _AMONG)
    bars = list(drawing.series(runs))
    for place, (style, _, group) in enumerate(bars):
        counts = group["right_strings"].astype(float)
        axes.barh(place, counts.median(), color=style["color"], alpha=0.35, height=0.75)
        axes.plot(counts, np.full(len(counts), place), **drawing.dots(style) | {"color": "0.2"})
        divergence = group["kl_to_uniform"].astype(float).fillna(math.inf).median()
        short = counts.max() < 2**free / 2
        axes.annotate(
            f"{style['label'].removesuffix(' (told nothing)')}: KL {_nats(divergence)}",
            (float(counts.max()) if short else 0, place),
            (6, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color="0.1",
        )
    axes.set_xlim(0, 2**free * 1.05)
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.set_yticks([])
    axes.set_xlabel(f"right strings that are written, of {2**free}; n = {n}")


def _nats(value: float) -> str:
    return "infinite" if math.isinf(value) else f"{value:.2g}"
