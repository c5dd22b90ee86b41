"""The largest n solved against compute: what is drawn, what is left out, on rows made by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.evaluation.dithering import dithering_env_steps
from experiments.figures import folder, frontier, joined, reach
from experiments.figures.folder import draw_folder
from experiments.figures.joined import Joined, points, read_rates
from experiments.records.tables import TableError
from tests.figures.drawn import heights, lines, page_rows, panels
from tests.made_rows import written
from tests.made_tables import DQN, HER, folder_with, runs_of, together

Times = Mapping[int, Sequence[int | None]]

TOLD = {**HER, "told": "s", "updates_per_env_step": 0.25}
NOT_TOLD = {**DQN, "told": "nothing", "updates_per_env_step": 0.25, "search": False}
REWARDED = {**NOT_TOLD, "replay": "rewarded"}
UNIFORM = {**NOT_TOLD, "replay": "uniform"}
SEARCH = {**REWARDED, "search": True}
SEARCHED = "packed search, then rewarded replay"

SIZES: Times = {8: (2_000, 3_000, 9_000), 12: (None, 40_000, 30_000), 16: (None, None, 5_000)}
FAR: Times = {20: (10**6, 2 * 10**6, 3 * 10**6), 40: (10**12, 2 * 10**12, 3 * 10**12)}
RATES = {"SB3's environment": 1e5, "packed search, GPU": 1e11}


def sweep(settings: Mapping[str, Any], sizes: Times, rate: float = 1_000.0) -> pd.DataFrame:
    runs = pd.concat([runs_of(settings, n, times) for n, times in sizes.items()])
    runs["seconds_to_solve"] = runs["env_steps_to_solve"].astype(float) / rate
    runs["train_seconds"] = runs["env_steps"].astype(float) / rate
    return runs


def learners(*parts: pd.DataFrame) -> pd.DataFrame:
    return points([("here", together(*parts))])


ALL = Joined(
    [
        ("search", together(sweep(SEARCH, FAR, 1e9))),
        ("frontier", together(sweep(REWARDED, SIZES), sweep(UNIFORM, {8: (50_000,), 12: (None,)}))),
        ("paper", together(sweep(TOLD, {50: (10_000, 20_000, 30_000)}))),
    ],
    RATES,
)


def along(axes: Axes, name: str) -> list[float]:
    return [float(at) for at in lines(axes)[name].get_xdata()]


def words(figure: Figure | None) -> list[str]:
    return [text.get_text() for axes in panels(figure) for text in axes.texts]


def test_a_point_is_an_n_that_more_than_half_of_the_seeds_solve() -> None:
    found = learners(sweep(REWARDED, SIZES)).set_index("n")
    assert found["env_steps"].to_dict() == {8: 3_000, 12: 40_000, 16: math.inf}
    assert found["seconds"].to_dict() == {8: 3, 12: 40, 16: math.inf}
    assert found["solved"].tolist() == [3, 2, 1]
    assert found["used_env_steps"].to_dict() == {8: 3_000, 12: 40_000, 16: 100_000}


def test_both_panels_have_the_same_n() -> None:
    left, right = panels(reach.figure(ALL))
    for axes, scale in ((left, 1.0), (right, 1e3)):
        some = lines(axes)
        np.testing.assert_array_equal(
            along(axes, "rewarded replay"), [3e3 / scale, 4e4 / scale, np.nan]
        )
        assert heights(some["rewarded replay"]).tolist() == [8, 12, 16]
        assert along(axes, "HER, told s") == [2e4 / scale]
        assert {name for name in some if name in joined.LEARNERS} == {
            *("HER, told s", SEARCHED, "rewarded replay", "uniform replay")
        }
    assert along(left, SEARCHED) == [2e6, 2e12]
    assert along(right, SEARCHED) == [2e-3, 2e3]
    assert (left.get_xlim(), right.get_xlim()) == ((1e3, 1e13), (1e-1, 1e6))
    assert left.get_ylim() == right.get_ylim()


def test_a_bar_ends_what_was_spent_in_vain() -> None:
    left, right = panels(reach.figure(ALL))
    for axes, end in ((left, 1e5), (right, 1e2)):
        bars = {
            heights(line)[0]: np.asarray(line.get_xdata(), dtype=float)[1]
            for line in axes.lines
            if line.get_marker() == "|"
        }
        assert bars == {12: end, 8: end}


def test_names_stand_at_their_lines_and_never_twice() -> None:
    said = words(reach.figure(ALL))
    for name in ("HER, told s", "packed search,\nthen rewarded replay", "uniform replay"):
        assert said.count(name) == 1
    assert "prioritized replay" not in said


def test_uniform_play_is_computed_at_each_rate() -> None:
    figure = reach.figure(ALL)
    left, right = panels(figure)
    assert along(left, "n = log2(steps)") == [1e3, 1e13]
    np.testing.assert_allclose(heights(lines(left)["n = log2(steps)"]), np.log2([1e3, 1e13]))
    for name, rate in RATES.items():
        line = dict(zip(heights(lines(right)[name]), along(right, name), strict=True))
        assert line[30] == pytest.approx(dithering_env_steps(30) / rate)
        for seconds in (60, 3_600, 86_400):
            n = reach.within(rate * seconds)
            assert dithering_env_steps(n) <= rate * seconds < dithering_env_steps(n + 1)
            assert f"{n}" in words(figure)
    assert "this environment" not in lines(right)


def test_the_page_has_the_same_numbers() -> None:
    rows = page_rows(reach.page(ALL))
    assert rows["n"] == [
        *("HER, told s (paper)", f"{SEARCHED} (search)"),
        *("rewarded replay (frontier)", "uniform replay (frontier)"),
    ]
    assert rows["12"] == ["", "", "2/3, 40,000, 40 s", "0/1, -"]
    assert rows["40"][1] == "3/3, 2,000,000,000,000, 2e+03 s"
    times = [f"{reach.within(1e5 * seconds)}" for seconds in (60, 3_600, 86_400)]
    assert rows["SB3's environment"] == ["100,000", *times]
    assert rows["log2(steps)"][0] == "10.0"
    assert rows["uniform policy"][-1] == f"{reach.within(1e13)}"


@pytest.mark.parametrize(
    "change",
    [
        {"goal_mode": "random"},
        {"withhold_reward": True},
        {"updates_per_env_step": 0.0},
        {"told": "nothing+one success"},
        {"told": "s"},
        {"network": "equivariant"},
        {"start": "zeros"},
        {"max_steps": 100},
        {"method": "qrdqn"},
        {"env": "BitSequenceAppend-v0"},
        {"parent": "dqn-mlp-n8-s0-0123456789"},
    ],
    ids=str,
)
def test_other_tasks_and_controls_are_left_out(change: dict[str, Any]) -> None:
    assert len(learners(sweep(REWARDED, SIZES))) == 3
    assert learners(sweep({**REWARDED, **change}, SIZES)).empty


def test_the_usual_configuration_stands_for_a_learner() -> None:
    others = [
        sweep({**REWARDED, **change}, {12: (1, 1, 1)})
        for change in ({"n_envs": 4_096}, {"exploration": "decay"}, {"gamma": 0.5})
    ]
    usual = {**REWARDED, "exploration": "spread", "gamma": 0.9}
    found = learners(*others, sweep(usual, SIZES))
    assert found["env_steps"].tolist() == [3_000, 40_000, math.inf]


def test_the_first_folder_that_has_a_learner_counts() -> None:
    tables = [
        (name, together(sweep(REWARDED, {8: (time,)}))) for name, time in (("a", 10), ("b", 20))
    ]
    for order in (tables, tables[::-1]):
        found = points(order)
        assert found["folder"].tolist() == [order[0][0]]


def test_tables_of_the_first_schema_are_read() -> None:
    old = {**DQN, "updates_per_env_step": 0.25}
    found = learners(
        sweep(old | {"sees_target": False}, SIZES),
        sweep(old | {"sees_target": True, "n_envs": 2}, SIZES),
        sweep(HER | {"updates_per_env_step": 0.25, "sees_target": True}, SIZES),
    )
    assert found["learner"].unique().tolist() == ["HER, told s", "uniform replay"]


def test_nothing_joined_and_nothing_known_is_not_drawn() -> None:
    nothing = Joined([("here", together(sweep(DQN | {"goal_mode": "random"}, SIZES)))], {})
    for held in (None, nothing):
        assert reach.figure(held) is None
        assert reach.page(held) is None
    assert reach.figure(nothing._replace(rates=RATES)) is not None
    assert reach.page(ALL._replace(rates={})) is not None
    assert "uniform play" not in words(reach.figure(ALL._replace(rates={})))


def test_a_search_is_no_frontier() -> None:
    sizes = {20: (10**9,) * 3, 24: (10**9,) * 3, 28: (10**9,) * 3}
    some = [sweep(SEARCH | {"n_envs": envs}, sizes) for envs in (1, 64)]
    assert frontier.figure(together(*some)) is None
    plain = [sweep(REWARDED | {"n_envs": envs}, sizes) for envs in (1, 64)]
    kept = frontier.parallel_runs(together(*some, *plain))
    assert kept is not None
    assert not kept["search"].any()


def rates_in(path: Path, **values: Sequence[Any]) -> Path:
    path.mkdir(exist_ok=True)
    rows = [
        {
            "contest": contest.replace("_", "-"),
            "side": "ours",
            "value": value,
            "unit": "env steps/s",
        }
        for contest, some in values.items()
        for value in some
    ]
    written(path / joined.RATES, rows)
    return path


def test_rates_are_medians_of_what_was_measured(tmp_path: Path) -> None:
    held = rates_in(tmp_path, search=[1e9, 4e9, 2e9], sample=[3.0], search_gpu=[0.0])
    assert read_rates(held) == {"packed search, 1 core": 2e9}


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but this figure is drawn."""
    for name in ("_FIGURES", "_PAGES"):
        monkeypatch.setattr(folder, name, {"reach": getattr(folder, name)["reach"]})


@pytest.mark.usefixtures("alone")
def test_folders_are_joined(tmp_path: Path) -> None:
    here, there = (
        folder_with(tmp_path / name, runs.drop(columns="series")) for name, runs in ALL.runs[:2]
    )
    speed = rates_in(tmp_path / "speed", vector=[1e6])
    assert draw_folder(here) == []
    paths = draw_folder(here, [there, speed])
    assert [path.name for path in paths] == ["reach.png", "reach.svg", "reach.md"]
    assert {path.parent.parent for path in paths[:2]} == {here} == {paths[2].parent}
    rows = page_rows(paths[2].read_text())
    assert rows["n"] == [
        f"{SEARCHED} (search)",
        "rewarded replay (frontier)",
        "uniform replay (frontier)",
    ]
    assert rows["this environment"][0] == "1,000,000"
    (there / "planned.txt").write_text("one\ntwo\n")
    draw_folder(here, [there, speed])
    assert "of this sweep, 2 missing" in paths[2].read_text()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none", None, "beside: is no folder; name one that has runs.csv or benchmark_repeats.csv"),
        ("notes.txt", "", "beside: has neither runs.csv nor benchmark_repeats.csv"),
        ("runs.csv", "run_id\n", r"runs.csv, line 1, column 'config_id': is missing"),
        (joined.RATES, "contest,side\n", "column 'value': is missing"),
        (joined.RATES, "contest,side,value\nsearch,ours,fast\n", "line 2, column 'value'.*'fast'"),
    ],
    ids=["none", "neither", "runs", "column", "rate"],
)
def test_what_is_wrong_beside_is_named_and_nothing_written(
    tmp_path: Path, name: str, content: str | None, message: str
) -> None:
    here = folder_with(tmp_path / "here", ALL.runs[0][1].drop(columns="series"))
    before = sorted(tmp_path.rglob("*"))
    if content is not None:
        (tmp_path / "beside").mkdir()
        (tmp_path / "beside" / name).write_text(content)
        before = sorted(tmp_path.rglob("*"))
    with pytest.raises(TableError, match=message):
        draw_folder(here, [tmp_path / "beside"])
    assert sorted(tmp_path.rglob("*")) == before
