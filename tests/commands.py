"""Commands run as a person runs them, in this process or in one of their own."""

from __future__ import annotations

import dataclasses
import functools
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments.config import RunConfig
from experiments.results import FinishedRun
from experiments.train import train

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


def process(name: str, *arguments: str | Path) -> subprocess.Popen[str]:
    """A command in a process and a process group of its own, as from a terminal."""
    return subprocess.Popen(
        [sys.executable, "-m", f"experiments.{name}", *map(str, arguments)],
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell may have started the tests with Ctrl-C ignored, which is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def finish(running: subprocess.Popen[str]) -> Outcome:
    try:
        out, err = running.communicate(timeout=90)
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
    return Outcome(running.returncode, out, err)


@functools.cache
def trained() -> FinishedRun:
    """A run whose weights can be loaded."""
    return train(RunConfig(**TINY))


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
