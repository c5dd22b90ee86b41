"""What is asked of two sides, and the answer: the median of ratios, each within a repeat.

It is told as a CSV file, as a table on the console, and as a page.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import pandas as pd

from experiments.benchmarks.measuring import REPEATS, AtLeast, Repeat, repeat_table
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


@dataclass(frozen=True)
class Row:
    """One line of the table: a ratio between two sides, and what it should be."""

    contest: str
    what: str
    """One that says "(at most)" asks for ours over the other's, which should be small."""
    peer: str
    goal: float
    aim: float | str | None
    """A ratio, or the side whose ratio to ``other`` is the aim."""
    other: str | None = "stock"
    """The side that ours is compared to; None where the figure itself is told, and no ratio."""
    within: float | None = None
    """What the median of our side must be below as well, in the contest's unit."""
    over: float | None = None
    """What it must be above as well."""

    @property
    def at_most(self) -> bool:
        """Whether less is better."""
        return "(at most)" in self.what


@dataclass(frozen=True)
class Outcome:
    """A row and what was found: without a ratio, it was not measured."""

    row: Row
    aim: float | None
    verdict: str = "unmeasured"
    ratio: float | None = None
    """Median over the repeats; maybe a lower bound."""
    ends: tuple[float, float] = (0.0, 0.0)
    """The lowest and the highest of the repeats' ratios."""
    note: str = ""
    """Why something of it was not measured."""


def judge(row: Row, repeats: Iterable[Repeat], note: str = "") -> Outcome:
    """What the repeats, which may be those of other contests as well, say of a row."""
    unit, sides = "", dict[str, dict[int, float]]()
    for each in repeats:
        if each["contest"] == row.contest:
            value = AtLeast(each["value"]) if each["at_least"] else each["value"]
            sides.setdefault(each["side"], {})[each["repeat"]] = value
            unit = each["unit"]
    aim = row.aim
    if isinstance(aim, str):
        peers = _ratios(row, aim, sides, unit)
        aim = median(peers) if peers else None
    ratios = _ratios(row, "ours", sides, unit)
    if not ratios:
        return Outcome(row, aim, note=note)
    ratio = median(ratios)
    good = ratio <= row.goal if row.at_most else ratio >= row.goal
    if row.within is not None:
        good &= median(sides["ours"].values()) < row.within
    if row.over is not None:
        good &= median(sides["ours"].values()) > row.over
    # A median is a bound where it, or a figure below it, is one.
    bound = any(isinstance(each, AtLeast) and each <= ratio for each in ratios)
    ratio = AtLeast(ratio) if bound else float(ratio)
    ends = (min(ratios), max(ratios))
    return Outcome(row, aim, "met" if good else "missed", ratio, ends, note)


def _ratios(
    row: Row, side: str, sides: Mapping[str, Mapping[int, float]], unit: str
) -> list[float]:
    """A side's ratio to the other one, repeat by repeat."""
    mine = sides.get(side, {})
    if row.other is None:
        return list(mine.values())
    pairs = [(value, sides[row.other][number]) for number, value in mine.items()]
    if unit.endswith("/s") or row.at_most:
        return [own / other for own, other in pairs]
    return [_times_faster(own, other) for own, other in pairs]


def _times_faster(own: float, other: float) -> float:
    if isinstance(own, AtLeast):  # never solved: as slow as can be
        return 0.0
    return AtLeast(other / own) if isinstance(other, AtLeast) else other / own


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
