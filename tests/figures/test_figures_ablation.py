"""Which setting makes the difference: names of variants, their numbers, the page, the figure."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from experiments import plot
from experiments.config.presets import PRESETS, plan
from experiments.config.run import RunConfig
from experiments.figures import ablation, ablation_figure, series
from experiments.records.tables import read_runs
from tests.made_tables import DQN, HER, folder_with, runs_of, together

TIMES = (2_000, 2_100, 2_200, 2_300, 2_400)
SLOW = tuple(3 * time for time in TIMES)
STOCK: dict[str, Any] = {"implementation": "stock", "relabel_done": False, "learner_reward": "r"}


def sweep(n: int = 10) -> list[pd.DataFrame]:
    """The default; SB3's own never solves; one that is slower, one that is not, one faster."""
    return [
        runs_of(HER, n, TIMES),
        runs_of(HER | STOCK | {"hidden": "256"}, n, [None] * 5).drop(columns="hidden"),
        runs_of(HER | {"learner_reward": "r"}, n, SLOW),
        runs_of(HER | {"goal_strategy": "final"}, n, [2_350, 2_050, 2_500, 2_150, 2_250]),
        runs_of(HER | {"network": "equivariant", "n_envs": 1}, n, [90, 80, 70, 60, 50]),
    ]


def page_rows(text: str) -> dict[str, list[str]]:
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    return {line[0]: line[1:] for line in lines[2:]}


def test_variants_are_named_after_what_departs() -> None:
    runs = ablation.variants(together(*sweep(10), *sweep(20)))
    assert runs is not None
    names = ["default", "stock", "learner sees r", "goal strategy final", "equivariant"]
    assert list(runs["variant"].unique()) == names
    assert len(runs) == 50


def test_the_preset_is_an_ablation_with_short_names(tmp_path: Path) -> None:
    # Of every size the preset has, with all that a configuration says of itself.
    parts = []
    for config in plan(PRESETS["ablation"].blocks, {"seed": (0,)}):
        fields = {name: str(value) for name, value in config.to_dict().items()}
        known = read_runs(folder_with(tmp_path, runs_of(HER, config.n, [2_000])) / "runs.csv")
        row = known.assign(config_id=config.config_id, run_id=config.run_id).astype(object)
        parts.append(row.assign(**{name: fields[name] for name in fields if name != "n"}))
    runs = ablation.variants(pd.concat(parts, ignore_index=True))
    assert runs is not None
    for _, group in runs.groupby("n"):
        names = set(group["variant"])
        assert len(names) == len(group)
        assert {
            *("default", "stock", "equivariant", "a goal per episode", "every goal relabelled"),
            *("done not recomputed", "learner sees r", "done not recomputed, learner sees r"),
            *("goal strategy final", "goal strategy episode", "gamma 0.98"),
            *("learner sees r, gamma 0.9", "done not recomputed, learner sees r, gamma 0.9"),
        } < names
        assert sum(name.startswith("hidden") for name in names) == len(names) - 13


def test_what_follows_from_a_setting_is_known() -> None:
    # A default that comes to depend on another setting has to be told to the names of series.
    base = RunConfig.of(n=30)
    others: dict[str, Any] = {
        **{"implementation": "stock", "network": "equivariant", "goal_mode": "random"},
        **{"n_envs": 16, "max_steps": 40, "budget_env_steps": 70_000, "start": "zeros"},
        **{"reward_type": "minus_one_zero", "continuing_task": True, "updates_per_env_step": 0.5},
        **{"goal_strategy": "final", "relabel_share": 0.5, "full_budget": True, "gamma": 0.9},
    }
    for name, value in others.items():
        changed = RunConfig.of(**{"n": 30, name: value})
        differing = {
            field.name
            for field in dataclasses.fields(RunConfig)
            if getattr(changed, field.name) != getattr(base, field.name)
        }
        assert differing - {name} <= series._following([name]), name


def test_numbers_are_those_of_the_rows() -> None:
    runs = ablation.variants(together(*sweep()))
    assert runs is not None
    table = ablation.effects(runs).set_index("variant")
    assert list(table.index) == [
        *("default", "equivariant", "goal strategy final", "learner sees r", "stock")
    ]
    assert table["verdict"].tolist() == ["default", "better", "unclear", "worse", "worse"]
    assert table["solved"].tolist() == [5, 5, 5, 5, 0]
    assert table["steps"].tolist()[:4] == [2_200, 70, 2_250, 6_600]
    assert table["steps"].isna().tolist() == [False] * 4 + [True]
    assert table.loc["learner sees r", "ratio"] == 3.0
    assert table.loc["stock", "success_rate_mean"] == 0.25


def test_few_seeds_are_no_verdict() -> None:
    few = [part[part["seed"] < 3] for part in sweep()]
    runs = ablation.variants(together(*few))
    assert runs is not None
    assert set(ablation.effects(runs)["verdict"]) == {"default", "unclear"}
    assert ablation.rule(runs) == "Too few seeds to call a variant worse or better."
    whole = ablation.variants(together(*sweep()))
    assert whole is not None
    assert "in 1 of 126 comparisons" in ablation.rule(whole)


def test_where_nothing_solves_the_success_rate_decides() -> None:
    changes: tuple[dict[str, Any], ...] = (
        {},
        {"goal_strategy": "final"},
        {"goal_strategy": "episode"},
        {"learner_reward": "r"},
        {"goal_mode": "random"},
    )
    parts = [runs_of(HER | change, 30, [None] * 5) for change in changes]
    parts[1]["success_rate"], parts[2]["success_rate"] = 0.1, 0.5
    runs = ablation.variants(together(*parts))
    assert runs is not None
    verdicts = ablation.effects(runs).set_index("variant")["verdict"]
    assert verdicts.to_dict() == {
        **{"default": "default", "goal strategy final": "worse"},
        **{"goal strategy episode": "better", "learner sees r": "unclear"},
        "a goal per episode": "unclear",
    }


def test_solved_on_the_way_is_told_from_never_and_from_at_last() -> None:
    parts = sweep()
    parts[2].loc[:1, ["solved", "success_rate"]] = [False, 0.9]  # once, and lost again
    parts[3].loc[0, "env_steps_to_solve"] = pd.NA  # between the last evaluation and the end
    rows = page_rows(ablation.page(together(*parts)) or "")
    assert rows["learner sees r"][:3] == ["3/5 (5)", "0.960 (0.900)", "7,200 (x 3.3)"]
    assert rows["goal strategy final"][:2] == ["5/5", "1.000 (1.000)"]
    assert rows["stock"] == ["0/5", "0.250 (0.250)", "-", "worse at n = 10"]
    assert rows["**default**"] == ["5/5", "1.000 (1.000)", "2,200", "-"]
    figure = ablation_figure.ablation(together(*parts))
    assert figure is not None
    left, right = figure.subfigs[0].axes
    assert [label.get_text() for label in left.get_yticklabels()][:1] == ["default"]
    marked = {
        marker: np.concatenate(
            [np.asarray(line.get_xdata()) for line in right.lines if line.get_marker() == marker]
        ).tolist()
        for marker in "x^"
    }
    assert sorted(marked["x"]) == [6_000, 6_300]
    assert len(marked["^"]) == 7
    (legend,) = figure.legends
    assert {text.get_text() for text in legend.get_texts()} == {
        *("default", "worse than the default in every seed", "better in every seed"),
        *("no clear difference", "unsolved", "solved once, not at the end"),
    }


@pytest.mark.parametrize(
    "parts",
    [
        [runs_of(HER, 10, TIMES), runs_of(HER | STOCK, 10, TIMES)],  # which is the default?
        [
            runs_of(HER | {"learner_reward": reward, "goal_strategy": goals}, 10, TIMES)
            for reward in ("r", "r-1")
            for goals in ("future", "final")
        ],
        [runs_of(DQN | {"n_envs": envs, "tau": 1}, 10, TIMES) for envs in (1, 2, 4)],
    ],
    ids=["two", "grid", "dqn"],
)
def test_other_sweeps_have_no_such_figure(parts: list[pd.DataFrame]) -> None:
    runs = together(*parts)
    assert ablation_figure.ablation(runs) is None
    assert ablation.page(runs) is None


def test_files_appear_with_settings_from_the_summary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = HER | {"hidden": "256", "gamma": "0.995"}
    parts = [runs_of(usual | {"hidden": hidden}, 10, TIMES) for hidden in ("64", "256", "1024")]
    parts += [runs_of(usual | {"gamma": "0.98"}, 10, SLOW)]
    parts += [runs_of(usual | {"goal_strategy": "final"}, 10, SLOW)]
    there = folder_with(tmp_path, pd.concat(parts, ignore_index=True))
    only = [entry for entry in plot._FIGURES if entry[0] == "ablation"]
    monkeypatch.setattr(plot, "_FIGURES", only)
    paths = plot.plot(there)
    assert [path.name for path in paths] == ["ablation.png", "ablation.svg", "ablation.md"]
    first = [path.read_bytes() for path in paths]
    assert [path.read_bytes() for path in plot.plot(there)] == first
    text = (there / "ablation.md").read_text()
    assert "](figures/ablation.png)" in text
    assert set(page_rows(text)) == {
        *("**default**", "hidden 64", "hidden 1,024", "gamma 0.98", "goal strategy final")
    }
    assert page_rows(text)["gamma 0.98"][-1] == "worse at n = 10"


def test_runs_that_say_little_are_drawn() -> None:
    runs = together(*sweep())
    for name in ("env_steps", "env_steps_to_solve", "budget_env_steps"):
        runs[name] = pd.Series([pd.NA] * len(runs), dtype="Int64")
    assert ablation_figure.ablation(runs) is not None
    assert "| stock | 0/5 | 0.250 (0.250) | - |" in (ablation.page(runs) or "")
