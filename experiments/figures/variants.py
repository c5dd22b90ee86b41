"""Which setting makes the difference: HER's default, and what departs from it in one thing."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from experiments.figures.series import departures, has_hindsight, varying_settings
from experiments.records.summary import median, summarise, times_to_solve

DEFAULT = "default"
_ODDS = 20
"""A difference is named if seeds of equal configurations look so in 1 of this many cases."""


def variants(runs: pd.DataFrame) -> pd.DataFrame | None:
    """The runs of an ablation.

    An ablation is an n at which methods with hindsight have at least three configurations, one of
    which has the majority's value in every setting: the default.

    Args:
        runs: What :func:`experiments.records.tables.read_runs` gives, with further settings as
            further columns where there are any.

    Returns:
        Its runs, with the departure from the default in words as ``variant`` and the environment
        steps until they were solved as ``_time``; None if there is no ablation.
    """
    runs = runs[has_hindsight(runs)]
    configs = runs.drop_duplicates("config_id")
    settings = varying_settings(runs)
    names: dict[str, str] = {}
    for _, some in configs.groupby("n"):
        words = departures(some[settings].astype("string").fillna(""))
        for config, parts in zip(some["config_id"], words or [], strict=words is not None):
            names[config] = ", ".join(parts) or DEFAULT
    if not names:
        return None
    runs = runs.assign(variant=runs["config_id"].map(names)).dropna(subset=["variant"])
    return runs.assign(_time=times_to_solve(runs, "env_steps"))


def effects(runs: pd.DataFrame) -> pd.DataFrame:
    """What each variant does at each n, the default first, then the best first.

    Args:
        runs: Of :func:`variants`.

    Returns:
        The columns of :func:`experiments.records.summary.summarise`, ``variant``; ``steps``
        (median to solve over all seeds), ``ratio`` (to the default's) and ``verdict``: "worse" if
        every seed is worse than each of the default's, "better", "unclear" (they overlap, or are
        too few) or "default".
    """
    rows: list[dict[str, Any]] = []
    for _, task in runs.groupby("n"):
        used = task["env_steps"].max()
        slowest = 10.0 if pd.isna(used) else 10.0 * float(used)
        usual = task[task["variant"] == DEFAULT]
        usual_steps = median(usual["_time"])
        for variant, group in task.groupby("variant"):
            steps = median(group["_time"])
            row: dict[Any, Any] = summarise(group).iloc[0].to_dict()
            row |= {"variant": variant, "steps": steps, "ratio": steps / max(usual_steps, 1)}
            row["verdict"] = DEFAULT if variant == DEFAULT else _verdict(group, usual)
            # To sort by: unsolved is slower than anything.
            row["_log"] = math.log(max(1, slowest if math.isnan(steps) else steps))
            rows.append(row)
    table = pd.DataFrame(rows)
    means = table.groupby("variant")[["solved_fraction", "_log", "success_rate_mean"]].mean()
    order = sorted(
        means.itertuples(name=None), key=lambda row: (row[0] != DEFAULT, -row[1], row[2], -row[3])
    )
    table["variant"] = pd.Categorical(table["variant"], [row[0] for row in order], ordered=True)
    return table.sort_values(["variant", "n"], ignore_index=True).drop(columns="_log")


def _verdict(group: pd.DataFrame, usual: pd.DataFrame) -> str:
    """Whether the seeds of two configurations do not overlap."""
    if _chance(len(group), len(usual)) < _ODDS:
        return "unclear"  # so few seeds lie apart by mere luck
    own, other = (
        [
            (math.inf if math.isnan(time) else time, -rate)
            for time, rate in zip(some["_time"], some["success_rate"], strict=True)
        ]
        for some in (group, usual)
    )
    if min(own) > max(other):
        return "worse"
    return "better" if max(own) < min(other) else "unclear"


def _chance(seeds: int, others: int) -> int:
    """In one of how many cases equal configurations' seeds lie apart, in either direction."""
    return math.comb(seeds + others, seeds) // 2


def rule(runs: pd.DataFrame) -> str:
    """What worse and better mean, and how often it is luck."""
    tasks = [task.groupby("variant").size() for _, task in runs.groupby("n")]
    odds = [_chance(int(count), int(seeds[DEFAULT])) for seeds in tasks for count in seeds]
    rare = min((odd for odd in odds if odd >= _ODDS), default=None)
    if rare is None:
        return "Too few seeds to call a variant worse or better."
    return (
        "Worse, better: every seed is slower, faster than each of the default's; unsolved seeds "
        "count as slower than solved ones, and among them the lower success rate as worse. Seeds "
        f"of equal settings would lie apart like this in 1 of {rare} comparisons. There are "
        f"{len(odds) - len(tasks)} of them here, uncorrected for their number: they explore, and "
        "confirm nothing."
    )
