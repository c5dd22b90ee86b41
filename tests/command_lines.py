"""Commands run as a person runs them, in this process or in one of their own."""

from __future__ import annotations

import dataclasses
import functools
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments.config.run import RunConfig
from experiments.records.run_folders import FinishedRun
from experiments.sweeps.training import train

REPOSITORY = Path(__file__).parent.parent


TINY: dict[str, Any] = {"n": 3, "budget_env_steps": 40, "eval_episodes": 10}


@dataclasses.dataclass(frozen=True)
class Outcome:
    status: int | str | None
    out: str
    err: str

    @property
    def text(self) -> str:
        """Everything it said, without the line breaks and boxes of a terminal."""
        return " ".join(re.sub("[─│╭╮╰╯]", " ", self.out + self.err).split())


Command = Callable[..., Outcome]


def process(
    name: str, *arguments: str | Path, cwd: Path = REPOSITORY, file_limit: int | None = None
) -> subprocess.Popen[str]:
    """A command in a process and a process group of its own, as from a terminal.

    Args:
        name: Of the command.
        arguments: Of it.
        cwd: Where it runs.
        file_limit: Bytes of the largest file that it may write.
    """

    def prepare() -> None:
        # A shell may have started the tests with Ctrl-C ignored, which is inherited.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if file_limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))

    return subprocess.Popen(
        [sys.executable, "-m", f"experiments.{name}", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "COLUMNS": "500"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=prepare,
    )


def finish(running: subprocess.Popen[str], timeout: float = 300) -> Outcome:
    try:
        out, err = running.communicate(timeout=timeout)
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
    return Outcome(running.returncode, out, err)


@functools.cache
def trained() -> FinishedRun:
    """A run whose weights can be loaded."""
    return train(RunConfig.of(**TINY))


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
