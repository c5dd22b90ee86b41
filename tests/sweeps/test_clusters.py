"""Who answers at an address, and which of a cluster's workers may work."""

from __future__ import annotations

import contextlib
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from distributed import LocalCluster

from experiments.config.errors import ClusterError
from experiments.records.provenance import differences, environment, source
from experiments.sweeps.clusters import GPU, GPU_SHARE, Site, gpus
from experiments.sweeps.scheduler_check import greet
from experiments.sweeps.worker_check import Crew, Wanted
from tests.command_lines import REPOSITORY

# Who answers.


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


def test_nobody_who_answers_is_an_error_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = f"tcp://127.0.0.1:{server.getsockname()[1]}"
    with pytest.raises(OSError, match=r"."):
        greet(closed, 0.5)
    with listening(b"") as silent, pytest.raises(TimeoutError):
        greet(silent, 0.5)


def test_who_is_no_scheduler_is_an_error() -> None:
    page = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n" * 9
    with listening(page) as web, pytest.raises(ClusterError, match=f"{web}.* no Dask scheduler"):
        greet(web, 5)
    with LocalCluster(  # type: ignore[no-untyped-call]
        1, processes=False, protocol="tcp://", dashboard_address=None
    ) as cluster:
        greet(cluster.scheduler_address, 30)
        worker = cluster.workers[0].address
        with pytest.raises(ClusterError, match=f"{worker}.* is a Dask Worker"):
            greet(worker, 30)


def test_tls_without_certificates_is_an_error() -> None:
    with pytest.raises(ClusterError, match=r"tls://127.0.0.1:9.*TLS"):
        greet("tls://127.0.0.1:9", 5)


@pytest.mark.parametrize("says", [b"", b"hello\n" * 20])
def test_a_sweep_says_so_in_one_line(says: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.sweeps.clusters._CONNECT", 0.5)
    with listening(says) as address, pytest.raises(ClusterError, match=address):
        Site(workers=1, scheduler=address).connect(print, 1).__enter__()


# How many.


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


def test_runs_share_a_gpu_and_no_more_than_may() -> None:
    site = Site(workers=64, gpu=True)
    assert site.processes(100, ["0", "1"]) == 8
    assert site.processes(3, ["0", "1"]) == 3
    assert site.processes(100, []) == 64
    assert Site(workers=2).processes(100, []) == 2


# Who may work.


NOW = time.monotonic


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr("time.monotonic", lambda: NOW() + seconds)


class Cluster:
    """A client whose workers answer as they are told to."""

    cluster: Any = None

    def __init__(self, **answers: Any) -> None:
        self.answers = answers

    def nthreads(self) -> dict[str, int]:
        return dict.fromkeys(self.answers, 1)

    def run(self, _: Any, __: Any, workers: list[str], on_error: str) -> dict[str, Any]:
        assert on_error == "return"
        return {address: self.answers[address] for address in workers}


def test_workers_come_and_go() -> None:
    said: list[str] = []
    cluster: Any = Cluster()
    crew = Crew(cluster, Wanted({}), said.append)
    crew.update()
    crew.update()
    assert said == ["waiting for workers"]
    cluster.answers = {"a": ("'one' on here", []), "b": OSError("gone")}
    crew.update()
    assert crew.members == {"a"}
    cluster.answers |= {"b": ("'two' on there", ["torch is 1 there and 2 here"])}
    cluster.answers |= {"c": ImportError("no experiments")}
    crew.update()
    assert crew.members == {"a"}
    assert said[1] == "refused worker 'two' on there (b): torch is 1 there and 2 here"
    assert "refused worker c: it cannot load this project" in said[2]
    # One that worked may come back: its nanny starts it again.
    del cluster.answers["a"]
    crew.update()
    assert (crew.members, said[3]) == (set(), "waiting for workers")
    cluster.answers = {"d": ("'one' on here", [])}
    crew.update()
    assert (crew.members, crew.refused) == ({"d"}, {})


def test_a_cluster_of_refused_workers_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster: Any = Cluster(a=("'one' on here", ["it has 4 threads instead of 1"]))
    crew = Crew(cluster, Wanted({}), print)
    refused = cluster.answers.copy()
    cluster.answers.clear()
    crew.update()
    later(monkeypatch, 1_000)  # in the queue of a batch system
    cluster.answers |= refused
    crew.update()
    later(monkeypatch, 1_050)
    crew.update()  # Others may be on their way.
    later(monkeypatch, 1_070)
    with pytest.raises(ClusterError, match=r"'one' on here \(a\): it has 4 threads"):
        crew.update()
    cluster.answers["b"] = ("'two' on there", [])
    crew.update()
    del cluster.answers["b"]
    later(monkeypatch, 1e6)
    crew.update()  # One that worked may come back whenever it likes,
    again = Crew(cluster, Wanted({}), print, ever=True)
    again.update()
    later(monkeypatch, 2e6)
    again.update()  # also to a scheduler that came back.


def test_embedded_workers_that_never_start_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster: Any = Cluster()
    crew = Crew(cluster, Wanted({}), print)
    crew.update()
    later(monkeypatch, 1e6)
    crew.update()
    cluster.cluster = "embedded"
    with pytest.raises(ClusterError, match="no worker of this machine starts"):
        crew.update()


def worker(threads: int = 1, **resources: float) -> Any:
    return SimpleNamespace(state=SimpleNamespace(nthreads=threads, total_resources=resources))


def test_what_speaks_against_a_worker() -> None:
    assert Wanted({}).objections(worker()) == []
    assert Wanted({GPU: GPU_SHARE}).objections(worker(GPU=1)) == []
    (few,) = Wanted({GPU: GPU_SHARE}).objections(worker())
    assert "declares 0 of resource 'GPU', a run needs 0.25" in few
    (many,) = Wanted({}).objections(worker(threads=4))
    assert "4 threads" in many
    elsewhere = {**environment(), "torch": "1.0", "source": "0" * 12}
    here = environment()
    assert Wanted({}, elsewhere).objections(worker()) == [
        f"torch is {here['torch']} there and 1.0 here",
        f"source is {source()} there and {'0' * 12} here",
    ]


def test_a_build_of_a_version_is_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    from experiments.records import provenance

    before = environment()
    real = provenance.versions()
    monkeypatch.setattr(provenance, "versions", lambda: {**real, "torch": f"{before['torch']}+cu9"})
    assert environment() == before
    assert differences({}, {"python": "3.11"}) == ["python is unknown there and 3.11 here"]


def test_every_source_file_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker of another commit is refused wherever the two commits differ."""

    def digest() -> str:
        source.cache_clear()
        return source()

    try:
        here = digest()
        copies = {}
        for package in ("bitseq_env", "experiments"):
            shutil.copytree(REPOSITORY / package, tmp_path / package)
            copies[package] = SimpleNamespace(origin=str(tmp_path / package / "__init__.py"))
        monkeypatch.setattr("importlib.util.find_spec", copies.get)
        assert digest() == here
        for place in (
            "bitseq_env/rules.py",
            "experiments/train.py",
            "experiments/sweeps/on_worker.py",
        ):
            path = tmp_path / place
            before = path.read_bytes()
            path.write_bytes(before + b"# another commit\n")
            assert digest() != here, place
            path.write_bytes(before)
        path.rename(path.with_name("works.py"))
        assert digest() != here
    finally:
        monkeypatch.undo()
        assert digest() == here
