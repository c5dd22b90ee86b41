"""Where a result comes from: kept beside it, apart from its columns."""

from __future__ import annotations

import datetime
import functools
import platform
import subprocess
from pathlib import Path
from typing import Any

import torch as th

from experiments.records.versions import source, versions


def provenance(device: str) -> dict[str, Any]:
    """Versions, commit, machine and command of the process that asks.

    Args:
        device: "cpu" or "cuda", where the network lived.
    """
    return {
        "finished_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "versions": versions(),
        "source": source(),
        **_git(),
        "host": platform.node(),
        "system": platform.platform(),
        "processor": processor(),
        "device_name": device_name(device),
        "threads": th.get_num_threads(),
    }


def device_name(device: str) -> str:
    """The GPU's name, or the processor's."""
    return th.cuda.get_device_name() if device == "cuda" else processor()


@functools.cache
def processor() -> str:
    """The processor's model, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.machine())


@functools.cache
def _git() -> dict[str, Any]:
    """The checkout's commit, and whether its tree was clean; None outside a checkout."""

    def ask(*arguments: str) -> str | None:
        try:
            answer = subprocess.run(
                ["git", "-C", str(Path(__file__).parent), *arguments],
                capture_output=True,
                text=True,
                check=True,
                timeout=10,
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return answer.stdout.strip()

    changes = ask("status", "--porcelain", "--untracked-files=no")
    return {"commit": ask("rev-parse", "HEAD"), "clean": None if changes is None else not changes}
