"""What a cell may hold, and files of anything: read as the schema says, or refused."""

from __future__ import annotations

import csv
import io
import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experiments.records.schema import CURVE_COLUMNS, RUN_COLUMNS
from experiments.records.tables import TableError, read_curves, read_runs
from tests.made_rows import curve, run

SETTINGS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
CELLS = st.one_of(
    st.sampled_from(["", "0", "1", "10", "0.5", "nan", "inf", "True", "her", "config_id", "1e999"]),
    st.floats().map(repr),
    st.integers().map(str),
    st.text(max_size=5),
)


def test_a_run_has_every_column() -> None:
    assert list(RUN_COLUMNS) == list(run())
    for name, value in run(relabel_share=None).items():
        RUN_COLUMNS[name].check(value)
    with pytest.raises(TypeError):
        RUN_COLUMNS["n"] = RUN_COLUMNS["seed"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *(("success_rate", value) for value in (1.5, None, math.nan, "0.5", True, [1.0])),
        *(("env_steps", value) for value in (1.5, -1, "12", math.inf, True)),
        *(("solved", value) for value in (1, "yes")),
        *(("method", 3), ("device", ""), ("schema_version", 9)),
    ],
)
def test_wrong_values_are_named(column: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"must be .*, got {re.escape(repr(value))}"):
        RUN_COLUMNS[column].check(value)


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


NAMES = st.sampled_from([*RUN_COLUMNS, *CURVE_COLUMNS, "x"])
ROWS = st.tuples(st.sampled_from([run, curve]), st.dictionaries(NAMES, CELLS, max_size=2))
SCARS = st.tuples(st.integers(0, 3_000), st.sampled_from([*',"\n\r\0', "config_id", ""]))


@given(st.lists(ROWS, max_size=4), st.lists(SCARS, max_size=3))
@settings(SETTINGS, max_examples=200)
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
    for place, scar in scars:
        content = content[:place] + scar + content[place + 1 :]
    path = tmp_path / "any.csv"
    path.write_bytes(content.encode(errors="replace"))
    assert_valid_or_refused(path)
