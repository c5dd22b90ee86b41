"""What two processes must have in common for their numbers to be comparable."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

PACKAGES = (
    *("bitseq-env", "gymnasium", "numpy", "stable-baselines3", "torch"),
    *("safetensors", "distributed"),
)


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


def differences(there: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    """What differs between two environments, in words."""
    return [
        f"{name} is {there.get(name, 'unknown')} there and {here[name]} here"
        for name in here
        if there.get(name) != here[name]
    ]


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
