"""Figures of a benchmark made by hand."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.benchmarks.measuring import Measured, Repeat, Row


def repeats_of(
    side: str,
    values: Sequence[float],
    *,
    contest: str = "made",
    unit: str = "s",
    at_least: bool = False,
) -> list[Repeat]:
    return [
        Repeat(contest, side, number, Measured(value, at_least), unit, "cpu")
        for number, value in enumerate(values)
    ]


def against(
    ours: Sequence[float], theirs: Sequence[float], *, unit: str = "s", bound: bool = False
) -> list[Repeat]:
    return [
        *repeats_of("ours", ours, unit=unit),
        *repeats_of("stock", theirs, unit=unit, at_least=bound),
    ]


FASTER = Row(what="faster", peer="another", contest="made", goal=2, aim=4)
SMALLER = Row(
    what="smaller (at most)", peer="another", contest="made", goal=1.3, aim=1, at_most=True
)
