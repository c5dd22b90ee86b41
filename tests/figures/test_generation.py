"""Strings that are written: who is drawn against n, who against density, and what varies."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from experiments.config.blocks import plan
from experiments.config.presets import PRESETS
from experiments.config.run_settings import APPEND
from experiments.figures import generation
from experiments.figures.writers import name_writers
from tests.figures.drawn import heights, labels, lines, page_rows, panels
from tests.made_tables import DQN, runs_of, together

STRINGS = 1_000
FLOW = {"method": "gflownet", "n_envs": 128, "learner_reward": "r", "relabel_share": 0.0}
GREEDY = {"method": "dqn", "n_envs": 64, "learner_reward": "r"}


def written(settings: dict[str, Any], n: int, rates: list[float], **columns: Any) -> pd.DataFrame:
    free = columns.pop("free_bits", 0)
    task: dict[str, Any] = {"env": APPEND, "start": "empty", "told": "nothing", "network": "mlp"}
    task |= {"budget_env_steps": STRINGS * n, "free_bits": str(free), "sees_target": False}
    runs = runs_of({**task, **settings}, n, [100 if rate > 0.95 else None for rate in rates])
    return runs.assign(success_rate=rates, held_share=rates, schema_version=3, **columns)


BY_SIZE = [
    written(learner, n, [rate, rate])
    for learner, end in ((FLOW, 12), (GREEDY, 8))
    for n in (4, 8, 12)
    for rate in [1.0 if n <= end else 0.0]
]
BY_DENSITY = [
    written(learner, 20, [1.0 if free > 4 else 0.0], free_bits=free)
    for learner in (FLOW, GREEDY)
    for free in (4, 8, 12)
]
MANY = written(
    FLOW,
    10,
    [1.0, 1.0],
    free_bits=6,
    samples=512_000,
    wrong_samples=[0, 7],
    right_strings=[64, 62],
    kl_to_uniform=[0.001, 0.003],
    reward_queries=2_000,
)
ONE = written(GREEDY, 10, [1.0, 1.0], free_bits=6, samples=1, wrong_samples=0, right_strings=1)
DIVERSE = [MANY, ONE.assign(kl_to_uniform=None, reward_queries=1_000)]


def test_each_learner_is_a_line_by_n_and_by_density() -> None:
    figure = generation.figure(together(*BY_SIZE, *BY_DENSITY, *DIVERSE))
    by_size, by_density, by_strings = panels(figure)
    names = {"DQN (told nothing)", "GFlowNet (told nothing)"}
    chance = "chance to meet a right one in as many uniform strings"
    assert set(labels(figure)) == {*names, chance}
    met = lines(by_size)[chance]
    assert float(heights(met)[0]) == pytest.approx(1 - (1 - 2**-4) ** STRINGS)
    assert float(heights(met)[-1]) == pytest.approx(1 - (1 - 2**-12) ** STRINGS)
    met = lines(by_density)[chance]
    assert list(met.get_xdata())[:: len(met.get_xdata()) - 1] == [-16, -8]
    assert float(heights(met)[0]) == pytest.approx(1 - (1 - 2**-16) ** STRINGS)
    ends = {bar.get_label(): heights_of(bar) for bar in by_size.containers}
    assert ends == {"DQN (told nothing)": [1, 1, 0], "GFlowNet (told nothing)": [1, 1, 1]}
    bars: list[Any] = list(by_strings.patches)
    assert [bar.get_width() for bar in bars] == [1, 63]
    assert {text.get_text() for text in by_strings.texts} == {
        "DQN: KL infinite",
        "GFlowNet: KL 0.002",
    }


def heights_of(bar: Any) -> list[float]:
    return [float(value) for value in bar.lines[0].get_ydata()]


def test_the_page_says_what_it_took_in_strings() -> None:
    settings = FLOW | {"gradient_updates": 7}
    some = written(settings, 12, [1.0, 1.0, 0.5], reward_queries=1_000)
    some["env_steps_to_first_reward"] = [240, 480, 720]
    some["env_steps_to_solve"] = [2_400, 6_000, None]
    rows = page_rows(generation.page(together(some)))
    assert rows["GFlowNet (told nothing)"] == [
        *("12", "0", "2/3", "1,000", "40", "500", "7", "1,000")
    ]


def test_the_page_says_what_is_written_and_what_is_not() -> None:
    rows = page_rows(generation.page(together(*BY_SIZE, *DIVERSE)))
    flow = rows["GFlowNet (told nothing)"]
    assert flow[3:] == [
        *("62 to 64 of 64", "0 to 7", "512,000"),
        *("0.002", "0.001 to 0.003"),
    ]
    greedy = rows["DQN (told nothing)"]
    assert greedy[3:] == ["1 of 64", "0", "1", "infinite", "infinite to infinite"]


def test_a_folder_without_such_runs_has_neither() -> None:
    flipped = together(runs_of(DQN, 8, (900,)).assign(held_share=1.0))
    assert generation.figure(flipped) is None
    assert generation.page(flipped) is None
    assert len(panels(generation.figure(together(*BY_SIZE)))) == 1
    assert "KL" not in str(generation.page(together(*BY_SIZE)))


def test_learners_of_the_sweep_keep_their_names_at_every_size() -> None:
    rows = [
        {**run.to_dict(), "config_id": run.config_id, "told": run.told, "run_id": run.run_id}
        for run in plan(PRESETS["generation"].blocks, {})
    ]
    frame = pd.DataFrame(rows)
    sizes = frame.groupby(name_writers(frame, by_task=False), observed=True)["n"].unique()
    found = {str(name): sorted(map(int, some)) for name, some in sizes.items()}
    untold = [4, 8, 10, 12, 16, 20, 24]
    assert found == {
        **dict.fromkeys(
            [
                *("DQN (told nothing)", "DQN, rewarded replay (told nothing)"),
                *("GFlowNet (told nothing)", "GFlowNet, rewarded replay (told nothing)"),
            ],
            untold,
        ),
        **{f"{name}, reward withheld (told nothing)": [8] for name in ("DQN", "GFlowNet", "PPO")},
        "PPO (told nothing)": [4, 8, 10, 12, 20, 24],
        "GFlowNet, untrained (told nothing)": [8],
        "GFlowNet, adam eps 1e-08 (told nothing)": [12],
        "PPO, ent coef 0.0 (told nothing)": [10],
        "GFlowNet, exploration eps 0.1 (told nothing)": [10],
        "GFlowNet, rewarded replay, exploration eps 0.1 (told nothing)": [10],
        "GFlowNet, after a search, rewarded replay (told nothing)": [20, 32, 40],
        "DQN + HER (told s)": [10, 20],
        "DQN + HER, reward withheld (told s)": [20],
        "GFlowNet + hindsight (told s)": [20, 50],
        "GFlowNet + hindsight, likelihood (told s)": [20, 50],
        "GFlowNet + hindsight, reward withheld (told s)": [20],
        "GFlowNet + hindsight, relabelled share 0.5 (told s)": [20],
        "GFlowNet + hindsight, untrained (told s)": [20],
        "GFlowNet + hindsight, transformer (told s)": [20, 100],
        "GFlowNet + hindsight, transformer, reward withheld (told s)": [20],
    }
    named = name_writers(frame)[frame["free_bits"] > 0].astype(str)
    assert named.str.contains("bits free").all()
