"""What learners of strings that are written are called in figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from experiments.figures.series import (
    NO_SETTINGS,
    NULL,
    SEARCHED,
    UNTRAINED,
    base_name,
    by_number,
    has_hindsight,
    in_words,
)


def name_writers(runs: pd.DataFrame, *, by_task: bool = True) -> pd.Series:
    """The learner of each run; see :func:`experiments.figures.series.name_series` for the others.

    They keep their names at every size, as what differs with the size alone (budgets, widths) is
    left out; of configurations of one task that then read alike each is told by how it departs
    from the usual one, or by its id.

    Args:
        runs: As there.
        by_task: Whether free bits are part of a name.
    """
    configs = runs.drop_duplicates("config_id").sort_values(["method", "network", "n"])
    configs = configs.assign(_hindsight=has_hindsight(configs), free_bits=free_bits(configs))
    words = pd.Series([_writer(row) for row in configs.to_dict("records")], index=configs.index)
    tasks = [name for name in ("n", "free_bits", "word_size") if name in configs]
    told = configs["told"].astype(str)
    for _, learner in configs.groupby([words, told]):
        words[learner.index] += _apart(learner, tasks)
    alike = configs[tasks].assign(told=told, words=words).duplicated(keep=False)
    words = words.where(~alike, words + ", " + configs["config_id"])
    words += " (told " + told + ")"
    if by_task:
        bits = configs["free_bits"]
        words = words.where(bits == 0, words + bits.map(", {} bits free".format))
    names = dict(zip(configs["config_id"], words, strict=True))
    order = sorted(set(names.values()), key=by_number)
    return pd.Series(
        pd.Categorical(runs["config_id"].map(names), order, ordered=True), index=runs.index
    )


def free_bits(runs: pd.DataFrame) -> pd.Series:
    """How many bits do not matter in each run."""
    if "free_bits" not in runs:
        return pd.Series(0, index=runs.index)
    return pd.to_numeric(runs["free_bits"]).fillna(0).astype(int)


_OF_WRITERS = {
    ("search", "True"): SEARCHED,
    ("replay", "rewarded"): "rewarded replay",
    ("replay", "prioritized"): "prioritized replay",
    ("loss", "likelihood"): "likelihood",
    ("withhold_reward", "True"): NULL,
    ("updates_per_env_step", "0.0"): UNTRAINED,
}


def _writer(row: Mapping[Any, Any]) -> str:
    base = base_name(row["method"], row["network"], row["_hindsight"], row.get("module"))
    # Which network it is, where it is the usual one, is nothing to tell.
    parts = [base.removesuffix(", mlp")]
    parts += [words for (name, value), words in _OF_WRITERS.items() if f"{row.get(name)}" == value]
    return ", ".join(parts)


def _apart(learner: pd.DataFrame, tasks: list[str]) -> list[str]:
    """How each of a learner's configurations departs from the usual one, in words.

    Of the settings that differ at one task; others may follow from the task.
    """
    cells = _cells(learner[[name for name in learner if name not in {*NO_SETTINGS, *tasks}]])
    differ = cells.groupby([learner[name] for name in tasks]).nunique().max() > 1
    names = [name for name in map(str, cells) if differ[name]]
    usual = {name: cells[name].mode()[0] for name in names}
    return [
        "".join(f", {in_words(name, row[name])}" for name in names if row[name] != usual[name])
        for row in cells.to_dict("records")
    ]


def _cells(settings: pd.DataFrame) -> pd.DataFrame:
    """Settings as text, those of an algorithm from outside each in a column of its own."""
    cells = settings.astype("string").fillna("")
    if "algorithm_kwargs" not in cells:
        return cells
    own = pd.DataFrame(cells.pop("algorithm_kwargs").map(_keywords).tolist(), index=cells.index)
    return cells.assign(**own.astype("string").fillna(""))


def _keywords(text: str) -> dict[str, Any]:
    """A JSON of settings; one of a person's that is no such stays whole."""
    try:
        return dict(json.loads(text or "{}"))
    except (ValueError, TypeError):
        return {"algorithm_kwargs": text}
