"""runs.csv, curves.csv and summary.csv: derived from the folders, never lost, and thinned."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.compare import CompareArguments, compare
from experiments.config.errors import ConfigError
from experiments.records import merging, run_folders
from experiments.records.merging import thin_curves
from experiments.records.run_folders import POLICY, FinishedRun
from experiments.records.schema import CURVE_COLUMNS, RUN_COLUMNS
from experiments.records.summary import spread
from experiments.records.tables import TableError, read_curves, read_runs
from tests.made_runs import TABLES, make_finished_run, tree


def folder_of(out: Path, *runs: FinishedRun) -> dict[str, FinishedRun]:
    for run in runs:
        run_folders.write_run(out, run)
    finished, problems = run_folders.scan(out)
    assert problems == []
    return finished


def grid() -> list[FinishedRun]:
    """Four configurations: solved, solved in part, never, and solved on the way only."""
    return [
        *(make_finished_run(seed=seed) for seed in (0, 1, 10)),
        make_finished_run(method="dqn", seed=0, solved_at=300),
        make_finished_run(method="dqn", seed=1, solved_at=None, success_rate=0.3),
        make_finished_run(method="dqn", n=4, seed=0, solved_at=None, success_rate=0.0),
        make_finished_run(n=4, seed=0, success_rate=0.97),
    ]


def test_tables_are_made_of_the_folders(tmp_path: Path) -> None:
    runs = grid()
    returned = merging.merge(tmp_path, folder_of(tmp_path, *runs))
    table = read_runs(tmp_path / "runs.csv")
    assert list(table) == list(RUN_COLUMNS)
    assert list(table["run_id"]) == list(returned["run_id"])
    by_id = {run.config.run_id: run for run in runs}
    assert set(table["run_id"]) == set(by_id)
    for row in table.astype(object).where(table.notna(), None).to_dict("records"):
        assert {**by_id[str(row["run_id"])].result, "schema_version": 1} == row
    order = [(r["method"], r["n"], r["seed"]) for r in table.to_dict("records")]
    assert order == sorted(order)
    as_text = pd.read_csv(tmp_path / "runs.csv", dtype=str)
    assert set(as_text["env_steps_to_solve"].dropna()) == {"300", "600"}
    assert set(as_text["solved"]) == {"True", "False"}

    curves = read_curves(tmp_path / "curves.csv")
    assert list(curves) == list(CURVE_COLUMNS)
    assert len(curves) == 3 * len(runs)
    for run in runs:
        rows = curves[curves["run_id"] == run.config.run_id]
        own = rows.astype(object).where(rows.notna(), None)[list(run.curve[0])]
        assert own.to_dict("records") == run.curve
        assert set(rows["config_id"]) == {run.config.config_id}

    summary = pd.read_csv(tmp_path / "summary.csv").set_index("config_id")
    assert len(summary) == 4
    dqn = summary.loc[make_finished_run(method="dqn").config.config_id]
    assert (dqn["seeds"], dqn["solved"], dqn["success_rate_mean"]) == (2, 1, 0.65)
    assert dqn["gamma"] == dict(make_finished_run().config)["gamma"]
    late = summary.loc[make_finished_run(n=4).config.config_id]
    assert late["solved"] == 0


def test_merging_is_idempotent_byte_for_byte(tmp_path: Path) -> None:
    finished = folder_of(tmp_path, *grid())
    merging.merge(tmp_path, finished)
    before = tree(tmp_path)
    merging.merge(tmp_path, finished)
    assert tree(tmp_path) == before
    # The order in which runs ended is no part of a table.
    merging.merge(tmp_path, dict(reversed(finished.items())))
    assert tree(tmp_path) == before
    shutil.rmtree(tmp_path / "runs")
    merging.merge(tmp_path, {})
    assert tree(tmp_path) == {name: before[name] for name in TABLES}


def test_runs_merged_one_by_one_give_the_same_tables(tmp_path: Path) -> None:
    at_once, in_turn = tmp_path / "a", tmp_path / "b"
    merging.merge(at_once, folder_of(at_once, *grid()))
    for run in reversed(grid()):
        merging.merge(in_turn, folder_of(in_turn, run))
    assert tree(in_turn) == tree(at_once)


def test_rows_without_a_folder_are_kept(tmp_path: Path) -> None:
    runs = grid()
    merging.merge(tmp_path, folder_of(tmp_path, *runs))
    before = tree(tmp_path)
    shutil.rmtree(tmp_path / "runs")
    new = make_finished_run(seed=5, n=9)
    merging.merge(tmp_path, folder_of(tmp_path, new))
    table = read_runs(tmp_path / "runs.csv")
    assert set(table["run_id"]) == {run.config.run_id for run in [*runs, new]}
    for name in ("runs.csv", "curves.csv"):
        assert set(before[name].splitlines()) < set((tmp_path / name).read_bytes().splitlines())
    summary = pd.read_csv(tmp_path / "summary.csv")
    assert len(summary) == 5
    assert summary["gamma"].notna().all()


def test_an_edited_table_is_understood_and_its_columns_kept(tmp_path: Path) -> None:
    finished = folder_of(tmp_path, *grid())
    merging.merge(tmp_path, finished)
    before = tree(tmp_path)
    for name in ("runs.csv", "curves.csv"):
        header, *rows = (tmp_path / name).read_text().splitlines()
        # Sorted otherwise, glued to itself, with other line ends.
        (tmp_path / name).write_text("\r\n".join([header, *reversed(rows), header, *rows]))
    merging.merge(tmp_path, finished)
    assert tree(tmp_path) == before
    header, *rows = (tmp_path / "runs.csv").read_text().splitlines()
    (tmp_path / "runs.csv").write_text("\n".join([f"{header},note", *(f"{r},x" for r in rows)]))
    shutil.rmtree(tmp_path / "runs")
    merging.merge(tmp_path, {})
    assert set(pd.read_csv(tmp_path / "runs.csv")["note"]) == {"x"}


def test_the_rows_of_a_folder_that_broke_later_go(tmp_path: Path) -> None:
    finished = folder_of(tmp_path, *grid())
    merging.merge(tmp_path, finished)
    broken, whole = sorted(finished)[0], sorted(finished)[1:]
    (tmp_path / "runs" / broken / POLICY).write_bytes(b"")
    finished, problems = run_folders.scan(tmp_path)
    assert len(problems) == 1
    merging.merge(tmp_path, finished)
    assert set(read_runs(tmp_path / "runs.csv")["run_id"]) == set(whole)
    assert set(read_curves(tmp_path / "curves.csv")["run_id"]) == set(whole)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe\x00", b"hello\nworld\n", b'run_id,config_id\n"her', b"a,b\n1,2,3\n"],
    ids=["empty", "no text", "foreign", "open quote", "ragged"],
)
def test_a_table_that_is_not_understood_is_refused_and_kept(
    tmp_path: Path, table: str, content: bytes
) -> None:
    finished = folder_of(tmp_path, make_finished_run())
    merging.merge(tmp_path, finished)
    (tmp_path / table).write_bytes(content)
    before = tree(tmp_path)
    with pytest.raises(TableError, match=table):
        merging.merge(tmp_path, finished)
    assert tree(tmp_path) == before


def test_a_folder_without_runs_gets_empty_tables(tmp_path: Path) -> None:
    for _ in range(2):
        assert len(merging.merge(tmp_path, {})) == 0
        assert len(read_runs(tmp_path / "runs.csv")) == 0
        assert len(read_curves(tmp_path / "curves.csv")) == 0
    finished = folder_of(tmp_path, make_finished_run())
    assert len(merging.merge(tmp_path, finished)) == 1
    assert len(pd.read_csv(tmp_path / "summary.csv")) == 1


# Thinned curves: the first and the last evaluation stay, and nothing is made up.


def curves(**steps: list[int]) -> pd.DataFrame:
    rows = [(run, step, place) for run, some in steps.items() for place, step in enumerate(some)]
    return pd.DataFrame(rows, columns=["run_id", "env_steps", "note"])


@pytest.mark.parametrize(
    ("steps", "rows", "places"),
    [
        ({"a": [1, 2, 4, 8, 16, 32, 64], "b": [5, 6]}, 3, [0, 3, 6, 7, 8]),
        (
            {"a": [64, 1, 8], "b": [3]},
            2,
            [0, 1, 3],
        ),  # ranks are those of the steps, not of the rows
    ],
)
def test_evenly_spaced_in_rank(steps: dict[str, list[int]], rows: int, places: list[int]) -> None:
    whole = curves(**steps)
    kept = whole.loc[places].reset_index(drop=True)
    pd.testing.assert_frame_equal(thin_curves(whole, rows), kept)


def test_two_rows_are_the_least() -> None:
    with pytest.raises(ValueError, match=r"at least 2.*got 1"):
        thin_curves(curves(a=[1, 2, 3]), 1)


@given(count=st.integers(0, 300), most=st.integers(2, 60))
def test_spread_keeps_the_ends(count: int, most: int) -> None:
    places = spread(count, most)
    assert len(places) == min(count, most)
    assert places == sorted(set(places))
    if count:
        assert (places[0], places[-1]) == (0, count - 1)
        gaps = [after - before for before, after in itertools.pairwise(places)]
        assert not gaps or max(gaps) - min(gaps) <= 1


@given(
    steps=st.dictionaries(
        st.sampled_from("abc"), st.lists(st.integers(1, 99), min_size=1, unique=True), min_size=1
    ),
    rows=st.integers(2, 9),
)
def test_thinning_again_changes_nothing(steps: dict[str, list[int]], rows: int) -> None:
    thin = thin_curves(curves(**steps), rows)
    assert thin_curves(thin, rows).equals(thin)
    for run, some in steps.items():
        kept = thin.loc[thin["run_id"] == run, "env_steps"]
        assert len(kept) == min(rows, len(some))
        assert {min(some), max(some)} <= set(kept) <= set(some)


def test_a_merge_thins_and_keeps_the_rest(tmp_path: Path) -> None:
    runs = [make_finished_run(seed=seed) for seed in (0, 1)]
    finished = {run.config.run_id: run for run in runs}
    merging.merge(tmp_path, finished)
    whole = {name: (tmp_path / f"{name}.csv").read_bytes() for name in ("runs", "summary")}
    assert len(read_curves(tmp_path / "curves.csv")) == 6
    merging.merge(tmp_path, {}, thin=2)  # without folders, as in a repository
    thin = read_curves(tmp_path / "curves.csv")
    assert thin["env_steps"].tolist() == [300, 900] * 2
    assert {name: (tmp_path / f"{name}.csv").read_bytes() for name in whole} == whole
    merging.merge(tmp_path, {})
    assert read_curves(tmp_path / "curves.csv").equals(thin)


def test_the_flag_goes_with_merge(tmp_path: Path) -> None:
    run_folders.write_run(tmp_path, make_finished_run())
    assert compare(CompareArguments(merge=tmp_path, thin_curves=2)) == 0
    assert read_curves(tmp_path / "curves.csv")["env_steps"].tolist() == [300, 900]
    for wrong in (
        CompareArguments(out=tmp_path, thin_curves=2),
        CompareArguments(merge=tmp_path, thin_curves=1),
    ):
        with pytest.raises(ConfigError, match=r"--thin-curves must be at least 2.*--merge, got"):
            compare(wrong)
