"""Each thing that the benchmark measures, at a size that is no measurement; and the command."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch as th

from experiments.benchmarks import limits, rows, scaling, solving
from experiments.benchmarks.measuring import AtLeast, Side, UnavailableError, measure, stamp
from experiments.benchmarks.sbx_shim import sbx_agent
from experiments.benchmarks.speeds import (
    STOCK,
    filled_agent,
    packed,
    sampling,
    sb3_vector,
    setting,
    single,
    training,
    updating,
    vector,
)
from experiments.config.blocks import plan
from experiments.config.presets import PRESETS
from experiments.config.run import RunConfig
from experiments.methods.her import HerRun
from experiments.records import provenance
from tests.command_lines import Command

TINY: dict[str, Any] = {"n": 4, "hidden": (8,), "batch_size": 8, "buffer_size": 600}
OURS, THEIRS = setting(**TINY), setting(**TINY, **STOCK)
GPU = [contest for name, contest in rows.CONTESTS.items() if name.startswith("gpu")]


@pytest.mark.parametrize(
    "side",
    [
        lambda: vector(3, 4, 0.01),
        lambda: vector(3, 4, 0.01, "SameStep"),
        lambda: sb3_vector(3, 4, 0.01),
        lambda: packed(4, 0.01),
        lambda: packed(4, 0.01, threads=2, budget=20),
        lambda: single(4, 0.01),
        lambda: single(4, 0.01, sb3=True),
        *(lambda config=config: training(config, 0.01, None, 9) for config in (OURS, THEIRS)),
        *(lambda config=config: updating(config, 0.01) for config in (OURS, THEIRS)),
        *(lambda config=config: sampling(config, 300, 0.01) for config in (OURS, THEIRS)),
    ],
)
def test_a_side_can_be_measured_again_and_again(side: Any) -> None:
    measured = side()
    assert all(measured(number) > 0 for number in range(2))


def test_a_buffer_is_full_before_it_is_sampled() -> None:
    agent = filled_agent(OURS, 320)
    assert agent.replay_buffer.full
    assert agent._n_updates == 0


@pytest.mark.parametrize("implementation", [{}, STOCK])
def test_a_run_is_stopped_by_its_clock(implementation: dict[str, Any]) -> None:
    config = RunConfig.of(n=12, eval_episodes=10, **implementation)
    stopped = solving.seconds_to_solve(config, 0.01)
    assert (type(stopped), stopped) == (AtLeast, 0.01)


def test_a_race_is_run_seed_by_seed_and_ours_first() -> None:
    sides = solving.race(network="equivariant", n=8, eval_episodes=50, patience=0.1)
    theirs = sides["stock"](0)
    ours = sides["ours"](0)
    assert 0 < ours < 60
    assert theirs == pytest.approx(0.1 * ours)
    assert [type(each) for each in (ours, theirs)] == [float, AtLeast]


def test_the_paper_sweep_is_read_and_not_run(tmp_path: Path) -> None:
    planned = plan(PRESETS["paper"].blocks, {})
    runs = pd.DataFrame({"run_id": [config.run_id for config in planned], "wall_seconds": 6.0})
    runs = runs.assign(config_id=runs["run_id"], success_rate=1.0, seed=0, n=1)
    runs = runs.assign(method="dqn", network="mlp")
    other = runs.head(1).assign(run_id="another", config_id="another", wall_seconds=1e6)
    path = tmp_path / "runs.csv"
    pd.concat([runs, other]).to_csv(path, index=False)
    # Of 6 seconds each, on two cores; what another sweep left there is not among them.
    total = len(planned)
    assert solving.paper_sweep(path)["ours"](0) == pytest.approx(total * 6 / 2 / 60)
    runs.drop(index=0).to_csv(path, index=False)
    for file, count in ((path, total - 1), (tmp_path / "none.csv", 0)):
        with pytest.raises(UnavailableError, match=f"{count} of the paper sweep's {total} runs"):
            solving.paper_sweep(file)


def test_sbx_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UnavailableError, match="benchmark"):
        sbx_agent(THEIRS)
    monkeypatch.setattr(rows, "training", lambda *_: float)
    assert set(rows.CONTESTS["many-envs"].sides()) == {"ours", "stock"}


@pytest.mark.skipif(importlib.util.find_spec("sbx") is None, reason="SBX is in an extra of its own")
@pytest.mark.filterwarnings("ignore")
def test_sbx_learns_with_the_hindsight_buffer() -> None:
    assert training(THEIRS, 0.01, sbx_agent(THEIRS), 9)(0) > 0


def test_gpu_rows_are_runs_that_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[HerRun] = []

    def record(config: HerRun, *_: Any) -> Side:
        asked.append(config)
        return lambda _: float(config.device == "cuda")

    monkeypatch.setattr(th.cuda, "is_available", lambda: True)
    monkeypatch.setattr(provenance, "device_name", str)
    for name in ("training", "updating"):
        monkeypatch.setattr(rows, name, record)
    stamp.cache_clear()
    for contest in GPU:
        found = measure(contest.sides(), contest.unit, 1, contest.on_gpu)
        devices = {row["side"]: (row["device"], row["value"]) for row in found}
        assert devices == {"ours": ("cuda", 1), "stock": ("cuda", 1), rows.ON_CPU: ("cpu", 0)}
    assert {config.batch_size for config in asked} == {128, 4_096}
    assert {config.rollout for config in asked} == {(5, 16), (1, 16)}
    stamp.cache_clear()


def test_the_command_writes_tables_page_and_figure(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(th.cuda, "is_available", lambda: False)
    for contest in [*GPU, rows.CONTESTS["search-gpu"]]:
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


def test_the_scale_has_a_table_and_a_figure(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = scaling.PANELS["steps"]._replace(places=(5, 10))
    monkeypatch.setattr(scaling, "PANELS", {"steps": steps})
    outcome = command("benchmark", "--scale", "--repeats", "2", "--out", "out")
    assert outcome.status == 0, outcome.text
    table = pd.read_csv("out/scale.csv")
    assert set(table["curve"]) == {"HER, mlp", "HER, equivariant"}
    assert table["x"].value_counts().to_dict() == {5: 2, 10: 4}
    assert Path("out/figures/scale.png").stat().st_size > 5_000
    assert not Path("out/benchmark.csv").exists()
