"""Sides measured in turn.

Machines are noisy, and noise lasts for seconds: one repeat measures every side once, so that a
slow moment falls on all of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from experiments.benchmarks.repeats import Repeat, stamp


class UnavailableError(Exception):
    """Something cannot be measured here; the message says why."""


class Measured(NamedTuple):
    """One figure."""

    value: float
    at_least: bool = False
    """The true figure is this or more: a run that was stopped before it solved its task."""


class Side(NamedTuple):
    """One of those that are compared, ready to be measured again and again."""

    measure: Callable[[int], Measured]
    """The figure of one repeat; repeats that train use its number as their seed."""
    device: str = "cpu"


class Contest(NamedTuple):
    """What is measured together, in turn."""

    unit: str
    """Of the figures. Of one that ends in /s more is better; of the others less."""
    sides: Callable[[], Mapping[str, Side]]
    """Sets up those that are installed; raises UnavailableError where nothing can be measured."""
    repeats: int = 7
    alternate: bool = True
    """Every second repeat goes backwards; False where a side needs what another one measured."""


def rate(
    chunk: Callable[[], int],
    seconds: float,
    each: float = 1.0,
    finish: Callable[[], None] = lambda: None,
) -> Measured:
    """How many things a second, in at least some seconds.

    Args:
        chunk: Does some and says how many; long enough that a look at the clock costs nothing.
        seconds: At least so long.
        each: What one of the things counts.
        finish: Waits for what works behind the back of the clock.
    """
    finish()
    done, began = 0, time.perf_counter()
    while not done or time.perf_counter() - began < seconds:
        done += chunk()
    finish()
    return Measured(each * done / (time.perf_counter() - began))


def measure(name: str, contest: Contest, repeats: int | None = None) -> Iterator[Repeat]:
    """Every side of a contest once a repeat, of which it has a number of its own.

    Raises:
        UnavailableError: If it cannot be measured here.
    """
    sides = list(contest.sides().items())
    for number in range(repeats or contest.repeats):
        backwards = contest.alternate and number % 2 == 1
        for label, side in sides[::-1] if backwards else sides:
            found, device = side.measure(number), side.device
            yield Repeat(name, label, number, *found, contest.unit, device, *stamp(device))
