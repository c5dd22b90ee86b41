"""What the figures of any comparison show."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from experiments.evaluation.dithering import dithering_episodes, optimal_mean_steps
from experiments.figures import comparison, drawing
from experiments.figures.series import name_series
from experiments.plot import plot
from experiments.records.summary import rate_interval
from tests.made_plots import folder, grid, heights, labels, make, panel


def test_success_has_means_intervals_and_every_seed() -> None:
    figure = comparison.success_vs_n(make()[0])
    assert labels(figure) == ["DQN, mlp", "DQN + HER, mlp"]
    axes = panel(figure)
    assert axes.get_xlabel() == "n (bits)"
    assert axes.get_ylabel() == "success rate"
    dqn, her = (container.lines for container in axes.containers)  # type: ignore[attr-defined]
    np.testing.assert_allclose(heights(dqn[0]), np.array([1, 1, 0.125]))
    np.testing.assert_allclose(heights(her[0]), 1.0)
    bar = dqn[2][0].get_segments()[-1][:, 1]
    np.testing.assert_allclose(bar, np.array(rate_interval([0, 0.125, 0.25])))
    dots = [line for line in axes.lines if line.get_marker() == "."]
    assert [len(heights(line)) for line in dots] == [9, 9]


def test_series_differ_in_more_than_colour() -> None:
    parts = [make(methods=("dqn",), n_envs=envs)[0] for envs in range(1, 13)]
    runs = pd.concat(parts, ignore_index=True)
    runs["series"] = name_series(runs)
    styles = [style for style, _, _ in drawing.series(runs)]
    assert len(styles) == 12
    for one, other in itertools.combinations(styles, 2):
        alike = [one[key] == other[key] for key in ("color", "linestyle", "marker")]
        assert sum(alike) < 2
    assert all(to_rgb(style["color"]) for style in styles)


def test_places_of_series_never_meet_the_next_size() -> None:
    runs = make(sizes=(1, 2, 3, 50), networks=("mlp", "equivariant"))[0]
    places = np.array([place(pd.Series([1, 2, 3, 50])) for _, place, _ in drawing.series(runs)])
    assert (places.max(axis=0)[:-1] < places.min(axis=0)[1:]).all()
    assert np.abs(places - [1, 2, 3, 50]).max() < 0.5


def test_episodes_show_the_line_and_the_unsolved() -> None:
    figure = comparison.episodes_to_solve(make()[0])
    assert labels(figure) == ["DQN, mlp", "DQN + HER, mlp", "uniform random policy", "unsolved"]
    axes = panel(figure)
    assert axes.get_yscale() == "log"
    lines = {str(line.get_label()): line for line in axes.lines}
    line = lines["uniform random policy"]
    assert np.array_equal(line.get_xdata(), np.arange(4, 21))
    expected = np.array([dithering_episodes(n) for n in range(4, 21)])
    np.testing.assert_allclose(heights(line), expected)
    np.testing.assert_allclose(heights(lines["DQN, mlp"]), np.array([200, 200, np.nan]))
    triangles = [line for line in axes.lines if line.get_marker() == "^"]
    assert [heights(line).tolist() for line in triangles] == [[2_000] * 3, []]


def test_a_line_far_above_the_data_does_not_squash_it() -> None:
    axes = panel(comparison.episodes_to_solve(make(sizes=(4, 20, 50))[0]))
    assert axes.get_ylim()[1] <= 100 * 10_000
    far = panel(comparison.episodes_to_solve(make(sizes=(50, 1_000), methods=("her",))[0]))
    (note,) = far.texts
    assert note.get_text() == "uniform random policy: 2.3e+13 episodes at n = 50, off the scale"
    assert far.get_xscale() == "log"
    assert [tick.get_text() for tick in far.get_xticklabels()] == ["50", "1,000"]
    huge = panel(comparison.episodes_to_solve(make(sizes=(10_000,), methods=("her",))[0]))
    assert "over 1e+308" in huge.texts[0].get_text()


@pytest.mark.parametrize(("horizon", "sizes"), [(9, [4, 12, 20]), (None, list(range(4, 21)))])
def test_the_line_follows_the_protocol(horizon: int | None, sizes: list[int]) -> None:
    settings: dict[str, Any] = {} if horizon is None else {"max_steps": horizon}
    runs = make(start="zeros", **settings)[0]
    axes = panel(comparison.episodes_to_solve(runs))
    (line,) = (line for line in axes.lines if line.get_label() == "uniform random policy")
    expected = [dithering_episodes(n, horizon, "zeros") for n in sizes]
    shown = [(n, value) for n, value in zip(sizes, expected, strict=True) if np.isfinite(value)]
    found = [
        (x, y)
        for x, y in zip(np.asarray(line.get_xdata()), heights(line), strict=True)
        if np.isfinite(y)
    ]
    assert found == shown[: len(found)]
    assert found


def test_learning_curves_have_a_panel_for_each_size() -> None:
    figure = comparison.learning_curves(*make(sizes=(4, 6, 8, 12, 20)))
    panels = grid(figure)
    assert [axes.get_title() for axes in panels] == [f"n = {n}" for n in (4, 6, 8, 12, 20)]
    assert labels(figure) == ["DQN, mlp", "DQN + HER, mlp"]
    thick = [line for line in panels[-1].lines if line.get_linewidth() == 2.0]
    dqn, her = (heights(line) for line in thick)
    assert (dqn == 0.1).all()
    assert her[-1] == 1.0
    assert sum(line.get_linewidth() < 1 for line in panels[-1].lines) == 6


def test_many_sizes_are_thinned_to_sixteen_panels() -> None:
    figure = comparison.learning_curves(*make(sizes=range(1, 41), seeds=1))
    titles = [axes.get_title() for axes in grid(figure)]
    assert len(titles) == 16
    assert (titles[0], titles[-1]) == ("n = 1", "n = 40")
    assert figure is not None
    assert "16 of 40 sizes" in str(figure.subfigs[0].get_suptitle())


def test_steps_are_shown_beside_the_optimum_and_the_horizon() -> None:
    axes = panel(comparison.steps_vs_optimum(*make()))
    lines = {str(line.get_label()): heights(line) for line in axes.lines}
    expected = np.array([optimal_mean_steps(n) for n in range(4, 21)])
    np.testing.assert_allclose(lines["optimal policy"], expected)
    np.testing.assert_allclose(lines["horizon"], np.array([4, 12, 20]))
    np.testing.assert_allclose(lines["DQN, mlp"], np.array([2, 6, 20]))
    np.testing.assert_allclose(lines["DQN + HER, mlp"], np.array([2, 6, 10]))


def test_names_that_look_like_mathematics_are_drawn_as_they_are(tmp_path: Path) -> None:
    runs, curves = make(sizes=(4,), seeds=1, methods=("$\\frac{", "_a&<b>"))
    for path in plot(folder(tmp_path, runs, curves)):
        assert path.stat().st_size > 1_000


def test_runs_without_a_count_of_episodes_are_drawn() -> None:
    runs = make()[0]
    for name in ("episodes", "episodes_to_solve"):
        runs[name] = pd.Series([pd.NA] * len(runs), dtype="Int64")
    assert panel(comparison.episodes_to_solve(runs)).get_ylim()[1] > 1
