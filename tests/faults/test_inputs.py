"""What people get wrong, in processes of their own: a status, and one message that names it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bitseq_env import BitSequenceEnv, BitSequenceVectorEnv
from experiments.config.errors import ConfigError
from experiments.config.run import RunConfig
from tests.bitseq_env.test_bad_input import ARGUMENTS, VECTOR_ARGUMENTS
from tests.command_lines import finish, listing, process
from tests.commands.test_mistakes import MISTAKES, check_named, prepare
from tests.faults.conftest import Scale

Keep = Callable[[str], None]


def mistakes() -> list[tuple[str, list[str]]]:
    """The command lines that are a mistake on this machine."""
    plain: list[Any] = [getattr(row, "values", row) for row in MISTAKES]
    return [(line, named) for line, named in plain if "--device cuda" not in line]


def test_bad_command_lines(tmp_path: Path, scale: Scale, figures: Keep) -> None:
    names = prepare(tmp_path)
    before = listing(tmp_path)
    lines = mistakes()[:: scale.of(40, 1)]
    for line, named in lines:
        words = [part.format(**names) for part in line.split()]
        check_named(finish(process(*words, cwd=tmp_path)), named)
        assert listing(tmp_path) == before, line
    assert len(lines) >= scale.of(2, 60)
    figures(
        f"{len(lines)} mistaken command lines of train, compare, evaluate, plot and benchmark, "
        "each in its process: exit status 2, the value named, nothing written, 0 tracebacks"
    )


def test_bad_arguments_of_the_environment(figures: Keep) -> None:
    count = 0
    for cls, rows in (
        (BitSequenceEnv, ARGUMENTS),
        (BitSequenceVectorEnv, [*ARGUMENTS, *VECTOR_ARGUMENTS]),
    ):
        for arguments, error, says in rows:
            with pytest.raises(error) as caught:
                cls(**arguments)
            assert says in str(caught.value)
            count += 1
    figures(f"{count} bad arguments: the documented exception, with the value and what is allowed")


def test_no_configuration_has_a_name_outside_the_folder(figures: Keep) -> None:
    tried = 0
    for name in ("method", "network", "start", "goal_mode", "device", "implementation"):
        for value in ("../out", "/etc/passwd", "a/b", "..", "", "\0", "CON", os.sep):
            with pytest.raises(ConfigError, match=name):
                _ = RunConfig.of(**{name: value}).run_id
            tried += 1
    for name in ("n", "seed"):
        for number in ("../1", "1/2", 1.5, True, -1, None):
            with pytest.raises((ConfigError, TypeError)):
                _ = RunConfig.of(**{name: number}).run_id
            tried += 1
    figures(f"{tried} names that would lead out of the folder: refused before there is a name")
