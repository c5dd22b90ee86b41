"""A sweep's log file: what began, what ended, and what went wrong, with its traceback."""

from __future__ import annotations

import contextlib
import datetime
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

from experiments.records.provenance import versions

LOG = logging.getLogger("experiments.sweeps")
"""What is logged here while a journal is open is in its file."""
LOG.addHandler(logging.NullHandler())  # without a journal: not on the terminal either


class _Quiet(logging.FileHandler):
    """A full disk stops a sweep where it writes results, and not in its log."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802  (theirs)
        return


class _Relay(logging.Handler):
    """Hands on what Dask logs; a cluster that is told to be quiet hushes every stream it finds."""

    def __init__(self, handler: logging.Handler) -> None:
        super().__init__(logging.WARNING)
        self.emit = handler.handle  # type: ignore[assignment,method-assign]


@contextlib.contextmanager
def journal(out: Path, command: str) -> Iterator[Path]:
    """A new log file in the results folder's ``logs``.

    Args:
        out: The results folder.
        command: The command line that started the sweep.
    """
    now = datetime.datetime.now(datetime.UTC)
    path = out / "logs" / f"sweep-{now:%Y%m%d-%H%M%S}-{os.getpid()}.log"
    path.parent.mkdir(exist_ok=True)
    _drop_empty(path.parent)  # left by a driver that was killed
    handler = _Quiet(path, encoding="utf-8")
    line = logging.Formatter("%(asctime)sZ %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S")
    line.converter = time.gmtime
    handler.setFormatter(line)
    # Dask's warnings tell of workers that died, and of what.
    relay = _Relay(handler)
    dask = [(logging.getLogger(name), relay) for name in ("distributed", "tornado")]
    handlers = [(LOG, handler), *dask]
    before = LOG.level, LOG.propagate
    LOG.setLevel(logging.INFO)
    LOG.propagate = False
    for logger, one in handlers:
        logger.addHandler(one)
    try:
        LOG.info("command: %s", command)
        LOG.info("versions: %s", ", ".join(" ".join(pair) for pair in versions().items()))
        yield path
    except BaseException as error:
        LOG.error("stopped: %r", error)
        raise
    finally:
        for logger, one in handlers:
            logger.removeHandler(one)
        LOG.setLevel(before[0])
        LOG.propagate = before[1]
        handler.close()
        _drop_empty(path.parent)


def _drop_empty(logs: Path) -> None:
    """Remove the files of workers that had nothing to say."""
    for errors in logs.glob("sweep-*.err"):
        with contextlib.suppress(OSError):
            if errors.stat().st_size == 0:
                errors.unlink()
