"""A run's folder: written whole or not at all, by one writer, and read as it was written."""

from __future__ import annotations

import dataclasses
import errno
import itertools
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.numpy

from experiments.records import files, merging, run_folders
from experiments.records.files import ResultError
from experiments.records.run_folders import CONFIG, CURVE, POLICY, RESULT, FinishedRun
from experiments.records.schema import (
    CURVE_COLUMNS,
    RUN_COLUMNS,
    SCHEMA_VERSION,
    WRITTEN_COLUMNS,
)
from experiments.records.tables import read_runs
from tests.made_runs import NAMES, TABLES, make_finished_run, tree, with_content

RUN, OLDER = make_finished_run(), make_finished_run(success_rate=0.99)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """That of a finished run."""
    return run_folders.write_run(tmp_path, RUN)


def assert_alone(folder: Path, run: FinishedRun) -> None:
    """The folder has the run, and there is nothing beside it."""
    assert run_folders.read_run(folder) == run
    assert list(folder.parent.iterdir()) == [folder]


# Writing a run, and reading it again.


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"method": "dqn", "solved_at": None, "success_rate": 0.25},
        {"network": "equivariant", "hidden": (8, 8), "goal_mode": "random"},
        {"implementation": "stock", "relabel_share": 0.75, "seed": 3},
        {"method": "dqn", "sees_target": False, "start": "zeros", "full_budget": True},
        {"reward_type": "hamming", "continuing_task": True, "device": "cuda"},
        {"success_rate": 0.98, "solved_at": 600},
    ],
    ids=str,
)
def test_a_run_is_read_as_it_was_written(tmp_path: Path, settings: dict[str, Any]) -> None:
    run = make_finished_run(**settings)
    folder = run_folders.write_run(tmp_path, run)
    assert folder == tmp_path / "runs" / run.config.run_id
    assert sorted(tree(folder)) == sorted(NAMES)
    assert_alone(folder, run)


def test_a_run_is_read_wherever_it_is(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "best").symlink_to(folder)
    shutil.copytree(folder, tmp_path / "a copy")
    monkeypatch.chdir(folder)
    for place in (Path(), tmp_path / "best", tmp_path / "a copy"):
        assert run_folders.read_run(place) == RUN


def test_the_files_say_what_the_contract_says(tmp_path: Path) -> None:
    run = make_finished_run(method="dqn", solved_at=None, success_rate=0.5)
    folder = run_folders.write_run(tmp_path, run)
    config = json.loads((folder / CONFIG).read_text())
    assert config == {"schema_version": SCHEMA_VERSION, **run.config.to_dict()}
    result = json.loads((folder / RESULT).read_text())
    assert set(result) == {*RUN_COLUMNS, "provenance"} - WRITTEN_COLUMNS
    assert result["env_steps_to_solve"] is None
    assert result["provenance"]["versions"] == run.provenance["versions"]
    assert result["provenance"]["configuration"] == run.config.to_dict()
    header, *rows = (folder / CURVE).read_text().splitlines()
    assert header.split(",") == list(CURVE_COLUMNS)
    assert len(rows) == len(run.curve)
    assert safetensors.numpy.load_file(folder / POLICY)["layer.weight"].shape == (2, 3)


def test_a_run_replaces_an_older_one_and_what_a_killed_writer_left(tmp_path: Path) -> None:
    folder = run_folders.write_run(tmp_path, OLDER)
    with_content(folder.with_name(f".{folder.name}.{os.getpid()}"), {"half.json": b"{"})
    assert_alone(run_folders.write_run(tmp_path, RUN), RUN)


def test_a_run_that_is_kept_elsewhere_is_replaced_here(tmp_path: Path) -> None:
    folder = run_folders.write_run(tmp_path, OLDER)
    elsewhere = folder.rename(tmp_path / "elsewhere")
    for run in (OLDER, RUN, RUN):
        shutil.rmtree(folder, ignore_errors=True)
        folder.symlink_to(elsewhere)
        assert run_folders.scan(tmp_path) == ({OLDER.config.run_id: OLDER}, [])
        run_folders.write_run(tmp_path, run)
        assert_alone(folder, run)
        assert run_folders.read_run(elsewhere) == OLDER


def torn(folder: Path) -> None:
    (folder / CURVE).write_bytes(b"torn")
    (folder / "notes.txt").write_text("mine")


def another(folder: Path) -> None:
    shutil.rmtree(folder)
    run_folders.write_run(folder.parents[1], make_finished_run(seed=9)).rename(folder)


def nowhere(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.symlink_to("nowhere")


@pytest.mark.parametrize("spoil", [torn, another, nowhere])
def test_what_cannot_be_believed_is_kept_beside_the_run_that_takes_its_place(
    folder: Path, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    for k in (1, 2):
        spoil(folder)
        before = tree(folder)
        assert run_folders.write_run(tmp_path, RUN) == folder
        assert run_folders.read_run(folder) == RUN
        kept = folder.with_name(f".{folder.name}.damaged-{k}")
        assert os.path.lexists(kept)
        assert tree(kept) == before
    assert run_folders.scan(tmp_path) == ({RUN.config.run_id: RUN}, [])


def test_a_run_that_may_not_be_read_is_not_taken_for_damaged(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, real = tree(tmp_path), Path.open

    def refuse(path: Path, *arguments: Any) -> Any:
        if path == folder / CURVE and arguments[0].startswith("r"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", refuse)
        for touch in (run_folders.scan, lambda out: run_folders.write_run(out, RUN)):
            with pytest.raises(PermissionError, match=CURVE):
                touch(tmp_path)
    assert tree(tmp_path) == before


def test_a_configuration_that_its_result_does_not_know_is_refused(folder: Path) -> None:
    result = json.loads((folder / RESULT).read_text())
    result["provenance"]["configuration"]["gamma"] = 0.5
    (folder / RESULT).write_text(json.dumps(result))
    with pytest.raises(ResultError, match=r"'configuration' differs from config\.json"):
        run_folders.read_run(folder)


@pytest.mark.parametrize("named", ["replay", "gamma"])
def test_a_run_of_before_a_setting_existed_does_not_name_it(tmp_path: Path, named: str) -> None:
    run = make_finished_run(method="dqn")
    folder = run_folders.write_run(
        tmp_path, dataclasses.replace(run, result=run.result | {named: None})
    )
    if named == "gamma":  # which every run has had
        with pytest.raises(ResultError, match="gamma is None, but"):
            run_folders.read_run(folder)
    else:
        assert run_folders.read_run(folder).config == run.config


def test_a_run_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    final = tmp_path / "runs" / RUN.config.run_id
    named: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda handle: named.append(final.exists()))
    run_folders.write_run(tmp_path, RUN)
    # Four files and their folder, then the folder that holds the name.
    assert named == [False] * 5 + [True]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_no_number_that_json_lacks_is_written(tmp_path: Path, value: float) -> None:
    broken = dataclasses.replace(RUN, result={**RUN.result, "wall_seconds": value})
    with pytest.raises(ValueError, match="JSON"):
        run_folders.write_run(tmp_path, broken)
    assert list((tmp_path / "runs").iterdir()) == []


# Disks that fill up, and that fail.


def fail_at(k: int, patch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
    """Make a function's k-th call fail; what it writes is half written then."""
    real, calls = getattr(owner, name), itertools.count(1)

    def call(path: Path, value: Any) -> Any:
        if next(calls) != k:
            return real(path, value)
        if isinstance(value, bytes):
            real(path, value[: len(value) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    patch.setattr(owner, name, call)


@pytest.mark.parametrize(
    ("owner", "name", "k", "replacing"),
    [
        *((files, "write_synced", k, again) for k in (1, 2, 3, 4) for again in (False, True)),
        *((Path, "rename", k, again) for k, again in ((1, False), (1, True), (2, True))),
    ],
)
def test_a_disk_that_fails_leaves_the_finished_runs_as_they_were(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    k: int,
    replacing: bool,
) -> None:
    run_folders.write_run(tmp_path, make_finished_run(seed=1))
    if replacing:
        run_folders.write_run(tmp_path, OLDER)
    before, found = tree(tmp_path), run_folders.scan(tmp_path)
    with monkeypatch.context() as patch:
        fail_at(k, patch, owner, name)
        with pytest.raises(OSError, match="No space"):
            run_folders.write_run(tmp_path, RUN)
    assert tree(tmp_path) == before
    assert run_folders.scan(tmp_path) == found


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_a_full_disk_leaves_whole_tables(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, k: int
) -> None:
    merging.merge(tmp_path, run_folders.scan(tmp_path)[0])
    run_folders.write_run(tmp_path, make_finished_run(seed=1))
    before, finished = tree(tmp_path), run_folders.scan(tmp_path)[0]
    with monkeypatch.context() as patch:
        fail_at(k, patch, files, "write_synced")
        with pytest.raises(OSError, match="No space"):
            merging.merge(tmp_path, finished)
    after = tree(tmp_path)
    assert set(after) == set(before)
    assert [after[name] != before[name] for name in TABLES] == [k > place for place in (1, 2, 3, 4)]
    merging.merge(tmp_path, finished)
    assert set(read_runs(tmp_path / "runs.csv")["run_id"]) == set(finished)
