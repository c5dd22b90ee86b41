"""Who answers at an address, and how many work on a machine."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import dask
import pytest
from distributed import LocalCluster

from experiments.config.errors import ClusterError
from experiments.sweeps.clusters import Site, gpus
from experiments.sweeps.scheduler import greet
from tests.faults.machines import free_address

PAGE = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n" * 9


@contextlib.contextmanager
def listening(says: bytes) -> Iterator[str]:
    """An address where someone takes every call, says the same and hangs up, or says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server, contextlib.ExitStack() as calls:

        def answer() -> None:
            with contextlib.suppress(OSError):
                while True:
                    call = calls.enter_context(server.accept()[0])
                    if says:
                        call.sendall(says)
                        call.shutdown(socket.SHUT_RDWR)

        threading.Thread(target=answer, daemon=True).start()
        try:
            yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def dask_worker() -> Iterator[str]:
    with LocalCluster(  # type: ignore[no-untyped-call]
        1, processes=False, protocol="tcp://", dashboard_address="127.0.0.1:0"
    ) as cluster:
        greet(cluster.scheduler_address, 30)
        yield cluster.workers[0].address


@pytest.mark.parametrize(
    ("there", "seconds", "says"),
    [
        (lambda: contextlib.nullcontext(free_address()), 0.5, "does not answer within 0.5 s"),
        (partial(listening, b""), 0.5, "does not answer within 0.5 s"),
        (partial(listening, PAGE), 30, "no Dask scheduler"),
        (partial(listening, b"hello\n" * 20), 30, "no Dask scheduler"),
        (dask_worker, 30, "is a Dask Worker"),
    ],
)
def test_what_is_no_scheduler_is_named(
    there: Callable[[], AbstractContextManager[str]],
    seconds: float,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("experiments.sweeps.clusters._CONNECT", seconds)
    with there() as address, pytest.raises(ClusterError, match=f"{address}.*{says}"):
        Site(workers=1, scheduler=address).connect(print, 1).__enter__()


def test_tls_without_certificates_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=r"tls://127.0.0.1:9.*TLS"):
        greet("tls://127.0.0.1:9", 5)
    # Those that cannot be read are this machine's, and no fault of who answers there.
    names = [f"distributed.comm.tls.{name}" for name in ("ca-file", "client.key", "client.cert")]
    missing = dict.fromkeys(names, str(tmp_path / "pem"))
    with dask.config.set(missing), pytest.raises(ClusterError, match=r"certificates.*No such file"):
        greet("tls://127.0.0.1:9", 5)


@pytest.mark.parametrize(
    ("visible", "count", "names"),
    [
        (None, 0, []),
        (None, 2, ["0", "1"]),
        ("", 0, []),
        ("3,5", 2, ["3", "5"]),
        ("GPU-8f2,99", 1, ["GPU-8f2"]),
    ],
)
def test_gpus_are_named_as_cuda_names_them(
    monkeypatch: pytest.MonkeyPatch, visible: str | None, count: int, names: list[str]
) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: count)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpus() == names


@pytest.mark.parametrize(
    ("workers", "calls", "gpus", "processes"),
    [(64, 100, ["0", "1"], 8), (64, 3, ["0", "1"], 3), (64, 100, [], 64), (2, 100, [], 2)],
)
def test_runs_share_a_gpu_and_no_more_than_may(
    workers: int, calls: int, gpus: list[str], processes: int
) -> None:
    assert Site(workers=workers, gpu=True).processes(calls, gpus) == processes
