"""What was measured, as people read it: the rows of the table, and a page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from experiments.benchmarks.measuring import Outcome, Repeat
from experiments.benchmarks.tables import REPEATS, repeat_table
from experiments.figures import pages

TITLE = "Speed against stock SB3, side by side"


def page(outcomes: Sequence[Outcome], repeats: Sequence[Repeat]) -> str:
    """The table with its ranges and its absolute figures, the machine's limits, the machine."""
    table = repeat_table(repeats)
    medians = _medians(table)
    header, rows = result_rows(outcomes)
    rows = [
        [
            *row,
            _absolute(outcome, outcome.row.ours, medians),
            _absolute(outcome, outcome.row.other, medians),
        ]
        for row, outcome in zip(rows, outcomes, strict=True)
    ]
    parts = [
        "Ratios are medians over repeats that measure every side in turn, and more is better but "
        "where a row says *at most*; the range is over the repeats. Beside them the medians of "
        "both sides. One thread; n = 30, network [256] and batch 128 unless said, the same update "
        "ratio on both sides, and epsilon at its end.",
        pages.markdown([*header, "ours", "theirs"], rows),
    ]
    if notes := dict.fromkeys(outcome.note for outcome in outcomes if outcome.note):
        parts.append(f"Unmeasured: {'; '.join(notes)}.")
    header, rows = further_rows(outcomes, table)
    if rows:
        parts += ["## Further figures, and what the machine could do at best"]
        parts += [pages.markdown(header, rows)]
    if len(table):
        parts.append(
            f"Measured on {' and '.join(table['device_name'].unique())}, {table['date'].iloc[-1]}, "
            f"with {table['versions'].iloc[-1]}. [Every repeat]({REPEATS})."
        )
    return pages.page("benchmark", TITLE, *parts, writer="experiments.benchmark")


def result_rows(outcomes: Sequence[Outcome]) -> tuple[list[str], pages.Rows]:
    """Header and rows of the table that people read."""
    header = ["what", "against", "ratio", "range", "goal", "aim", "verdict"]
    return header, [
        [
            outcome.row.what,
            outcome.row.peer,
            shown(outcome),
            _span(outcome),
            significant(outcome.row.goal),
            aim_shown(outcome),
            outcome.verdict,
        ]
        for outcome in outcomes
    ]


def further_rows(outcomes: Sequence[Outcome], table: pd.DataFrame) -> tuple[list[str], pages.Rows]:
    """Header and rows of the medians that no ratio is made of, the machine's limits among them.

    Args:
        outcomes: Whose sides are told already.
        table: Of :func:`repeat_table`.
    """
    told = {(o.row.contest, side) for o in outcomes for side in (o.row.ours, o.row.other)}
    return ["measured", "of", "median", "unit"], [
        [contest, side, significant(value), unit]
        for (contest, side), (value, unit) in _medians(table).items()
        if (contest, side) not in told
    ]


def shown(outcome: Outcome) -> str:
    """A ratio as people read it."""
    if outcome.ratio is None:
        return "-"
    figure = significant(outcome.ratio)
    if outcome.row.other is None:
        return figure
    return f"{'≥ ' if outcome.at_least else ''}{figure}x"


def significant(value: float) -> str:
    """Three digits, thousands apart, and whole numbers whole."""
    if not value or not math.isfinite(value):
        return f"{value:g}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def aim_shown(outcome: Outcome) -> str:
    """An aim as people read it; that of a peer has its name."""
    aim = "-" if outcome.aim is None else significant(outcome.aim)
    if not isinstance(outcome.row.aim, str):
        return aim
    return f"{aim if outcome.aim is not None else 'unmeasured'} ({outcome.row.aim.upper()})"


def _span(outcome: Outcome) -> str:
    if outcome.low is None or outcome.high is None:
        return "-"
    return f"{significant(outcome.low)} to {significant(outcome.high)}"


def _absolute(
    outcome: Outcome, side: str | None, medians: Mapping[tuple[str, str], tuple[float, str]]
) -> str:
    if side is None or (outcome.row.contest, side) not in medians:
        return "-"
    value, unit = medians[outcome.row.contest, side]
    return f"{significant(value)} {unit}"


def _medians(table: pd.DataFrame) -> dict[tuple[str, str], tuple[float, str]]:
    keys = zip(table["contest"], table["side"], strict=True)
    return dict(zip(keys, zip(table["median"], table["unit"], strict=True), strict=True))
