"""Disks that fill up, and folders that go read-only, while a sweep runs."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.records import merging, run_folders
from tests.command_lines import Command, finish, process
from tests.faults.conftest import Keep, Scale, Start
from tests.faults.machines import (
    Grid,
    check,
    check_tables,
    compare,
    finished,
    run_count,
    wait_until,
)
from tests.made_runs import make_finished_run

ROOT = os.geteuid() == 0
GRID = Grid((2, 3, 4), seeds=10)
FLAGS = [*GRID.flags, "--workers", "2", "--out"]


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


def unseen(figures: Keep, why: str) -> None:
    figures(f"not seen here: {why}")
    pytest.skip(why)


def fill(out: Path) -> None:
    for seed in range(100):
        run_folders.write_run(out, make_finished_run(seed=seed))


def test_a_disk_that_fills_up(
    tmp_path: Path, scale: Scale, command: Command, figures: Keep, start: Start
) -> None:
    with small_disk(tmp_path / "disk", scale.of(100, 500)) as mounted:
        if not mounted:
            unseen(figures, "only root can mount a small disk; see the next case")
        out = tmp_path / "disk" / "out"
        if scale.whole:
            stopped = finish(start(process("compare", *FLAGS, out)))
        else:
            with pytest.raises(OSError, match="No space"):
                fill(out)
            stopped = command("compare", "--merge", out)
        check(stopped, 1, "No space left on device")
        kept = finished(out)
        assert kept
        assert as_root("mount", "-o", "remount,size=50m", tmp_path / "disk")
        if scale.whole:
            assert compare(*FLAGS, out).status == 0
            finished(out, kept)
            check_tables(out, GRID)
        else:
            assert command("compare", "--merge", out).status == 0
        figures(
            f"a disk of 500 kB was full after {len(kept)} runs: exit status 1 and one line, all "
            "of them intact; with room again the same command finished the sweep, tables equal"
        )


def test_files_that_may_not_grow(tmp_path: Path, scale: Scale, figures: Keep, start: Start) -> None:
    if scale.whole:
        first, more = Grid((2,), seeds=2), Grid((2, 3), seeds=4)
        assert compare(*first.flags, "--workers", "2", "--out", tmp_path).status == 0
        flags = [*more.flags, "--workers", "2", "--out", str(tmp_path)]
    else:
        run_folders.write_run(tmp_path, make_finished_run())
        flags = ["--merge", str(tmp_path)]
    kept = finished(tmp_path)
    # Smaller than a policy, or here than a table.
    stopped = finish(start(process("compare", *flags, file_limit=scale.of(100, 3_000))))
    check(stopped, 1, "File too large")
    assert finished(tmp_path) == kept
    assert compare(*flags).status == 0
    after = finished(tmp_path, kept)
    figures(
        f"under a file-size limit: exit status 1 and one line, {len(kept)} finished runs intact; "
        f"without it the same command came to all {len(after)}"
    )


def test_a_folder_that_goes_read_only(
    tmp_path: Path, scale: Scale, command: Command, figures: Keep, start: Start
) -> None:
    out = tmp_path / "out"
    if scale.whole:
        driver = start(process("compare", *FLAGS, out))
        wait_until(lambda: run_count(out))
    else:
        run_folders.write_run(out, make_finished_run())
        merging.merge(out, run_folders.scan(out)[0])
    with read_only(out / "runs") as frozen:
        if not frozen:
            unseen(figures, "this file system has no read-only folders for root")
        if scale.whole:
            check(finish(driver), 1, str(out / "runs"))
        kept = finished(out)
        assert kept
        check(command("compare", *FLAGS, out), 2, f"--out {str(out)!r} cannot be written to")
        assert finished(out) == kept
    if scale.whole:
        assert compare(*FLAGS, out).status == 0
        assert len(finished(out, kept)) == len(GRID.runs)
    figures(
        f"went read-only after {len(kept)} runs: exit status 1, then 2 at the start, one line "
        "each, all of them intact; writable again, the same command finished the sweep"
    )
