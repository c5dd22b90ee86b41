"""Which setting makes the difference: HER's default, and what departs from it in one thing."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from experiments.figures import pages
from experiments.figures.series import departures, protocol, varying_settings
from experiments.records.summary import quantile, summarise, times_to_solve

DEFAULT = "default"
_ODDS = 20
"""A difference is named if seeds of equal configurations look so in 1 of this many cases."""


def variants(runs: pd.DataFrame) -> pd.DataFrame | None:
    """The runs of an ablation.

    An ablation is an n at which HER has at least three configurations, one of which has the
    majority's value in every setting: the default.

    Args:
        runs: What :func:`experiments.records.tables.read_runs` gives, with further settings as
            further columns where there are any.

    Returns:
        Its runs, with the departure from the default in words as ``variant``; None if there is
        no ablation.
    """
    runs = runs[runs["method"] == "her"]
    configs = runs.drop_duplicates("config_id")
    settings = varying_settings(runs)
    names: dict[str, str] = {}
    for _, some in configs.groupby("n"):
        words = departures(some[settings].astype("string").fillna(""))
        for config, parts in zip(some["config_id"], words or [], strict=words is not None):
            names[config] = ", ".join(parts) or DEFAULT
    if not names:
        return None
    return runs.assign(variant=runs["config_id"].map(names)).dropna(subset=["variant"])


def effects(runs: pd.DataFrame) -> pd.DataFrame:
    """What each variant does at each n, the default first, then the best first.

    Args:
        runs: Of :func:`variants`.

    Returns:
        The columns of :func:`experiments.records.summary.summarise`, ``variant``; ``once`` (seeds
        that were solved at some time), ``steps`` (median to solve over all seeds), ``ratio`` (to
        the default's) and ``verdict``: "worse" if every seed is worse than each of the default's,
        "better", "unclear" (they overlap, or are too few) or "default".
    """
    runs = runs.assign(_time=times_to_solve(runs, "env_steps"))
    rows: list[dict[str, Any]] = []
    for _, task in runs.groupby("n"):
        slowest = 10 * _largest(task["env_steps"])
        usual = task[task["variant"] == DEFAULT]
        usual_steps = quantile(usual["_time"].to_numpy(dtype=float), 0.5)
        for variant, group in task.groupby("variant"):
            steps = quantile(group["_time"].to_numpy(dtype=float), 0.5)
            row: dict[Any, Any] = summarise(group).iloc[0].to_dict()
            row |= {"variant": variant, "steps": steps, "ratio": steps / max(usual_steps, 1)}
            row["once"] = int((group["env_steps_to_solve"].notna() | group["solved"]).sum())
            row["verdict"] = DEFAULT if variant == DEFAULT else _verdict(group, usual)
            # To sort by: unsolved is slower than anything.
            row["_log"] = math.log(max(1, slowest if math.isnan(steps) else steps))
            rows.append(row)
    table = pd.DataFrame(rows)
    means = table.groupby("variant")[["solved_fraction", "_log", "success_rate_mean"]].mean()
    means["_other"] = means.index != DEFAULT
    order = means.sort_values(
        ["_other", "solved_fraction", "_log", "success_rate_mean"],
        ascending=[True, False, True, False],
        kind="stable",
    ).index
    table["variant"] = pd.Categorical(table["variant"], list(order), ordered=True)
    return table.sort_values(["variant", "n"], ignore_index=True).drop(columns="_log")


def _largest(values: pd.Series) -> float:
    return float(values.max()) if values.notna().any() else 1.0


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
    odds = []
    for _, task in runs.groupby("n"):
        seeds = task.groupby("variant").size()
        odds += [_chance(int(seeds[name]), int(seeds[DEFAULT])) for name in seeds.index]
    rare = min((odd for odd in odds if odd >= _ODDS), default=None)
    if rare is None:
        return "Too few seeds to call a variant worse or better."
    return (
        "Worse, better: every seed is slower, faster than each of the default's; unsolved seeds "
        "count as slower than solved ones, and among them the lower success rate as worse. Seeds "
        f"of equal settings would lie apart like this in 1 of {rare} comparisons."
    )


def page(runs: pd.DataFrame) -> str | None:
    """The same as a page: a row a variant, three columns for each n, and the verdict.

    Args:
        runs: As for :func:`variants`.
    """
    some = variants(runs)
    if some is None:
        return None
    table = effects(some)
    sizes = sorted(int(n) for n in table["n"].unique())
    header = ["DQN + HER"]
    for n in sizes:
        header += [f"n = {n}: solved", "success rate (lowest)", "env steps to solve"]
    rows = []
    for variant, group in table.groupby("variant", observed=True):
        name = str(variant)
        cells = [f"**{name}**" if name == DEFAULT else name]
        by_size = {int(row["n"]): row for row in group.to_dict("records")}
        for n in sizes:
            cells += _cells(by_size[n]) if n in by_size else ["-"] * 3
        found = [
            f"{verdict} at n = {', '.join(places)}"
            for verdict in ("worse", "better")
            if (places := [str(n) for n, row in by_size.items() if row["verdict"] == verdict])
        ]
        rows.append([*cells, "; ".join(found) or "-"])
    return pages.page(
        "ablation",
        "Which of these makes the difference?",
        "Each row is HER's default with one setting changed, and with what by default goes with "
        "it. *Solved*: seeds that are solved at their end (in brackets: at some time, where these "
        "are more). *Env steps to solve*: median over all seeds, unsolved ones the slowest, and "
        f"its ratio to the default's; a dash where the median seed is unsolved. {rule(some)}",
        f"{protocol(some[some['variant'] == DEFAULT])}.",
        pages.markdown([*header, "difference"], rows),
    )


def _cells(row: dict[Any, Any]) -> list[str]:
    once = f" ({row['once']})" if row["once"] > row["solved"] else ""
    ratio = "" if row["verdict"] == DEFAULT or pd.isna(row["ratio"]) else f" (x {row['ratio']:.2g})"
    return [
        f"{row['solved']}/{row['seeds']}{once}",
        f"{row['success_rate_mean']:.3f} ({row['success_rate_min']:.3f})",
        f"{pages.number(row['steps'])}{ratio}",
    ]
