"""Disks that fill up, and folders that go read-only, while a sweep runs."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command_lines import finish, process
from tests.faults import machines
from tests.faults.conftest import Case
from tests.faults.machines import Grid

ROOT = os.geteuid() == 0
GRID = Grid((2, 3, 4), seeds=10)


def as_root(*command: str | Path) -> bool:
    return ROOT and subprocess.run([*map(str, command)], capture_output=True).returncode == 0


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """A file system of its own; False where only root could mount one."""
    folder.mkdir()
    mounted = as_root("mount", "-t", "tmpfs", "-o", "size=500k", "tmpfs", folder)
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


def unseen(case: Case, why: str) -> None:
    case.tell(f"not seen here: {why}")
    pytest.skip(why)


def test_a_disk_that_fills_up(tmp_path: Path, whole_case: Case) -> None:
    with small_disk(tmp_path / "disk") as mounted:
        if not mounted:
            unseen(whole_case, "only root can mount a small disk; see the next case")
        out = tmp_path / "disk" / "out"
        machines.check(
            finish(machines.sweep(GRID, out, "--workers", "2")), 1, "No space left on device"
        )
        kept = machines.finished(out)
        assert kept
        assert as_root("mount", "-o", "remount,size=50m", tmp_path / "disk")
        assert finish(machines.sweep(GRID, out, "--workers", "2")).status == 0
        machines.finished(out, kept)
        machines.check_tables(out, GRID)
    whole_case.tell(
        f"a disk of 500 kB was full after {len(kept)} runs: exit status 1 and one line, all "
        "of them intact; with room again the same command finished the sweep, tables equal"
    )


def test_files_that_may_not_grow(tmp_path: Path, whole_case: Case) -> None:
    assert finish(machines.sweep(Grid((2,), seeds=2), tmp_path)).status == 0
    kept = machines.finished(tmp_path)
    flags = ["compare", *Grid((2, 3), seeds=4).flags, "--out", str(tmp_path)]
    # Smaller than a policy.
    machines.check(finish(process(*flags, file_limit=3_000)), 1, "File too large")
    assert machines.finished(tmp_path) == kept
    assert finish(process(*flags)).status == 0
    after = machines.finished(tmp_path, kept)
    whole_case.tell(
        f"under a file-size limit: exit status 1 and one line, {len(kept)} finished runs intact; "
        f"without it the same command came to all {len(after)}"
    )


def test_a_folder_that_goes_read_only(tmp_path: Path, whole_case: Case) -> None:
    out = tmp_path / "out"
    driver = whole_case.start(machines.sweep(GRID, out, "--workers", "2"))
    machines.wait_until(lambda: machines.run_count(out))
    with read_only(out / "runs") as frozen:
        if not frozen:
            unseen(whole_case, "this file system has no read-only folders for root")
        machines.check(finish(driver), 1, str(out / "runs"))
        kept = machines.finished(out)
        assert kept
        machines.check(
            finish(machines.sweep(GRID, out)), 2, f"--out {str(out)!r} cannot be written to"
        )
        assert machines.finished(out) == kept
    assert finish(machines.sweep(GRID, out, "--workers", "2")).status == 0
    assert len(machines.finished(out, kept)) == len(GRID.runs)
    whole_case.tell(
        f"went read-only after {len(kept)} runs: exit status 1, then 2 at the start, one line "
        "each, all of them intact; writable again, the same command finished the sweep"
    )
