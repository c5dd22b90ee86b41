"""Readers and command lines that are fed anything: documented errors, and no others."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experiments.methods.her import HerRun
from experiments.records import files, merging, run_folders, tables
from experiments.records.files import ResultError
from experiments.records.run_folders import CONFIG, CURVE, POLICY, RESULT
from experiments.records.schema import CURVE_COLUMNS, RUN_COLUMNS, TRANSFER_COLUMNS, Column
from experiments.records.tables import TableError
from tests.faults.conftest import Scale
from tests.made_runs import make_finished_run, with_content
from tests.made_tables import transfers_of
from tests.records.test_damage import sound

Keep = Callable[[str], None]
SETTINGS = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

READERS: dict[str, tuple[Callable[[Path], Any], type[Exception]]] = {
    "read_json": (files.read_json, ResultError),
    "read_runs": (tables.read_runs, TableError),
    "read_curves": (tables.read_curves, TableError),
    "read_settings": (tables.read_settings, TableError),
    "read_transfers": (tables.read_transfers, TableError),
    "read_weights": (lambda path: files.read_weights(path, "a-run"), ResultError),
}
WORDS = st.sampled_from(["run_id", "config_id", "n", "seed", "success_rate", "method", "nan", "1"])
CELLS = st.one_of(WORDS, st.text(max_size=8), st.integers().map(str), st.floats().map(str))
CSV = st.lists(st.lists(CELLS, max_size=8).map(",".join), max_size=6).map("\n".join)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10), st.just([]), WORDS
)
JSON = st.dictionaries(WORDS, SCALARS).map(json.dumps)
CONTENT = st.one_of(st.binary(max_size=200), CSV.map(str.encode), JSON.map(str.encode))


@pytest.mark.parametrize("name", READERS)
def test_readers_of_anything(name: str, figures: Keep) -> None:
    read, error = READERS[name]
    tried = {"read": 0, "refused": 0}

    @SETTINGS
    @given(CONTENT)
    def feed(content: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "file"
            path.write_bytes(content)
            try:
                read(path)
                well = True
                tried["read"] += 1
            except error as refused:
                well = str(path) in str(refused)
                tried["refused"] += 1
        assert well

    feed()
    figures(f"{sum(tried.values())} files: {tried['refused']} refused by name, no other error")


@functools.cache
def sound_tables() -> dict[str, bytes]:
    """The tables of three runs, and of looks at their weights at other n."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        for seed in range(3):
            run_folders.write_run(out, make_finished_run(seed=seed))
        merging.merge(out, run_folders.scan(out)[0])
        transfers_of({8: [1.0, 0.5], 300: [1.0, 0.0]}).to_csv(out / "transfer.csv", index=False)
        return {path.name: path.read_bytes() for path in out.glob("*.csv")}


TABLES: dict[str, tuple[Callable[[Path], pd.DataFrame], Mapping[str, Column]]] = {
    "runs.csv": (tables.read_runs, RUN_COLUMNS),
    "curves.csv": (tables.read_curves, CURVE_COLUMNS),
    "transfer.csv": (tables.read_transfers, TRANSFER_COLUMNS),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_with_any_cell_changed(name: str, figures: Keep) -> None:
    read, columns = TABLES[name]
    lines = sound_tables()[name].decode().splitlines()
    tried = {"read": 0, "refused": 0}

    @SETTINGS
    @given(st.integers(1, len(lines) - 1), st.integers(0, len(columns) - 1), CELLS)
    def feed(line: int, place: int, cell: str) -> None:
        cells = lines[line].split(",")
        cells[place] = cell
        changed = [*lines[:line], ",".join(cells), *lines[line + 1 :]]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes("\n".join(changed).encode())
            try:
                table = read(path)
            except TableError as error:
                refused = str(error)
            else:
                refused = ""
        if refused:
            assert str(path) in refused
            tried["refused"] += 1
            return
        # What is read is what a sound file could have held.
        assert len(table) == len(lines) - 1
        for column, values in table.items():
            for value in values:
                columns[str(column)].check(value)
        tried["read"] += 1

    feed()
    assert all(tried.values())
    figures(
        f"{sum(tried.values())} tables with a cell replaced: {tried['refused']} refused by name, "
        f"{tried['read']} read, with values that such a column may have"
    )


def test_a_run_with_any_fields(figures: Keep) -> None:
    run, content = sound()
    tried = {"as it was": 0, "refused": 0}

    @SETTINGS
    @given(st.sampled_from([CONFIG, RESULT]), st.data())
    def feed(name: str, data: st.DataObject) -> None:
        fields = json.loads(content[name])
        key = data.draw(st.sampled_from(sorted(fields)))
        fields[key] = data.draw(SCALARS)
        with tempfile.TemporaryDirectory() as out:
            changed = {**content, name: json.dumps(fields).encode()}
            folder = with_content(Path(out) / run.config.run_id, changed)
            try:
                well = run_folders.read_run(folder) == run
                tried["as it was"] += 1
            except ResultError as refused:
                well = str(folder) in str(refused)
                tried["refused"] += 1
        assert well

    feed()
    figures(
        f"{sum(tried.values())} runs with a field replaced: {tried['refused']} refused, "
        f"{tried['as it was']} equal to what was written, 0 believed with another value"
    )


@pytest.mark.parametrize("name", [CURVE, POLICY, RESULT])
def test_a_run_with_any_byte_changed(name: str, figures: Keep) -> None:
    run, content = sound()
    tried = {"as it was": 0, "refused": 0}

    @SETTINGS
    @given(st.integers(0, len(content[name]) - 1), st.integers(1, 255))
    def feed(place: int, mask: int) -> None:
        changed = bytearray(content[name])
        changed[place] ^= mask
        with tempfile.TemporaryDirectory() as out:
            folder = with_content(Path(out) / run.config.run_id, {**content, name: bytes(changed)})
            try:
                found = run_folders.read_run(folder)
            except ResultError:
                tried["refused"] += 1
                return
        # The provenance is no figure, and has no checksum.
        assert dataclasses.replace(found, provenance={}) == dataclasses.replace(run, provenance={})
        tried["as it was"] += 1

    feed()
    figures(
        f"{sum(tried.values())} flipped bytes: {tried['refused']} refused, {tried['as it was']} in "
        "the provenance or in white space, 0 figures changed"
    )


FLAGS = st.sampled_from(
    [f"--{name.replace('_', '-')}" for name in HerRun.model_fields]
    + ["--budget", "--methods", "--networks", "--seeds", "--workers", "--scheduler", "--preset"]
)
VALUES = st.one_of(
    st.integers(-3, 10**6).map(str),
    st.floats().map(str),
    st.sampled_from(["her", "dqn", "mlp", "True", "False", "quick", "cpu", "None", "tcp://a:1"]),
    st.text(max_size=6),
)
SOUND = st.sampled_from(
    [
        ("--n", ["3", "7"]),
        ("--seeds", ["2"]),
        ("--methods", ["her"]),
        ("--networks", ["equivariant"]),
        ("--gamma", ["0.9"]),
        ("--budget", ["50000"]),
        ("--hidden", ["8", "8"]),
        ("--continuing-task", []),
        ("--preset", ["quick"]),
    ]
)


def test_any_command_line(
    scale: Scale, figures: Keep, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    compare = importlib.import_module("experiments.compare")
    tried: dict[Any, int] = {0: 0, 2: 0}

    @settings(SETTINGS, max_examples=scale.of(20, 500))
    @given(st.lists(st.one_of(SOUND, st.tuples(FLAGS, st.lists(VALUES, max_size=2))), max_size=3))
    def feed(flags: list[tuple[str, list[str]]]) -> None:
        words = [word for flag, values in flags for word in (flag, *values)]
        line = ["compare.py", "--dry-run", "--out", str(tmp_path / "out"), *words]
        with mock.patch.object(sys, "argv", line), pytest.raises(SystemExit) as ended:
            compare.main()
        said = capsys.readouterr()
        assert ended.value.code in (0, 2), (line, said)
        assert "Traceback" not in said.out + said.err
        tried[ended.value.code] += 1

    feed()
    assert not (tmp_path / "out").exists()
    figures(
        f"{sum(tried.values())} command lines of compare with --dry-run: {tried[0]} planned, "
        f"{tried[2]} refused with status 2, no other end"
    )
