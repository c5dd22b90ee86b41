"""What every test stands on: no window, no figure on a screen, one thread."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from experiments.records.run_folders import FinishedRun
    from tests.command_lines import Command, Outcome

# Before anything imports torch, pygame or matplotlib, and for every subprocess of a test.
os.environ["SDL_VIDEODRIVER"] = "dummy"
os.environ["PYGAME_HIDE_SUPPORT_PROMPT"] = "1"
os.environ["MPLBACKEND"] = "Agg"
os.environ["OMP_NUM_THREADS"] = "1"

# Two test processes share two cores: a slow example is no finding.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--faults",
        metavar="REPORT",
        help="run tests/faults at full length, and write its figures to REPORT if all is well",
    )


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test survives a power cut, so none needs to wait for the disk."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def finished_run() -> Callable[..., FinishedRun]:
    """A finished run made by hand; keywords as in ``tests.made_runs``."""
    # Imported here: the environment's tests stand without torch.
    from tests.made_runs import make_finished_run

    return make_finished_run


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Runs a command in this process, in a folder of its own; an exception is a traceback."""
    # Imported here: the environment's tests stand without torch.
    from tests.command_lines import Outcome

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "500")

    def run(name: str, *arguments: str | Path) -> Outcome:
        main = importlib.import_module(f"experiments.{name}").main
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Outcome(ended.value.code, said.out, said.err)

    return run
