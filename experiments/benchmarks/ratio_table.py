"""The ratios as a CSV file, as a table on the console, and as a page."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from experiments.benchmarks.measuring import REPEATS, AtLeast, Repeat, repeat_table
from experiments.benchmarks.verdicts import Outcome
from experiments.figures import pages
from experiments.telling import Console

TITLE = "Speed against stock SB3, side by side"
_FURTHER = "Further figures, and what the machine could do at best"
_FURTHER_HEADER = ("measured", "of", "median", "unit")
_INTRODUCTION = (
    "Ratios are medians over repeats that measure every side in turn, and more is better but "
    "where a row says *at most*; the range is over the repeats. Beside them the medians of "
    "both sides. One thread; n = 30, network [256] and batch 128 unless said, the same update "
    "ratio on both sides, and epsilon at its end."
)


def ratio_table(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """The rows of ``benchmark.csv``; a ratio is empty where it was not measured."""
    rows = [
        (o.row.what, o.row.peer, _rounded(o.ratio), float(o.row.goal), _rounded(o.aim), o.verdict)
        for o in outcomes
    ]
    return pd.DataFrame(rows, columns=["what", "peer", "ratio", "goal", "aim", "verdict"])


def words(outcome: Outcome) -> dict[str, str]:
    """A line of the table as people read it; the aim of a peer has its name."""
    row, ratio, span = outcome.row, "-", "-"
    if outcome.ratio is not None:
        ratio = significant(outcome.ratio)
        if row.other is not None:
            ratio = f"{'≥ ' if isinstance(outcome.ratio, AtLeast) else ''}{ratio}x"
        span = " to ".join(map(significant, outcome.ends))
    aim = "-" if outcome.aim is None else significant(outcome.aim)
    if isinstance(row.aim, str):
        aim = f"{'unmeasured' if outcome.aim is None else aim} ({row.aim.upper()})"
    return {
        "what": row.what,
        "against": row.peer,
        "ratio": ratio,
        "range": span,
        "goal": significant(row.goal),
        "aim": aim,
        "verdict": outcome.verdict,
    }


def print_ratios(console: Console, outcomes: Sequence[Outcome], repeats: Sequence[Repeat]) -> None:
    """The table without ranges, and the further figures."""
    header = ["what", "ratio", "goal", "aim", "verdict"]
    lines = [[words(outcome)[name] for name in header] for outcome in outcomes]
    console.table(TITLE, header, lines)
    console.table(_FURTHER, _FURTHER_HEADER, _further(outcomes, repeats))


def page(outcomes: Sequence[Outcome], repeats: Sequence[Repeat]) -> str:
    """The table with its ranges and absolute figures, the machine's limits, and the machine."""
    medians = {side: " ".join(figure) for side, figure in _medians(repeats).items()}
    rows = []
    for outcome in outcomes:
        sides = {"ours": "ours", "theirs": outcome.row.other}.items()
        figures = {name: medians.get((outcome.row.contest, side), "-") for name, side in sides}
        rows.append(words(outcome) | figures)
    parts = [_INTRODUCTION, pages.markdown(list(rows[0]), [list(row.values()) for row in rows])]
    if notes := dict.fromkeys(outcome.note for outcome in outcomes if outcome.note):
        parts.append(f"Unmeasured: {'; '.join(notes)}.")
    if further := _further(outcomes, repeats):
        parts += [f"## {_FURTHER}", pages.markdown(_FURTHER_HEADER, further)]
    if repeats:
        devices = " and ".join(dict.fromkeys(repeat["device_name"] for repeat in repeats))
        last = repeats[-1]
        measured = f"Measured on {devices}, {last['date']}, with {last['versions']}."
        parts.append(f"{measured} [Every repeat]({REPEATS}).")
    return pages.page("benchmark", TITLE, *parts, writer="experiments.benchmark")


def significant(value: float) -> str:
    """Three digits, thousands apart, and whole numbers whole."""
    if not value or not math.isfinite(value):
        return f"{value:g}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _medians(repeats: Sequence[Repeat]) -> dict[tuple[str, str | None], tuple[str, str]]:
    """Median and unit of each side of each contest."""
    rows = repeat_table(repeats).to_dict("records")
    return {(r["contest"], r["side"]): (significant(r["median"]), r["unit"]) for r in rows}


def _further(outcomes: Sequence[Outcome], repeats: Sequence[Repeat]) -> pages.Rows:
    """The medians that no ratio is made of, the machine's limits among them."""
    told = {(o.row.contest, side) for o in outcomes for side in ("ours", o.row.other)}
    medians = _medians(repeats).items()
    return [[*map(str, side), *figure] for side, figure in medians if side not in told]


def _rounded(value: float | None) -> float:
    """Four digits, which is more than they are worth."""
    return math.nan if value is None else float(f"{value:.4g}")
