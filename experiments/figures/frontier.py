"""Where a learner without hindsight ends: the largest n that it solves within a budget.

Everywhere ``runs`` has the columns of ``runs.csv`` and a categorical ``series``.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pandas as pd

from experiments.figures import drawing, pages, time_to_solve
from experiments.figures.matplotlib_alone import Axes, Figure
from experiments.figures.protocol import is_written, protocol
from experiments.figures.series import has_hindsight
from experiments.records.summary import median, times_to_solve

_MIN_SIZES = 3
_DEFINITION = (
    "The largest n solved within a budget: the largest of the sweep's sizes such that more than "
    "half of the seeds are solved within it at that n, and at every smaller one. As exploration "
    "does not know the budget, one run to the largest serves the smaller ones."
)
_REFERENCES = (
    "A uniform random policy: the largest n at which its first reward is expected within the "
    "budget, exact. log2(budget): the n whose strings could all be listed in as many steps."
)


def parallel_runs(runs: pd.DataFrame) -> pd.DataFrame | None:
    """The runs that make a frontier, or None.

    A frontier is of learners without hindsight that differ in their replay or in the number of
    parallel environments: the series with at least three sizes, each with one configuration a size.
    The environment steps until they were solved, at most their budget, are in ``_time``. Runs with
    a search have two budgets, and none.
    """
    searched = runs["search"].fillna(False).astype(bool)
    some = runs[~has_hindsight(runs) & runs["env_steps"].notna() & ~searched & ~is_written(runs)]
    sizes = some.groupby("series", observed=True)["n"].nunique()
    some = some[some["series"].isin(sizes.index[sizes >= _MIN_SIZES])]
    if len(some[["n_envs", "replay"]].fillna({"replay": "uniform"}).drop_duplicates()) < 2:
        return None
    time = times_to_solve(some, "env_steps")
    # The last step of all copies may run over the budget: that is still within it.
    budgets = some["budget_env_steps"].to_numpy(dtype=float, na_value=np.inf)
    return some.assign(_time=np.minimum(time, budgets))


def majority_times(runs: pd.DataFrame) -> dict[int, float]:
    """The steps within which more than half of a series' seeds are solved, by ascending n.

    They are ``inf`` where that many seeds never are. Steps, or whatever else, are in ``_time``, as
    :func:`parallel_runs` has them.
    """
    found: dict[int, float] = {}
    for n, group in runs.groupby("n", sort=True):
        ordered = np.sort(group["_time"].fillna(np.inf).to_numpy(dtype=float))
        found[int(n)] = float(ordered[len(ordered) // 2])  # type: ignore[arg-type]
    return found


def largest_solved(majority: dict[int, float], budget: float) -> tuple[int | None, int | None]:
    """The largest n solved within a budget of steps, without gaps below it and with them.

    The times are those of :func:`majority_times`; None stands where there is none.
    """
    solved = [n for n, steps in majority.items() if steps <= budget]
    whole = [n for n, _ in itertools.takewhile(lambda item: item[1] <= budget, majority.items())]
    return (whole[-1] if whole else None, solved[-1] if solved else None)


def known_until(runs: pd.DataFrame) -> float:
    """The largest budget that every run of a series had."""
    budgets = runs["budget_env_steps"].fillna(runs["env_steps"])
    return float(budgets.min())


def figure(runs: pd.DataFrame) -> Figure | None:
    """Largest n solved against the budget, and environment steps to solve against n, if any."""
    some = parallel_runs(runs)
    if some is None:
        return None
    canvas, grid = drawing.panels(
        1,
        2,
        "Where DQN without hindsight ends",
        f"Left. {_DEFINITION} {_REFERENCES} Right: steps until solved. {time_to_solve.LEGEND}steps "
        "they used; dashed: expected steps of a uniform random policy up to its first reward. "
        f"{protocol(some)}",
        (10.5, 5.4),
    )
    left, right = grid[0]
    _steps_up(left, some)
    further = time_to_solve.draw(right, some, "env_steps")
    right.set_xlabel("n (bits)")
    return drawing.with_legend(canvas, left, right, further=further)


def _steps_up(axes: Axes, runs: pd.DataFrame) -> None:
    low, high = 1_000.0, max(known_until(group) for _, _, group in drawing.series(runs))
    sizes = sorted(int(n) for n in runs["n"].unique())
    for style, place, group in drawing.series(runs):
        end = known_until(group)
        majority = majority_times(group)
        moves = sorted({steps for steps in majority.values() if steps <= end})
        found = [(steps, largest_solved(majority, steps)[0]) for steps in moves]
        rise = [(max(1.0, steps), n) for steps, n in found if n is not None]
        # Only where it moves: a majority beyond a gap moves nothing.
        rise = [next(same) for _, same in itertools.groupby(rise, key=lambda move: move[1])]
        if not rise:
            axes.plot([], [], **style)
            continue
        low = min(low, rise[0][0])
        budgets, reached = zip(*rise, (end, rise[-1][1]), strict=True)
        levels = np.array(reached, dtype=float)
        levels += 0.4 * (place(pd.Series(reached)) - levels)  # by a hair: it is read off the axis
        axes.step(
            budgets, levels, where="post", markevery=list(range(len(rise))), zorder=3, **style
        )
    low = 10 ** math.floor(math.log10(low))
    line = zip(*time_to_solve.dithering_line(runs, "env_steps", high, first=1), strict=True)
    within = [(max(steps, low), n) for n, steps in line if steps <= high]
    if within:
        budgets, lengths = zip(*within, (high, within[-1][1]), strict=True)
        look: dict[str, Any] = {"drawstyle": "steps-post", "zorder": 2}
        drawing.reference(axes, budgets, lengths, "uniform random policy", **look)
    ends = np.array([low, high])
    dotted: dict[str, Any] = {"color": "0.45", "linestyle": (0, (1, 2)), "linewidth": 1.3}
    drawing.reference(axes, ends, np.log2(ends), "log2(budget)", **dotted)
    axes.set_xscale("log")
    axes.set_xlim(low, high * 1.15)
    axes.set_ylim(0, max(sizes[-1], math.log2(high)) + 1)
    axes.set_yticks(sizes)
    axes.set_xlabel("budget (environment steps)")
    axes.set_ylabel("largest n solved")


def page(runs: pd.DataFrame) -> str | None:
    """Tables: largest n solved by budget, and seeds solved with their median steps by n."""
    some = parallel_runs(runs)
    if some is None:
        return None
    groups = {str(name): group for name, group in some.groupby("series", observed=True)}
    budgets = _half_decades(max(known_until(group) for group in groups.values()))
    rows = []
    for name, group in groups.items():
        majority, end = majority_times(group), known_until(group)
        rows.append([name, *(_largest(majority, b) if b <= end else "" for b in budgets)])
    line = time_to_solve.dithering_line(some, "env_steps", budgets[-1], first=1)
    chance = dict(zip(*line, strict=True))
    rows.append(["uniform random policy", *(_largest(chance, budget) for budget in budgets)])
    rows.append(["log2(budget)", *(f"{math.log2(budget):.1f}" for budget in budgets)])
    header = ["largest n solved within", *(f"10^{math.log10(budget):g}" for budget in budgets)]
    return pages.page(
        "frontier",
        "Where DQN without hindsight ends",
        f"{_DEFINITION} In brackets a larger n beyond such a gap, where there is one. Empty: not "
        f"run that far. {_REFERENCES}",
        f"{protocol(some)}.",
        pages.markdown(header, rows),
        "Seeds solved, and environment steps until solved (median over all seeds, unsolved ones "
        "the slowest; a dash where the median seed is unsolved):",
        pages.markdown(["n", *groups], _by_size(some, groups)),
    )


def _by_size(runs: pd.DataFrame, groups: dict[str, pd.DataFrame]) -> pages.Rows:
    rows = []
    for n in sorted(int(n) for n in runs["n"].unique()):
        times = [group.loc[group["n"] == n, "_time"] for group in groups.values()]
        cells = [
            f"{some.notna().sum()}/{len(some)}, {pages.number(median(some))}" if len(some) else ""
            for some in times
        ]
        rows.append([str(n), *cells])
    return rows


def _largest(majority: dict[int, float], budget: float) -> str:
    whole, any_size = largest_solved(majority, budget)
    beyond = f" ({any_size})" if any_size != whole else ""
    return f"{'-' if whole is None else whole}{beyond}"


def _half_decades(end: float) -> list[float]:
    """10^4, 10^4.5, ... up to ``end``; from 10^3 where that is all there is."""
    last = math.floor(2 * math.log10(end) + 1e-9)
    return [10 ** (half / 2) for half in range(min(8, max(last - 2, 0)), last + 1)]
