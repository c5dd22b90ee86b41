"""The same weights at other numbers of bits, and the file that tells of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.config.run import RunConfig
from experiments.records import tables
from experiments.records.files import ResultError
from experiments.records.run_folders import FinishedRun
from experiments.sweeps import transfer
from experiments.sweeps.clusters import Site
from experiments.sweeps.sweep import Failures
from experiments.sweeps.training import train
from experiments.telling import Console
from tests.made_tables import transfers_of


@pytest.fixture(scope="module")
def agent() -> FinishedRun:
    return train(RunConfig(method="dqn", network="equivariant", n=8))


def test_rows_come_in_and_are_not_looked_at_again(
    tmp_path: Path, agent: FinishedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, console = Site(workers=1), Console()
    failures: Failures = {}
    first = transfer.look(tmp_path, [agent], [12, 30], site, console, failures)
    assert failures == {}
    assert first["n"].tolist() == [12, 30]
    assert (first["success_rate"] == 1.0).all()
    assert (first["mean_steps"] == first["optimal_mean_steps"]).all()
    written = (tmp_path / transfer.FILE).read_bytes()

    def refuse(*_: object) -> None:
        raise AssertionError("nothing was missing")

    monkeypatch.setattr(Site, "connect", refuse)
    again = transfer.look(tmp_path, [agent], [12, 30], site, console, failures)
    assert again["run_id"].tolist() == first["run_id"].tolist()
    assert (tmp_path / transfer.FILE).read_bytes() == written
    assert len(tables.read_transfers(tmp_path / transfer.FILE)) == 2


def test_rows_go_with_the_weights_that_they_are_of(tmp_path: Path) -> None:
    transfers_of({8: [1.0, 0.5], 30: [1.0, 0.0]}).to_csv(tmp_path / transfer.FILE, index=False)
    before = tables.read_transfers(tmp_path / transfer.FILE)
    transfer.forget(tmp_path, "another run")
    assert tables.read_transfers(tmp_path / transfer.FILE).equals(before)
    gone = str(before["run_id"][0])
    transfer.forget(tmp_path, gone)
    after = tables.read_transfers(tmp_path / transfer.FILE)
    assert gone not in set(after["run_id"])
    assert after.to_dict("records") == before[before["run_id"] != gone].to_dict("records")
    transfer.forget(tmp_path / "nothing there", gone)


def test_weights_of_an_mlp_belong_to_one_n() -> None:
    config = RunConfig(n=4).resolved()
    with pytest.raises(ResultError, match=r"--n 9.*'mlp'.*n = 4"):
        transfer.evaluate_at(config.to_dict(), b"", 9)
