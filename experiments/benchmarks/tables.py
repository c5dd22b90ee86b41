"""What was measured, as the benchmark's CSV files."""

from __future__ import annotations

import datetime
import math
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.benchmarks.measuring import Measured, Outcome, Repeat
from experiments.records.provenance import device_name, processor, versions
from experiments.records.schema import Column
from experiments.records.tables import TableError, read_rows

TABLE = "benchmark.csv"
REPEATS = "benchmark_repeats.csv"
SCALE = "scale.csv"
VERDICTS = ("met", "missed", "unmeasured")

COLUMNS = (
    Column("what", "text", required=True),
    Column("peer", "text", required=True),
    Column("ratio", "number"),
    Column("goal", "number", required=True),
    Column("aim", "number"),
    Column("verdict", "text", required=True),
)
"""``benchmark.csv``: a row a comparison; a ratio is empty where it was not measured."""

_MACHINE = (
    Column("device_name", "text", required=True),
    Column("processor", "text", required=True),
    Column("versions", "text", required=True),
    Column("date", "text", required=True),
)
_FIGURE = (
    Column("repeat", "integer", required=True),
    Column("value", "number", required=True),
    Column("at_least", "flag", required=True),
    Column("median", "number", required=True),
    Column("unit", "text", required=True),
    Column("device", "text", required=True),
    *_MACHINE,
)
REPEAT_COLUMNS = (
    Column("contest", "text", required=True),
    Column("side", "text", required=True),
    *_FIGURE,
)
"""``benchmark_repeats.csv``: a row a figure, and the median of those of its side."""

SCALE_COLUMNS = (
    Column("panel", "text", required=True),
    Column("curve", "text", required=True),
    Column("x", "integer", 1, required=True),
    *_FIGURE,
)
"""``scale.csv``: the same at each place of a curve."""


def outcome_table(outcomes: Iterable[Outcome]) -> pd.DataFrame:
    """The rows of ``benchmark.csv``; figures have four digits, which is more than they are worth.

    Raises:
        TableError: If a row has a value that its column cannot hold.
    """
    rows = [
        {
            "what": outcome.row.what,
            "peer": outcome.row.peer,
            "ratio": _rounded(outcome.ratio),
            "goal": float(outcome.row.goal),
            "aim": _rounded(outcome.aim),
            "verdict": outcome.verdict,
        }
        for outcome in outcomes
    ]
    table = checked(pd.DataFrame(rows, columns=[column.name for column in COLUMNS]), COLUMNS, TABLE)
    for verdict in table["verdict"]:
        if verdict not in VERDICTS:
            raise TableError(TABLE, f"must be one of {VERDICTS}, got {verdict!r}", column="verdict")
    return table


def repeat_table(repeats: Sequence[Repeat]) -> pd.DataFrame:
    """The rows of ``benchmark_repeats.csv``."""
    rows = [
        {"contest": repeat.contest, "side": repeat.side, **_figure(repeat)} for repeat in repeats
    ]
    return _with_medians(rows, ["contest", "side"], REPEAT_COLUMNS, REPEATS)


def read_repeats(path: Path) -> list[Repeat]:
    """What ``benchmark_repeats.csv`` holds, each figure with its machine, versions and date.

    Raises:
        TableError: If the file cannot be understood.
    """
    return [
        Repeat(
            contest=row["contest"],
            side=row["side"],
            number=row["repeat"],
            measured=Measured(row["value"], row["at_least"]),
            unit=row["unit"],
            device=row["device"],
            stamp={column.name: row[column.name] for column in _MACHINE},
        )
        for _, row in read_rows(path, {column.name: column for column in REPEAT_COLUMNS})
    ]


def scale_table(measured: Sequence[tuple[int, Repeat]]) -> pd.DataFrame:
    """The rows of ``scale.csv``."""
    rows = [
        {"panel": repeat.contest, "curve": repeat.side, "x": place, **_figure(repeat)}
        for place, repeat in measured
    ]
    return _with_medians(rows, ["panel", "curve", "x"], SCALE_COLUMNS, SCALE)


def checked(table: pd.DataFrame, columns: Sequence[Column], name: str | Path) -> pd.DataFrame:
    """The same table.

    Raises:
        TableError: If its columns are not these, or a cell is not what its column holds.
    """
    names = [column.name for column in columns]
    if list(table.columns) != names:
        raise TableError(name, f"must have the columns {names}, got {list(table.columns)}")
    for column in columns:
        for line, value in enumerate(table[column.name].tolist(), start=2):
            try:
                column.check(value)
            except ValueError as error:
                raise TableError(name, str(error), line=line, column=column.name) from None
    return table


def _figure(repeat: Repeat) -> dict[str, Any]:
    return {
        "repeat": repeat.number,
        "value": repeat.measured.value,
        "at_least": repeat.measured.at_least,
        "unit": repeat.unit,
        "device": repeat.device,
        **(repeat.stamp or _stamp(repeat.device)),
    }


def _stamp(device: str) -> dict[str, str]:
    """Where and when this process measures."""
    return {
        "device_name": device_name(device),
        "processor": processor(),
        "versions": _versions(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def _with_medians(
    rows: Sequence[Mapping[str, Any]], keys: list[str], columns: Sequence[Column], name: str
) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=[column.name for column in columns])
    frame["median"] = frame.groupby(keys)["value"].transform("median") if len(frame) else []
    return checked(frame, columns, name)


def _versions() -> str:
    further = {"Python": platform.python_version()}
    for package in ("sbx-rl", "jax"):
        try:
            further[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return ", ".join(f"{name} {number}" for name, number in (versions() | further).items())


def _rounded(value: float | None) -> float:
    return math.nan if value is None else float(f"{value:.4g}")
