"""The benchmark's ratios, verdicts, tables and figures, on figures made by hand."""

from __future__ import annotations

import dataclasses
import typing
from pathlib import Path
from typing import Any

import pytest

from experiments import benchmark
from experiments.benchmarks import figure, limits, page, rows, scale_figure, scaling, tables
from experiments.benchmarks.learners import setting
from experiments.benchmarks.measuring import (
    Contest,
    Measured,
    Repeat,
    Row,
    Side,
    judge,
    measure,
    rate,
)
from experiments.records.tables import TableError
from tests.made_repeats import FASTER, SMALLER, against, repeats_of


def test_sides_are_measured_in_turn() -> None:
    order: list[tuple[str, int]] = []

    def side(name: str) -> Side:
        def record(number: int) -> Measured:
            order.append((name, number))
            return Measured(number)

        return Side(record)

    both = {"a": side("a"), "b": side("b")}
    contest = Contest(name="turns", unit="s", sides=lambda: both, repeats=3)
    assert len(list(measure(contest))) == 6
    assert order == [("a", 0), ("b", 0), ("b", 1), ("a", 1), ("a", 2), ("b", 2)]
    order.clear()
    list(measure(dataclasses.replace(contest, alternate=False), 2))
    assert order == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]


def test_a_rate_counts_what_was_done() -> None:
    done: list[int] = []

    def chunk() -> int:
        done.append(7)
        return 7

    found = rate(chunk, 0.01)
    assert found.value <= sum(done) / 0.01
    assert rate(lambda: 5, 0.0).value > 0


@pytest.mark.parametrize(
    ("row", "repeats", "ratio", "verdict"),
    [
        (FASTER, against([1, 1, 1], [3, 1, 2]), 2, "met"),
        (FASTER, against([1, 2, 1], [1.9, 4.2, 1.9]), 1.9, "missed"),
        (FASTER, against([4, 6], [2, 2], unit="steps/s"), 2.5, "met"),
        (FASTER, against([1, 1], [10, 1.5], bound=True), 5.75, "met"),
        (SMALLER, against([1.2], [1]), 1.2, "met"),
        (SMALLER, against([1.4], [1]), 1.4, "missed"),
        (dataclasses.replace(SMALLER, other=None), repeats_of("ours", [1.3]), 1.3, "met"),
        (dataclasses.replace(FASTER, within=1.0), against([1.5], [4.5]), 3, "missed"),
        (dataclasses.replace(FASTER, within=2.0), against([1.5], [4.5]), 3, "met"),
        (FASTER, [], None, "unmeasured"),
        (FASTER, repeats_of("stock", [1.0]), None, "unmeasured"),
    ],
)
def test_verdicts(row: Row, repeats: list[Repeat], ratio: float | None, verdict: str) -> None:
    outcome = judge(row, repeats)
    assert outcome.ratio == pytest.approx(ratio)
    assert outcome.verdict == verdict


def test_ratios_are_taken_within_a_repeat() -> None:
    # A slow moment that both sides shared is no difference between them.
    outcome = judge(FASTER, against([1, 10, 100], [3, 30, 300]))
    assert (outcome.low, outcome.ratio, outcome.high) == pytest.approx((3, 3, 3))


def test_who_was_stopped_gives_a_lower_bound() -> None:
    assert judge(FASTER, against([1, 1], [10, 10], bound=True)).at_least
    assert not judge(FASTER, against([1, 1], [10, 10])).at_least
    late = against([1, 1], [3, 3]) + repeats_of("ours", [1], at_least=True)
    half = [*repeats_of("stock", [10, 3, 2]), *repeats_of("ours", [1, 1, 1])]
    assert judge(FASTER, late[1:]).ratio == 1.5  # the first is now one that never solved: 0 and 3
    assert judge(FASTER, half).ratio == 3


def test_a_peer_may_be_the_aim() -> None:
    row = dataclasses.replace(FASTER, aim="sbx")
    repeats = against([5, 5], [2, 2], unit="steps/s")
    assert judge(row, repeats).aim is None
    assert page.aim_shown(judge(row, repeats)) == "unmeasured (SBX)"
    with_peer = judge(row, repeats + repeats_of("sbx", [8, 6], unit="steps/s"))
    assert with_peer.aim == 3.5
    assert page.aim_shown(with_peer) == "3.5 (SBX)"


# What is asked.


def test_every_row_asks_a_contest_and_every_contest_can_be_named() -> None:
    names = [contest.name for contest in rows.CONTESTS]
    assert sorted(set(names)) == sorted(names)
    assert set(typing.get_args(benchmark.ContestName)) == set(names)
    assert {row.contest for row in rows.ROWS} <= set(names)
    assert set(typing.get_args(benchmark.PanelName)) == {panel.name for panel in scaling.PANELS}
    assert len({(row.what, row.peer) for row in rows.ROWS}) == len(rows.ROWS) == 14


def test_goals_and_aims() -> None:
    asked = [(row.contest, row.goal, row.aim) for row in rows.ROWS if row.contest[:3] != "gpu"]
    assert asked == [
        ("vector", 400, 600),
        ("single", 3, 5),
        ("one-env", 1.7, 2),
        ("many-envs", 2, "sbx"),
        ("sample", 1.3, 1),
        ("solve-mlp", 5, 10),
        ("solve-equivariant", 1.5, 2),
        ("paper", 60, 30),
    ]
    gpu = [(row.goal, row.aim) for row in rows.ROWS if row.contest[:3] == "gpu"]
    assert gpu == [(5, 10), (1, None)] * 3
    assert [row.at_most for row in rows.ROWS].count(True) == 2
    assert all("at most" in row.what for row in rows.ROWS if row.at_most)


# The files.


def test_the_table_has_exactly_its_columns() -> None:
    bound = judge(FASTER, against([1, 1], [10, 10], bound=True))
    table = tables.outcome_table([bound, judge(SMALLER, [])])
    assert list(table) == ["what", "peer", "ratio", "goal", "aim", "verdict"]
    assert table["ratio"].tolist()[0] == 10
    assert table["ratio"].isna().tolist() == [False, True]
    assert table["verdict"].tolist() == ["met", "unmeasured"]


@pytest.mark.parametrize(
    ("change", "column"), [({"verdict": "won"}, "verdict"), ({"ratio": -1.0}, "ratio")]
)
def test_a_table_that_cannot_be_is_refused(change: dict[str, Any], column: str) -> None:
    outcome = dataclasses.replace(judge(FASTER, against([1], [3])), **change)
    with pytest.raises(TableError, match=column):
        tables.outcome_table([outcome])
    with pytest.raises(TableError, match="must have the columns"):
        tables.checked(tables.repeat_table([]), tables.COLUMNS, "made.csv")


def test_every_repeat_is_kept_beside_its_median_and_its_machine() -> None:
    table = tables.repeat_table(against([1, 2, 9], [3, 3, 3]))
    assert table["value"].tolist() == [1, 2, 9, 3, 3, 3]
    assert table["median"].tolist() == [2, 2, 2, 3, 3, 3]
    assert set(table["unit"]) == {"s"}
    assert "torch" in table["versions"][0]
    assert table["processor"].str.len().min() > 0
    assert len(table["date"][0]) == len("2026-01-01")


def test_the_page_tells_the_ratios_the_figures_and_what_is_missing() -> None:
    repeats = against([1, 1], [10, 10], bound=True)
    found = [judge(FASTER, repeats), judge(SMALLER, [], "no such thing here")]
    text = page.page(found, repeats)
    assert "| faster | another | ≥ 10x | 10 to 10 | 2 | 4 | met | 1 s | 10 s |" in text
    assert "Unmeasured: no such thing here." in text
    assert "| smaller (at most) | another | - | - | 1.3 | 1 | unmeasured | - | - |" not in text
    assert "Written by experiments.benchmark" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(48_482_270.4, "48,482,270"), (3.14159, "3.14"), (0.0312, "0.0312"), (400, "400"), (0, "0")],
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert page.significant(value) == text


# The figures.


def test_every_row_is_drawn() -> None:
    found = [
        judge(FASTER, against([1, 1], [10, 10], bound=True)),
        judge(FASTER, against([1, 1], [1, 1])),
        judge(SMALLER, against([1], [1])),
        judge(FASTER, [], "no GPU here"),
    ]
    axes = figure.benchmark(found).subfigs[0].axes[0]
    texts = [text.get_text() for text in axes.texts]
    assert {"≥ 10x", "1x", "-", "no GPU here", "against another"} <= set(texts)
    assert texts.count("goal 2, aim 4") == 3
    places = {line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"}  # type: ignore[index]
    assert places == {5.0, 0.5, 1.3}


def test_panels_are_drawn_from_the_table_alone() -> None:
    copies = repeats_of("this project", [1e6, 2e6], contest="copies", unit="env steps/s")
    seconds = repeats_of("HER, mlp", [9, 8], contest="seconds", at_least=True)
    table = tables.scale_table([(1, copies[0]), (4, copies[1]), (5, seconds[0]), (5, seconds[1])])
    assert table["median"].tolist() == [1e6, 2e6, 8.5, 8.5]
    drawn = scale_figure.scale(table)
    assert drawn is not None
    titles = [axes.get_title(loc="left") for axes in drawn.subfigs[0].axes]
    assert titles == ["Environment: copies, n = 30", "Seconds to solve"]
    markers = [line.get_marker() for line in drawn.subfigs[0].axes[1].lines]
    assert "^" in markers
    assert scale_figure.scale(table[table["panel"] == "none"]) is None


# The machine's limits.


def test_operations_of_an_update() -> None:
    # Layers 60 x 256 and 256 x 30: three products with each, and one more with the second.
    expected = 2 * 128 * (3 * (60 * 256 + 256 * 30) + 256 * 30)
    assert limits.update_flops(setting()) == expected
    assert limits.step_bytes(30) == 150


def test_shares_of_the_limits_need_both_figures() -> None:
    sgemm = repeats_of(limits.SQUARE, [50.0], contest="sgemm", unit="GFLOP/s")
    names = [repeat.side for repeat in limits.derived(sgemm)]
    assert names == ["an update", "an environment step", "updates, at most"]
    updates = repeats_of("ours", [500.0], contest="updates", unit="updates/s")
    (share,) = (r for r in limits.derived(sgemm + updates) if r.unit == "%")
    assert share.measured.value == pytest.approx(100 * 500 * limits.update_flops(setting()) / 50e9)


def test_what_is_measured_anew_costs_no_other_row(tmp_path: Path) -> None:
    """Figures of another day and machine keep their stamp; those of the same contest go."""
    stamp = {"device_name": "a", "processor": "b", "versions": "c", "date": "2020-01-01"}
    old = [
        dataclasses.replace(repeat, stamp=stamp)
        for contest in ("vector", "single", limits.NAME)
        for repeat in repeats_of("ours", [1.0, 2.5], contest=contest, at_least=True)
    ]
    tables.repeat_table(old).to_csv(tmp_path / tables.REPEATS, index=False)
    assert benchmark._kept(tmp_path, {"vector"}) == old[2:4]
    again = tables.repeat_table([*old[2:4], *repeats_of("ours", [3.0], contest="vector")])
    assert again["date"].tolist()[:2] == ["2020-01-01"] * 2
    assert again["date"].iloc[2] > "2026"
    assert benchmark._kept(tmp_path / "new", {"vector"}) == []
