"""The reader of CSVs: what a person may do to a file, and what nobody could understand."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from experiments.records.schema import CURVE_COLUMNS, RUN_COLUMNS
from experiments.records.tables import (
    TableError,
    read_curves,
    read_runs,
    read_settings,
    read_transfers,
)
from tests.made_rows import curve, edited, run, written
from tests.made_tables import transfers_of


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(tmp_path / "runs.csv", [run(0), run(1), run(2, solved=True, success_rate=1.0)])


def test_what_was_written_is_read(tmp_path: Path) -> None:
    solved = {"success_rate": 0.1 + 0.2, "env_steps_to_solve": 70, "solved": True}
    # A strategy called none is a text.
    rows = [run(0), run(1, **solved), run(2, goal_strategy="none")]
    table = read_runs(written(tmp_path / "runs.csv", rows))
    dtypes = {name: str(dtype) for name, dtype in table.dtypes.items()}
    assert dtypes == {name: column.dtype for name, column in RUN_COLUMNS.items()}
    assert table.astype(object).where(table.notna(), None).to_dict("records") == rows
    again = written(tmp_path / "again.csv", table.to_dict("records"))  # type: ignore[arg-type]
    pd.testing.assert_frame_equal(read_runs(again), table)


def test_curves_are_read(tmp_path: Path) -> None:
    rows = [curve(100), curve(110, loss=-0.5)]
    table = read_curves(written(tmp_path / "curves.csv", rows, list(CURVE_COLUMNS)))
    assert list(table) == list(CURVE_COLUMNS)
    assert table["env_steps"].tolist() == [100, 110]
    assert table["loss"].tolist() == pytest.approx([math.nan, -0.5], nan_ok=True)
    assert table["gradient_updates"].tolist() == [3_000, 3_000]


def blank_lines_and_spaces(text: str) -> str:
    header, *lines = text.splitlines()
    commas = "," * header.count(",")
    rows = [f"  {line.replace(',', ' , ')},," for line in lines]
    return "\n\n".join(["", commas, f"{header},,", *rows, commas, "  "])


def as_spreadsheets_write_numbers(text: str) -> str:
    assert all(cell in text for cell in (",12345,", ",50000,", "False"))
    text = text.replace(",12345,", ",12345.0,").replace(",50000,", ",5E+4,")
    return text.replace("False", "FALSE")


@pytest.mark.parametrize(
    "rewrite",
    [
        *(lambda text, end=end: text.replace("\n", end) for end in ("\r\n", "\r")),
        lambda text: text.replace("\n", "\r\n", 2),
        lambda text: "\ufeff" + text,
        blank_lines_and_spaces,
        as_spreadsheets_write_numbers,
        lambda text: text.replace(",", "\t"),
        lambda text: "\n\n" + text.replace(",", ";"),
        lambda text: "sep=,\n" + text,
        lambda text: "\ufeffSEP=;\r\n" + text.replace(",", ";").replace("\n", "\r\n"),
        lambda text: '"sep=;";;\n' + text.replace(",", ";"),
        lambda text: "sep=\t\r" + text.replace(",", "\t").replace("\n", "\r"),
    ],
)
def test_a_table_that_another_program_wrote_is_the_same(
    file: Path, rewrite: Callable[[str], str]
) -> None:
    expected = read_runs(file)
    changed = rewrite(file.read_text())
    assert changed != file.read_text()
    file.write_bytes(changed.encode())
    pd.testing.assert_frame_equal(read_runs(file), expected)


def test_glued_files_are_one(file: Path, tmp_path: Path) -> None:
    one = read_runs(file)
    reordered = [dict(reversed(run(seed).items())) | {"note": "mine"} for seed in (1, 3)]
    other = written(tmp_path / "other.csv", reordered)
    file.write_text(file.read_text() + file.read_text() + other.read_text())
    table = read_runs(file)
    assert table["seed"].tolist() == [0, 1, 2, 3]
    assert table["note"].isna().tolist() == [True, False, True, False]
    pd.testing.assert_frame_equal(table[list(RUN_COLUMNS)].iloc[:3], one)


def test_optional_columns_may_be_missing(tmp_path: Path) -> None:
    names = [name for name, column in RUN_COLUMNS.items() if column.required]
    table = read_runs(written(tmp_path / "a.csv", [run(0), run(1, success_rate=0.99)], names))
    assert list(table) == list(RUN_COLUMNS)
    assert table["solved"].tolist() == [False, True]
    assert table["max_steps"].isna().all()
    names = [name for name, column in CURVE_COLUMNS.items() if column.required]
    assert len(read_curves(written(tmp_path / "b.csv", [curve()], names))) == 1


def test_a_run_repeated_with_other_clocks_counts_once(tmp_path: Path) -> None:
    rows = [run(0), run(1), run(0, wall_seconds=99.0, train_seconds=98.0)]
    table = read_runs(written(tmp_path / "runs.csv", rows))
    assert table["seed"].tolist() == [0, 1]
    assert table["wall_seconds"].tolist() == [99.0, 12.5]
    rows = [curve(100), curve(110), curve(100, train_seconds=3.0)]
    assert len(read_curves(written(tmp_path / "curves.csv", rows))) == 2


def test_an_agent_has_one_evaluation_at_each_n(tmp_path: Path) -> None:
    path = tmp_path / "transfer.csv"
    rows = transfers_of({8: [1.0], 300: [0.5]})
    pd.concat([rows, rows.assign(seconds=9.0)]).to_csv(path, index=False)
    assert read_transfers(path)["seconds"].tolist() == [9.0, 9.0]
    pd.concat([rows, rows.assign(n=8)]).to_csv(path, index=False)
    message = "run_id 'dqn-equivariant-n8-s0', n 8 has 300 here and 8 in line 4; keep one"
    with pytest.raises(TableError, match=message) as caught:
        read_transfers(path)
    assert (caught.value.line, caught.value.column) == (5, "max_steps")


RATE = r"must be a number in \[0, 1\], got"
SIZE = "must be a whole number of at least 1, got"
SEPARATED = "is missing; must be separated by .*, got"


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "message"),
    [
        ("success_rate", "sucess_rate", 1, "success_rate", "is missing; is 'sucess_rate' meant?"),
        ("config_id", "sorted", 1, "config_id", "is missing"),
        ("wall_seconds", "n", 1, "n", "stands in the header twice"),
        ("her-mlp-n10-s1-0123456789", "", 3, "run_id", "must be text, got ''"),
        (",0.333", ",abc", 2, "success_rate", f"{RATE} 'abc"),
        *(
            ("1.0,True", f"{cell},True", 4, "success_rate", f"{RATE} '{cell}'")
            for cell in ("nan", "", "inf", "1.01", "-0.5")
        ),
        ("1.0,True", '"1,0",True', 4, "success_rate", f"{RATE} '1,0'"),
        ("1.0,True", "1.0,maybe", 4, "solved", "must be true or false, got 'maybe'"),
        *(
            ("mlp,10,2", f"mlp,{cell},2", 4, "n", f"{SIZE} '{cell}'")
            for cell in ("0", "1_0", "10.5", "1e30")
        ),
        ("mlp,10,2", "mlp,10,-2", 4, "seed", "must be a whole number of at least 0, got '-2'"),
        ("mlp,10,2", "mlp,11,2", 4, "n", "config_id .* has 11 here and 10 in line 3; keep one"),
        ("1,3\n", "1,9\n", 2, "schema_version", r"must be a whole number in \[1, 3\], got '9'"),
        ("s2-0123456789", "s1-0123456789", 4, "seed", "has 2 here and 1 in line 3; keep one"),
        ("mlp,10,2", "mlp", 4, None, "has 55 cells where the header has 57"),
        ("mlp,10,2", "mlp,10,2,9", 4, None, "has 58 cells where the header has 57"),
        ("her,mlp,10,2", '"her,mlp,10,2', 4, None, "is not CSV"),
        ("run_id", "sep=;\nrun_id", 2, "run_id", f"{SEPARATED} 'run_id,"),
        (",", "|", 1, "run_id", rf"{SEPARATED} 'run_id\|config"),
        ("run_id", "sep=,\nrun_uid", 2, "run_id", "is missing; is 'run_uid' meant?"),
    ],
)
def test_what_cannot_be_understood_is_named(
    file: Path, old: str, new: str, line: int, column: str | None, message: str
) -> None:
    with pytest.raises(TableError, match=message) as caught:
        read_runs(edited(file, old, new))
    error = caught.value
    assert (error.path, error.line, error.column) == (file, line, column)
    where = f"{file}, line {line}" + (f", column {column!r}" if column else "")
    assert str(error).startswith(f"{where}: ")


@pytest.mark.parametrize("read", [read_runs, read_curves, read_settings])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty: not even a header"),
        (b"\n ,,\n", "is empty: not even a header"),
        (b"\xff\xfen\x00", "is not UTF-8 text"),
        (b'run_id,"' + b"x" * 200_000, "is not CSV"),
        (None, "cannot be read"),
    ],
)
def test_what_is_no_table_is_named(
    tmp_path: Path, read: Callable[[Path], Any], content: bytes | None, message: str
) -> None:
    path = tmp_path / "runs.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TableError, match=f"{re.escape(str(path))}.*{message}"):
        read(path)


def test_settings_are_read_from_a_summary(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"config_id": "a", "max_steps": 10, "wide": "256"},
        {"config_id": "b", "max_steps": 20, "wide": "32x32"},
    ]
    table = read_settings(written(tmp_path / "summary.csv", [*rows, rows[0]]))
    assert table.to_dict("list") == {
        "config_id": ["a", "b"],
        "max_steps": [10, 20],
        "wide": ["256", "32x32"],
    }
