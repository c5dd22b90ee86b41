"""Sides measured in turn, and the table of all figures: each with its machine and its date.

Machines are noisy, and noise lasts for seconds: one repeat measures every side once, so that a
slow moment falls on all of them.
"""

from __future__ import annotations

import datetime
import functools
import platform
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd
import torch as th

from experiments.records import provenance
from experiments.records.schema import Column
from experiments.records.tables import read_rows

REPEATS = "benchmark_repeats.csv"
_FIGURE = ("repeat", "value", "at_least", "unit")
_MACHINE = ("device", "device_name", "processor", "versions", "date")
_KINDS: dict[str, Any] = {"repeat": "integer", "value": "number", "at_least": "flag"}

Side = Callable[[int], float]
"""The figure of one repeat; those that train use the repeat's number as their seed."""
Sides = dict[str, Side]
Repeat = dict[str, Any]
"""One figure of one side: a row of the table."""


class UnavailableError(Exception):
    """Something cannot be measured here; the message says why."""


class AtLeast(float):
    """A figure that is this or more: of a run that was stopped before it solved its task."""


def now() -> float:
    """Seconds of a clock, once the GPU is done, which works behind its back."""
    if th.cuda.is_initialized():  # type: ignore[no-untyped-call]
        th.cuda.synchronize()
    return time.perf_counter()


def rate(chunk: Callable[[], int], seconds: float, each: float = 1.0) -> float:
    """How many things a second, in at least some seconds.

    Args:
        chunk: Does some and says how many; long enough that a look at the clock costs nothing.
        seconds: At least so long.
        each: What one of the things counts.
    """
    done, began = 0, now()
    while not done or time.perf_counter() - began < seconds:
        done += chunk()
    return each * done / (now() - began)


def measure(
    sides: Sides, unit: str, repeats: int, on_gpu: Collection[str] = ()
) -> Iterator[Repeat]:
    """Every side once a repeat; every second repeat goes backwards."""
    for number in range(repeats):
        for side in reversed(sides) if number % 2 else sides:
            value = sides[side](number)
            found = {"value": float(value), "at_least": isinstance(value, AtLeast), "unit": unit}
            yield {"side": side, "repeat": number} | found | stamp(side in on_gpu)


@functools.cache
def stamp(on_gpu: bool = False) -> dict[str, str]:
    """Where, with what and when this process measures."""
    packages = provenance.versions() | {"Python": platform.python_version()}
    for package in ("sbx-rl", "jax"):
        try:
            packages[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    device = "cuda" if on_gpu else "cpu"
    told = ", ".join(f"{name} {number}" for name, number in packages.items())
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    machine = (device, provenance.device_name(device), provenance.processor(), told, today)
    return dict(zip(_MACHINE, machine, strict=True))


def repeat_table(
    repeats: Iterable[Repeat], keys: Collection[str] = ("contest", "side")
) -> pd.DataFrame:
    """The rows of ``benchmark_repeats.csv``: each figure beside the median of those of its keys."""
    table = pd.DataFrame(list(repeats), columns=[*keys, *_FIGURE, *_MACHINE])
    medians = table.groupby(list(keys))["value"].transform("median")
    table.insert(list(table).index("unit"), "median", medians)
    return table


def read_repeats(path: Path) -> list[Repeat]:
    """What a ``benchmark_repeats.csv`` holds, nothing where there is none.

    Raises:
        TableError: If the file cannot be understood.
    """
    names = ("contest", "side", *_FIGURE, *_MACHINE)
    columns = {name: Column(name, _KINDS.get(name, "text"), required=True) for name in names}
    return [row for _, row in read_rows(path, columns)] if path.is_file() else []
