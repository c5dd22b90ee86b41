"""The benchmark's ratios, verdicts, tables and figures, on figures made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from experiments.benchmarks import limits, ratio_figure, ratio_table, running, scaling
from experiments.benchmarks.learner_speed import setting
from experiments.benchmarks.measuring import Contest, Measured, Side, measure, rate
from experiments.benchmarks.repeats import REPEATS, Repeat, repeat_table, stamp
from experiments.benchmarks.rows import CONTESTS, ROWS
from experiments.benchmarks.verdicts import Row, judge
from experiments.records.tables import TableError

FASTER = Row("made", "faster", "another", goal=2, aim=4)
SMALLER = Row("made", "smaller (at most)", "another", goal=1.3, aim=1, at_most=True)


def repeats_of(
    side: str, values: Sequence[float], contest: str = "made", unit: str = "s", bound: bool = False
) -> list[Repeat]:
    return [
        Repeat(contest, side, number, value, bound, unit, "cpu", *stamp("cpu"))
        for number, value in enumerate(values)
    ]


def against(ours: Sequence[float], theirs: Sequence[float], **further: Any) -> list[Repeat]:
    return repeats_of("ours", ours) + repeats_of("stock", theirs, **further)


STEPS = repeats_of("ours", [4, 6], unit="steps/s") + repeats_of("stock", [2, 2], unit="steps/s")
NEVER = repeats_of("ours", [1, 1], bound=True)[1:]
STOPPED = against([1, 1], [10, 10], bound=True)


def test_sides_are_measured_in_turn() -> None:
    order: list[str] = []

    def side(name: str) -> Side:
        def record(number: int) -> Measured:
            order.append(f"{name}{number}")
            return Measured(number)

        return Side(record)

    contest = Contest("s", lambda: {"a": side("a"), "b": side("b")}, repeats=3)
    assert len(list(measure("turns", contest))) == 6
    list(measure("turns", contest._replace(alternate=False), 2))
    assert " ".join(order) == "a0 b0 b1 a1 a2 b2 a0 b0 a1 b1"


def test_a_rate_counts_what_was_done() -> None:
    done: list[int] = []

    def chunk() -> int:
        done.append(7)
        return 7

    assert 0 < rate(chunk, 0.01).value <= sum(done) / 0.01
    assert rate(lambda: 5, 0.0).value > 0


@pytest.mark.parametrize(
    ("row", "repeats", "ratio", "verdict"),
    [
        (FASTER, against([1, 1, 1], [3, 1, 2]), 2, "met"),
        (FASTER, against([1, 2, 1], [1.9, 4.2, 1.9]), 1.9, "missed"),
        (FASTER, STEPS, 2.5, "met"),
        (FASTER, against([1, 1], [10, 1.5], bound=True), 5.75, "met"),
        (FASTER, repeats_of("ours", [1], "another"), None, "unmeasured"),
        # A slow moment that both sides shared is no difference between them.
        (FASTER, against([1, 10, 100], [3, 30, 300]), 3, "met"),
        # The last of ours never solved its task: ratios of 3 and 0.
        (FASTER, against([1], [3, 3]) + NEVER, 1.5, "missed"),
        (SMALLER, against([1.2], [1]), 1.2, "met"),
        (SMALLER, against([1.4], [1]), 1.4, "missed"),
        (replace(SMALLER, other=None), repeats_of("ours", [1.3]), 1.3, "met"),
        (replace(FASTER, within=1.0), against([1.5], [4.5]), 3, "missed"),
        (replace(FASTER, within=2.0), against([1.5], [4.5]), 3, "met"),
        (FASTER, [], None, "unmeasured"),
        (FASTER, repeats_of("stock", [1.0]), None, "unmeasured"),
    ],
)
def test_verdicts(row: Row, repeats: list[Repeat], ratio: float | None, verdict: str) -> None:
    outcome = judge(row, repeats)
    assert outcome.ratio == pytest.approx(ratio)
    assert outcome.verdict == verdict


def test_who_was_stopped_gives_a_lower_bound() -> None:
    assert judge(FASTER, STOPPED).at_least
    assert not judge(FASTER, against([1, 1], [10, 10])).at_least


def test_a_peer_may_be_the_aim() -> None:
    for peer, aim in (([], "unmeasured (SBX)"), ([8, 6], "3.5 (SBX)")):
        repeats = STEPS + repeats_of("sbx", peer, unit="steps/s")
        outcome = judge(replace(FASTER, aim="sbx"), repeats)
        assert ratio_table.words(outcome)["aim"] == aim


def test_goals_and_aims() -> None:
    asked = ", ".join(f"{row.contest} {row.goal:g} {row.aim}" for row in ROWS[:8])
    assert asked == (
        "vector 400 600, single 3 5, one-env 1.7 2, many-envs 2 sbx, sample 1.3 1, "
        "solve-mlp 5 10, solve-equivariant 1.5 2, paper 60 30"
    )
    assert [(row.goal, row.aim) for row in ROWS[8:]] == [(5, 10), (1, None)] * 3
    assert {row.contest for row in ROWS} <= set(CONTESTS)
    assert len({(row.what, row.peer) for row in ROWS}) == len(ROWS)
    assert [row.at_most for row in ROWS] == ["at most" in row.what for row in ROWS]


def test_what_is_unmeasured_has_no_ratio_in_the_table() -> None:
    table = ratio_table.ratio_table([judge(FASTER, STOPPED), judge(SMALLER, [])])
    assert table["ratio"].tolist()[:1] == [10]
    assert table["ratio"].isna().tolist() == [False, True]
    assert table["verdict"].tolist() == ["met", "unmeasured"]


def test_every_repeat_is_kept_beside_its_median_and_its_machine() -> None:
    table = repeat_table(against([1, 2, 9], [3, 3, 3]))
    assert table["value"].tolist() == [1, 2, 9, 3, 3, 3]
    assert table["median"].tolist() == [2, 2, 2, 3, 3, 3]
    assert "torch" in table["versions"][0]
    assert table["processor"].str.len().min() > 0
    assert len(table["date"][0]) == len("2026-01-01")
    assert list(repeat_table([])) == list(table)


def test_what_is_measured_anew_costs_no_other_row(tmp_path: Path) -> None:
    """Figures of another day and machine keep their stamp; those of the same contest go."""
    old = [
        repeat._replace(device_name="a", processor="b", versions="c", date="2020-01-01")
        for contest in ("vector", "single", "sgemm", limits.NAME)
        for repeat in repeats_of(limits.SQUARE, [1.0, 2.5], contest=contest, bound=True)
    ]
    assert running.kept(tmp_path, {"vector"}) == []
    path = tmp_path / REPEATS
    repeat_table(old).to_csv(path, index=False)
    assert running.kept(tmp_path, {"vector"}) == old[2:6]
    assert {repeat.date for repeat in limits.derived(old)} == {"2020-01-01"}
    path.write_text(path.read_text().replace("2.5,True", "fast,True"))
    with pytest.raises(TableError, match=r"line 3, column 'value': .* got 'fast'"):
        running.kept(tmp_path, {"vector"})


def test_the_page_tells_the_ratios_the_figures_and_what_is_missing() -> None:
    found = [judge(FASTER, STOPPED), judge(SMALLER, [], "no such thing here")]
    text = ratio_table.page(found, [*STOPPED, *repeats_of("of it", [5], contest="more")])
    assert "| faster | another | ≥ 10x | 10 to 10 | 2 | 4 | met | 1 s | 10 s |" in text
    assert "| smaller (at most) | another | - | - | 1.3 | 1 | unmeasured | 1 s | 10 s |" in text
    assert "Unmeasured: no such thing here." in text
    assert "| more | of it | 5 | s |" in text
    assert "Written by experiments.benchmark" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(48_482_270.4, "48,482,270"), (3.14159, "3.14"), (0.0312, "0.0312"), (400, "400"), (0, "0")],
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert ratio_table.significant(value) == text


def test_every_row_is_drawn() -> None:
    found = [
        judge(FASTER, STOPPED),
        judge(FASTER, against([1, 1], [1, 1])),
        judge(SMALLER, against([1], [1])),
        judge(FASTER, [], "no GPU here"),
    ]
    axes = ratio_figure.ratio_figure(found).subfigs[0].axes[0]
    texts = [text.get_text() for text in axes.texts]
    assert {"≥ 10x", "1x", "-", "no GPU here", "against another"} <= set(texts)
    assert texts.count("goal 2, aim 4") == 3
    places = {line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"}  # type: ignore[index]
    assert places == {5.0, 0.5, 1.3}


def test_panels_are_drawn_from_the_table_alone() -> None:
    copies = repeats_of("this project", [1e6, 2e6], "copies")
    seconds = repeats_of("HER, mlp", [9, 8], "seconds", bound=True)
    table = scaling.scale_table(list(zip((1, 4, 5, 5), copies + seconds, strict=True)))
    assert table["median"].tolist() == [1e6, 2e6, 8.5, 8.5]
    drawn = scaling.scale_figure(table)
    assert drawn is not None
    titles = [axes.get_title(loc="left") for axes in drawn.subfigs[0].axes]
    assert titles == ["Environment: copies, n = 30", "Seconds to solve"]
    assert "^" in [line.get_marker() for line in drawn.subfigs[0].axes[1].lines]
    assert scaling.scale_figure(table[table["panel"] == "none"]) is None


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
    (share,) = (each for each in limits.derived(sgemm + updates) if each.unit == "%")
    assert share.value == pytest.approx(100 * 500 * limits.update_flops(setting()) / 50e9)
