"""Thinned curves: the first and the last evaluation stay, and nothing is made up."""

from __future__ import annotations

import itertools
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.compare import CompareArguments, compare
from experiments.config.checks import ConfigError
from experiments.records import merging, run_folders
from experiments.records.merging import thin_curves
from experiments.records.summary import spread
from experiments.records.tables import read_curves
from tests.made_runs import make_finished_run


def curves(**steps: list[int]) -> pd.DataFrame:
    rows = [(run, step, place) for run, some in steps.items() for place, step in enumerate(some)]
    return pd.DataFrame(rows, columns=["run_id", "env_steps", "note"])


def test_evenly_spaced_in_rank() -> None:
    thin = thin_curves(curves(a=[1, 2, 4, 8, 16, 32, 64], b=[5, 6]), 3)
    assert thin.to_dict("list") == {
        **{"run_id": ["a", "a", "a", "b", "b"], "env_steps": [1, 8, 64, 5, 6]},
        "note": [0, 3, 6, 0, 1],
    }
    assert list(thin.index) == list(range(5))


def test_ranks_are_those_of_the_steps_not_of_the_rows() -> None:
    thin = thin_curves(curves(a=[64, 1, 8], b=[3]), 2)
    assert thin["env_steps"].tolist() == [64, 1, 3]


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
