"""Every figure that was measured, with its machine, its versions and its date: the CSV files."""

from __future__ import annotations

import datetime
import functools
import platform
import typing
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import pandas as pd

from experiments.records.provenance import device_name, processor, versions
from experiments.records.schema import Column
from experiments.records.tables import read_rows

REPEATS = "benchmark_repeats.csv"
_KINDS: dict[type, typing.Any] = {str: "text", int: "integer", float: "number", bool: "flag"}


class Repeat(typing.NamedTuple):
    """One figure of one side; its fields are the columns of its file."""

    contest: str
    side: str
    repeat: int
    value: float
    at_least: bool
    unit: str
    device: str
    device_name: str
    processor: str
    versions: str
    date: str


@functools.cache
def stamp(device: str) -> tuple[str, str, str, str]:
    """Where, with what and when this process measures: the last fields of a :class:`Repeat`."""
    packages = versions() | {"Python": platform.python_version()}
    for package in ("sbx-rl", "jax"):
        try:
            packages[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    told = ", ".join(f"{name} {number}" for name, number in packages.items())
    today = datetime.datetime.now(datetime.UTC).date()
    return device_name(device), processor(), told, today.isoformat()


def repeat_table(repeats: Sequence[Repeat], places: Sequence[int] = ()) -> pd.DataFrame:
    """The rows of ``benchmark_repeats.csv``: each figure beside the median of its side.

    Args:
        repeats: The figures.
        places: Where each lies on the x axis: a column ``x``, and a median for each place.
    """
    frame, keys = pd.DataFrame(repeats, columns=Repeat._fields), ["contest", "side"]
    if places:
        frame.insert(2, "x", places)
        keys.append("x")
    frame.insert(list(frame).index("unit"), "median", frame["value"])
    if repeats:
        frame["median"] = frame.groupby(keys)["value"].transform("median")
    return frame


def read_repeats(path: Path) -> list[Repeat]:
    """What a ``benchmark_repeats.csv`` holds, nothing where there is none.

    Raises:
        TableError: If the file cannot be understood.
    """
    kinds = typing.get_type_hints(Repeat).items()
    columns = {name: Column(name, _KINDS[kind], required=True) for name, kind in kinds}
    rows = read_rows(path, columns) if path.is_file() else ()
    return [Repeat(*(row[name] for name in columns)) for _, row in rows]
