"""What a result may hold, and tables that were edited in any way."""

from __future__ import annotations

import csv
import io
import math
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experiments.records.tables import (
    CURVE_COLUMNS,
    RUN_COLUMNS,
    TableError,
    check_runs,
    read_curves,
    read_runs,
)
from tests.made_rows import curve, run, written


@pytest.mark.parametrize("rows", [[run()], [run(), run(1, relabel_share=None)]])
def test_good_results_pass_the_check(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    check_runs(pd.DataFrame(rows), "result.json")
    check_runs(read_runs(written(tmp_path / "runs.csv", rows)), "runs.csv")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("success_rate", 1.5),
        ("success_rate", None),
        ("success_rate", math.nan),
        ("success_rate", "0.5"),
        ("success_rate", True),
        ("env_steps", 1.5),
        ("env_steps", -1),
        ("env_steps", "12"),
        ("env_steps", math.inf),
        ("solved", 1),
        ("solved", "yes"),
        ("method", 3),
        ("device", ""),
        ("schema_version", 2),
    ],
)
def test_wrong_results_are_named(column: str, value: Any) -> None:
    message = f"result.json, column '{column}': must be .*, got {re.escape(repr(value))}"
    with pytest.raises(TableError, match=message):
        check_runs(pd.DataFrame([run(**{column: value})]), "result.json")


def test_results_without_a_column_are_named() -> None:
    with pytest.raises(TableError, match="column 'n': is missing"):
        check_runs(pd.DataFrame([run()]).drop(columns="n"), "result.json")


CELLS = st.one_of(
    st.sampled_from(["", "0", "1", "10", "0.5", "nan", "inf", "True", "her", "config_id", "1e999"]),
    st.floats().map(repr),
    st.integers().map(str),
    st.text(max_size=5),
)


def assert_valid_or_refused(path: Path) -> None:
    for read, columns in ((read_runs, RUN_COLUMNS), (read_curves, CURVE_COLUMNS)):
        try:
            table = read(path)
        except TableError:
            continue
        assert list(table)[: len(columns)] == list(columns)
        for name, column in columns.items():
            assert str(table[name].dtype) == column.dtype
            for value in table[name]:
                column.check(value)
        if columns is RUN_COLUMNS:
            assert table["run_id"].is_unique
            assert table["solved"].notna().all()


@given(st.binary(max_size=300))
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_refused_or_valid(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.csv"
    path.write_bytes(content)
    assert_valid_or_refused(path)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([run, curve]),
            st.dictionaries(
                st.sampled_from([*RUN_COLUMNS, *CURVE_COLUMNS, "x"]), CELLS, max_size=2
            ),
        ),
        max_size=4,
    ),
    st.lists(st.tuples(st.integers(0, 3_000), st.sampled_from([*',"\n\r\0', "config_id", ""]))),
)
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_edited_table_is_refused_or_valid(
    tmp_path: Path, edits: list[tuple[Any, dict[str, Any]]], scars: list[tuple[int, str]]
) -> None:
    text = io.StringIO()
    for make, changes in edits:
        row = make(**changes)
        writer = csv.DictWriter(text, fieldnames=list(row))
        writer.writeheader()
        writer.writerow(row)
    content = text.getvalue()
    for place, scar in scars[:3]:
        content = content[:place] + scar + content[place + 1 :]
    path = tmp_path / "any.csv"
    path.write_bytes(content.encode(errors="replace"))
    assert_valid_or_refused(path)
