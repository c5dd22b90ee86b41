"""A run's folder: written whole or not at all, by one writer, and read as it was written."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.numpy

from experiments.records import files, merging, run_folders
from experiments.records.files import ResultError
from experiments.records.run_folders import CONFIG, CURVE, POLICY, RESULT, FinishedRun
from experiments.records.schema import CURVE_COLUMNS, RUN_COLUMNS
from experiments.records.tables import read_runs
from tests.made_runs import Files, tree, with_content

NAMES = (CONFIG, RESULT, CURVE, POLICY)
TABLES = ("runs.csv", "curves.csv", "summary.csv")
Factory = Callable[..., FinishedRun]


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
def test_a_run_is_read_as_it_was_written(
    tmp_path: Path, finished_run: Factory, settings: dict[str, Any]
) -> None:
    run = finished_run(**settings)
    folder = run_folders.write_run(tmp_path, run)
    assert folder == tmp_path / "runs" / run.config.run_id
    assert sorted(path.name for path in folder.iterdir()) == sorted(NAMES)
    assert run_folders.read_run(folder) == run
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_a_run_is_read_from_inside_its_folder(
    tmp_path: Path, finished_run: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished_run()
    monkeypatch.chdir(run_folders.write_run(tmp_path, run))
    assert run_folders.read_run(Path()) == run


def test_the_files_say_what_the_contract_says(tmp_path: Path, finished_run: Factory) -> None:
    run = finished_run(method="dqn", solved_at=None, success_rate=0.5)
    folder = run_folders.write_run(tmp_path, run)
    config = json.loads((folder / CONFIG).read_text())
    assert config == {"schema_version": 1, **run.config.to_dict()}
    result = json.loads((folder / RESULT).read_text())
    assert set(result) == {*RUN_COLUMNS, "provenance"}
    assert result["env_steps_to_solve"] is None
    assert result["provenance"]["versions"] == run.provenance["versions"]
    header, *rows = (folder / CURVE).read_text().splitlines()
    assert header.split(",") == list(CURVE_COLUMNS)
    assert len(rows) == len(run.curve)
    assert safetensors.numpy.load_file(folder / POLICY)["layer.weight"].shape == (2, 3)


def test_a_run_replaces_an_older_one_and_what_a_killed_writer_left(
    tmp_path: Path, finished_run: Factory
) -> None:
    old, new = finished_run(success_rate=0.99), finished_run(success_rate=1.0)
    run_folders.write_run(tmp_path, old)
    left = tmp_path / "runs" / f".{new.config.run_id}.{os.getpid()}"
    with_content(left, {"half.json": b"{"})
    folder = run_folders.write_run(tmp_path, new)
    assert run_folders.read_run(folder) == new
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_what_cannot_be_believed_is_kept_beside_the_run_that_takes_its_place(
    tmp_path: Path, finished_run: Factory
) -> None:
    run = finished_run()
    folder = run_folders.write_run(tmp_path, run)
    for k in (1, 2):
        (folder / CURVE).write_bytes(b"torn")
        (folder / "notes.txt").write_text("mine")
        assert run_folders.write_run(tmp_path, run) == folder
        assert run_folders.read_run(folder) == run
        kept = folder.with_name(f".{folder.name}.damaged-{k}")
        assert (kept / CURVE).read_bytes() == b"torn"
        assert (kept / "notes.txt").read_text() == "mine"
    assert run_folders.scan(tmp_path) == ({run.config.run_id: run}, [])


def test_a_run_that_may_not_be_read_is_not_taken_for_damaged(
    tmp_path: Path, finished_run: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished_run()
    folder = run_folders.write_run(tmp_path, run)
    before = tree(tmp_path)
    real = Path.open

    def refuse(path: Path, *arguments: Any) -> Any:
        if path == folder / CURVE and arguments[0].startswith("r"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", refuse)
        for attempt in (
            lambda: run_folders.scan(tmp_path),
            lambda: run_folders.write_run(tmp_path, run),
        ):
            with pytest.raises(PermissionError, match=CURVE):
                attempt()
    assert tree(tmp_path) == before


def test_the_configuration_stands_in_the_provenance_too(
    tmp_path: Path, finished_run: Factory
) -> None:
    run = finished_run()
    path = run_folders.write_run(tmp_path, run) / RESULT
    result = json.loads(path.read_text())
    assert result["provenance"]["configuration"] == run.config.to_dict()
    result["provenance"]["configuration"]["gamma"] = 0.5
    path.write_text(json.dumps(result))
    with pytest.raises(ResultError, match=r"'configuration' differs from config\.json"):
        run_folders.read_run(path.parent)


def test_a_file_that_is_replaced_costs_no_other(tmp_path: Path) -> None:
    others = [".runs.csv.swp", ".runs.csv.old", "runs.csv.12"]
    for name in (*others, ".runs.csv.4711"):
        (tmp_path / name).write_text("mine")
    files.replace_file(tmp_path / "runs.csv", b"new")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*others, "runs.csv"])


def test_a_run_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, finished_run: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished_run()
    final = tmp_path / "runs" / run.config.run_id
    named: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda handle: named.append(final.exists()))
    run_folders.write_run(tmp_path, run)
    # Four files and their folder, then the folder that holds the name.
    assert named == [False] * 5 + [True]


# Disks that fill up.


def visible(out: Path) -> Files:
    """What a reader of the folder sees: nothing whose path has a dotted part."""
    return {
        name: data
        for name, data in tree(out).items()
        if not any(part.startswith(".") for part in Path(name).parts)
    }


def failing_at(k: int, real: Callable[..., Any]) -> Callable[..., Any]:
    """The function, with a full disk from its k-th call on."""
    calls = 0

    def call(*arguments: Any, **keywords: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls >= k:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*arguments, **keywords)

    return call


def half_written(path: Path, content: bytes) -> None:
    path.write_bytes(content[: len(content) // 2])
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("k", [1, 2, 3, 4])
@pytest.mark.parametrize("replacing", [False, True])
def test_a_full_disk_leaves_the_finished_runs_as_they_were(
    tmp_path: Path,
    finished_run: Factory,
    monkeypatch: pytest.MonkeyPatch,
    k: int,
    replacing: bool,
) -> None:
    other, run = finished_run(seed=1), finished_run(seed=0)
    run_folders.write_run(tmp_path, other)
    if replacing:
        run_folders.write_run(tmp_path, finished_run(seed=0, success_rate=0.99))
    before = tree(tmp_path)
    calls = 0
    real = files.write_synced

    def write(path: Path, content: bytes) -> None:
        nonlocal calls
        calls += 1
        (half_written if calls == k else real)(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_synced", write)
        with pytest.raises(OSError, match="No space"):
            run_folders.write_run(tmp_path, run)
    assert calls == k
    assert tree(tmp_path) == before
    finished, problems = run_folders.scan(tmp_path)
    assert problems == []
    assert set(finished) == {other.config.run_id} | ({run.config.run_id} if replacing else set())


@pytest.mark.parametrize(("k", "replacing"), [(1, False), (1, True), (2, True)])
def test_a_rename_that_fails_loses_no_finished_run(
    tmp_path: Path,
    finished_run: Factory,
    monkeypatch: pytest.MonkeyPatch,
    k: int,
    replacing: bool,
) -> None:
    if replacing:
        run_folders.write_run(tmp_path, finished_run(success_rate=0.99))
    before = tree(tmp_path)
    calls = 0
    real = Path.rename

    def rename(path: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls == k:
            raise OSError(errno.EIO, "Input/output error")
        return real(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", rename)
        with pytest.raises(OSError, match="Input/output"):
            run_folders.write_run(tmp_path, finished_run())
    assert visible(tmp_path) == before


@pytest.mark.parametrize("k", [1, 2, 3])
def test_a_full_disk_leaves_whole_tables(
    tmp_path: Path, finished_run: Factory, monkeypatch: pytest.MonkeyPatch, k: int
) -> None:
    run_folders.write_run(tmp_path, finished_run(seed=0))
    merging.merge(tmp_path, run_folders.scan(tmp_path)[0])
    before = tree(tmp_path)
    run_folders.write_run(tmp_path, finished_run(seed=1))
    finished, _ = run_folders.scan(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(files, "write_synced", failing_at(k, files.write_synced))
        with pytest.raises(OSError, match="No space"):
            merging.merge(tmp_path, finished)
    after = tree(tmp_path)
    assert sum(after[name] != before[name] for name in TABLES) == k - 1
    (added,) = {path.split("/")[1] for path in set(after) - set(before)}
    assert added in finished
    merging.merge(tmp_path, finished)
    assert set(read_runs(tmp_path / "runs.csv")["run_id"]) == set(finished)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_no_number_that_json_lacks_is_written(
    tmp_path: Path, finished_run: Factory, value: float
) -> None:
    run = finished_run()
    broken = dataclasses.replace(run, result={**run.result, "wall_seconds": value})
    with pytest.raises(ValueError, match="JSON"):
        run_folders.write_run(tmp_path, broken)
    assert list((tmp_path / "runs").iterdir()) == []
