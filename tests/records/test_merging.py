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
from experiments.records.schema import (
    CURVE_COLUMNS,
    RUN_COLUMNS,
    SCHEMA_VERSION,
    WRITTEN_COLUMNS,
)
from experiments.records.summary import spread
from experiments.records.tables import TableError, read_curves, read_runs
from tests.made_runs import TABLES, Files, make_finished_run, tree

GRID = [
    *(make_finished_run(seed=seed) for seed in (0, 1, 10)),
    make_finished_run(method="dqn", seed=0, solved_at=300),
    make_finished_run(method="dqn", seed=1, solved_at=None, success_rate=0.3),
    make_finished_run(method="dqn", n=4, seed=0, solved_at=None, success_rate=0.0),
    make_finished_run(n=4, seed=0, success_rate=0.97),
]
"""Four configurations: solved, solved in part, never, and solved on the way only."""


def merged(out: Path, *runs: FinishedRun) -> Files:
    """Every file of a folder, once some more runs are written there and merged."""
    for run in runs:
        run_folders.write_run(out, run)
    finished, problems = run_folders.scan(out)
    assert problems == []
    merging.merge(out, finished)
    return tree(out)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder of merged runs."""
    merged(tmp_path, *GRID)
    return tmp_path


def runs_of(out: Path) -> set[str]:
    ids = set(read_runs(out / "runs.csv")["run_id"])
    assert set(read_curves(out / "curves.csv")["run_id"]) == ids
    return ids


def test_tables_are_made_of_the_folders(out: Path) -> None:
    table = read_runs(out / "runs.csv")
    by_id = {run.config.run_id: run for run in GRID}
    assert set(table["run_id"]) == set(by_id)
    for row in table.astype(object).where(table.notna(), None).to_dict("records"):
        written = dict.fromkeys(WRITTEN_COLUMNS)
        result = by_id[str(row["run_id"])].result
        assert {**written, **result, "schema_version": SCHEMA_VERSION} == row
    order = [(r["method"], r["n"], r["seed"]) for r in table.to_dict("records")]
    assert order == sorted(order)
    as_text = pd.read_csv(out / "runs.csv", dtype=str)
    assert set(as_text["env_steps_to_solve"].dropna()) == {"300", "600"}
    assert set(as_text["solved"]) == {"True", "False"}

    curves = read_curves(out / "curves.csv")
    assert len(curves) == 3 * len(GRID)
    for run in GRID:
        rows = curves[curves["run_id"] == run.config.run_id]
        own = rows.astype(object).where(rows.notna(), None)[list(run.curve[0])]
        assert own.to_dict("records") == run.curve
        assert set(rows["config_id"]) == {run.config.config_id}

    summary = pd.read_csv(out / "summary.csv").set_index("config_id")
    assert len(summary) == 4
    dqn = summary.loc[make_finished_run(method="dqn").config.config_id]
    assert (dqn["seeds"], dqn["solved"], dqn["success_rate_mean"]) == (2, 1, 0.65)
    assert dqn["gamma"] == dict(GRID[0].config)["gamma"]
    assert summary.loc[GRID[-1].config.config_id]["solved"] == 0


def test_merging_again_changes_nothing(out: Path, tmp_path: Path) -> None:
    before = tree(out)
    assert merged(out) == before
    # The order in which runs ended is no part of a table.
    finished, _ = run_folders.scan(out)
    merging.merge(out, dict(reversed(finished.items())))
    assert tree(out) == before
    for run in reversed(GRID):
        one_by_one = merged(tmp_path / "other", run)
    assert one_by_one == before
    shutil.rmtree(tmp_path / "other")
    shutil.rmtree(out / "runs")
    assert merged(out) == {name: before[name] for name in TABLES}


def test_rows_without_a_folder_are_kept(out: Path) -> None:
    before = tree(out)
    shutil.rmtree(out / "runs")
    new = make_finished_run(seed=5, n=9)
    after = merged(out, new)
    assert runs_of(out) == {run.config.run_id for run in [*GRID, new]}
    for name in ("runs.csv", "curves.csv"):
        assert set(before[name].splitlines()) < set(after[name].splitlines())
    summary = pd.read_csv(out / "summary.csv")
    assert len(summary) == 5
    assert summary["gamma"].notna().all()


def test_a_sweep_finds_what_has_only_a_row(out: Path) -> None:
    assert merging.rows_without_folders(out) == {}
    shutil.rmtree(out / "runs")
    merging.check_tables(out)
    assert set(merging.rows_without_folders(out)) == {run.config.run_id for run in GRID}


def test_rows_of_unknown_origin_are_not_kept(out: Path) -> None:
    (out / "provenance.csv").unlink()
    merging.check_tables(out)  # the folders say it
    shutil.rmtree(out / "runs")
    with pytest.raises(TableError, match=r"'dqn-mlp-n3-s0-.*provenance\.csv does not know"):
        merging.check_tables(out)


@pytest.mark.parametrize("version", ["2", ""], ids=["older", "unknown"])
def test_tables_of_two_schemas_are_never_merged(out: Path, version: str) -> None:
    table = pd.read_csv(out / "runs.csv", dtype="string").assign(schema_version=version)
    table.to_csv(out / "runs.csv", index=False)
    before = tree(out)
    for merge in (
        lambda: merging.check_tables(out),
        lambda: merging.merge(out, run_folders.scan(out)[0]),
        lambda: compare(CompareArguments(merge=out)),
    ):
        with pytest.raises(TableError, match=f"schema {version or 'unknown'}.* never merged"):
            merge()
    assert tree(out) == before


def test_an_edited_table_is_understood_and_its_columns_kept(out: Path) -> None:
    before = tree(out)
    for name in ("runs.csv", "curves.csv"):
        header, *rows = (out / name).read_text().splitlines()
        # Sorted otherwise, glued to itself, with other line ends.
        (out / name).write_text("\r\n".join([header, *reversed(rows), header, *rows]))
    assert merged(out) == before
    header, *rows = (out / "runs.csv").read_text().splitlines()
    (out / "runs.csv").write_text("\n".join([f"{header},note", *(f"{r},x" for r in rows)]))
    shutil.rmtree(out / "runs")
    merged(out)
    assert set(pd.read_csv(out / "runs.csv")["note"]) == {"x"}


def test_the_rows_of_a_folder_that_broke_later_go(out: Path) -> None:
    broken, *whole = sorted(runs_of(out))
    (out / "runs" / broken / POLICY).write_bytes(b"")
    finished, problems = run_folders.scan(out)
    assert len(problems) == 1
    merging.merge(out, finished)
    assert runs_of(out) == set(whole)


def test_a_folder_without_runs_gets_empty_tables(tmp_path: Path) -> None:
    for _ in range(2):
        assert len(merging.merge(tmp_path, {})) == 0
        assert runs_of(tmp_path) == set()
        assert list(read_runs(tmp_path / "runs.csv")) == list(RUN_COLUMNS)
        assert list(read_curves(tmp_path / "curves.csv")) == list(CURVE_COLUMNS)
    merged(tmp_path, GRID[0])
    assert runs_of(tmp_path) == {GRID[0].config.run_id}
    assert len(pd.read_csv(tmp_path / "summary.csv")) == 1


# Thinned curves: the first and the last evaluation stay, and nothing is made up.


def curves(**steps: list[int]) -> pd.DataFrame:
    rows = [(run, step, place) for run, some in steps.items() for place, step in enumerate(some)]
    return pd.DataFrame(rows, columns=["run_id", "env_steps", "note"])


@pytest.mark.parametrize(
    ("steps", "rows", "places"),
    [
        ({"a": [1, 2, 4, 8, 16, 32, 64], "b": [5, 6]}, 3, [0, 3, 6, 7, 8]),
        # Ranks are those of the steps, not of the rows.
        ({"a": [64, 1, 8], "b": [3]}, 2, [0, 1, 3]),
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
    whole = merged(tmp_path, *GRID[:2])
    shutil.rmtree(tmp_path / "runs")  # as in a repository
    assert compare(CompareArguments(merge=tmp_path, thin_curves=2)) == 0
    thin = tree(tmp_path)
    assert read_curves(tmp_path / "curves.csv")["env_steps"].tolist() == [300, 900] * 2
    assert {name for name in thin if thin[name] != whole[name]} == {"curves.csv"}
    assert merged(tmp_path) == thin


def test_thinning_goes_with_merge(tmp_path: Path) -> None:
    for wrong in (
        CompareArguments(out=tmp_path, thin_curves=2),
        CompareArguments(merge=tmp_path, thin_curves=1),
    ):
        with pytest.raises(ConfigError, match=r"--thin-curves must be at least 2.*--merge, got"):
            compare(wrong)
