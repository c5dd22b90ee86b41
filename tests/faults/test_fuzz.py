"""Readers and command lines that are fed anything: documented errors, and no others."""

from __future__ import annotations

import dataclasses
import functools
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experiments.methods.her import HerRun
from experiments.records import files, merging, run_folders, tables
from experiments.records.files import ResultError
from experiments.records.run_folders import CONFIG, CURVE, POLICY, RESULT
from experiments.records.schema import CURVE_COLUMNS, RUN_COLUMNS, TRANSFER_COLUMNS, Column
from experiments.records.tables import TableError
from tests.command_lines import Command
from tests.faults.conftest import Case
from tests.made_runs import Files, make_finished_run, with_content
from tests.made_tables import transfers_of
from tests.records.test_damage import sound

Reader = Callable[[Path], Any]
SETTINGS = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
WORDS = st.sampled_from(["run_id", "config_id", "n", "seed", "success_rate", "method", "nan", "1"])
CELLS = st.one_of(WORDS, st.text(max_size=8), st.integers().map(str), st.floats().map(str))
CSV = st.lists(st.lists(CELLS, max_size=8).map(",".join), max_size=6).map("\n".join)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10), st.just([]), WORDS
)
JSON = st.dictionaries(WORDS, SCALARS).map(json.dumps)
CONTENT = st.one_of(st.binary(max_size=200), CSV.map(str.encode), JSON.map(str.encode))


def fuzzed(
    read: Reader,
    error: type[Exception],
    name: str,
    contents: st.SearchStrategy[Files] | st.SearchStrategy[bytes],
    check: Callable[[Any], None] = lambda found: None,
) -> tuple[int, int]:
    """How many files, or folders of files, were refused by name, and how many read and checked."""
    seen: Counter[str] = Counter()

    @SETTINGS
    @given(contents)
    def feed(content: Files | bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            if isinstance(content, bytes):
                path.write_bytes(content)
            else:
                with_content(path, content)
            try:
                check(read(path))
            except error as refusal:
                said = str(refusal)
            else:
                seen["read"] += 1
                return
        assert str(path) in said
        seen["refused"] += 1

    feed()
    return seen["refused"], seen["read"]


READERS: dict[str, tuple[Reader, type[Exception]]] = {
    "read_json": (files.read_json, ResultError),
    "read_runs": (tables.read_runs, TableError),
    "read_curves": (tables.read_curves, TableError),
    "read_settings": (tables.read_settings, TableError),
    "read_transfers": (tables.read_transfers, TableError),
    "read_weights": (lambda path: files.read_weights(path, "a-run"), ResultError),
}


@pytest.mark.parametrize("name", READERS)
def test_readers_of_anything(name: str, case: Case) -> None:
    refused, read = fuzzed(*READERS[name], "file", CONTENT)
    case.tell(f"{refused + read} files: {refused} refused by name, no other error")


@functools.cache
def sound_tables() -> Files:
    """The tables of three runs, and of looks at their weights at other n."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        for seed in range(3):
            run_folders.write_run(out, make_finished_run(seed=seed))
        merging.merge(out, run_folders.scan(out)[0])
        transfers_of({8: [1.0, 0.5], 300: [1.0, 0.0]}).to_csv(out / "transfer.csv", index=False)
        return {path.name: path.read_bytes() for path in out.glob("*.csv")}


TABLES: dict[str, tuple[Reader, Mapping[str, Column]]] = {
    "runs.csv": (tables.read_runs, RUN_COLUMNS),
    "curves.csv": (tables.read_curves, CURVE_COLUMNS),
    "transfer.csv": (tables.read_transfers, TRANSFER_COLUMNS),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_with_any_cell_changed(name: str, case: Case) -> None:
    reader, columns = TABLES[name]
    lines = sound_tables()[name].decode().splitlines()

    def changed(line: int, place: int, cell: str) -> bytes:
        cells = lines[line].split(",")
        cells[place] = cell
        return "\n".join([*lines[:line], ",".join(cells), *lines[line + 1 :]]).encode()

    def check(table: Any) -> None:
        """What is read is what a sound file could have held."""
        assert len(table) == len(lines) - 1
        for column, values in table.items():
            for value in values:
                columns[str(column)].check(value)

    where = st.integers(1, len(lines) - 1), st.integers(0, len(columns) - 1)
    refused, read = fuzzed(reader, TableError, name, st.builds(changed, *where, CELLS), check)
    assert refused
    assert read
    case.tell(
        f"{refused + read} tables with a cell replaced: {refused} refused by name, {read} read, "
        "with values that such a column may have"
    )


def believed(found: Any) -> None:
    """What is read of a run is what was written; the provenance is no figure."""
    assert dataclasses.replace(found, provenance=sound()[0].provenance) == sound()[0]


def test_a_run_with_any_fields(case: Case) -> None:
    run, content = sound()
    known = {name: json.loads(content[name]) for name in (CONFIG, RESULT)}

    def replaced(place: tuple[str, str], value: Any) -> Files:
        name, field = place
        return {**content, name: json.dumps({**known[name], field: value}).encode()}

    places = st.sampled_from([(name, field) for name in known for field in sorted(known[name])])
    contents = st.builds(replaced, places, SCALARS)
    reader = run_folders.read_run
    refused, read = fuzzed(reader, ResultError, run.config.run_id, contents, believed)
    case.tell(
        f"{refused + read} runs with a field replaced: {refused} refused, {read} equal to what "
        "was written, 0 believed with another value"
    )


@pytest.mark.parametrize("name", [CURVE, POLICY, RESULT])
def test_a_run_with_any_byte_changed(name: str, case: Case) -> None:
    run, content = sound()

    def flipped(place: int, mask: int) -> Files:
        changed = bytearray(content[name])
        changed[place] ^= mask
        return {**content, name: bytes(changed)}

    contents = st.builds(flipped, st.integers(0, len(content[name]) - 1), st.integers(1, 255))
    reader = run_folders.read_run
    refused, read = fuzzed(reader, ResultError, run.config.run_id, contents, believed)
    case.tell(
        f"{refused + read} flipped bytes: {refused} refused, {read} in the provenance or in white "
        "space, 0 figures changed"
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
SOUND = "--n 3 7|--seeds 2|--methods her|--networks equivariant|--gamma 0.9|--budget 50000"
SOUND += "|--hidden 8 8|--continuing-task|--preset quick"
FLAG = st.one_of(
    st.sampled_from([tuple(flag.split()) for flag in SOUND.split("|")]),
    st.builds(lambda flag, values: (flag, *values), FLAGS, st.lists(VALUES, max_size=2)),
)


def test_any_command_line(case: Case, command: Command, tmp_path: Path) -> None:
    seen: Counter[Any] = Counter()

    @settings(SETTINGS, max_examples=case.of(20, 500))
    @given(st.lists(FLAG, max_size=3))
    def feed(flags: list[tuple[str, ...]]) -> None:
        words = [word for flag in flags for word in flag]
        outcome = command("compare", "--dry-run", "--out", "out", *words)
        assert outcome.status in (0, 2), (words, outcome)
        assert "Traceback" not in outcome.text
        seen[outcome.status] += 1

    feed()
    assert not (tmp_path / "out").exists()
    case.tell(
        f"{seen.total()} command lines of compare with --dry-run: {seen[0]} planned, "
        f"{seen[2]} refused with status 2, no other end"
    )
