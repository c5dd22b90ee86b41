"""Learning curves with fewer rows: some of many places, evenly."""

from __future__ import annotations

import numpy as np
import pandas as pd


def spread(count: int, most: int) -> list[int]:
    """At most ``most`` places of ``count``, evenly, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return sorted({round(place) for place in np.linspace(0, count - 1, most)})


def thin_curves(curves: pd.DataFrame, rows: int) -> pd.DataFrame:
    """Learning curves for a repository: no more than so many evaluations of each run.

    The first and the last evaluation always stay, and between them those that are evenly spaced
    in rank; as evaluations are spaced geometrically, so is what is left of them.

    Args:
        curves: The columns of ``curves.csv``.
        rows: At most so many of each run, at least 2.

    Returns:
        Rows of ``curves`` in their order, numbered anew.

    Raises:
        ValueError: If ``rows`` is below 2.
    """
    if rows < 2:
        raise ValueError(f"rows must be at least 2, the first and the last, got {rows}")
    ranked = curves.reset_index(drop=True)
    kept: list[int] = []
    for _, run in ranked.groupby("run_id", sort=False):
        order = run.sort_values("env_steps", kind="stable").index
        kept += [order[place] for place in spread(len(order), rows)]
    return ranked.loc[sorted(kept)].reset_index(drop=True)
