"""Files from outside: torn, empty, doubled, wrongly typed, foreign, hostile."""

from __future__ import annotations

import io
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch as th

from experiments.records import run_folders
from experiments.records.run_folders import CONFIG, POLICY
from tests.command_lines import Command, finish, process, trained
from tests.faults.conftest import Case
from tests.faults.machines import check
from tests.made_runs import NAMES, TABLES, make_finished_run, tree, with_content
from tests.records.test_damage import DAMAGE, sound


def test_damaged_files_are_named_not_counted_and_not_deleted(
    tmp_path: Path, whole_case: Case, command: Command
) -> None:
    run, content = sound()
    for number, (name, _, harm) in enumerate(DAMAGE):
        out = tmp_path / str(number)
        run_folders.write_run(out, make_finished_run(seed=7))
        harmed = with_content(out / "runs" / run.config.run_id, harm(content))
        (out / "runs" / "notes.txt").write_text("mine")
        shutil.copytree(next((out / "runs").glob("*-s7-*")), out / "runs" / "a copy")
        before = tree(out)
        merged = command("compare", "--merge", out)
        places = (harmed / name, out / "runs" / "notes.txt", out / "runs" / "a copy" / CONFIG)
        check(merged, 0, "1 runs in", *(f"not counted: {place}" for place in places))
        assert {path: data for path, data in tree(out).items() if path not in TABLES} == before
        # The run that takes its place, as in a sweep that is resumed.
        run_folders.write_run(out, run)
        assert run.config.run_id in run_folders.scan(out)[0]
        assert tree(harmed.with_name(f".{harmed.name}.damaged-1")) == harm(content)
    whole_case.tell(
        f"{len(DAMAGE)} kinds of damage to the four files of a run (torn, empty, wrongly typed, "
        f"NaN, another run's), each beside a doubled run and a foreign file: {3 * len(DAMAGE)} "
        "named, 0 counted, 0 deleted or changed, also when the run was made again"
    )


@pytest.mark.parametrize("table", TABLES)
def test_damaged_tables_are_named_and_kept(
    tmp_path: Path, command: Command, whole_case: Case, table: str
) -> None:
    run_folders.write_run(tmp_path / "out", make_finished_run())
    assert command("compare", "--merge", "out").status == 0
    whole = (tmp_path / "out" / table).read_bytes()
    header, row = whole.splitlines()[:2]
    harms = [
        b"",
        whole[: len(header) + len(row) // 2],
        b"what,is,this\n1,2,3\n",
        bytes(range(256)),
        header + b"\n" + row + b",1,2\n",
        header + b"," + header + b"\n",
    ]
    cells = {"provenance.csv": (b",,,", b",,maybe,"), "summary.csv": (b",1.0,", b",2.0,")}
    harms.append(whole.replace(*cells.get(table, (b",1.0,", b",high,"))))
    for harm in harms:
        assert harm != whole
        (tmp_path / "out" / table).write_bytes(harm)
        before = tree(tmp_path)
        ended = command("compare", "--merge", "out")
        if table == "summary.csv":  # nobody reads it here, and it is made anew
            check(ended, 0)
            assert (tmp_path / "out" / table).read_bytes() == whole
        else:
            check(ended, 2, f"out/{table}")
            assert tree(tmp_path) == before
    end = "made anew" if table == "summary.csv" else "named, no table written"
    whole_case.tell(f"{len(harms)} kinds of damage, each {end}")


class Marker:
    """A pickle of this runs a command when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch '{self.path}'",)


def hostile(path: Path) -> dict[str, bytes]:
    """Files that write a marker when they are unpickled, in the ways that model files come."""
    plain = pickle.dumps(Marker(path))
    model, archive = io.BytesIO(), io.BytesIO()
    th.save(Marker(path), model)
    with zipfile.ZipFile(archive, "w") as sb3:
        sb3.writestr("data", plain)
        sb3.writestr("policy.pth", model.getvalue())
    return {"pickle": plain, "torch": model.getvalue(), "sb3.zip": archive.getvalue()}


def test_hostile_files_are_refused_and_never_run(
    tmp_path: Path, case: Case, command: Command
) -> None:
    marker = tmp_path / "marker"
    pickle.loads(hostile(marker)["pickle"])
    assert marker.exists(), "the files would write a marker if they were loaded"
    marker.unlink()
    refused = 0
    for kind, data in hostile(marker).items():
        out = tmp_path / kind
        run = run_folders.write_run(out, trained())
        (run / "replay_buffer.pkl").write_bytes(data)
        # Each as a person would look at it: the run, the file itself, the folder, the figures.
        looks = [("compare", "--merge", out), ("plot", out)]
        for name in NAMES:
            whole = (run / name).read_bytes()
            (run / name).write_bytes(data)
            (out / "runs.csv").write_bytes(data)
            at = [("evaluate", path) for path in (run, run / name, run / "replay_buffer.pkl")]
            for line in (*at, *looks):
                # Some in a process of its own.
                alone = case.whole and name == POLICY
                check(finish(process(*map(str, line))) if alone else command(*line), 2, str(out))
                assert not marker.exists()
                refused += 1
            (run / name).write_bytes(whole)
    case.tell(f"{refused} tries to load pickles and archives that write a marker: 0 markers")
