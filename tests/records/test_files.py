"""The results folder: one writer at a time, none where it cannot be, and files replaced whole."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable
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


# One writer at a time.


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from experiments.records.files import locked\n"
        "with locked(Path(sys.argv[1])): print('mine', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
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
    def fail(*arguments: Any, **keywords: Any) -> None:
        raise error

    monkeypatch.setattr(filelock.FileLock, "acquire", fail)
    refused(tmp_path, "--out .* cannot be locked: .*has no locks")


def test_a_run_that_a_killed_writer_had_moved_aside_is_put_back(tmp_path: Path) -> None:
    aside = tmp_path / "runs" / ".a-run.replaced"
    aside.mkdir(parents=True)
    (aside / "config.json").write_text("mine")
    with files.locked(tmp_path):
        assert (tmp_path / "runs" / "a-run" / "config.json").read_text() == "mine"
    # Where both are there, the new one is whole.
    aside.mkdir()
    with files.locked(tmp_path):
        assert (tmp_path / "runs" / "a-run" / "config.json").read_text() == "mine"


# Where the folder is, and where none can be.


def test_the_home_folder_has_a_short_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    with files.locked(Path("~/x")) as out:
        assert out == tmp_path / "home" / "x"
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    refused(Path("~nobody of that name/x"), "--out '~nobody .* cannot be made")


def a_file(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("mine")
    return tmp_path / "file"


def below_a_file(tmp_path: Path) -> Path:
    return a_file(tmp_path) / "out"


def runs_a_file(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "runs").write_text("mine")
    return tmp_path / "out"


def too_long(tmp_path: Path) -> Path:
    return tmp_path / ("x" * 300)


@pytest.mark.parametrize("make", [a_file, below_a_file, runs_a_file, too_long])
def test_an_out_that_cannot_be_a_folder_is_refused(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    out = make(tmp_path)
    before = tree(tmp_path)
    refused(out, "--out")
    assert tree(tmp_path) == before


def test_an_out_that_may_not_be_written_to_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the system says of a read-only folder to anyone but root.
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    refused(tmp_path, "--out .* cannot be written to")
    assert not (tmp_path / ".lock").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
@pytest.mark.parametrize("below", [False, True])
def test_a_read_only_out_is_refused(tmp_path: Path, below: bool) -> None:
    out = tmp_path / "out"
    (out / "runs").mkdir(parents=True)
    (out / "runs").chmod(0o500)
    out.chmod(0o500)
    refused(out / "new" if below else out, "--out")


# Files replaced whole, and on the disk.


def test_a_file_that_is_replaced_costs_no_other(tmp_path: Path) -> None:
    others = [".runs.csv.swp", ".runs.csv.old", "runs.csv.12"]
    for name in (*others, ".runs.csv.4711"):
        (tmp_path / name).write_text("mine")
    files.replace_file(tmp_path / "runs.csv", b"new")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*others, "runs.csv"])


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
    assert tree(tmp_path / "kept") == {"table.csv": b"new", "there.csv": b"new"}
    assert not kept.is_symlink()
    if mode is not None:
        assert stat.S_IMODE(kept.stat().st_mode) == mode
    assert sorted(path.name for path in kept.parent.iterdir()) == ["table.csv", "there.csv"]


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
    def fail(*arguments: Any) -> int:
        raise OSError(code, "made to fail")

    monkeypatch.setattr(os, name, fail)
    with pytest.raises(OSError, match="made to fail") if fails else contextlib.nullcontext():
        files.sync_folder(tmp_path)
