"""Files that are written whole or not at all, and what is read with suspicion."""

from __future__ import annotations

import contextlib
import errno
import glob
import io
import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import filelock
import pandas as pd
from safetensors import SafetensorError, safe_open

_JSON_LIMIT = 1_000_000
"""Bytes of the largest JSON file that is read: ours have a few thousand."""
_LIMIT = 500_000_000
"""Bytes of the largest file of any kind: the largest networks and tables have a tenth of that."""
_RUNS_CODE = (b"\x80", b"PK\x03\x04")
"""How pickles begin, and the zip files in which PyTorch and SB3 keep theirs."""

ASIDE = ".replaced"
"""Ending of the dotted name of a run that is being replaced."""


class ResultError(ValueError):
    """A file of a run that cannot be believed; the message names it."""


def open_folder(out: Path) -> Path:
    """The results folder, made if it is not there; ``~`` is the home folder.

    Raises:
        ResultError: If the path is a file, or cannot be made or written to.
    """
    try:
        out = out.expanduser()
    except RuntimeError as error:  # nobody of that name
        raise ResultError(f"--out {str(out)!r} cannot be made: {error}") from error
    try:
        if out.exists() and not out.is_dir():
            raise ResultError(f"--out must be a folder, and {str(out)!r} is a file")
        if not (out / "runs").is_dir():
            (out / "runs").mkdir(parents=True, exist_ok=True)
            sync_folder(out)
            sync_folder(out.absolute().parent)
    except OSError as error:
        raise ResultError(f"--out {str(out)!r} cannot be made: {error.strerror}") from error
    if not os.access(out / "runs", os.W_OK):
        raise ResultError(f"--out {str(out)!r} cannot be written to")
    return out


@contextlib.contextmanager
def locked(out: Path) -> Iterator[Path]:
    """The results folder for one writer at a time; a killed one's lock is free at once.

    Raises:
        ResultError: If another process writes there, or the folder cannot be written to or locked.
    """
    folder = open_folder(out)
    lock = filelock.FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except (OSError, NotImplementedError) as error:  # also that time is up
        timeout = isinstance(error, filelock.Timeout)
        if timeout and _has_locks(folder):
            message = f"another run is writing to --out {str(out)!r}; wait for it"
            raise ResultError(message) from error
        known = None if timeout else getattr(error, "strerror", None)
        reason = known or "its file system has no locks"
        raise ResultError(f"--out {str(out)!r} cannot be locked: {reason}") from error
    try:
        _mend(folder / "runs")
        yield folder
    finally:
        lock.release()


def _has_locks(folder: Path) -> bool:
    """Whether a file that is nobody else's can be locked: filelock 3.13 keeps trying where not."""
    own = folder / f".lock.{os.getpid()}"
    try:
        with filelock.FileLock(own, timeout=0):
            return True
    except (OSError, NotImplementedError):
        return False
    finally:
        own.unlink(missing_ok=True)


def _mend(runs: Path) -> None:
    """Put back what a writer that was killed had moved aside to replace it."""
    for aside in runs.glob(f".*{ASIDE}"):
        final = aside.with_name(aside.name[1 : -len(ASIDE)])
        if not final.exists():
            aside.rename(final)


def left_by_killed_writers(path: Path) -> list[Path]:
    """What was being written for a path: its dotted name with the number of a process behind."""
    beside = path.parent.glob(f".{glob.escape(path.name)}.*")
    return [other for other in beside if other.suffix[1:].isdecimal()]


def read_bytes(path: Path, limit: int = _LIMIT) -> bytes:
    """A file's content.

    Args:
        path: The file.
        limit: Bytes that it may have.

    Raises:
        ResultError: If there is no such file, or it is larger.
        OSError: If it may be sound and cannot be read: for want of permission, or a failing disk.
    """
    try:
        if path.is_fifo():  # whose reader would wait for ever
            raise ResultError(f"{path}: is no file")
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise ResultError(f"{path}: cannot be read: {error.strerror}") from error
    if len(content) > limit:
        raise ResultError(f"{path}: larger than {limit:,} bytes")
    return content


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object of finite numbers.

    Raises:
        ResultError: Naming the file, and the line and column where it is no JSON.
    """

    def refuse(constant: str) -> None:
        raise ResultError(f"{path}: {constant} is no finite number")

    try:
        text = read_bytes(path, _JSON_LIMIT).decode()
        content = json.loads(text, parse_constant=refuse)
    except ResultError:
        raise
    except json.JSONDecodeError as error:
        raise ResultError(
            f"{path}, line {error.lineno}, column {error.colno}: no JSON ({error.msg})"
        ) from error
    except (ValueError, RecursionError) as error:  # no UTF-8; thousands of digits; too deep
        raise ResultError(f"{path}: no JSON ({error})") from error
    if not isinstance(content, dict):
        raise ResultError(f"{path}: must hold a JSON object, got {type(content).__name__}")
    return content


def read_weights(path: Path, run_id: str) -> bytes:
    """A safetensors file whose header and length agree; nothing in it is ever executed.

    Raises:
        ResultError: If the file is missing, cut off, another run's, or something else.
        OSError: If it may be sound and cannot be read.
    """
    data = read_bytes(path)
    try:
        with safe_open(path, framework="pt") as tensors:
            names, metadata = list(tensors.keys()), tensors.metadata() or {}
        if not names:
            raise ResultError(f"{path}: holds no weights")
        if metadata.get("run_id") != run_id:
            raise ResultError(f"{path}: holds the weights of run {metadata.get('run_id')!r}")
        return data
    except SafetensorError as error:
        code = "; pickles and model archives can run any code and are never loaded"
        hint = code if data.startswith(_RUNS_CODE) else ""
        raise ResultError(f"{path}: no readable safetensors file ({error}){hint}") from error


def json_bytes(content: Mapping[str, Any]) -> bytes:
    """Indented JSON of finite numbers."""
    return (json.dumps(content, indent=2, allow_nan=False) + "\n").encode()


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """A frame as CSV, with line feeds on every system."""
    text = io.StringIO()
    frame.to_csv(text, index=False, lineterminator="\n")
    return text.getvalue().encode()


def write_synced(path: Path, content: bytes) -> None:
    """Write, and wait until the content is on the disk."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def replace_file(path: Path, content: bytes) -> None:
    """Write beside the file, then take its place: nobody ever reads half of it.

    A link stays one, to a file that is replaced; a file keeps its mode.

    Raises:
        OSError: If it cannot be written; what was there is as it was, or replaced as a whole.
    """
    path = Path(os.path.realpath(path))
    for left in left_by_killed_writers(path):
        left.unlink(missing_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write_synced(unfinished, content)
        with contextlib.suppress(OSError):  # it is new, or on a mount without modes
            unfinished.chmod(stat.S_IMODE(path.stat().st_mode))
        unfinished.replace(path)
        sync_folder(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Wait until the folder's names are on the disk, where a file system can promise that.

    Windows and some network mounts open no folders, others sync none; a disk that fails is an
    error nonetheless.
    """
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno in (errno.EIO, errno.ENOSPC, errno.EDQUOT):
            raise
