"""The results folder: one writer at a time, and none where it cannot be."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.records import files
from experiments.records.files import ResultError
from tests.made_runs import tree


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
        with pytest.raises(ResultError, match=str(tmp_path)), files.locked(tmp_path):
            pass
        # A killed one's lock is free at once.
        other.kill()
    with files.locked(tmp_path) as out:
        assert out == tmp_path


def test_an_error_frees_the_lock(tmp_path: Path) -> None:
    with pytest.raises(KeyError), files.locked(tmp_path):
        raise KeyError
    with files.locked(tmp_path):
        pass


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


def make_file(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("mine")
    return tmp_path / "file"


def below_a_file(tmp_path: Path) -> Path:
    return make_file(tmp_path) / "out"


def runs_a_file(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "runs").write_text("mine")
    return tmp_path / "out"


def too_long(tmp_path: Path) -> Path:
    return tmp_path / ("x" * 300)


@pytest.mark.parametrize("make", [make_file, below_a_file, runs_a_file, too_long])
def test_an_out_that_cannot_be_a_folder_is_refused(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    out = make(tmp_path)
    before = tree(tmp_path)
    with pytest.raises(ResultError, match=r"--out"), files.locked(out):
        pass
    assert tree(tmp_path) == before


def test_an_out_that_may_not_be_written_to_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the system says of a read-only folder to anyone but root.
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    with pytest.raises(ResultError, match=r"--out .* cannot be written to"), files.locked(tmp_path):
        pass
    assert not (tmp_path / ".lock").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
@pytest.mark.parametrize("below", [False, True])
def test_a_read_only_out_is_refused(tmp_path: Path, below: bool) -> None:
    out = tmp_path / "out"
    (out / "runs").mkdir(parents=True)
    (out / "runs").chmod(0o500)
    out.chmod(0o500)
    with pytest.raises(ResultError, match=r"--out"), files.locked(out / "new" if below else out):
        pass
