"""What was run, as captions say it."""

from __future__ import annotations

import pandas as pd

from experiments.config.run_settings import APPEND

_PHRASES = {
    ("goal_mode", "fixed"): "one fixed target",
    ("goal_mode", "random"): "a new target each episode",
    ("start", "random"): "random starts",
    ("start", "zeros"): "starts at zeros",
    ("start", "empty"): "written from an empty start",
    ("reward_type", "zero_one"): "reward 1 at s and 0 elsewhere",
    ("reward_type", "minus_one_zero"): "reward 0 at s and -1 elsewhere",
    ("reward_type", "hamming"): "reward -distance/n",
    ("continuing_task", "False"): "episodes end at s",
    ("continuing_task", "True"): "episodes run to the horizon",
}


def protocol(runs: pd.DataFrame) -> str:
    """What was run, in a sentence: target, starts, reward, horizon, end, seeds, budget.

    Args:
        runs: What :func:`experiments.records.tables.read_runs` gives.

    Returns:
        Phrases with semicolons between them; what no column says is left out.
    """
    runs = runs.reset_index(drop=True)
    phrases = [
        " or ".join(_PHRASES.get((name, value), f"{name} {value}") for value in values)
        for name in ("goal_mode", "start", "reward_type")
        if (values := sorted(runs[name].dropna().unique()))
    ]
    horizons = runs["max_steps"].dropna()
    if len(horizons) and (horizons == runs.loc[horizons.index, "n"]).all():
        phrases.append("horizon n")
    elif len(horizons):
        phrases.append(f"horizon {span(horizons)} steps")
    edited = runs[~is_written(runs)]
    ends = sorted(edited["continuing_task"].dropna().astype(str).unique())
    if ends:
        phrases.append(" or ".join(_PHRASES["continuing_task", end] for end in ends))
    seeds = runs.groupby("config_id").size()
    if len(seeds):
        phrases.append(f"{span(seeds)} seed{'' if seeds.max() == 1 else 's'}")
    budgets = runs["budget_env_steps"].dropna()
    if len(budgets):
        phrases.append(f"budget {span(budgets)} env steps")
    text = "; ".join(phrases)
    return text[:1].upper() + text[1:]


def is_written(runs: pd.DataFrame) -> pd.Series:
    """Which runs write their strings; others flip bits, as do all that do not say."""
    return runs["env"].astype("string").fillna("") == APPEND


def measure(runs: pd.DataFrame) -> str:
    """What success is a rate of."""
    flips = "Share of greedy evaluation episodes that reach s within the horizon."
    writes = (
        "Chance to write a right string: exact where the policy is stochastic, else that of what "
        "it writes greedily."
    )
    written = is_written(runs)
    if written.any() and not written.all():
        return f"{flips} Where strings are written, c{writes[1:]}"
    return writes if written.any() else flips


def span(values: pd.Series) -> str:
    """The lowest and the highest of some whole numbers."""
    low, high = int(values.min()), int(values.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
