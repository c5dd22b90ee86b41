"""What a worker does: a call, if it is made of what the driver is made of, and news of it."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping
from typing import Any

from distributed import get_worker

from experiments.config.run import RunConfig
from experiments.records.run_folders import FinishedRun
from experiments.sweeps.worker_check import Wanted

_NEWS_IS_OUT = 0.05
NEWS = "bitsequence-news"
"""Topic on which workers tell how far their calls are."""


class WrongWorkerError(RuntimeError):
    """A worker that cannot do a call as its driver would."""


class UnwantedError(RuntimeError):
    """Nobody waits for the call any more."""


_current: tuple[str, str] | None = None
"""The token and the name of the call that this process is at: it has one thread."""


def perform(
    call: tuple[str, str],
    wanted: Wanted,
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
) -> Any:
    """Make a call, and tell that it has begun.

    Args:
        call: The token of the driver's connection, and the call's name.
        wanted: What a worker must be.
        function: What to call.
        arguments: Its arguments.

    Raises:
        WrongWorkerError: If this process is something else.
    """
    global _current
    worker = get_worker()
    if objections := wanted.objections(worker):
        raise WrongWorkerError(", ".join(objections))
    _current = call
    place = {"worker": str(worker.name), "host": platform.node(), "pid": os.getpid()}
    tell({"begun": place})
    # Dask sends news every few milliseconds; if the call kills this process, they should be out.
    time.sleep(_NEWS_IS_OUT)
    return function(*arguments)


def tell(news: Mapping[str, Any]) -> None:
    """Send the driver news of the current call.

    Raises:
        UnwantedError: If the driver is gone, or was told to stop.
    """
    worker = get_worker()
    task = worker.state.tasks.get(worker.get_current_task())
    if task is not None and task.state == "cancelled":
        raise UnwantedError("nobody waits for it any more")
    worker.log_event(NEWS, (*(_current or ("", "")), dict(news)))


def train_on_worker(fields: dict[str, Any]) -> FinishedRun:
    """One run from its configuration's fields, with news at each evaluation."""
    # Imported here: the driver plans a sweep without waiting for torch.
    from experiments.sweeps.training import train

    config = RunConfig.from_dict(fields)

    def on_look(row: dict[str, Any]) -> None:
        tell({name: row[name] for name in ("env_steps", "success_rate")})

    return train(config, on_look=on_look)
