"""The CSV files of runs and of curves: their columns, and the one reader that trusts nothing.

A table may have been edited, sorted, or glued together from several: repeated header rows,
repeated rows, other column orders, extra columns, missing optional columns, any line endings,
semicolons or tabs for commas, as spreadsheets write them (but decimals have a point).
What cannot be understood is an error that names the file, the line and the column.
"""

from __future__ import annotations

import csv
import difflib
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.config.run_settings import FLIP, SOLVED_FROM
from experiments.records import files
from experiments.records.files import ResultError
from experiments.records.schema import (
    CLOCK_COLUMNS,
    CURVE_COLUMNS,
    HELD_FROM,
    PROVENANCE_COLUMNS,
    RUN_COLUMNS,
    SETTING_COLUMNS,
    TRANSFER_COLUMNS,
    Column,
)


class TableError(ValueError):
    """A table that cannot be understood; says where, what stands there, and what is allowed."""

    def __init__(
        self, path: Path | str, message: str, *, line: int | None = None, column: str | None = None
    ) -> None:
        self.path, self.line, self.column = path, line, column
        where = [str(path)]
        if line is not None:
            where.append(f"line {line}")
        if column is not None:
            where.append(f"column {column!r}")
        super().__init__(f"{', '.join(where)}: {message}")


def read_runs(path: Path | str) -> pd.DataFrame:
    """The runs of a ``runs.csv``, each once.

    A run that stands there twice, apart from its clock times, counts once, as it stands last.
    An empty ``solved`` is filled from the success rate, and from the share held where it is known.

    Args:
        path: The file.

    Returns:
        A row a run, in the file's order: ``RUN_COLUMNS``, in their types, then any further
        columns as text. A file with nothing but a header gives an empty frame.

    Raises:
        TableError: If the file cannot be read or understood, or contradicts itself.
    """
    path = Path(path)
    shared: dict[tuple[str, ...], Sequence[str]] = {
        ("run_id",): [name for name in RUN_COLUMNS if name not in CLOCK_COLUMNS],
        ("config_id",): ("method", "network", "n"),
    }
    rows = _once(path, read_rows(path, RUN_COLUMNS), shared)
    for row in rows:
        if row["solved"] is None:
            held = row["held_share"] is None or row["held_share"] >= HELD_FROM
            row["solved"] = held and row["success_rate"] >= SOLVED_FROM.get(
                row["env"], SOLVED_FROM[FLIP]
            )
    return _frame(rows, RUN_COLUMNS)


def read_curves(path: Path | str) -> pd.DataFrame:
    """The evaluations of a ``curves.csv``; rows repeated apart from clock times count once.

    Args:
        path: The file.

    Returns:
        A row an evaluation, in the file's order: ``CURVE_COLUMNS``, in their types, then any
        further columns as text.

    Raises:
        TableError: If the file cannot be read or understood.
    """
    names = [name for name in CURVE_COLUMNS if name not in CLOCK_COLUMNS]
    unique: dict[tuple[Any, ...], dict[str, Any]] = {}
    for _, row in read_rows(Path(path), CURVE_COLUMNS):
        unique.setdefault(tuple(row[name] for name in names), row)
    return _frame(list(unique.values()), CURVE_COLUMNS)


def read_provenance(path: Path | str) -> pd.DataFrame:
    """Code and machine of each run of a ``provenance.csv``, as it stands last.

    Raises:
        TableError: If the file cannot be read or understood.
    """
    rows = {row["run_id"]: row for _, row in read_rows(Path(path), PROVENANCE_COLUMNS)}
    return _frame(list(rows.values()), PROVENANCE_COLUMNS)


def read_settings(path: Path | str) -> pd.DataFrame:
    """The settings of configurations that ``summary.csv`` of the first schema has by itself.

    Args:
        path: The file.

    Returns:
        A row a configuration: ``config_id`` and all that the file says of it, in the types of
        runs.csv's columns, and as text what has none.

    Raises:
        TableError: If the file cannot be read or understood.
    """
    columns = {n: c for n, c in SETTING_COLUMNS.items() if n == "config_id" or not c.required}
    rows = {row["config_id"]: row for _, row in read_rows(Path(path), columns)}
    return _frame(list(rows.values()), columns).dropna(axis="columns", how="all")


def read_transfers(path: Path | str) -> pd.DataFrame:
    """The evaluations of a ``transfer.csv``, each agent once at each n, as it stands last.

    Raises:
        TableError: If the file cannot be read or understood, or contradicts itself.
    """
    path = Path(path)
    names = [name for name in TRANSFER_COLUMNS if name not in CLOCK_COLUMNS]
    rows = _once(path, read_rows(path, TRANSFER_COLUMNS), {("run_id", "n"): names})
    return _frame(rows, TRANSFER_COLUMNS)


def _records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and stripped cells of each row that is not blank."""
    try:
        text = files.read_bytes(path).decode("utf-8-sig")
    except ResultError as error:
        raise TableError(path, str(error).removeprefix(f"{path}: ")) from error
    except UnicodeDecodeError as error:
        raise TableError(path, f"is not UTF-8 text: {error.reason}") from error
    # An untranslated buffer splits lines at \n, \r\n and \r alike.
    told, delimiter = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            raise TableError(path, f"is not CSV: {error}", line=reader.line_num) from error
        if any(cells) and not (told and reader.line_num == 1):
            yield reader.line_num, cells


def _delimiter(text: str) -> tuple[bool, str]:
    """Whether a first line tells what separates cells ("sep=;", for Excel), and what does."""
    if told := re.match(r'"?sep=([,;\t])"?[,;\t]*[\r\n]', text, re.IGNORECASE):
        return True, told[1]
    header = re.search(r"\w[^\r\n]*", text)
    return False, max(",;\t", key=header[0].count) if header else ","


def read_rows(path: Path, columns: Mapping[str, Column]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number and parsed cells of each row; each header row rules the rows that follow."""
    header: list[str] | None = None
    for line, cells in _records(path):
        if header is None or "run_id" in cells or "config_id" in cells:
            header = _header(path, line, cells, columns)
            continue
        if len(cells) < len(header) or any(cells[len(header) :]):
            raise TableError(
                path, f"has {len(cells)} cells where the header has {len(header)}", line=line
            )
        row: dict[str, Any] = dict.fromkeys(columns)
        for name, cell in zip(header, cells, strict=False):
            if name in columns:
                try:
                    row[name] = columns[name].parse(cell)
                except ValueError as error:
                    raise TableError(path, str(error), line=line, column=name) from None
            elif name:
                row[name] = cell or None
        yield line, row
    if header is None:
        raise TableError(path, "is empty: not even a header")


def _header(path: Path, line: int, names: list[str], columns: Mapping[str, Column]) -> list[str]:
    for name in names:
        if name and names.count(name) > 1:
            raise TableError(path, "stands in the header twice", line=line, column=name)
    for name, column in columns.items():
        if column.required and name not in names:
            close = difflib.get_close_matches(name, set(names) - set(columns))
            hint = f"; is {close[0]!r} meant?" if close else ""
            if len(names) == 1:
                hint = f"; must be separated by commas, semicolons or tabs, got {names[0][:40]!r}"
            raise TableError(path, f"is missing{hint}", line=line, column=name)
    return names


def _once(
    path: Path,
    rows: Iterable[tuple[int, dict[str, Any]]],
    agree: Mapping[tuple[str, ...], Iterable[str]],
) -> list[dict[str, Any]]:
    """The rows of each key once, the last of them, at the place of the first.

    Args:
        path: Where the rows stand, for errors.
        rows: Line numbers and cells.
        agree: Columns that name something, the key first, and those that all rows of a name share.
    """
    seen: dict[tuple[str, ...], dict[tuple[Any, ...], tuple[int, dict[str, Any]]]]
    seen = {key: {} for key in agree}
    for line, row in rows:
        for key, columns in agree.items():
            name = tuple(row[column] for column in key)
            earlier, other = seen[key].get(name, (line, row))
            for column in columns:
                cells = row[column], other[column]
                if None not in cells and disagree(column, *cells):
                    who = ", ".join(f"{part} {row[part]!r}" for part in key)
                    message = f"{who} has {cells[0]!r} here and {cells[1]!r} in line {earlier}"
                    raise TableError(path, f"{message}; keep one", line=line, column=column)
            seen[key][name] = (line, row)
    return [row for _, row in next(iter(seen.values())).values()]


def disagree(column: str, one: Any, other: Any) -> bool:
    """Whether two cells of a column contradict each other.

    Of ``method_settings``, JSON of a dictionary, what both name must be equal: runs of before a
    setting existed do not name it.
    """
    if column != "method_settings" or one == other:
        return bool(one != other)
    try:
        settings, others = json.loads(one), json.loads(other)
        return any(settings[name] != others[name] for name in settings.keys() & others.keys())
    except (ValueError, TypeError, AttributeError):
        return True


def _frame(rows: list[dict[str, Any]], columns: Mapping[str, Column]) -> pd.DataFrame:
    names = dict.fromkeys(columns) | dict.fromkeys(name for row in rows for name in row)
    dtypes = dict.fromkeys(names, "string") | {name: c.dtype for name, c in columns.items()}
    return pd.DataFrame(
        {name: pd.Series([row.get(name) for row in rows], dtype=dtypes[name]) for name in names}
    )


def typed_table(rows: list[dict[str, Any]], columns: Mapping[str, Column]) -> pd.DataFrame:
    """Rows in their columns' types: whole numbers stay whole beside empty cells."""
    frame = pd.DataFrame(rows, columns=list(columns), dtype=object)
    return frame.astype({name: column.dtype for name, column in columns.items()})
