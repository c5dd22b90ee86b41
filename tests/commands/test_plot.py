"""The plot command: what it says, and what of its surroundings it does not mind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_lines import REPOSITORY
from tests.made_tables import comparison_of, folder_with


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", *map(str, arguments)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("backend", ["module://not_there", "nowhere"])
def test_figures_need_no_backend(tmp_path: Path, backend: str) -> None:
    there = folder_with(tmp_path, comparison_of(sizes=(4,), seeds=1))
    done = run("experiments.plot", there, MPLBACKEND=backend)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("wrote ") == 4
    helped = run("experiments.benchmark", "--help", MPLBACKEND=backend)
    assert (helped.returncode, helped.stderr) == (0, "")


@pytest.mark.parametrize(("asked", "used"), [("svg", "svg"), ("nowhere", "None")])
def test_who_draws_on_a_screen_keeps_the_backend(asked: str, used: str) -> None:
    code = "import os, experiments.figures.matplotlib_alone as alone; "
    code += "print(alone.mpl.rcParams._get_backend_or_none(), os.environ['MPLBACKEND'])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "MPLBACKEND": asked},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == [used, asked]


def test_matplotlib_is_imported_in_one_place() -> None:
    importing = re.compile(r"^\s*(from|import) matplotlib", re.MULTILINE)
    files = (REPOSITORY / "experiments").rglob("*.py")
    found = [path.name for path in files if importing.search(path.read_text())]
    assert found == ["matplotlib_alone.py"]


def test_a_mistake_is_one_line(tmp_path: Path) -> None:
    done = run("experiments.plot", tmp_path / "b")
    assert done.returncode == 2
    assert done.stderr == f"error: {tmp_path / 'b'}: is no folder; name one that has a runs.csv\n"
