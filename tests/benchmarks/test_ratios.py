"""The benchmark's ratios, verdicts, tables and figures, on figures made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from experiments import benchmark
from experiments.benchmarks import limits, ratio_figure, ratios, scaling
from experiments.benchmarks.measuring import (
    REPEATS,
    AtLeast,
    Repeat,
    Side,
    measure,
    rate,
    read_repeats,
    repeat_table,
    stamp,
)
from experiments.benchmarks.ratios import Row, judge
from experiments.benchmarks.rows import ROWS
from experiments.benchmarks.speeds import setting
from experiments.records import files
from experiments.records.tables import TableError

FASTER = Row("made", "faster", "another", goal=2, aim=4)
SMALLER = Row("made", "smaller (at most)", "another", goal=1.3, aim=1)
COMMITTED = Path(__file__).parents[2] / "results" / "benchmark"


def repeats_of(
    side: str, values: Sequence[float], contest: str = "made", unit: str = "s"
) -> list[Repeat]:
    made = ((lambda number, value=value: value) for value in values)
    rows = [next(measure({side: each}, unit, 1)) for each in made]
    return [row | {"contest": contest, "repeat": number} for number, row in enumerate(rows)]


def against(ours: Sequence[float], theirs: Sequence[float]) -> list[Repeat]:
    return repeats_of("ours", ours) + repeats_of("stock", theirs)


STEPS = repeats_of("ours", [4, 6], unit="steps/s") + repeats_of("stock", [2, 2], unit="steps/s")
STOPPED = against([1, 1], [AtLeast(10), AtLeast(10)])


def test_sides_are_measured_in_turn() -> None:
    order: list[str] = []

    def side(name: str) -> Side:
        def record(number: int) -> float:
            order.append(f"{name}{number}")
            return number

        return record

    assert len(list(measure({"a": side("a"), "b": side("b")}, "s", 3))) == 6
    assert " ".join(order) == "a0 b0 b1 a1 a2 b2"


def test_a_rate_counts_what_was_done() -> None:
    done: list[int] = []

    def chunk() -> int:
        done.append(7)
        return 7

    assert 0 < rate(chunk, 0.01) <= sum(done) / 0.01
    assert rate(lambda: 5, 0.0) > 0


@pytest.mark.parametrize(
    ("row", "repeats", "ratio", "verdict"),
    [
        (FASTER, against([1, 1, 1], [3, 1, 2]), 2, "met"),
        (FASTER, against([1, 2, 1], [1.9, 4.2, 1.9]), 1.9, "missed"),
        (FASTER, STEPS, 2.5, "met"),
        (FASTER, against([1, 1], [AtLeast(10), AtLeast(1.5)]), AtLeast(5.75), "met"),
        (FASTER, against([1, 1, 1], [AtLeast(10), 1, 3]), 3.0, "met"),
        (FASTER, repeats_of("ours", [1], "another"), None, "unmeasured"),
        # A slow moment that both sides shared is no difference between them.
        (FASTER, against([1, 10, 100], [3, 30, 300]), 3, "met"),
        # The last of ours never solved its task: ratios of 3 and 0.
        (FASTER, against([1, AtLeast(1)], [3, 3]), 1.5, "missed"),
        (SMALLER, against([1.2], [1]), 1.2, "met"),
        (SMALLER, against([1.4], [1]), 1.4, "missed"),
        (replace(SMALLER, other=None), repeats_of("ours", [1.3]), 1.3, "met"),
        (replace(FASTER, within=1.0), against([1.5], [4.5]), 3, "missed"),
        (replace(FASTER, within=2.0), against([1.5], [4.5]), 3, "met"),
        (replace(FASTER, over=5.0), STEPS, 2.5, "missed"),
        (replace(FASTER, over=4.9), STEPS, 2.5, "met"),
        (FASTER, [], None, "unmeasured"),
        (FASTER, repeats_of("stock", [1.0]), None, "unmeasured"),
    ],
)
def test_verdicts(row: Row, repeats: list[Repeat], ratio: float | None, verdict: str) -> None:
    outcome = judge(row, repeats)
    assert outcome.ratio == pytest.approx(ratio)
    assert isinstance(outcome.ratio, AtLeast) == isinstance(ratio, AtLeast)
    assert outcome.verdict == verdict


@pytest.mark.parametrize(("peer", "aim"), [([], "unmeasured (SBX)"), ([8, 6], "3.5 (SBX)")])
def test_a_peer_may_be_the_aim(peer: list[float], aim: str) -> None:
    repeats = STEPS + repeats_of("sbx", peer, unit="steps/s")
    assert ratios.words(judge(replace(FASTER, aim="sbx"), repeats))["aim"] == aim


def test_the_committed_tables_follow_from_their_repeats() -> None:
    known = [each for each in read_repeats(COMMITTED / REPEATS) if each["contest"] != limits.NAME]
    figures = [*known, *limits.derived(known)]
    assert files.csv_bytes(repeat_table(figures)) == (COMMITTED / REPEATS).read_bytes()
    table = ratios.ratio_table([judge(row, known) for row in ROWS])
    assert files.csv_bytes(table) == (COMMITTED / "benchmark.csv").read_bytes()


def test_a_figure_has_its_machine() -> None:
    table = repeat_table(STOPPED)
    assert "torch" in table["versions"][0]
    assert table["processor"].str.len().min() > 0
    assert len(table["date"][0]) == len("2026-01-01")
    assert list(repeat_table([])) == list(table)


def test_what_is_measured_anew_costs_no_other_row(tmp_path: Path) -> None:
    """Figures of another day and machine keep their stamp; those of the same contest go."""
    other = dict.fromkeys(stamp(), "another") | {"date": "2020-01-01"}
    old = [
        repeat | other
        for contest in ("vector", "single", "sgemm", limits.NAME)
        for repeat in repeats_of(limits.SQUARE, [AtLeast(1), AtLeast(2.5)], contest)
    ]
    assert benchmark.kept(tmp_path, {"vector"}) == []
    path = tmp_path / REPEATS
    repeat_table(old).to_csv(path, index=False)
    kept = benchmark.kept(tmp_path, {"vector"})
    assert repeat_table(kept).equals(repeat_table(old[2:6]))
    assert {repeat["date"] for repeat in limits.derived(old)} == {"2020-01-01"}
    path.write_text(path.read_text().replace("2.5,True", "fast,True"))
    with pytest.raises(TableError, match=r"line 3, column 'value': .* got 'fast'"):
        benchmark.kept(tmp_path, {"vector"})


def test_the_page_tells_the_ratios_the_figures_and_what_is_missing() -> None:
    found = [judge(FASTER, STOPPED), judge(SMALLER, [], "no such thing here")]
    text = ratios.page(found, [*STOPPED, *repeats_of("of it", [5], contest="more")])
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
    assert ratios.significant(value) == text


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
    rows = repeats_of("this project", [1e6, 2e6], "copies")
    rows += repeats_of("HER, mlp", [AtLeast(9), AtLeast(8)], "seconds")
    places = zip((1, 4, 5, 5), rows, strict=True)
    table = scaling.scale_table(
        [row | {"panel": row["contest"], "curve": row["side"], "x": x} for x, row in places]
    )
    assert table["median"].tolist() == [1e6, 2e6, 8.5, 8.5]
    drawn = scaling.scale_figure(table)
    assert drawn is not None
    titles = [axes.get_title(loc="left") for axes in drawn.subfigs[0].axes]
    assert titles == ["Environment: copies, n = 30", "Seconds to solve"]
    assert "^" in [line.get_marker() for line in drawn.subfigs[0].axes[1].lines]
    assert scaling.scale_figure(table[table["panel"] == "none"]) is None


def test_shares_of_the_limits_need_both_figures() -> None:
    # Layers 60 x 256 and 256 x 30: three products with each, and one more with the second.
    flops = 2 * 128 * (3 * (60 * 256 + 256 * 30) + 256 * 30)
    assert limits.update_flops(setting()) == flops
    sgemm = repeats_of(limits.SQUARE, [50.0], contest="sgemm", unit="GFLOP/s")
    names = [repeat["side"] for repeat in limits.derived(sgemm)]
    assert names == ["an update", "an environment step", "updates, at most"]
    updates = repeats_of("ours", [500.0], contest="updates", unit="updates/s")
    (share,) = (each for each in limits.derived(sgemm + updates) if each["unit"] == "%")
    assert share["value"] == pytest.approx(100 * 500 * flops / 50e9)
