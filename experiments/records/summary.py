"""Runs by configuration: how many seeds solved it, how well, how fast, and beside what null.

Seeds solved have Wilson's interval; means of rates a bootstrap over seeds, or, where every rate is
0 or 1 and a bootstrap would have no width, the exact one (Clopper and Pearson's).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from experiments.records.schema import RUN_COLUMNS, SCHEMA_VERSION, SETTING_COLUMNS

CONFIG_COLUMNS = tuple(
    name for name in SETTING_COLUMNS if name not in {"run_id", "config_id", "seed", "parent"}
)
"""The settings of a configuration."""
_SHARED = [name for name in CONFIG_COLUMNS if name not in {"withhold_reward", "batch_size"}]
"""With the batch, what a configuration has in common with its null."""
_OF_SUCCESSES = {"replay_share", "one_success", "search_budget_env_steps"}
"""Of ``method_settings``, what a learner without rewards has no use for."""

Floats = npt.NDArray[np.float64]

_TIMES = ("env_steps_to_solve", "episodes_to_solve", "seconds_to_solve")
_QUARTILES = (("q25", 0.25), ("median", 0.5), ("q75", 0.75))
STATISTICS = (
    *("seeds", "solved", "solved_fraction", "solved_low", "solved_high"),
    *(f"success_rate_{name}" for name in ("mean", "min", "max", "low", "high")),
    *("held_share_mean", "held_share_min"),
    *(f"{time}_{name}" for time in (*_TIMES, "train_seconds") for name, _ in _QUARTILES),
    *("null_seeds", "null_solved", "null_p"),
)
"""What a summary says of each configuration."""


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's interval for a proportion.

    Args:
        successes: How many, from 0 to ``trials``.
        trials: Of how many, at least 1.
        confidence: Coverage, between 0 and 1.

    Returns:
        Lower and upper end, in [0, 1].

    Raises:
        ValueError: If the counts make no proportion.
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(f"successes must be in [0, trials >= 1], got {successes} of {trials}")
    interval = stats.binomtest(int(successes), int(trials)).proportion_ci(confidence, "wilson")
    return float(interval.low), float(interval.high)


def rate_interval(rates: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """An interval for the mean success rate over all seeds, from those that were run.

    The episodes of one evaluation are not pooled: they share a policy, and say nothing about
    another seed.

    Args:
        rates: One success rate for each seed, in [0, 1].
        confidence: Coverage, between 0 and 1.

    Returns:
        Lower and upper end, in [0, 1]: of 10,000 bootstrap means, always the same ones; exact for
        the number of ones where every rate is 0 or 1.

    Raises:
        ValueError: If there is no rate, or one outside [0, 1].
    """
    values = np.asarray(rates, dtype=np.float64)
    if values.size == 0 or not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"rates must be at least one number in [0, 1], got {list(rates)!r}")
    if np.isin(values, (0, 1)).all():
        test = stats.binomtest(int(values.sum()), values.size)
        low, high = test.proportion_ci(confidence, "exact")
    elif np.ptp(values) == 0:
        low = high = values[0]
    else:
        low, high = stats.bootstrap(
            (values,),
            np.mean,
            n_resamples=10_000,
            confidence_level=confidence,
            method="percentile",
            rng=np.random.default_rng(0),
        ).confidence_interval
    return float(low), float(high)


def fisher(solved: int, seeds: int, null_solved: int, null_seeds: int) -> float:
    """The chance that a null with as many solved seeds as both together leaves so many to one.

    Fisher's exact test, one-sided: small where clearly more seeds are solved than of the null's.

    Args:
        solved: Seeds that are solved.
        seeds: Of so many.
        null_solved: Of the null.
        null_seeds: Of so many.
    """
    table = np.array([[solved, seeds - solved], [null_solved, null_seeds - null_solved]])
    return float(stats.fisher_exact(table, alternative="greater").pvalue)


def summarise(runs: pd.DataFrame) -> pd.DataFrame:
    """A row for each configuration, its seeds taken together.

    Quartiles of a time to solve are over *all* seeds: an unsolved one counts as slower than any
    that solved, so that a quartile which falls among the unsolved is empty, never flattered.
    A run that is not solved at its end counts as unsolved, even if it once was on its way.

    Args:
        runs: The columns of ``runs.csv``, a row a run, each once.

    Returns:
        ``config_id``, the settings, the statistics of :data:`STATISTICS` (quartiles as ``_q25``,
        ``_median``, ``_q75``; ``train_seconds`` over all seeds, solved or not) and
        ``schema_version``; sorted by method, network and n. No runs give no rows.
    """
    rows = [_summary(str(name), group) for name, group in runs.groupby("config_id", sort=False)]
    summary = pd.DataFrame(_beside_nulls(rows), columns=["config_id", *CONFIG_COLUMNS, *STATISTICS])
    types = {name: RUN_COLUMNS[name].dtype for name in ("config_id", *CONFIG_COLUMNS)}
    types |= dict.fromkeys(STATISTICS, "float64") | {"seeds": "int64", "solved": "int64"}
    types |= {"null_seeds": "Int64", "null_solved": "Int64"}
    summary = summary.astype(types).assign(schema_version=SCHEMA_VERSION)
    return summary.sort_values(["method", "network", "n", "config_id"], ignore_index=True)


def summarise_transfers(transfers: pd.DataFrame) -> pd.DataFrame:
    """A row for each trained configuration and number of bits, its seeds taken together.

    Args:
        transfers: The columns of ``transfer.csv``.

    Returns:
        ``config_id``, ``method``, ``network``, ``trained_n``, ``n``, ``seeds``; ``perfect``, those
        that always succeed; the lowest and the mean success rate with its interval
        (``success_rate_min``, ``_mean``, ``_low``, ``_high``); the means of ``mean_steps`` and
        ``optimal_mean_steps``. Sorted by method, network, training n and n.
    """
    keys = ["method", "network", "trained_n", "config_id", "n"]
    rows: list[dict[str, Any]] = []
    for key, group in transfers.groupby(keys, sort=True):
        rates = _floats(group, "success_rate")
        row: dict[str, Any] = dict(zip(keys, key, strict=True))
        row |= {"seeds": len(group), "perfect": int((rates == 1).sum())}
        row |= {"success_rate_min": rates.min(), "success_rate_mean": rates.mean()}
        row["success_rate_low"], row["success_rate_high"] = rate_interval(rates.tolist())
        row |= {name: group[name].mean() for name in ("mean_steps", "optimal_mean_steps")}
        rows.append(row)
    rates_of = [f"success_rate_{name}" for name in ("min", "mean", "low", "high")]
    measured = ["seeds", "perfect", *rates_of, "mean_steps", "optimal_mean_steps"]
    return pd.DataFrame(rows, columns=[*keys, *measured])


def times_to_solve(runs: pd.DataFrame, unit: Literal["env_steps", "episodes", "seconds"]) -> Floats:
    """After how many steps, episodes or seconds each run was solved; NaN where it is not, at last.

    In tables of the first schema a run may be solved at its end alone, and counts with that.
    """
    known = _floats(runs, f"{unit}_to_solve")
    used = _floats(runs, "train_seconds" if unit == "seconds" else unit)
    times = np.where(np.isnan(known), used, known)
    return np.where(_floats(runs, "solved") == 1.0, times, np.nan)


def _beside_nulls(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each configuration beside the same one whose reward was withheld, where it was run.

    A null has no successes to keep, to search for or to be given; it stands beside those that do.
    """
    nulls = {task: row for row in rows if row["withhold_reward"] for task in _tasks(row)}
    for row in rows:
        found = [] if row["withhold_reward"] else [nulls.get(task) for task in _tasks(row)]
        null = next((null for null in found if null is not None), None)
        if null is not None:
            row |= {"null_seeds": null["seeds"], "null_solved": null["solved"]}
            counts = (row["solved"], row["seeds"], null["solved"], null["seeds"])
            row["null_p"] = fisher(*counts)
    return rows


def _tasks(row: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """What a configuration shares with its null: with the whole batch, and with its fresh part."""
    try:
        settings = dict(json.loads(row["method_settings"] or "{}"))
        kept = float(settings.get("replay_share", 0.0))
    except (ValueError, TypeError):  # what a person wrote: it is compared as it stands
        return [tuple(row[name] for name in ("batch_size", *_SHARED))]
    left = {name: value for name, value in settings.items() if name not in _OF_SUCCESSES}
    plain = {**row, "search": False, "method_settings": json.dumps(left, sort_keys=True)}
    plain |= {"told": "nothing"} if "one_success" in settings else {}
    plain |= {"replay": "uniform"} if row["replay"] == "rewarded" else {}
    batches = [row["batch_size"]]
    if kept and row["batch_size"] is not None:
        batches.append(round((1 - kept) * row["batch_size"]))
    return [(batch, *(plain[name] for name in _SHARED)) for batch in batches]


def _summary(config_id: str, runs: pd.DataFrame) -> dict[str, Any]:
    row: dict[str, Any] = {"config_id": config_id}
    for name in CONFIG_COLUMNS:
        known = runs[name].dropna() if name in runs else runs["config_id"].iloc[:0]
        row[name] = known.iloc[0] if len(known) else None
    rates = _floats(runs, "success_rate")
    solved = _floats(runs, "solved") == 1.0
    row |= {"seeds": len(runs), "solved": int(solved.sum()), "solved_fraction": solved.mean()}
    row["solved_low"], row["solved_high"] = wilson_interval(row["solved"], len(runs))
    row |= {f"success_rate_{name}": getattr(rates, name)() for name in ("mean", "min", "max")}
    row["success_rate_low"], row["success_rate_high"] = rate_interval(rates.tolist())
    held = _floats(runs, "held_share")
    if not np.isnan(held).all():
        row |= {"held_share_mean": np.nanmean(held), "held_share_min": np.nanmin(held)}
    times = {name: np.where(solved, _floats(runs, name), np.nan) for name in _TIMES}
    times["train_seconds"] = _floats(runs, "train_seconds")
    for time, values in times.items():
        for name, share in _QUARTILES:
            row[f"{time}_{name}"] = quantile(values, share)
    return row


def _floats(runs: pd.DataFrame, name: str) -> Floats:
    """A column as floats, NaN where it is empty or missing."""
    if name not in runs:
        return np.full(len(runs), np.nan)
    return np.array([np.nan if pd.isna(value) else float(value) for value in runs[name]])


def quantile(values: Floats, share: float) -> float:
    """The quantile of all values, NaN among them counting as infinite; NaN if it is not finite."""
    ordered = np.sort(values)  # NaN last
    place = share * (len(ordered) - 1)
    below, above = ordered[int(np.floor(place))], ordered[int(np.ceil(place))]
    return float(below + (above - below) * (place % 1))


def median(values: pd.Series) -> float:
    """The median of a column, missing values counting as infinite; NaN if it is not finite."""
    return quantile(values.to_numpy(dtype=np.float64, na_value=np.nan), 0.5)


def spread(count: int, most: int) -> list[int]:
    """At most ``most`` places of ``count``, evenly, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return sorted({round(place) for place in np.linspace(0, count - 1, most)})
