"""Sides measured in turn, medians of their pairwise ratios, and verdicts.

Machines are noisy, and noise lasts for seconds: one repeat measures every side once, so that a
slow moment falls on all of them, and a ratio is taken within a repeat.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

Verdict = Literal["met", "missed", "unmeasured"]


class UnavailableError(Exception):
    """Something cannot be measured here; the message says why."""


class Measured(NamedTuple):
    """One figure."""

    value: float
    at_least: bool = False
    """The true figure is this or more: a run that was stopped before it solved its task."""


@dataclass(frozen=True)
class Side:
    """One of those that are compared, ready to be measured again and again."""

    measure: Callable[[int], Measured]
    """The figure of one repeat; repeats that train use its number as their seed."""
    device: str = "cpu"


@dataclass(frozen=True, kw_only=True)
class Contest:
    """What is measured together, in turn."""

    name: str
    unit: str
    """Of the figures. Of one that ends in /s more is better; of the others less."""
    sides: Callable[[], Mapping[str, Side]]
    """Sets the sides up; what is not installed is not among them.

    Raises UnavailableError where nothing can be measured.
    """
    repeats: int = 7
    alternate: bool = True
    """Every second repeat goes backwards; False where a side needs what another one measured."""


@dataclass(frozen=True)
class Repeat:
    """One figure of one side."""

    contest: str
    side: str
    number: int
    measured: Measured
    unit: str
    device: str
    stamp: Mapping[str, str] | None = None
    """Machine, versions and date of a figure that was read back; None for one of this process."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table: a ratio between two sides, and what it should be."""

    what: str
    peer: str
    contest: str
    ours: str = "ours"
    other: str | None = "stock"
    """None where the figure itself is told, and not a ratio."""
    goal: float
    aim: float | str | None
    """A ratio, or the side whose ratio to ``other`` is the aim."""
    at_most: bool = False
    """The figure is ours over the other's, and should be small."""
    within: float | None = None
    """What the median of our side must be below as well, in the contest's unit."""


@dataclass(frozen=True)
class Outcome:
    """A row and what was found."""

    row: Row
    ratio: float | None
    """Median over the repeats; None where it was not measured."""
    low: float | None
    high: float | None
    """Lowest and highest repeat."""
    at_least: bool
    """The ratio is a lower bound."""
    aim: float | None
    verdict: Verdict
    note: str = ""


def rate(chunk: Callable[[], int], seconds: float) -> Measured:
    """How many things a second, of calls that do some and say how many.

    Args:
        chunk: Long enough that a look at the clock costs nothing beside it.
        seconds: At least so long.
    """
    done, began = 0, time.perf_counter()
    while (took := time.perf_counter() - began) < seconds or not done:
        done += chunk()
    return Measured(done / took)


def measure(contest: Contest, repeats: int | None = None) -> Iterator[Repeat]:
    """Every side once a repeat.

    Args:
        contest: What to measure.
        repeats: Instead of the contest's own number.

    Raises:
        UnavailableError: If it cannot be measured here.
    """
    sides = contest.sides()
    for number in range(repeats or contest.repeats):
        backwards = contest.alternate and number % 2 == 1
        for name, side in list(sides.items())[:: -1 if backwards else 1]:
            found = side.measure(number)
            yield Repeat(contest.name, name, number, found, contest.unit, side.device)


def judge(row: Row, repeats: Sequence[Repeat], note: str = "") -> Outcome:
    """What the repeats of a row's contest say of it.

    Args:
        row: What is asked.
        repeats: Of its contest; empty where it was not measured.
        note: Why something of it was not measured.
    """
    ours = _by_number(repeats, row.ours)
    if not ours:
        return Outcome(row, None, None, None, False, _number(row.aim), "unmeasured", note)
    found = [_ratio(row, mine, repeats, row.ours, number) for number, mine in ours.items()]
    ratio = statistics.median(each.value for each in found)
    # A median is a bound where it, or a figure below it, is one.
    at_least = any(each.at_least and each.value <= ratio for each in found)
    good = ratio <= row.goal if row.at_most else ratio >= row.goal
    if row.within is not None:
        good &= statistics.median(each.value for each in ours.values()) < row.within
    values = [each.value for each in found]
    aim = _number(row.aim)
    if isinstance(row.aim, str) and (peer := _by_number(repeats, row.aim)):
        of_aim = [_ratio(row, figure, repeats, row.aim, n).value for n, figure in peer.items()]
        aim = statistics.median(of_aim)
    verdict: Verdict = "met" if good else "missed"
    return Outcome(row, ratio, min(values), max(values), at_least, aim, verdict, note)


def _ratio(row: Row, mine: Measured, repeats: Sequence[Repeat], side: str, number: int) -> Measured:
    """One repeat's figure of a side of a row."""
    if row.other is None:
        return mine
    theirs = _by_number(repeats, row.other)[number]
    unit = next(repeat.unit for repeat in repeats if repeat.side == side)
    if unit.endswith("/s") or row.at_most:
        return Measured(mine.value / theirs.value)
    if mine.at_least:  # never solved: as slow as can be
        return Measured(0.0)
    return Measured(theirs.value / mine.value, theirs.at_least)


def _by_number(repeats: Sequence[Repeat], side: str) -> dict[int, Measured]:
    return {repeat.number: repeat.measured for repeat in repeats if repeat.side == side}


def _number(aim: float | str | None) -> float | None:
    return None if isinstance(aim, str) else aim
