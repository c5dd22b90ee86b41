"""Readers and command lines that are fed anything: documented errors, and no others."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experiments.methods.her import HerRun
from experiments.records import files, merging, run_folders, tables
from experiments.records.files import ResultError
from experiments.records.run_folders import CONFIG, RESULT, FinishedRun
from experiments.records.schema import CURVE_COLUMNS, RUN_COLUMNS, TRANSFER_COLUMNS, Column
from experiments.records.tables import TableError
from tests.command_lines import Command
from tests.faults.conftest import Case
from tests.made_runs import NAMES, Files, make_finished_run, with_content
from tests.made_tables import transfers_of
from tests.records.test_damage import sound

Contents = st.SearchStrategy[Files] | st.SearchStrategy[bytes]
"""Of files, or of folders of files."""
Check = Callable[[Any], None]
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


def anything() -> tuple[Contents, Check]:
    contents = st.one_of(st.binary(max_size=200), CSV.map(str.encode), JSON.map(str.encode))
    return contents, lambda found: None


def any_cell(name: str, columns: Mapping[str, Column]) -> tuple[Contents, Check]:
    """A sound table but for a cell; what is read of it is what a sound one could have held."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        for seed in range(3):
            run_folders.write_run(out, make_finished_run(seed=seed))
        merging.merge(out, run_folders.scan(out)[0])
        transfers_of({8: [1.0, 0.5], 300: [1.0, 0.0]}).to_csv(out / "transfer.csv", index=False)
        lines = (out / name).read_text().splitlines()

    def changed(line: int, place: int, cell: str) -> bytes:
        cells = lines[line].split(",")
        cells[place] = cell
        return "\n".join([*lines[:line], ",".join(cells), *lines[line + 1 :]]).encode()

    def check(table: Any) -> None:
        assert len(table) == len(lines) - 1
        for column, values in table.items():
            for value in values:
                columns[str(column)].check(value)

    where = st.integers(1, len(lines) - 1), st.integers(0, len(columns) - 1)
    return st.builds(changed, *where, CELLS), check


def as_written(found: FinishedRun) -> None:
    """But for the provenance, which is no figure and has no checksum."""
    run, _ = sound()
    assert dataclasses.replace(found, provenance=run.provenance) == run


def any_field() -> tuple[Contents, Check]:
    _, content = sound()
    known = {name: json.loads(content[name]) for name in (CONFIG, RESULT)}

    def changed(place: tuple[str, str], value: Any) -> Files:
        name, field = place
        return {**content, name: json.dumps({**known[name], field: value}).encode()}

    places = st.sampled_from([(name, field) for name in known for field in sorted(known[name])])
    return st.builds(changed, places, SCALARS), as_written


def any_byte(name: str) -> tuple[Contents, Check]:
    _, content = sound()

    def changed(place: int, mask: int) -> Files:
        flipped = bytearray(content[name])
        flipped[place] ^= mask
        return {**content, name: bytes(flipped)}

    places = st.integers(0, len(content[name]) - 1)
    return st.builds(changed, places, st.integers(1, 255)), as_written


READ_RUN = run_folders.read_run
READERS: dict[str, tuple[Callable[[Path], Any], Callable[[], tuple[Contents, Check]]]] = {
    "json": (files.read_json, anything),
    "runs": (tables.read_runs, anything),
    "curves": (tables.read_curves, anything),
    "settings": (tables.read_settings, anything),
    "transfers": (tables.read_transfers, anything),
    "weights": (lambda path: files.read_weights(path, "a-run"), anything),
    "any cell of runs.csv": (tables.read_runs, partial(any_cell, "runs.csv", RUN_COLUMNS)),
    "any cell of curves.csv": (tables.read_curves, partial(any_cell, "curves.csv", CURVE_COLUMNS)),
    "any cell of transfer.csv": (
        tables.read_transfers,
        partial(any_cell, "transfer.csv", TRANSFER_COLUMNS),
    ),
    "any field of a run": (READ_RUN, any_field),
    **{f"any byte of {name}": (READ_RUN, partial(any_byte, name)) for name in NAMES[1:]},
}


@pytest.mark.parametrize("name", READERS)
def test_readers_of_anything(name: str, case: Case) -> None:
    read, make = READERS[name]
    contents, check = make()
    seen: Counter[str] = Counter()

    @SETTINGS
    @given(contents)
    def feed(content: Files | bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / sound()[0].config.run_id
            if isinstance(content, bytes):
                path.write_bytes(content)
            else:
                with_content(path, content)
            try:
                found = read(path)
            except (ResultError, TableError) as error:
                refused = str(error)
            else:
                check(found)
                seen["read"] += 1
                return
        assert str(path) in refused
        seen["refused"] += 1

    feed()
    assert "cell" not in name or len(seen) == 2
    case.tell(
        f"{seen.total()} files: {seen['refused']} refused by name, {seen['read']} read, with what "
        "was written or could have been; no other error"
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
