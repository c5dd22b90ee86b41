"""The figure of size transfer: the same weights at other numbers of bits."""

from __future__ import annotations

import numpy as np
import pandas as pd

from experiments.figures import drawing, pages
from experiments.figures.matplotlib_alone import Figure
from experiments.figures.series import base_name
from experiments.records.summary import summarise_transfers

_TITLE = "The same weights at other numbers of bits"


def figure(transfers: pd.DataFrame | None, runs: pd.DataFrame) -> Figure | None:
    """Success rate and steps over the optimum against n, with the n of the training marked.

    Args:
        transfers: The columns of ``transfer.csv``; without them there is no figure.
        runs: The columns of ``runs.csv`` and a categorical ``series``.
    """
    if transfers is None or transfers.empty:
        return None
    transfers = transfers.assign(series=_names(transfers, runs))
    transfers["_ratio"] = transfers["mean_steps"] / transfers["optimal_mean_steps"]
    canvas, grid = drawing.panels(
        1,
        2,
        _TITLE,
        "Trained once, at the marked n, then not at all. Left: share of greedy episodes that reach "
        "s within the horizon; mean over seeds with a 95% interval (bootstrap). Right: mean steps "
        "of an episode over those of an optimal policy; episodes that miss s count with the "
        f"horizon; median seed. Faint dots: single seeds. {_protocol(transfers)}",
        (10.5, 4.6),
        sharex=True,
    )
    left, right = grid[0]
    for style, place, group in drawing.series(transfers):
        aside = _aside(group)
        at = place(group["n"]) * aside
        summary = summarise_transfers(group)
        left.plot(at, group["success_rate"], **drawing.dots(style))
        drawing.rates(left, place(summary["n"]), summary, style)
        right.plot(at, group["_ratio"], **drawing.dots(style))
        medians = group.groupby("n")["_ratio"].median()
        right.plot(place(pd.Series(medians.index)), medians, **style, zorder=3)
    sizes = np.array([transfers["n"].min(), transfers["n"].max()], dtype=float)
    drawing.reference(right, sizes, np.ones(2), "optimal policy", zorder=2)
    trained = sorted(transfers["trained_n"].unique())
    left.set_ylim(-0.04, 1.04)
    left.set_ylabel("success rate")
    right.set_ylabel("mean steps / optimum")
    low, high = right.get_ylim()
    right.set_ylim(min(low, 0.95), max(high, 1.1))  # or rounding would fill the panel
    for axes in (left, right):
        for size in trained:
            axes.axvline(size, color="0.6", linewidth=1, zorder=1, linestyle=":")
        drawing.scale_of_n(axes, transfers)
        axes.set_xlabel(
            f"n (bits); dotted: trained at n = {', '.join(map('{:,}'.format, trained))}"
        )
    return drawing.with_legend(canvas, left, right)


def page(transfers: pd.DataFrame | None, runs: pd.DataFrame) -> str | None:
    """The same as a page; None where there are no transfers."""
    if transfers is None or transfers.empty:
        return None
    names = dict(zip(transfers["config_id"], _names(transfers, runs).astype(str), strict=True))
    header, rows = pages.transfer_rows(transfers, names)
    return pages.page(
        "transfer",
        _TITLE,
        "*Seeds at 1.0*: agents whose every greedy episode reached s. *Lowest*: success rate of "
        "the worst seed. *Mean steps* of an episode and those of an optimal policy from the same "
        f"starts. {'; '.join(dict.fromkeys(names.values()))}; {_protocol(transfers)}.",
        pages.markdown(header, rows),
    )


def _names(transfers: pd.DataFrame, runs: pd.DataFrame) -> pd.Series:
    """The series of each agent's run, and what it was trained on where that differs."""
    known = dict(zip(runs["config_id"], runs["series"].astype(str), strict=True))
    names = transfers["config_id"].map(known).fillna(_agents(transfers))
    if transfers["trained_n"].nunique() > 1:
        names += transfers["trained_n"].map(", trained at n = {:,}".format)
    return names.astype(pd.CategoricalDtype(list(names.unique()), ordered=True))


def _agents(transfers: pd.DataFrame) -> pd.Series:
    pairs = zip(transfers["method"], transfers["network"], strict=True)
    return pd.Series([base_name(*pair) for pair in pairs], index=transfers.index)


def _aside(transfers: pd.DataFrame) -> drawing.Floats:
    """Factors that set the seeds of one size apart: most of them meet at 1."""
    ranks = transfers.groupby("n")["seed"].rank(method="first").to_numpy(dtype=float)
    middle = (transfers["seed"].nunique() + 1) / 2
    return np.exp((ranks - middle) * 0.02)


def _protocol(transfers: pd.DataFrame) -> str:
    """Seeds, episodes and horizon, in a sentence."""
    seeds = transfers.groupby(["config_id", "n"])["seed"].nunique().max()
    low, high = transfers["episodes"].min(), transfers["episodes"].max()
    episodes = f"{high:,}" if low == high else f"{low:,} to {high:,}"
    horizons = transfers["max_steps"].dropna()
    usual = len(horizons) and (horizons == transfers.loc[horizons.index, "n"]).all()
    horizon = "; horizon n" if usual else ""
    return f"{seeds} seed{'' if seeds == 1 else 's'}; {episodes} episodes each{horizon}"
