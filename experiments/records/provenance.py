"""Where a result comes from, and what two processes must share for theirs to be comparable."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

PACKAGES = (
    *("bitseq-env", "gymnasium", "numpy", "stable-baselines3", "torch"),
    *("safetensors", "distributed"),
)


def describe(device: str) -> dict[str, Any]:
    """Versions, commit and machine of this process; asked before a run, as later they may differ.

    Args:
        device: "cpu" or "cuda", where the network lives.

    Returns:
        What is kept beside a result; None is unknown. It never raises: no training is lost to it.
    """
    commit, clean = _known(checkout) or (None, None)
    return {
        "python": platform.python_version(),
        "versions": _known(versions),
        "source": _known(source),
        "commit": commit,
        "clean": clean,
        "host": _known(platform.node),
        "system": _known(platform.platform),
        "processor": _known(processor),
        "device_name": _known(functools.partial(device_name, device)),
    }


def _known(ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except Exception:
        return None


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
    for package, folder in _folders().items():
        for path in sorted(folder.rglob("*.py")):
            # An editor's lock is a link to nowhere; a file may go while it is looked at.
            with contextlib.suppress(OSError):
                if path.is_file():
                    content = path.read_bytes()
                    name = os.fsencode(path.relative_to(folder).as_posix())
                    digest.update(f"{package}/".encode() + name + f" {len(content)}\n".encode())
                    digest.update(content)
    return digest.hexdigest()[:12]


def _folders() -> dict[str, Path]:
    """Where this project's packages are; not imported, as the environment brings Gymnasium."""
    found = {name: importlib.util.find_spec(name) for name in ("bitseq_env", "experiments")}
    return {name: Path(spec.origin).parent for name, spec in found.items() if spec and spec.origin}


@functools.cache
def checkout() -> tuple[str | None, bool | None]:
    """The commit of the sources, and whether they are just that: asked once, as they are loaded.

    Git is believed where it tracks the sources, and its checkout is this project and not one
    around it; otherwise both are None, unknown.
    """
    folders = _folders()
    try:
        (root,) = {folder.resolve().parent for folder in folders.values()}
        top = _git(root, "rev-parse", "--show-toplevel").removesuffix(b"\n")
        if not root.samefile(os.fsdecode(top)):
            return None, None
        _git(root, "ls-files", "--error-unmatch", "--", *folders)
        commit = _git(root, "rev-parse", "--verify", "HEAD").decode().strip()
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
        sources = [f"{name}/*.py" for name in folders]
        # Those that are ignored are imported all the same.
        untracked = _git(root, "ls-files", "--others", "-z", "--", *sources).split(b"\0")[:-1]
    except (OSError, ValueError, subprocess.SubprocessError):
        return None, None
    return commit, not changed and not any((root / os.fsdecode(x)).is_file() for x in untracked)


def _git(root: Path, *arguments: str) -> bytes:
    """What git says of a folder; its environment, which a hook has from elsewhere, says nothing."""
    return subprocess.run(
        ["git", "--no-optional-locks", "-C", str(root), *arguments],
        env={name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        timeout=10,
    ).stdout


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
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.machine())


def _version(name: str) -> str:
    try:
        return metadata.version(name) or "unknown"
    except metadata.PackageNotFoundError:
        return "not installed"
