"""Disks that fill up, and folders that go read-only, while a sweep runs."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from experiments.records import merging, run_folders
from tests.command_lines import Command, finish, process
from tests.faults.conftest import Scale
from tests.faults.machines import (
    Grid,
    assert_same_tables,
    compare,
    finished,
    train_here,
    wait_until,
)
from tests.made_runs import make_finished_run

Keep = Callable[[str], None]
ROOT = os.geteuid() == 0


def as_root(*command: str | Path) -> bool:
    return ROOT and subprocess.run([*map(str, command)], capture_output=True).returncode == 0


@contextlib.contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[bool]:
    """A file system of its own; False where only root could mount one."""
    folder.mkdir()
    mounted = as_root("mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", folder)
    try:
        yield mounted
    finally:
        if mounted:
            as_root("umount", "-l", folder)


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[bool]:
    """Nothing can be made in the folder; False where root's file system has no such thing."""
    folder.chmod(0o500)
    frozen = not ROOT or as_root("chattr", "+i", folder)
    try:
        yield frozen
    finally:
        as_root("chattr", "-i", folder)
        folder.chmod(0o700)


def fill(out: Path) -> None:
    for seed in range(100):
        run_folders.write_run(out, make_finished_run(seed=seed))


def test_a_disk_that_fills_up(
    tmp_path: Path, scale: Scale, command: Command, figures: Keep, processes: list[Any]
) -> None:
    with small_disk(tmp_path / "disk", scale.of(100, 500)) as mounted:
        if not mounted:
            figures("not seen here: only root can mount a small disk; see the next case")
            pytest.skip("only root can mount a small disk")
        out = tmp_path / "disk" / "out"
        if scale.whole:
            grid = Grid((2, 3, 4), seeds=10)
            driver = process("compare", *grid.flags, "--workers", "2", "--out", out)
            processes.append(driver)
            stopped = finish(driver)
        else:
            with pytest.raises(OSError, match="No space"):
                fill(out)
            stopped = command("compare", "--merge", out)
        assert stopped.status == 1, stopped.text
        assert "No space left on device" in stopped.err
        assert "Traceback" not in stopped.text
        kept = finished(out)
        assert kept
        assert as_root("mount", "-o", "remount,size=50m", tmp_path / "disk")
        if scale.whole:
            assert compare(*grid.flags, "--workers", "2", "--out", out).status == 0
            after = finished(out)
            assert {name: after[name] for name in kept} == kept
            train_here(grid, tmp_path / "here")
            assert_same_tables(out, tmp_path / "here")
        else:
            assert command("compare", "--merge", out).status == 0
        figures(
            f"a disk of 500 kB was full after {len(kept)} runs: exit status 1 and one line, all "
            "of them intact; with room again the same command finished the sweep, tables equal"
        )


def test_files_that_may_not_grow(
    tmp_path: Path, scale: Scale, figures: Keep, processes: list[Any]
) -> None:
    if scale.whole:
        first, more = Grid((2,), seeds=2), Grid((2, 3), seeds=4)
        assert compare(*first.flags, "--workers", "2", "--out", tmp_path).status == 0
        flags = [*more.flags, "--workers", "2", "--out", str(tmp_path)]
    else:
        run_folders.write_run(tmp_path, make_finished_run())
        flags = ["--merge", str(tmp_path)]
    kept = finished(tmp_path)
    # Smaller than a policy, or here than a table.
    driver = process("compare", *flags, file_limit=scale.of(100, 3_000))
    processes.append(driver)
    stopped = finish(driver)
    assert stopped.status == 1, stopped.text
    assert "File too large" in stopped.err
    assert "Traceback" not in stopped.text
    assert finished(tmp_path) == kept
    assert compare(*flags).status == 0
    after = finished(tmp_path)
    assert {name: after[name] for name in kept} == kept
    figures(
        f"under a file-size limit: exit status 1 and one line, {len(kept)} finished runs intact; "
        f"without it the same command came to all {len(after)}"
    )


def test_a_folder_that_goes_read_only(
    tmp_path: Path, scale: Scale, command: Command, figures: Keep, processes: list[Any]
) -> None:
    out = tmp_path / "out"
    grid = Grid((2, 3, 4), seeds=10)
    if scale.whole:
        driver = process("compare", *grid.flags, "--workers", "2", "--out", out)
        processes.append(driver)
        wait_until(lambda: any(out.glob("runs/[dh]*")))
    else:
        run_folders.write_run(out, make_finished_run())
        merging.merge(out, run_folders.scan(out)[0])
    with read_only(out / "runs") as frozen:
        if not frozen:
            figures("not seen here: this file system has no read-only folders for root")
            pytest.skip("this file system has no read-only folders for root")
        if scale.whole:
            stopped = finish(driver)
            assert stopped.status == 1, stopped.text
            assert str(out / "runs") in stopped.err
            assert "Traceback" not in stopped.text
        kept = finished(out)
        assert kept
        refused = command("compare", *grid.flags, "--out", out)
        assert refused.status == 2
        assert f"--out {str(out)!r} cannot be written to" in refused.text
        assert finished(out) == kept
    if scale.whole:
        assert compare(*grid.flags, "--workers", "2", "--out", out).status == 0
        after = finished(out)
        assert {name: after[name] for name in kept} == kept
        assert len(after) == len(grid.runs)
    figures(
        f"went read-only after {len(kept)} runs: exit status 1, then 2 at the start, one line "
        "each, all of them intact; writable again, the same command finished the sweep"
    )
