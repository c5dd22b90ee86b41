"""Which setting makes the difference: names of variants, their numbers, the page, the figure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from experiments.config.blocks import plan
from experiments.config.presets import PRESETS
from experiments.figures import ablation
from experiments.figures.variants import effects, rule, variants
from tests.figures.drawn import labels, marked, page_rows, panels
from tests.made_tables import DQN, HER, runs_of, together

TIMES = (2_000, 2_100, 2_200, 2_300, 2_400)
SLOW = tuple(3 * time for time in TIMES)
STOCK: dict[str, Any] = {"implementation": "stock", "relabel_done": False, "learner_reward": "r"}


def sweep(n: int = 10) -> list[pd.DataFrame]:
    """The default; SB3's own never solves; one that is slower, one that is not, one faster."""
    return [
        runs_of(HER, n, TIMES),
        runs_of(HER | STOCK, n, [None] * 5),
        runs_of(HER | {"learner_reward": "r"}, n, SLOW),
        runs_of(HER | {"goal_strategy": "final"}, n, [2_350, 2_050, 2_500, 2_150, 2_250]),
        runs_of(HER | {"network": "equivariant", "n_envs": 1}, n, [90, 80, 70, 60, 50]),
    ]


def variants_of(*parts: pd.DataFrame) -> pd.DataFrame:
    runs = variants(together(*parts))
    assert runs is not None
    return runs


def test_the_preset_is_an_ablation_with_short_names() -> None:
    # Of every size the preset has, with all that a configuration says of itself.
    parts = []
    for config in plan(PRESETS["ablation"].blocks, {"seed": (0,)}):
        fields = {name: str(value) for name, value in config.to_dict().items()}
        row = runs_of(HER, config.n, [2_000]).astype(object)
        row = row.assign(config_id=config.config_id, run_id=config.run_id)
        parts.append(row.assign(**{name: fields[name] for name in fields if name != "n"}))
    for _, group in variants_of(*parts).groupby("n"):
        names = set(group["variant"])
        assert len(names) == len(group)
        assert {
            *("default", "stock", "equivariant", "a goal per episode", "every goal relabelled"),
            *("done not recomputed", "learner sees r", "done not recomputed, learner sees r"),
            *("goal strategy final", "goal strategy episode", "gamma 0.98"),
            *("learner sees r, gamma 0.9", "done not recomputed, learner sees r, gamma 0.9"),
        } < names
        assert sum(name.startswith("hidden") for name in names) == len(names) - 13


def test_numbers_are_those_of_the_rows() -> None:
    table = effects(variants_of(*sweep())).set_index("variant")
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
    few = variants_of(*(part[part["seed"] < 3] for part in sweep()))
    assert set(effects(few)["verdict"]) == {"default", "unclear"}
    assert rule(few) == "Too few seeds to call a variant worse or better."
    some = variants_of(*sweep())
    others = some["variant"].nunique() - 1
    assert f"in 1 of 126 comparisons. There are {others} of them here" in rule(some)


def test_where_nothing_solves_the_success_rate_decides() -> None:
    expected = {
        "default": (0.25, {}, "default"),
        "goal strategy final": (0.1, {"goal_strategy": "final"}, "worse"),
        "goal strategy episode": (0.5, {"goal_strategy": "episode"}, "better"),
        "learner sees r": (0.25, {"learner_reward": "r"}, "unclear"),
        "a goal per episode": (0.25, {"goal_mode": "random"}, "unclear"),
    }
    runs = variants_of(
        *(
            runs_of(HER | change, 30, [None] * 5).assign(success_rate=rate)
            for rate, change, _ in expected.values()
        )
    )
    verdicts = effects(runs).set_index("variant")["verdict"].to_dict()
    assert verdicts == {name: verdict for name, (_, _, verdict) in expected.items()}


def test_unsolved_seeds_are_the_slowest() -> None:
    parts = sweep()
    parts[2].loc[:1, ["solved", "success_rate"]] = [False, 0.9]
    parts[2].loc[:1, "env_steps_to_solve"] = pd.NA
    parts[3].loc[0, "env_steps_to_solve"] = pd.NA  # between the last evaluation and the end
    rows = page_rows(ablation.page(together(*parts)))
    assert rows["learner sees r"][:3] == ["3/5", "0.960 (0.900)", "7,200 (x 3.3)"]
    assert rows["goal strategy final"][:2] == ["5/5", "1.000 (1.000)"]
    assert rows["stock"] == ["0/5", "0.250 (0.250)", "-", "worse at n = 10"]
    assert rows["**default**"] == ["5/5", "1.000 (1.000)", "2,200", "-"]
    figure = ablation.figure(together(*parts))
    left, right = panels(figure)
    assert [label.get_text() for label in left.get_yticklabels()][:1] == ["default"]
    assert len(np.concatenate(marked(right, "^", "x"))) == 7
    assert set(labels(figure)) == {
        *("default", "worse than the default in every seed", "better in every seed"),
        *("no clear difference", "unsolved"),
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
    assert ablation.figure(runs) is None
    assert ablation.page(runs) is None


def test_runs_that_say_little_are_drawn() -> None:
    runs = together(*sweep())
    for name in ("env_steps", "env_steps_to_solve", "budget_env_steps"):
        runs[name] = pd.Series([pd.NA] * len(runs), dtype="Int64")
    assert ablation.figure(runs) is not None
    assert page_rows(ablation.page(runs))["stock"][:3] == ["0/5", "0.250 (0.250)", "-"]
