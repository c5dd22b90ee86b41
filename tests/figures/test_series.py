"""Which runs are one line of a figure, what it is called, and under which protocol."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from experiments.figures.protocol import protocol
from experiments.records.schema import RUN_COLUMNS
from tests.made_tables import comparison_of, together


def dqn(**settings: Any) -> pd.DataFrame:
    return comparison_of(methods=("dqn",), **settings)


def her(**settings: Any) -> pd.DataFrame:
    return comparison_of(methods=("her",), **({"relabel_share": 0.8} | settings))


BOTH = comparison_of(networks=("mlp", "equivariant"))
BY_RULE = BOTH.assign(budget_env_steps=BOTH["n"] * 1_000)  # no reason to split
TWINS = comparison_of((4,), 2, methods=("her",)).assign(config_id=["a", "b"])


@pytest.mark.parametrize(
    ("parts", "names"),
    [
        (
            [BY_RULE],
            ["DQN, equivariant", "DQN, mlp", "DQN + HER, equivariant", "DQN + HER, mlp"],
        ),
        (
            [dqn(n_envs=e, budget_env_steps=b) for e in (64, 1) for b in (10_000, 9_000)],
            [
                f"DQN, mlp, parallel envs {e}, budget {b}"
                for e in (1, 64)
                for b in ("9,000", "10,000")
            ],
        ),
        (
            [dqn(sees_target=value) for value in (True, False)],
            ["DQN, mlp, target not seen", "DQN, mlp, target seen"],
        ),
        (  # a line keeps its name where part of the grid is missing
            [
                *(dqn(n_envs=envs) for envs in (1, 64)),
                *(dqn(sizes=(4,), n_envs=4_096), dqn(sizes=(30,), n_envs=1)),
            ],
            [f"DQN, mlp, parallel envs {n}" for n in ("1", "64", "4,096")],
        ),
        (  # a grid, and at one of its sizes one setting at a time; what has no share has no name
            [
                *(dqn(replay=kind) for kind in ("uniform", "prioritized")),
                dqn(sizes=range(4, 12), replay="rewarded", replay_share="0.1"),
                dqn(sizes=(4,), replay="rewarded", replay_share="0.5"),
                dqn(sizes=(4,), replay="rewarded", replay_share="0.1", n_envs=1),
            ],
            [
                "DQN, mlp, parallel envs 1, replay rewarded",
                *(f"DQN, mlp, replay {kind}" for kind in ("prioritized", "rewarded")),
                "DQN, mlp, replay rewarded, replay share 0.5",
                "DQN, mlp, replay uniform",
            ],
        ),
        (  # an ablation
            [
                *(her(), her(goal_mode="random"), her(relabel_share=1.0), her(relabel_done=False)),
                her(implementation="stock", relabel_done=False),
            ],
            [
                *("DQN + HER, mlp", "DQN + HER, mlp, a goal per episode"),
                "DQN + HER, mlp, done not recomputed",
                *("DQN + HER, mlp, every goal relabelled", "DQN + HER, mlp, stock"),
            ],
        ),
        ([TWINS], ["DQN + HER, mlp, a", "DQN + HER, mlp, b"]),
    ],
    ids=["method", "grid", "named", "gaps", "settings", "ablation", "twins"],
)
def test_names(parts: list[pd.DataFrame], names: list[str]) -> None:
    assert list(together(*parts)["series"].cat.categories) == names


MIXED = [
    comparison_of(seeds=1, max_steps=9, start="zeros", continuing_task=True),
    comparison_of(seeds=1, max_steps=20, goal_mode="random", reward_type="hamming"),
]
REQUIRED = [name for name, column in RUN_COLUMNS.items() if column.required]


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        (
            comparison_of(),
            "One fixed target; random starts; reward 1 at s and 0 elsewhere; horizon n; "
            "episodes end at s; 3 seeds; budget 40,000 env steps",
        ),
        (
            pd.concat(MIXED),
            "One fixed target or a new target each episode; random starts or starts at zeros; "
            "reward -distance/n or reward 1 at s and 0 elsewhere; horizon 9 to 20 steps; "
            "episodes end at s or episodes run to the horizon; 1 seed; budget 40,000 env steps",
        ),
        (comparison_of().reindex(columns=REQUIRED).reindex(columns=list(RUN_COLUMNS)), "3 seeds"),
    ],
    ids=["one", "mixed", "bare"],
)
def test_the_protocol_says_what_was_run(runs: pd.DataFrame, said: str) -> None:
    assert protocol(runs) == said
