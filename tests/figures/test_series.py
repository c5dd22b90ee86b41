"""Which runs are one line of a figure, what it is called, and under which protocol."""

from __future__ import annotations

from typing import Any

import pandas as pd

from experiments.figures.series import name_series, protocol
from experiments.records.schema import RUN_COLUMNS
from tests.made_plots import make


def series_of(*parts: pd.DataFrame) -> list[str]:
    return list(name_series(pd.concat(parts, ignore_index=True)).cat.categories)


def test_a_series_is_a_method_with_a_network() -> None:
    runs = make(networks=("mlp", "equivariant"))[0]
    runs["budget_env_steps"] = runs["n"] * 1_000  # by a rule of n: no reason to split
    assert series_of(runs) == [
        "DQN, equivariant",
        "DQN, mlp",
        "DQN + HER, equivariant",
        "DQN + HER, mlp",
    ]


def test_what_differs_at_one_n_joins_the_name() -> None:
    parts = [
        make(methods=("dqn",), n_envs=envs, budget_env_steps=budget)[0]
        for envs in (1, 64)
        for budget in (9_000, 10_000)
    ]
    assert series_of(*parts) == [
        f"DQN, mlp, parallel envs {envs}, budget {budget}"
        for envs in (1, 64)
        for budget in ("9,000", "10,000")
    ]
    hidden = [make(methods=("dqn",), sees_target=value)[0] for value in (True, False)]
    assert series_of(*hidden) == ["DQN, mlp, target not seen", "DQN, mlp, target seen"]


def test_a_line_keeps_its_name_where_part_of_a_grid_is_missing() -> None:
    parts = [make(methods=("dqn",), n_envs=envs)[0] for envs in (1, 64)]
    parts.append(make(sizes=(4,), methods=("dqn",), n_envs=4_096)[0])
    parts.append(make(sizes=(30,), methods=("dqn",), n_envs=1)[0])
    assert series_of(*parts) == [f"DQN, mlp, parallel envs {n}" for n in ("1", "64", "4,096")]


def test_an_ablation_names_what_departs_from_the_default() -> None:
    changes: tuple[dict[str, Any], ...] = (
        {},
        {"goal_mode": "random"},
        {"relabel_share": 1.0},
        {"relabel_done": False},
        {"implementation": "stock", "relabel_done": False},
    )
    parts = [make(methods=("her",), **({"relabel_share": 0.8} | change))[0] for change in changes]
    assert series_of(*parts) == [
        "DQN + HER, mlp",
        "DQN + HER, mlp, a goal per episode",
        "DQN + HER, mlp, done not recomputed",
        "DQN + HER, mlp, every goal relabelled",
        "DQN + HER, mlp, stock",
    ]


def test_configurations_that_no_column_tells_apart_go_by_their_names() -> None:
    runs = make(sizes=(4,), methods=("her",), seeds=2)[0]
    runs["config_id"] = ["a", "b"]
    assert series_of(runs) == ["DQN + HER, mlp, a", "DQN + HER, mlp, b"]


def test_the_protocol_says_what_was_run() -> None:
    assert protocol(make()[0]) == (
        "One fixed target; random starts; reward 1 at s and 0 elsewhere; horizon n; "
        "episodes end at s; 3 seeds; budget 40,000 env steps"
    )
    mixed = [
        make(seeds=1, max_steps=9, start="zeros", continuing_task=True)[0],
        make(seeds=1, max_steps=20, goal_mode="random", reward_type="hamming")[0],
    ]
    assert protocol(pd.concat(mixed)) == (
        "One fixed target or a new target each episode; random starts or starts at zeros; "
        "reward -distance/n or reward 1 at s and 0 elsewhere; horizon 9 to 20 steps; "
        "episodes end at s or episodes run to the horizon; 1 seed; budget 40,000 env steps"
    )
    required = [name for name, column in RUN_COLUMNS.items() if column.required]
    bare = make()[0].reindex(columns=required).reindex(columns=list(RUN_COLUMNS))
    assert protocol(bare) == "3 seeds"
