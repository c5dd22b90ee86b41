"""The results folder: one writer at a time, none where it cannot be, and files replaced whole."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import filelock
import pytest

from experiments.records import files
from experiments.records.files import ResultError
from tests.made_runs import tree


def refused(out: Path, message: str) -> None:
    with pytest.raises(ResultError, match=message), files.locked(out):
        pass


def failing(error: Exception) -> Any:
    def fail(*arguments: Any, **keywords: Any) -> None:
        raise error

    return fail


# One writer at a time.


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from experiments.records.files import locked\n"
        "with locked(Path(sys.argv[1])): print('mine', flush=True); sys.stdin.read()"
    )
    command, pipe = [sys.executable, "-c", code, str(tmp_path)], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "mine\n"
        refused(tmp_path, f"another run is writing to .*{tmp_path}")
        # A killed one's lock is free at once.
        other.kill()
    with files.locked(tmp_path) as out:
        assert out == tmp_path
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "runs"]


def test_an_error_frees_the_lock(tmp_path: Path) -> None:
    with pytest.raises(KeyError), files.locked(tmp_path):
        raise KeyError
    with files.locked(tmp_path):
        pass


@pytest.mark.parametrize(
    "error",
    [
        NotImplementedError("FileSystem does not appear to support flock"),  # before filelock 4
        OSError(errno.ENOLCK, "has no locks"),
        filelock.Timeout(".lock"),  # filelock 3.13, which tries again on all but ENOSYS
    ],
    ids=repr,
)
def test_a_file_system_without_locks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(filelock.FileLock, "acquire", failing(error))
    refused(tmp_path, "--out .* cannot be locked: .*has no locks")


def test_a_run_that_a_killed_writer_had_moved_aside_is_put_back(tmp_path: Path) -> None:
    aside = tmp_path / "runs" / ".a-run.replaced"
    aside.mkdir(parents=True)
    (aside / "config.json").write_text("mine")
    for _ in range(2):
        with files.locked(tmp_path):
            assert (tmp_path / "runs" / "a-run" / "config.json").read_text() == "mine"
        aside.mkdir(exist_ok=True)  # where both are there, the new one is whole


# Where the folder is, and where none can be.


def test_the_home_folder_has_a_short_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    with files.locked(Path("~/x")) as out:
        assert out == tmp_path / "home" / "x"
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    refused(Path("~nobody of that name/x"), "--out '~nobody .* cannot be made")


@pytest.mark.parametrize("name", ["file", "file/out", "folder", "x" * 300])
def test_an_out_that_cannot_be_a_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "runs").write_text("mine")
    before = tree(tmp_path)
    refused(tmp_path / name, "--out")
    assert tree(tmp_path) == before


def test_an_out_that_may_not_be_written_to_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the system says of a read-only folder to anyone but root.
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    refused(tmp_path, "--out .* cannot be written to")
    assert not (tmp_path / ".lock").exists()


# Files replaced whole, and on the disk.


def test_a_file_that_is_replaced_costs_no_other(tmp_path: Path) -> None:
    others = [".runs.csv.old", ".runs.csv.swp", "runs.csv.12"]
    for name in (*others, ".runs.csv.4711"):
        (tmp_path / name).write_text("mine")
    files.replace_file(tmp_path / "runs.csv", b"new")
    assert sorted(tree(tmp_path)) == [*others[:2], "runs.csv", others[2]]


@pytest.mark.parametrize("mode", [0o600, 0o664, None])
def test_a_link_and_a_mode_outlive_what_is_replaced(tmp_path: Path, mode: int | None) -> None:
    kept = tmp_path / "kept" / "table.csv"
    kept.parent.mkdir()
    if mode is not None:
        kept.write_text("old")
        kept.chmod(mode)
    (tmp_path / "here.csv").symlink_to(Path("kept") / "there.csv")
    (kept.parent / "there.csv").symlink_to(kept)
    files.replace_file(tmp_path / "here.csv", b"new")
    assert (tmp_path / "here.csv").is_symlink()
    assert not kept.is_symlink()
    assert tree(kept.parent) == {"table.csv": b"new", "there.csv": b"new"}
    assert mode in (None, stat.S_IMODE(kept.stat().st_mode))


@pytest.mark.parametrize("name", ["open", "fsync"])
@pytest.mark.parametrize(
    ("code", "fails"),
    [
        *((code, False) for code in (errno.EACCES, errno.EINVAL, errno.ENOTSUP, errno.EBADF)),
        *((code, True) for code in (errno.EIO, errno.ENOSPC, errno.EDQUOT)),
    ],
)
def test_a_disk_that_fails_is_told_and_one_that_cannot_sync_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: int, fails: bool
) -> None:
    monkeypatch.setattr(os, name, failing(OSError(code, "made to fail")))
    with pytest.raises(OSError, match="made to fail") if fails else contextlib.nullcontext():
        files.sync_folder(tmp_path)
