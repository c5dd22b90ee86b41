"""Which runs belong to one line of a figure, and what the line is called.

A series is a method with a network. Where a method, network and n come in several configurations,
the settings that tell them apart join the series' name; which ones is read off the columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from experiments.config import registry
from experiments.records.schema import RESULT_COLUMNS
from experiments.records.summary import STATISTICS

NO_SETTINGS = RESULT_COLUMNS | set(STATISTICS)
NO_SETTINGS |= {"run_id", "config_id", "seed", "schema_version", "method", "n", "series"}
# What follows from other settings, or says them together.
NO_SETTINGS |= {"told", "method_settings", "parent", "module", "module_version"}
_FLAGS = ["search", "withhold_reward"]
NO_SETTINGS |= {"hindsight", *_FLAGS}  # they are part of a learner's first name
SEARCHED, NULL, UNTRAINED = "after a search", "reward withheld", "untrained"
_WORDS = {
    "budget_env_steps": "budget",
    "continuing_task": "continuing",
    "goal_mode": "goal",
    "implementation": "",
    "learner_reward": "learner sees",
    "n_envs": "parallel envs",
    "network": "",
    "relabel_share": "relabelled share",
}
_NAMES = {
    ("goal_mode", "random"): "a goal per episode",
    ("relabel_done", "False"): "done not recomputed",
    ("relabel_done", "True"): "done recomputed",
    ("relabel_share", "1.0"): "every goal relabelled",
    ("sees_target", "False"): "target not seen",
    ("sees_target", "True"): "target seen",
}
"""Settings that have a name of their own."""


def name_series(runs: pd.DataFrame) -> pd.Series:
    """The series that each run belongs to.

    Args:
        runs: What :func:`experiments.records.tables.read_runs` gives, with further settings as
            further columns where there are any.

    Returns:
        A name for each row, index of ``runs``; an ordered categorical, so that figures of the
        same runs give each series the same place and style.
    """
    names: dict[str, str] = {}
    configs = runs.drop_duplicates("config_id").sort_values(["method", "network", "n"])
    settings = [name for name in varying_settings(runs) if name != "network"]
    order: list[str] = []
    keys = ["method", "network", "told"]
    flags = [configs[name].astype("string").fillna("") == "True" for name in _FLAGS]
    flags += [has_hindsight(configs), configs["updates_per_env_step"] == 0]
    by = [*keys, *(flag.fillna(False).rename(place) for place, flag in enumerate(flags))]
    grouped = configs.groupby(by, sort=True, dropna=False)
    for (method, network, told, search, null, hindsight, untrained), group in grouped:
        module = group["module"].iloc[0] if "module" in group else None
        base = base_name(str(method), str(network), bool(hindsight), module)
        base += f", {SEARCHED}" if search else ""
        base += f" (told {told})" if isinstance(told, str) else ""
        base += f", {NULL}" if null else ""
        base += f", {UNTRAINED}" if untrained else ""
        cells = group[settings].astype("string").fillna("")
        named = _name_group(base, group, cells)
        order += sorted({*named.values()} - {*order}, key=by_number)
        names |= named
    return pd.Series(
        pd.Categorical(runs["config_id"].map(names), order, ordered=True), index=runs.index
    )


def base_name(method: str, network: str, hindsight: bool = False, module: Any = None) -> str:
    """A series that needs no further words."""
    name = _title(method, module)
    if hindsight and "HER" not in name:
        name += " + HER" if name == "DQN" else " + hindsight"
    return name if network == registry.OWN else f"{name}, {network}"


def varying_settings(runs: pd.DataFrame) -> list[str]:
    """The settings that have more than one value, the network and the implementation in front."""
    columns = [name for name in map(str, runs) if name not in NO_SETTINGS]
    # A setting has one value for all seeds of a configuration.
    within = runs.groupby("config_id")[columns].nunique(dropna=False).max()
    among = runs[columns].nunique(dropna=False)
    names = [name for name in columns if within[name] <= 1 < among[name]]
    return sorted(names, key=lambda name: (name != "network", name != "implementation"))


def _name_group(base: str, group: pd.DataFrame, cells: pd.DataFrame) -> dict[str, str]:
    """Names of the configurations of one method and network."""
    differing = _distinguishing(group["n"], cells)
    if differing is None:  # in nothing that has a column: each configuration is its own series
        return {config: f"{base}, {config}" for config in group["config_id"]}
    if not differing:
        return dict.fromkeys(group["config_id"], base)
    tasks = [(some, departures(cells.loc[some.index])) for _, some in group.groupby("n")]
    # One grid among the sizes, and names are of the whole group: a line keeps its name.
    grid = any(len(some) > 2 and words is None for some, words in tasks)
    usual = {name: None if grid else _majority(cells[name]) for name in differing}
    if grid and (known := _mostly(group["n"], cells[differing])):
        usual, cells = known, _filled(cells[differing], known)
    names: dict[str, str] = {}
    for some, words in tasks:
        if grid or words is None:
            words = [
                [in_words(name, row[name]) for name in differing if row[name] != usual[name]]
                for row in cells.loc[some.index].to_dict("records")
            ]
        whole = [", ".join([base, *filter(None, parts)]) for parts in words]
        names |= dict(zip(some["config_id"], whole, strict=True))
    return names


def departures(cells: pd.DataFrame) -> list[list[str]] | None:
    """How each configuration of one task departs from the usual one, as in an ablation.

    Args:
        cells: A row a configuration, a column a setting, all of it text.

    Returns:
        For each row the settings, in words, that are not the majority's; without those whose
        default follows from another of them, as long as no two rows then read the same. None
        where no row is the usual one in everything, as in a grid, and where two are alike.
    """
    usual = {str(name): _majority(cells[name]) for name in cells}
    rows = [
        {str(name): str(value) for name, value in row.items() if value != usual[str(name)]}
        for row in cells.to_dict("records")
    ]
    if len(rows) < 3 or {} not in rows or cells.duplicated().any():
        return None

    def words(row: dict[str, str], without: Iterable[str] = ()) -> list[str]:
        return [in_words(name, value) for name, value in row.items() if name not in without]

    followers = registry.followers()
    short = [words(row, _following(row, followers)) for row in rows]
    return [
        some if short.count(some) == 1 else words(row)
        for some, row in zip(short, rows, strict=True)
    ]


def _following(names: Iterable[str], followers: Mapping[str, set[str]]) -> set[str]:
    """Everything whose default changes with one of these settings."""
    direct = {follower for name in names for follower in followers.get(name, ())}
    return direct | _following(direct, followers) if direct else direct


def has_hindsight(runs: pd.DataFrame) -> pd.Series:
    """Which runs learned from goals that they were not given."""
    found = runs["goal_strategy"].fillna("none") != "none"
    if "hindsight" in runs:
        found |= runs["hindsight"].astype("string").fillna("") == "True"
    return found


def _title(method: str, module: Any) -> str:
    """A method for people; one from outside goes by its class's name, if it is known."""
    if isinstance(module, str) and ":" in module:
        return module.partition(":")[2]
    return registry.METHODS[method].title if method in registry.METHODS else method


def _majority(values: pd.Series, share: float = 1 / 2) -> str | None:
    counts = values.value_counts()
    return str(counts.index[0]) if len(counts) and counts.iloc[0] > share * len(values) else None


def _mostly(sizes: pd.Series, cells: pd.DataFrame) -> dict[str, str | None] | None:
    """What four in five have that have a setting at all; None if it does not tell all others apart.

    Where a setting is empty it plays no part, and goes unnamed.
    """
    usual = {str(name): _majority(cells[name][cells[name] != ""], 4 / 5) for name in cells}
    return None if _filled(cells, usual).assign(_n=sizes).duplicated().any() else usual


def _filled(cells: pd.DataFrame, usual: Mapping[str, str | None]) -> pd.DataFrame:
    return cells.assign(
        **{name: cells[name].where(cells[name] != "", value) for name, value in usual.items()}
    )


def _distinguishing(sizes: pd.Series, cells: pd.DataFrame) -> list[str] | None:
    """Few columns that tell apart all configurations of the same n; None if there are none.

    Of columns that say the same, the first stays: ``runs.csv`` has the telling ones in front, and
    most telling of all is that a run is SB3's own.
    """

    def tell_apart(names: Iterable[str]) -> bool:
        return not cells[list(names)].assign(_n=sizes).duplicated().any()

    chosen = list(map(str, cells))
    if not tell_apart(chosen):
        return None
    for name in reversed(chosen.copy()):
        rest = [other for other in chosen if other != name]
        if tell_apart(rest):
            chosen = rest
    return chosen


def in_words(name: str, value: str) -> str:
    """A setting in words."""
    if (name, value) in _NAMES:
        return _NAMES[name, value]
    if value in ("True", "False"):
        value = "yes" if value == "True" else "no"
    elif value.isdigit():
        value = f"{int(value):,}"
    elif not value:
        value = "unknown"
    return f"{_WORDS.get(name, name.replace('_', ' '))} {value}".strip()


def by_number(name: str) -> list[tuple[int, str]]:
    """Sorts numbers by size: budget 9,000 comes before budget 10,000."""
    return [
        (int(word.replace(",", "")), "") if word.replace(",", "").isdigit() else (-1, word)
        for word in name.split()
    ]
