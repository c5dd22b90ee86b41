"""The same weights at other numbers of bits, and the file that tells of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from experiments import tables, transfer
from experiments.config import RunConfig
from experiments.files import ResultError
from experiments.results import FinishedRun
from experiments.sweeps.clusters import Site
from experiments.train import train


@pytest.fixture(scope="module")
def agent() -> FinishedRun:
    return train(RunConfig(method="dqn", network="equivariant", n=8))


def test_rows_come_in_and_are_not_looked_at_again(
    tmp_path: Path, agent: FinishedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, console = Site(workers=1), Console()
    first, failures = transfer.look(tmp_path, [agent], [12, 30], site, console)
    assert failures == {}
    assert first["n"].tolist() == [12, 30]
    assert (first["success_rate"] == 1.0).all()
    assert (first["mean_steps"] == first["optimal_mean_steps"]).all()
    written = (tmp_path / transfer.FILE).read_bytes()

    def refuse(*_: object) -> None:
        raise AssertionError("nothing was missing")

    monkeypatch.setattr(Site, "connect", refuse)
    again, _ = transfer.look(tmp_path, [agent], [12, 30], site, console)
    assert again["run_id"].tolist() == first["run_id"].tolist()
    assert (tmp_path / transfer.FILE).read_bytes() == written
    assert len(tables.read_transfers(tmp_path / transfer.FILE)) == 2


def test_weights_of_an_mlp_belong_to_one_n() -> None:
    config = RunConfig(n=4).resolved()
    with pytest.raises(ResultError, match=r"--n 9.*'mlp'.*n = 4"):
        transfer.evaluate_at(config.to_dict(), b"", 9)
