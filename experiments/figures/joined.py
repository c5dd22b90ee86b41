"""What several results folders say together: learners by how far they get, and rates of play."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from experiments.figures.frontier import majority_times
from experiments.figures.protocol import is_written
from experiments.figures.series import varying_settings
from experiments.records.schema import Column
from experiments.records.summary import times_to_solve
from experiments.records.tables import read_rows

RATES = "benchmark_repeats.csv"
"""The table that rates are read from."""

_NOT_TOLD = {"method": "dqn", "told": "nothing", "search": False}
LEARNERS: Mapping[str, Mapping[str, Any]] = {
    "HER, told s": {"method": "her", "told": "s", "search": False},
    "packed search, then rewarded replay": {**_NOT_TOLD, "search": True, "replay": "rewarded"},
    "rewarded replay": {**_NOT_TOLD, "replay": "rewarded"},
    "prioritized replay": {**_NOT_TOLD, "replay": "prioritized"},
    "uniform replay": {**_NOT_TOLD, "replay": "uniform"},
}
"""What the runs of a learner have in common."""

PLAYERS = {
    "SB3's environment": ("vector", "stock"),
    "this environment": ("vector", "ours"),
    "packed search, 1 core": ("search", "ours"),
    "packed search, 2 cores": ("search-threads", "ours"),
    "packed search, GPU": ("search-gpu", "ours"),
}
"""Contest and side of a benchmark in which somebody plays uniformly."""


class Joined(NamedTuple):
    """The tables of several folders."""

    runs: Sequence[tuple[str, pd.DataFrame]]
    """Each folder's name and its runs; a learner that several have is the first one's."""
    rates: Mapping[str, float]
    """Environment steps a second of those players that were measured."""


def read_rates(directory: Path) -> dict[str, float]:
    """Environment steps a second of each player that a benchmark has, medians over its repeats.

    Raises:
        TableError: If the table cannot be understood.
    """
    kinds: dict[str, Any] = {"contest": "text", "side": "text", "value": "number"}
    columns = {name: Column(name, kind, required=True) for name, kind in kinds.items()}
    repeats = pd.DataFrame(
        [row for _, row in read_rows(directory / RATES, columns)], columns=list(kinds)
    )
    medians = repeats.groupby(["contest", "side"])["value"].median()
    rates = {name: float(medians.get(key, 0)) for name, key in PLAYERS.items()}
    return {name: rate for name, rate in rates.items() if rate > 0}


def points(runs: Sequence[tuple[str, pd.DataFrame]]) -> pd.DataFrame:
    """A row for each learner and n: whether more than half of its seeds solve it, and how soon.

    Args:
        runs: Of :class:`Joined`.

    Returns:
        ``learner``, ``folder``, ``n``, ``seeds``, ``solved``; ``env_steps`` and ``seconds`` until
        solved, infinite where too few seeds are; the medians of those that a run used,
        ``used_env_steps`` and ``used_seconds``. Sorted as :data:`LEARNERS`, then by n.
    """
    rows: list[dict[str, Any]] = []
    for learner, asked in LEARNERS.items():
        for folder, table in runs:
            if len(some := _usual(_runs_of(table, asked))):
                rows += ({"learner": learner, "folder": folder} | row for row in _sizes(some))
                break
    return pd.DataFrame(rows)


def _sizes(runs: pd.DataFrame) -> list[dict[str, Any]]:
    steps, seconds = (
        majority_times(runs.assign(_time=times_to_solve(runs, unit)))
        for unit in ("env_steps", "seconds")
    )
    return [
        {
            **{"n": n, "seeds": len(group), "solved": int(group["solved"].sum())},
            **{"env_steps": steps[n], "seconds": seconds[n]},
            "used_env_steps": group["env_steps"].astype(float).median(),
            "used_seconds": group["train_seconds"].median(),
        }
        for n, group in ((n, runs[runs["n"] == n]) for n in steps)
    ]


def _runs_of(runs: pd.DataFrame, asked: Mapping[str, Any]) -> pd.DataFrame:
    """A learner's runs on the one task, with their rewards and with updates, from new weights."""
    has = runs.assign(
        # Tables of the first schema have neither, and one kind of replay.
        told=runs["told"].fillna(runs["sees_target"].map({True: "s", False: "nothing"})),
        replay=runs["replay"].fillna("uniform"),
        search=runs["search"].fillna(False),
        withhold_reward=runs["withhold_reward"].fillna(False),
    )
    task: dict[str, Any] = {
        "goal_mode": "fixed",
        "start": "random",
        "network": "mlp",
    }
    task |= {"reward_type": "zero_one", "withhold_reward": False, **asked}
    kept = ~is_written(runs) & (has["max_steps"] == has["n"]) & (has["updates_per_env_step"] > 0)
    for name, value in task.items():
        kept &= has[name] == value
    return has[kept.fillna(False).astype(bool) & has["parent"].isna()]


def _usual(runs: pd.DataFrame) -> pd.DataFrame:
    """One configuration at each n: the one that departs least from what the learner mostly has."""
    configs = runs.drop_duplicates("config_id")
    departs = pd.Series(0, index=configs.index)
    for name in varying_settings(runs):
        cells = configs[name].astype("string").fillna("")
        departs += cells != cells.mode().iloc[0]
    order = configs.assign(_departs=departs).sort_values(["n", "_departs", "config_id"])
    return runs[runs["config_id"].isin(order.drop_duplicates("n")["config_id"])]
