"""What people get wrong, in processes of their own: a status, and one message that names it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from experiments.config.errors import ConfigError
from experiments.config.run import RunConfig
from tests.command_lines import finish, listing, process
from tests.commands.test_mistakes import MISTAKES, check_named, prepare
from tests.faults.conftest import Case

MISTAKEN: list[Any] = [getattr(row, "values", row) for row in MISTAKES]


def test_bad_command_lines(tmp_path: Path, whole_case: Case) -> None:
    names = prepare(tmp_path)
    before = listing(tmp_path)
    lines = [row for row in MISTAKEN if "--device cuda" not in row[0]]  # where there may be CUDA
    for line, named in lines:
        words = [part.format(**names) for part in line.split()]
        check_named(finish(process(*words, cwd=tmp_path)), named)
        assert listing(tmp_path) == before, line
    whole_case.tell(
        f"{len(lines)} mistaken command lines of train, compare, evaluate, plot and benchmark, "
        "each in its process: exit status 2, the value named, nothing written, 0 tracebacks"
    )


WORDS = ("method", "network", "start", "goal_mode", "device", "implementation")
OUTSIDE = ("../out", "/etc/passwd", "a/b", "..", "", "\0", "CON", os.sep)
NAMES: list[tuple[str, Any]] = [
    *((name, value) for name in WORDS for value in OUTSIDE),
    *((name, value) for name in ("n", "seed") for value in ("../1", "1/2", 1.5, True, -1, None)),
]


def test_no_configuration_has_a_name_outside_the_folder(case: Case) -> None:
    for name, value in NAMES:
        with pytest.raises((ConfigError, TypeError)):
            _ = RunConfig.of(**{name: value}).run_id
    case.tell(f"{len(NAMES)} names that would lead out of the folder: refused before there is one")
