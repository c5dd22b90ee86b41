"""Each thing that the benchmark measures, at a size that is no measurement; and the command."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch as th

from experiments.benchmarks import environment_speed, limits, rows, scaling, solving
from experiments.benchmarks.learner_speed import (
    STOCK,
    filled_agent,
    sampling,
    setting,
    training,
    updating,
)
from experiments.benchmarks.measuring import Measured, Side, UnavailableError
from experiments.benchmarks.sbx_shim import sbx_agent
from experiments.config.presets import PRESETS, plan
from experiments.config.run import RunConfig
from experiments.methods.her import HerRun
from tests.command_lines import Command

TINY: dict[str, Any] = {"n": 4, "hidden": (8,), "batch_size": 8, "buffer_size": 600}
GPU = [contest for name, contest in rows.CONTESTS.items() if name.startswith("gpu")]


@pytest.mark.parametrize(
    "side",
    [
        lambda: environment_speed.vector(3, 4, 0.01),
        lambda: environment_speed.vector(3, 4, 0.01, "SameStep"),
        lambda: environment_speed.sb3_vector(3, 4, 0.01),
        lambda: environment_speed.single(4, 0.01),
        lambda: environment_speed.sb3_single(4, 0.01),
        lambda: training(setting(**TINY), 0.01, warm_updates=9),
        lambda: training(setting(**TINY, **STOCK), 0.01, warm_updates=9),
        lambda: updating(setting(**TINY), 0.01),
        lambda: updating(setting(**TINY, **STOCK), 0.01),
        lambda: sampling(setting(**TINY), 300, 0.01),
        lambda: sampling(setting(**TINY, **STOCK), 300, 0.01),
    ],
)
def test_a_side_can_be_measured_again_and_again(side: Any) -> None:
    ready = side()
    assert all(ready.measure(number).value > 0 for number in range(2))


def test_a_buffer_is_full_before_it_is_sampled() -> None:
    agent = filled_agent(setting(**TINY), 320)
    assert agent.replay_buffer.full
    assert agent._n_updates == 0


@pytest.mark.parametrize("implementation", [{}, STOCK])
def test_a_run_is_stopped_by_its_clock(implementation: dict[str, Any]) -> None:
    config = RunConfig.of(n=12, eval_episodes=10, **implementation)
    assert solving.seconds_to_solve(config, 0.01) == (0.01, True)


def test_a_race_is_run_seed_by_seed() -> None:
    task = {"method": "her", "network": "equivariant", "n": 8, "eval_episodes": 50}
    sides = solving.race(task, patience=0.1)
    ours = sides["ours"].measure(0)
    assert 0 < ours.value < 60
    assert not ours.at_least
    theirs = sides["stock"].measure(0)
    assert theirs.value == pytest.approx(0.1 * ours.value)
    assert theirs.at_least


def test_the_paper_sweep_is_read_and_not_run(tmp_path: Path) -> None:
    planned = plan(PRESETS["paper"].blocks, {})
    runs = pd.DataFrame({"run_id": [config.run_id for config in planned], "wall_seconds": 6.0})
    runs = runs.assign(config_id=runs["run_id"], success_rate=1.0, seed=0, n=1)
    runs = runs.assign(method="dqn", network="mlp")
    other = runs.head(1).assign(run_id="another", config_id="another", wall_seconds=1e6)
    path = tmp_path / "runs.csv"
    pd.concat([runs, other]).to_csv(path, index=False)
    # 476 runs of 6 seconds on two cores; what another sweep left there is not among them.
    assert solving.paper_sweep(path)["ours"].measure(0) == Measured(23.8)
    runs.drop(index=0).to_csv(path, index=False)
    with pytest.raises(UnavailableError, match="475 of the paper sweep's 476 runs"):
        solving.paper_sweep(path)
    with pytest.raises(UnavailableError, match="0 of the paper"):
        solving.paper_sweep(tmp_path / "none.csv")


def test_sbx_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UnavailableError, match="benchmark"):
        sbx_agent(setting(**TINY, **STOCK))
    monkeypatch.setattr(rows, "training", lambda *_: Side(lambda _: Measured(1.0)))
    assert set(rows.CONTESTS["many-envs"].sides()) == {"ours", "stock"}


@pytest.mark.skipif(importlib.util.find_spec("sbx") is None, reason="SBX is in an extra of its own")
@pytest.mark.filterwarnings("ignore")
def test_sbx_learns_with_the_hindsight_buffer() -> None:
    config = setting(**TINY, **STOCK)
    assert training(config, 0.01, sbx_agent(config), 9).measure(0).value > 0


def test_gpu_rows_are_runs_that_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[HerRun] = []

    def record(config: HerRun, *_: Any) -> Side:
        asked.append(config)
        return Side(lambda _: Measured(1.0), config.device)

    monkeypatch.setattr(th.cuda, "is_available", lambda: True)
    for name in ("training", "updating"):
        monkeypatch.setattr(rows, name, record)
    for contest in GPU:
        devices = {name: side.device for name, side in contest.sides().items()}
        assert devices == {"ours": "cuda", "stock": "cuda", rows.ON_CPU: "cpu"}
    assert {config.batch_size for config in asked} == {128, 4_096}
    assert {config.rollout for config in asked} == {(5, 16), (1, 16)}


def test_the_command_writes_tables_page_and_figure(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(th.cuda, "is_available", lambda: False)
    for contest in GPU:
        with pytest.raises(UnavailableError, match="no GPU"):
            contest.sides()
    wanted = ["single", "gpu-updates-128"]
    outcome = command("benchmark", "--rows", *wanted, "--repeats", "1", "--out", "out")
    assert outcome.status == 0, outcome.text
    table = pd.read_csv("out/benchmark.csv")
    assert list(table) == ["what", "peer", "ratio", "goal", "aim", "verdict"]
    assert table["verdict"].tolist()[1:] == ["unmeasured", "unmeasured"]
    assert table["verdict"][0] in ("met", "missed")
    assert set(pd.read_csv("out/benchmark_repeats.csv")["contest"]) == {"single", limits.NAME}
    assert "no GPU here" in Path("out/benchmark.md").read_text()
    for ending in ("png", "svg"):
        assert (tmp_path / "out" / "figures" / f"benchmark.{ending}").stat().st_size > 5_000


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--rows", "none"], "none"),
        (["--scale", "--panels", "none"], "none"),
        (["--repeats", "0"], "--repeats must be at least 1 and at most 1,000, got 0"),
    ],
)
def test_what_is_not_there_or_not_a_number_is_refused(
    command: Command, flags: list[str], told: str
) -> None:
    refused = command("benchmark", *flags)
    assert refused.status == 2
    assert told in refused.text


def test_the_scale_has_a_table_and_a_figure(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        scaling, "PANELS", {"steps": scaling.PANELS["steps"]._replace(places=(5, 10))}
    )
    outcome = command("benchmark", "--scale", "--repeats", "2", "--out", "out")
    assert outcome.status == 0, outcome.text
    table = pd.read_csv("out/scale.csv")
    assert set(table["curve"]) == {"HER, mlp", "HER, equivariant"}
    assert table["x"].value_counts().to_dict() == {5: 2, 10: 4}
    assert Path("out/figures/scale.png").stat().st_size > 5_000
    assert not Path("out/benchmark.csv").exists()
