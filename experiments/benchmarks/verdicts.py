"""What is asked of two sides, and the answer: the median of ratios, each within a repeat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from experiments.benchmarks.measuring import Measured
from experiments.benchmarks.repeats import Repeat


@dataclass(frozen=True)
class Row:
    """One line of the table: a ratio between two sides, and what it should be."""

    contest: str
    what: str
    peer: str
    goal: float
    aim: float | str | None
    """A ratio, or the side whose ratio to ``other`` is the aim."""
    other: str | None = "stock"
    """The side that ours is compared to; None where the figure itself is told, and no ratio."""
    at_most: bool = False
    """The figure is ours over the other's, and should be small."""
    within: float | None = None
    """What the median of our side must be below as well, in the contest's unit."""


@dataclass(frozen=True)
class Outcome:
    """A row and what was found: without values, it was not measured."""

    row: Row
    aim: float | None
    values: Sequence[float] = ()
    """The ratio of each repeat."""
    at_least: bool = False
    """The median ratio is a lower bound."""
    verdict: Literal["met", "missed", "unmeasured"] = "unmeasured"
    note: str = ""
    """Why something of it was not measured."""

    @property
    def ratio(self) -> float | None:
        """Median over the repeats."""
        return median(self.values) if self.values else None


def judge(row: Row, repeats: Sequence[Repeat], note: str = "") -> Outcome:
    """What the repeats, which may be those of other contests as well, say of a row."""
    sides: dict[str, dict[int, Repeat]] = {}
    for each in repeats:
        if each.contest == row.contest:
            sides.setdefault(each.side, {})[each.repeat] = each
    aim = row.aim
    if isinstance(aim, str):
        peer = _ratios(row, aim, sides)
        aim = median(each.value for each in peer) if peer else None
    found = _ratios(row, "ours", sides)
    if not found:
        return Outcome(row, aim, note=note)
    values = [each.value for each in found]
    ratio = median(values)
    # A median is a bound where it, or a figure below it, is one.
    at_least = any(each.at_least and each.value <= ratio for each in found)
    good = ratio <= row.goal if row.at_most else ratio >= row.goal
    if row.within is not None:
        good &= median(each.value for each in sides["ours"].values()) < row.within
    return Outcome(row, aim, values, at_least, "met" if good else "missed", note)


def _ratios(row: Row, side: str, sides: Mapping[str, Mapping[int, Repeat]]) -> list[Measured]:
    """A side's ratio to the other one, repeat by repeat."""
    mine = sides.get(side, {})
    if row.other is None:
        return [Measured(each.value, each.at_least) for each in mine.values()]
    return [_ratio(row, each, sides[row.other][number]) for number, each in mine.items()]


def _ratio(row: Row, mine: Repeat, theirs: Repeat) -> Measured:
    if mine.unit.endswith("/s") or row.at_most:
        return Measured(mine.value / theirs.value)
    if mine.at_least:  # never solved: as slow as can be
        return Measured(0.0)
    return Measured(theirs.value / mine.value, theirs.at_least)
