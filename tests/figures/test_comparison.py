"""What the figures of any comparison show."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from experiments.config.run_settings import APPEND
from experiments.evaluation.dithering import dithering_episodes, optimal_mean_steps
from experiments.figures import drawing
from experiments.figures.comparison import (
    episodes_to_solve,
    learning_curves,
    steps_vs_optimum,
    success_vs_n,
)
from experiments.records.summary import rate_interval
from tests.figures.drawn import heights, labels, lines, marked, panels
from tests.made_tables import comparison_of, curves_of, together

RUNS = comparison_of()
SERIES = ["DQN, mlp", "DQN + HER, mlp"]
RANDOM = "uniform random policy"


def panel(figure: Figure | None) -> Axes:
    (axes,) = panels(figure)
    return axes


def test_success_has_means_intervals_and_every_seed() -> None:
    figure = success_vs_n(RUNS)
    assert labels(figure) == SERIES
    axes = panel(figure)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("n (bits)", "success rate")
    dqn, her = (container.lines for container in axes.containers)  # type: ignore[attr-defined]
    assert heights(dqn[0]).tolist() == [1, 1, 0.125]
    assert heights(her[0]).tolist() == [1, 1, 1]
    bar = dqn[2][0].get_segments()[-1][:, 1]
    np.testing.assert_allclose(bar, np.array(rate_interval([0, 0.125, 0.25])))
    assert [len(seeds) for seeds in marked(axes, ".")] == [9, 9]


def test_success_says_what_it_is_a_rate_of() -> None:
    writes = RUNS.assign(env=APPEND)
    greedy, chance = (
        "Share of greedy evaluation episodes",
        "hance to write a right string: exact where",
    )
    for runs, said, unsaid in ((RUNS, [greedy], chance), (writes, ["C" + chance], greedy)):
        assert all(text in caption(success_vs_n(runs)) for text in said)
        assert unsaid not in caption(success_vs_n(runs))
    both = caption(success_vs_n(together(RUNS, writes)))
    assert f"{greedy} that" in both
    assert f"Where strings are written, c{chance}" in both


def caption(figure: Figure) -> str:
    (part,) = figure.subfigs
    return str(part.get_suptitle()).replace("\n", " ")


@pytest.mark.parametrize(("entries", "columns"), [(10, 1), (11, 2)])
def test_a_tall_legend_has_two_columns(entries: int, columns: int) -> None:
    canvas, ((axes,),) = drawing.panels(1, 1, "title", "caption", (7.5, 4))
    for entry in range(entries):
        axes.plot([0, 1], [0, 1], label=f"{entry} {'x' * 60}")
    (legend,) = drawing.with_legend(canvas, axes).legends
    assert legend._ncols == columns  # type: ignore[attr-defined]
    assert (canvas.get_figwidth() > 7.5) == (columns == 2)


def test_series_differ_in_more_than_colour() -> None:
    runs = together(*(comparison_of(methods=("dqn",), n_envs=envs) for envs in range(1, 13)))
    styles = [style for style, _, _ in drawing.series(runs)]
    assert len(styles) == 12
    for one, other in itertools.combinations(styles, 2):
        assert sum(one[key] == other[key] for key in ("color", "linestyle", "marker")) < 2
    assert all(to_rgb(style["color"]) for style in styles)


@pytest.mark.parametrize("sizes", [(1, 2, 3, 50), (8, 12, 16, 20), (2, 90), (4, 8, 50, 100)])
@pytest.mark.parametrize("count", [2, 12])
def test_places_of_series_are_far_from_the_next_size(sizes: tuple[int, ...], count: int) -> None:
    among = [
        comparison_of(sizes=sizes, methods=("dqn",), n_envs=envs) for envs in range(1, count + 1)
    ]
    at = pd.Series(sizes)
    places = np.array([place(at) for _, place, _ in drawing.series(together(*among))])
    assert len(set(map(tuple, places))) == count
    scale = np.log if max(sizes) >= 100 else np.asarray
    gap = np.diff(scale(at.to_numpy(dtype=float))).min()
    assert np.abs(scale(places) - scale(at.to_numpy(dtype=float))).max() < gap / 6


def test_series_that_are_not_drawn_take_no_room() -> None:
    runs = together(*(comparison_of(methods=("dqn",), n_envs=envs) for envs in range(1, 13)))
    of_one = runs[runs["series"] == runs["series"].cat.categories[7]]
    [(_, place, _)] = drawing.series(of_one)
    np.testing.assert_allclose(place(of_one["n"]), of_one["n"])


def test_episodes_show_the_medians_and_the_unsolved() -> None:
    figure = episodes_to_solve(RUNS)
    assert labels(figure) == [*SERIES, RANDOM, "unsolved"]
    axes = panel(figure)
    assert axes.get_yscale() == "log"
    assert axes.get_ylim()[1] <= 100 * 10_000  # the random policy's line squashes nothing
    np.testing.assert_equal(heights(lines(axes)["DQN, mlp"]), np.array([200, 200, np.nan]))
    assert marked(axes, "^") == [[2_000] * 3, []]


@pytest.mark.parametrize(
    ("settings", "sizes"),
    [
        ({}, range(4, 21)),
        ({"start": "zeros"}, range(4, 21)),
        ({"start": "zeros", "max_steps": 9}, [4, 12, 20]),
    ],
    ids=str,
)
def test_the_random_line_follows_the_protocol(settings: dict[str, Any], sizes: list[int]) -> None:
    line = lines(panel(episodes_to_solve(comparison_of(**settings))))[RANDOM]
    start = settings.get("start", "random")
    expected = [dithering_episodes(n, settings.get("max_steps"), start) for n in sizes]
    found = heights(line)[np.isfinite(heights(line))]
    assert len(found)
    assert found.tolist() == expected[: len(found)]
    assert line.get_xdata()[: len(found)].tolist() == [*sizes][: len(found)]


@pytest.mark.parametrize(
    ("sizes", "said"),
    [((50, 1_000), "2.3e+13 episodes at n = 50, off"), ((10_000,), "over 1e+308 episodes")],
)
def test_a_line_far_above_the_data_is_told_of(sizes: tuple[int, ...], said: str) -> None:
    axes = panel(episodes_to_solve(comparison_of(sizes=sizes, methods=("her",))))
    (note,) = axes.texts
    assert note.get_text().startswith(f"uniform random policy: {said}")
    assert axes.get_xscale() == "log"
    assert [tick.get_text() for tick in axes.get_xticklabels()] == [f"{n:,}" for n in sizes]


def test_learning_curves_have_a_panel_for_each_size() -> None:
    runs = comparison_of(sizes=(4, 6, 8, 12, 20))
    figure = learning_curves(runs, curves_of(runs))
    shown = panels(figure)
    assert [axes.get_title() for axes in shown] == [f"n = {n}" for n in (4, 6, 8, 12, 20)]
    assert labels(figure) == SERIES
    dqn, her = (heights(line) for line in shown[-1].lines if line.get_linewidth() == 2.0)
    assert (dqn == 0.1).all()
    assert her[-1] == 1.0
    assert sum(line.get_linewidth() < 1 for line in shown[-1].lines) == 6


def test_many_sizes_are_thinned_to_sixteen_panels() -> None:
    runs = comparison_of(sizes=range(1, 41), seeds=1)
    figure = learning_curves(runs, curves_of(runs))
    titles = [axes.get_title() for axes in panels(figure)]
    assert (len(titles), titles[0], titles[-1]) == (16, "n = 1", "n = 40")
    assert figure is not None
    assert "16 of 40 sizes" in str(figure.subfigs[0].get_suptitle())


def test_steps_are_shown_beside_the_optimum_and_the_horizon() -> None:
    shown = lines(panel(steps_vs_optimum(RUNS, curves_of(RUNS))))
    expected = {
        "optimal policy": [optimal_mean_steps(n) for n in range(4, 21)],
        "horizon": [4, 12, 20],
        "DQN, mlp": [2, 6, 20],
        "DQN + HER, mlp": [2, 6, 10],
    }
    for name, values in expected.items():
        assert heights(shown[name]).tolist() == values


def test_runs_without_a_count_of_episodes_are_drawn() -> None:
    runs = RUNS.copy()
    for name in ("episodes", "episodes_to_solve"):
        runs[name] = pd.Series([pd.NA] * len(runs), dtype="Int64")
    assert panel(episodes_to_solve(runs)).get_ylim()[1] > 1
