"""Where runs are worked on: processes of this machine, or a Dask cluster that is running."""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import logging
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dask
from dask.system import cpu_count
from distributed import Client, LocalCluster, WorkerPlugin

from experiments.config.errors import ClusterError
from experiments.sweeps.scheduler import greet
from experiments.sweeps.workers import error_file

GPU = "GPU"
"""The Dask resource that a worker with a GPU declares."""
GPU_SHARE = 0.25
"""What a run on CUDA asks for: these networks are small, and four runs share a GPU."""
PATIENCE = 60
"""Seconds in which a scheduler that went away may come back."""
_CONNECT = 15
_SETTINGS = {
    # A worker that trains does not answer for seconds, which is no reason for a warning.
    "distributed.admin.tick.limit": "1h",
    # Hours of these are kept in memory, and nobody looks at them.
    "distributed.worker.profile.enabled": False,
    "distributed.admin.system-monitor.log-length": 600,
    "distributed.admin.low-level-log-length": 100,
    # A death is told at once: the driver knows which call was at fault, and Dask does not.
    "distributed.scheduler.allowed-failures": 0,
    # Dask also has workers give memory back at once (MALLOC_TRIM_THRESHOLD_): arrays of a megabyte
    # are then mapped anew each time, and evaluating n = 10,000 takes ten times as long.
    "distributed.nanny.pre-spawn-environ": {
        "OMP_NUM_THREADS": 1,
        "MKL_NUM_THREADS": 1,
        "OPENBLAS_NUM_THREADS": 1,
    },
}


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where runs are worked on."""

    workers: int
    """Processes of an embedded cluster; a running cluster has its own."""
    scheduler: str | None = None
    """Address of a running cluster's scheduler; None embeds one."""
    gpu: bool = False
    """Whether runs ask for a share of a GPU."""
    outside: Mapping[str, str] = field(default_factory=dict)
    """Code from outside the project that runs need, and which code that is."""
    errors: Path | None = None
    """Where an embedded worker's standard error goes, a file for each process with this path as the
    beginning of its name; None leaves it on the terminal."""

    @property
    def resources(self) -> dict[str, float]:
        """What a run asks of its worker."""
        return {GPU: GPU_SHARE} if self.gpu else {}

    def processes(self, calls: int, gpus: Sequence[str]) -> int:
        """How many an embedded cluster has: no more than there are calls, or shares of GPUs."""
        most = min(self.workers, calls)
        return min(most, round(len(gpus) / GPU_SHARE)) if gpus else most

    def cores_each(self, calls: int) -> int:
        """Cores that each run of an embedded cluster may use; a running one has a worker a core."""
        if self.scheduler is not None:
            return 1
        there = self.processes(calls, gpus() if self.gpu else ())
        return max(1, int(cpu_count()) // max(1, there))

    @contextlib.contextmanager
    def connect(
        self, announce: Callable[[str], None], calls: int, again: bool = False
    ) -> Iterator[Client]:
        """A client of the cluster, whose address is announced.

        An embedded one has no more workers than there are calls. A scheduler that went away and is
        connected to again may take :data:`PATIENCE` to come back.

        Raises:
            ClusterError: If there is no scheduler at the address, or it cannot be talked to.
        """
        patience = PATIENCE if again else _CONNECT
        # What is worth knowing about a lost connection is told by what waits for it.
        settings = {**_SETTINGS, "distributed.comm.timeouts.connect": f"{patience}s"}
        local = self.scheduler is None
        there = self._local(announce, calls) if local else self._running(patience, again)
        with dask.config.set(settings), there as client:
            where = "of this machine" if local else self.scheduler
            with contextlib.suppress(OSError, KeyError, AttributeError):
                where = f"{where}, dashboard {client.dashboard_link}"
            announce(f"Dask cluster {where}")
            yield client

    @contextlib.contextmanager
    def _local(self, announce: Callable[[str], None], calls: int) -> Iterator[Client]:
        shared = gpus() if self.gpu else []
        count = self.processes(calls, shared)
        if count < min(self.workers, calls):
            announce(f"{count} workers: {round(1 / GPU_SHARE)} runs share a GPU")
        with (
            LocalCluster(  # type: ignore[no-untyped-call]
                # Started below: one that dies as it starts would end the whole cluster here.
                n_workers=0,
                memory_limit=1 / count,
                threads_per_worker=1,
                processes=True,
                dashboard_address="127.0.0.1:0",
                resources=self.resources,
                # What goes wrong in a run comes back as its outcome, or is in the sweep's log.
                silence_logs=logging.CRITICAL,
            ) as cluster,
            Client(cluster) as client,  # type: ignore[no-untyped-call]
        ):
            client.register_plugin(_Housekeeping(self.errors, shared))
            cluster.scale(count)
            yield client

    @contextlib.contextmanager
    def _running(self, patience: float, again: bool) -> Iterator[Client]:
        # Tracebacks of lost connections are for the sweep's log, and nothing for a terminal.
        for handler in logging.getLogger("distributed").handlers:
            if isinstance(handler, logging.StreamHandler):
                handler.setLevel(logging.CRITICAL)
        try:
            greet(self.scheduler or "", patience)
            client = Client(self.scheduler, timeout=patience)  # type: ignore[no-untyped-call]
        except OSError as error:
            gone = "did not come back" if again else "does not answer"
            raise ClusterError(
                f"the scheduler at {self.scheduler} {gone} within {patience} s; what is finished "
                f"is kept, and the same command goes on from there ({str(error) or 'no answer'})"
            ) from error
        try:
            yield client
        finally:
            with contextlib.suppress(OSError):
                client.close(timeout=5)  # type: ignore[no-untyped-call]


def gpus() -> list[str]:
    """The GPUs of this machine, as CUDA_VISIBLE_DEVICES names them."""
    import torch as th

    count = th.cuda.device_count()
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    return given.split(",")[:count] if given else [str(k) for k in range(count)]


@dataclass
class _Housekeeping(WorkerPlugin):
    """How embedded workers speak and end, also those that replace one that died."""

    errors: Path | None
    gpus: Sequence[str]

    def setup(self, worker: Any) -> None:
        if self.gpus:
            # Before PyTorch is imported; an embedded cluster counts its workers.
            os.environ["CUDA_VISIBLE_DEVICES"] = self.gpus[int(worker.name) % len(self.gpus)]
        # Ctrl-C reaches every process of the terminal; the driver alone answers it.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # Taking PyTorch down takes 2 s of CPU, more than a worker is given before it is killed.
        atexit.register(os._exit, 0)
        if self.errors is not None:
            path = error_file(self.errors, os.getpid())
            with contextlib.suppress(OSError), path.open("ab") as file:
                os.dup2(file.fileno(), 2)
        # A crash inside a library leaves its place there.
        faulthandler.enable()
