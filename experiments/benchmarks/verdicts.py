"""What is asked of two sides, and the answer: the median of ratios, each within a repeat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median

from experiments.benchmarks.measuring import AtLeast, Repeat


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
