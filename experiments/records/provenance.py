"""Where a result comes from, and what two processes must share for theirs to be comparable."""

from __future__ import annotations

import datetime
import functools
import hashlib
import importlib.util
import platform
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = (
    *("bitseq-env", "gymnasium", "numpy", "stable-baselines3", "torch"),
    *("safetensors", "distributed"),
)


def provenance(device: str) -> dict[str, Any]:
    """Versions, commit, machine and command of the process that asks.

    Args:
        device: "cpu" or "cuda", where the network lived.
    """
    import torch as th

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


def versions() -> dict[str, str]:
    """Installed versions of what a result depends on."""
    return {name: _version(name) for name in PACKAGES}


def environment() -> dict[str, str]:
    """Versions as they are compared between a driver and its workers, and the sources' digest.

    The build of a version ("+cpu", "+cu126") is left out: a driver without a GPU may well send
    runs to workers that have one.
    """
    packages = {name: version.partition("+")[0] for name, version in versions().items()}
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {"python": python, **packages, "source": source()}


def differences(there: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    """What differs between two environments, in words."""
    return [
        f"{name} is {there.get(name, 'unknown')} there and {here[name]} here"
        for name in here
        if there.get(name) != here[name]
    ]


@functools.cache
def source() -> str:
    """The first digits of the SHA-256 of every source file of this project, by name."""
    digest = hashlib.sha256()
    for package in ("bitseq_env", "experiments"):
        # Not imported: the environment brings Gymnasium with it.
        if (found := importlib.util.find_spec(package)) is None or found.origin is None:
            continue
        root = Path(found.origin).parent
        for path in sorted(root.rglob("*.py")):
            content = path.read_bytes()
            name = path.relative_to(root).as_posix()
            digest.update(f"{package}/{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:12]


def device_name(device: str) -> str:
    """The GPU's name, or the processor's."""
    if device != "cuda":
        return processor()
    import torch as th  # only where it has been loaded anyway

    return th.cuda.get_device_name()


@functools.cache
def processor() -> str:
    """The processor's model, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.machine())


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


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
