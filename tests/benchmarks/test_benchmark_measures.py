"""Each thing that the benchmark measures, at a size that is no measurement; and the command."""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch as th

from experiments.benchmarks import environments, limits, rows, scaling, solving
from experiments.benchmarks.learners import filled_agent, sampling, setting, training, updating
from experiments.benchmarks.measuring import Measured, Side, UnavailableError
from experiments.benchmarks.sbx_shim import sbx_agent
from experiments.benchmarks.solving import STOCK
from experiments.config.presets import PAPER_SIZES
from experiments.config.run import RunConfig
from tests.command_lines import Command

TINY: dict[str, Any] = {"n": 4, "hidden": (8,), "batch_size": 8, "buffer_size": 600}


@pytest.mark.parametrize(
    "side",
    [
        lambda: environments.vector(3, 4, 0.01),
        lambda: environments.vector(3, 4, 0.01, "SameStep"),
        lambda: environments.sb3_vector(3, 4, 0.01),
        lambda: environments.single(4, 0.01),
        lambda: environments.sb3_single(4, 0.01),
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
    assert sides["stock"].measure(0).value == pytest.approx(0.1 * ours.value)
    assert sides["stock"].measure(0).at_least


def paper_runs(folder: Path) -> Path:
    grid = itertools.product(("dqn", "her"), PAPER_SIZES, range(10), (True, False))
    runs = pd.DataFrame(grid, columns=["method", "n", "seed", "sees_target"])
    runs["config_id"] = runs["method"] + runs["n"].astype(str) + runs["sees_target"].astype(str)
    runs["run_id"] = runs["config_id"] + "-" + runs["seed"].astype(str)
    runs = runs.assign(network="mlp", goal_mode="fixed", implementation="fast")
    runs = runs.assign(success_rate=1.0, wall_seconds=6.0)
    runs.to_csv(folder / "runs.csv", index=False)
    return folder / "runs.csv"


def test_the_paper_sweep_is_read_and_not_run(tmp_path: Path) -> None:
    path = paper_runs(tmp_path)
    # 320 runs of 6 seconds on two cores; the DQN that is not told the target is not among them.
    assert solving.paper_sweep(path)["ours"].measure(0) == Measured(16.0)
    pd.read_csv(path).drop(index=0).to_csv(path, index=False)
    with pytest.raises(UnavailableError, match="319 of the paper sweep's 320 runs"):
        solving.paper_sweep(path)
    with pytest.raises(UnavailableError, match="0 of the paper"):
        solving.paper_sweep(tmp_path / "none.csv")


def test_sbx_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    config = setting(**TINY, **STOCK)
    with pytest.raises(UnavailableError, match="benchmark"):
        sbx_agent(config)
    monkeypatch.setattr(rows, "training", lambda *_: Side(lambda _: Measured(1.0)))
    contest = next(contest for contest in rows.CONTESTS if contest.name == "many-envs")
    assert set(contest.sides()) == {"ours", "stock"}


@pytest.mark.skipif(importlib.util.find_spec("sbx") is None, reason="SBX is in an extra of its own")
@pytest.mark.filterwarnings("ignore")
def test_sbx_learns_with_the_hindsight_buffer() -> None:
    config = setting(**TINY, **STOCK)
    assert training(config, 0.01, sbx_agent(config), 9).measure(0).value > 0


def test_no_gpu_is_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(th.cuda, "is_available", lambda: False)
    for contest in rows.CONTESTS:
        if contest.name.startswith("gpu"):
            with pytest.raises(UnavailableError, match="no GPU"):
                contest.sides()


def test_gpu_rows_are_runs_that_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[RunConfig] = []

    def record(config: RunConfig, *_: Any) -> Side:
        asked.append(config)
        return Side(lambda _: Measured(1.0), config.device)

    monkeypatch.setattr(th.cuda, "is_available", lambda: True)
    for name in ("training", "updating"):
        monkeypatch.setattr(rows, name, record)
    for contest in rows.CONTESTS:
        if contest.name.startswith("gpu"):
            devices = {name: side.device for name, side in contest.sides().items()}
            assert devices == {"ours": "cuda", "stock": "cuda", rows.ON_CPU: "cpu"}
    assert {config.batch_size for config in asked} == {128, 4_096}
    assert {config.rollout for config in asked} == {(5, 16), (1, 16)}


# The command.


def test_the_command_writes_tables_page_and_figure(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(th.cuda, "is_available", lambda: False)
    wanted = ["single", "gpu-updates-128"]
    outcome = command("benchmark", "--rows", *wanted, "--repeats", "1", "--out", "out")
    assert outcome.status == 0, outcome.text
    table = pd.read_csv("out/benchmark.csv")
    assert list(table) == ["what", "peer", "ratio", "goal", "aim", "verdict"]
    assert table["verdict"].tolist()[1:] == ["unmeasured", "unmeasured"]
    assert table["verdict"][0] in ("met", "missed")
    repeats = pd.read_csv("out/benchmark_repeats.csv")
    assert set(repeats["contest"]) == {"single", limits.NAME}
    assert "no GPU here" in Path("out/benchmark.md").read_text()
    for ending in ("png", "svg"):
        assert (tmp_path / "out" / "figures" / f"benchmark.{ending}").stat().st_size > 5_000


def test_what_is_not_a_row_or_not_a_number_is_refused(command: Command) -> None:
    assert command("benchmark", "--rows", "none").status == 2
    refused = command("benchmark", "--repeats", "0")
    assert refused.status == 2
    assert "--repeats must be at least 1 and at most 1,000, got 0" in refused.text


def test_the_scale_has_a_table_and_a_figure(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def curve(network: str) -> scaling.Curve:
        return scaling.Curve(lambda n: solving.solving(network, n, "env_steps_to_solve"), (3, 4))

    curves = {"HER, equivariant": curve("equivariant")}
    panel = scaling.Panel(name="steps", title="Steps", along="n", unit="env steps", curves=curves)
    monkeypatch.setattr(scaling, "PANELS", (panel,))
    outcome = command("benchmark", "--scale", "--repeats", "2", "--out", "out")
    assert outcome.status == 0, outcome.text
    table = pd.read_csv("out/scale.csv")
    assert table[["panel", "curve"]].drop_duplicates().values.tolist() == [
        ["steps", "HER, equivariant"]
    ]
    assert sorted(table["x"]) == [3, 3, 4, 4]
    assert not Path("out/benchmark.csv").exists()


def test_nothing_is_measured_for_a_panel_that_is_not_wanted(command: Command) -> None:
    assert command("benchmark", "--scale", "--panels", "none").status == 2
