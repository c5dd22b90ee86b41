"""What a worker does: a call, if it is made of what the driver is made of, and news of it."""

from __future__ import annotations

import gc
import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from distributed import get_worker

from experiments.config import outside
from experiments.config.errors import ConfigError
from experiments.config.run import RunConfig
from experiments.records.provenance import differences, environment
from experiments.records.run_folders import FinishedRun

NEWS = "bitsequence-news"
"""Topic on which workers tell how far their calls are."""
_NEWS_IS_OUT = 0.05


class WrongWorkerError(RuntimeError):
    """A worker that cannot do a call as its driver would."""


class UnwantedError(RuntimeError):
    """Nobody waits for the call any more."""


@dataclass(frozen=True)
class Wanted:
    """What a worker must be."""

    resources: Mapping[str, float]
    """Dask resources that a run asks for."""
    environment: Mapping[str, str] = field(default_factory=environment)
    """What the driver is made of."""
    outside: Mapping[str, str] = field(default_factory=dict)
    """Code from outside the project that the calls need, and which code that is."""

    def objections(self, worker: Any) -> list[str]:
        """What speaks against the worker that this process is."""
        found = differences(environment(), self.environment)
        for name, version in self.outside.items():
            try:
                if (there := outside.version(name)) != version:
                    found.append(f"{name} is {there} there and {version} here")
            except ConfigError as error:
                found.append(str(error))
        if (threads := worker.state.nthreads) != 1:
            # SB3 and NumPy keep global generators: two trainings in a process would share them.
            found.append(f"it has {threads} threads instead of 1")
        for name, share in self.resources.items():
            if (declared := worker.state.total_resources.get(name, 0)) < share:
                found.append(
                    f"it declares {declared:g} of resource {name!r}, a run needs {share:g}"
                )
        return found


def introduce(wanted: Wanted, dask_worker: Any) -> tuple[str, list[str]]:
    """A worker's name and host, and what speaks against it; Dask passes it in by this name."""
    return f"{str(dask_worker.name)!r} on {platform.node()}", wanted.objections(dask_worker)


def perform(wanted: Wanted, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Make a call, and tell that it has begun.

    Raises:
        WrongWorkerError: If this process is not what is wanted.
    """
    worker = get_worker()
    if objections := wanted.objections(worker):
        raise WrongWorkerError(", ".join(objections))
    tell({"begun": {"worker": str(worker.name), "host": platform.node(), "pid": os.getpid()}})
    # Dask sends news every few milliseconds; if the call kills this process, they should be out.
    time.sleep(_NEWS_IS_OUT)
    try:
        return function(*arguments)
    finally:
        # A model and its replay buffer refer to each other, and Python is in no hurry to see it:
        # after three runs of n = 10,000 a worker held nine gigabytes.
        gc.collect()


def tell(news: Mapping[str, Any]) -> None:
    """Send the driver news of the current call, with the call's key.

    Raises:
        UnwantedError: If the driver is gone, or was told to stop.
    """
    worker = get_worker()
    key = worker.get_current_task()
    task = worker.state.tasks.get(key)
    if task is not None and task.state == "cancelled":
        raise UnwantedError("nobody waits for it any more")
    worker.log_event(NEWS, (key, dict(news)))


def train_on_worker(fields: dict[str, Any], threads: int, anyway: bool) -> FinishedRun:
    """One run from its configuration's fields, with news at each evaluation and of its search.

    Args:
        fields: Of the configuration.
        threads: Of a search.
        anyway: Whether it may take more than a day.
    """
    # Imported here: the driver plans a sweep without waiting for torch.
    from experiments.sweeps.searching import Means, in_words
    from experiments.sweeps.training import train

    def on_look(row: dict[str, Any]) -> None:
        tell({name: row[name] for name in ("env_steps", "success_rate")})

    means = Means(threads, anyway, lambda so_far: tell({"search": in_words(so_far)}))
    return train(RunConfig.from_dict(fields), on_look=on_look, means=means)
