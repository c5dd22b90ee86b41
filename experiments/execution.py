"""Runs in parallel on Dask distributed: workers train, the driver alone writes."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import dask
from distributed import Client, LocalCluster, WorkerPlugin, as_completed, get_worker

from experiments.config import RunConfig
from experiments.results import FinishedRun

PROGRESS = "bitsequence-progress"
"""Topic on which workers tell how far their runs are."""

Progress = Callable[[str, dict[str, Any]], None]
Call = tuple[Callable[..., Any], tuple[Any, ...]]


@contextlib.contextmanager
def local_cluster(workers: int) -> Iterator[Client]:
    """A client of an embedded cluster of single-threaded processes on this machine."""
    settings = {
        # A worker that trains does not answer for seconds, which is no reason for a warning.
        "distributed.admin.tick.limit": "1h",
    }
    with (
        dask.config.set(settings),
        LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",
            # What goes wrong in a run comes back as its outcome.
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster) as client,  # type: ignore[no-untyped-call]
    ):
        client.register_plugin(_QuietEnd())
        yield client


class _QuietEnd(WorkerPlugin):
    """How workers end, also those that replace one that died."""

    def setup(self, worker: Any) -> None:  # noqa: ARG002  (their signature)
        # Ctrl-C reaches every process of the terminal; the driver alone answers it.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # Taking PyTorch down takes 2 s of CPU, more than a worker is given before it is killed.
        atexit.register(os._exit, 0)


def execute(
    client: Client, calls: Mapping[str, Call], on_progress: Progress | None = None
) -> Iterator[tuple[str, Any | BaseException]]:
    """Make all calls on the workers; yield each one's name as it ends, with its result or error.

    A call whose worker dies is tried again on another by Dask, three times.

    Args:
        client: Of the cluster.
        calls: Named functions and their arguments, in the order in which they should start.
        on_progress: Called with what :func:`tell` sends.
    """
    if on_progress is not None:
        client.subscribe_topic(  # type: ignore[no-untyped-call]
            PROGRESS, lambda event: on_progress(*event[1])
        )
    futures = {
        client.submit(function, *arguments, key=name, pure=False): name
        for name, (function, arguments) in calls.items()
    }
    for future in as_completed(futures):  # type: ignore[no-untyped-call]
        error = future.exception()
        yield futures[future], future.result() if error is None else error
        # A result lies in the worker's memory until its future is let go.
        future.release()


def tell(name: str, news: dict[str, Any]) -> None:
    """Send the driver news of a call, from the worker that makes it."""
    get_worker().log_event(PROGRESS, (name, news))


def train_on_worker(fields: dict[str, Any]) -> FinishedRun:
    """One run from its configuration's fields, with news at each evaluation."""
    # Imported here: the driver plans a sweep without waiting for torch.
    from experiments.train import train

    config = RunConfig.from_dict(fields)
    run_id = config.run_id

    def on_evaluation(row: dict[str, Any]) -> None:
        tell(run_id, {name: row[name] for name in ("env_steps", "success_rate")})

    return train(config, on_evaluation=on_evaluation)
