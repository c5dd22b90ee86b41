"""The same weights at other numbers of bits, and the file that tells of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.config.run import RunConfig
from experiments.records import tables
from experiments.records.files import ResultError
from experiments.sweeps import transfer
from experiments.sweeps.clusters import Site
from experiments.sweeps.progress import Failures
from experiments.sweeps.training import train
from experiments.telling import Console


def test_rows_come_in_and_are_not_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = train(
        RunConfig.of(
            method="dqn", network="equivariant", n=8, budget_env_steps=3_000, eval_episodes=100
        )
    )
    site, console = Site(workers=1), Console()
    failures: Failures = {}
    first = transfer.look(tmp_path, [agent], [12, 30], site, console, failures)
    assert failures == {}
    assert first["n"].tolist() == [12, 30]
    assert (first["success_rate"] == 1.0).all()
    assert (first["mean_steps"] == first["optimal_mean_steps"]).all()
    written = (tmp_path / transfer.FILE).read_bytes()

    monkeypatch.setattr(Site, "connect", lambda *_: pytest.fail("nothing was missing"))
    again = transfer.look(tmp_path, [agent], [12, 30], site, console, failures)
    assert again["run_id"].tolist() == first["run_id"].tolist()
    assert (tmp_path / transfer.FILE).read_bytes() == written
    assert len(tables.read_transfers(tmp_path / transfer.FILE)) == 2


def test_weights_of_an_mlp_belong_to_one_n() -> None:
    with pytest.raises(ResultError, match=r"--n 9.*'mlp'.*n = 4"):
        transfer.evaluate_at(RunConfig.of(n=4).to_dict(), b"", 9)
