"""Figures from CSVs: what they show, what they survive, and what they say when they cannot."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from experiments.columns import CURVE_COLUMNS, RUN_COLUMNS
from experiments.figures import comparison, drawing
from experiments.plot import main, plot
from experiments.series import name_series, protocol
from experiments.summary import dithering_episodes, optimal_mean_steps, rate_interval
from experiments.tables import TableError

NAMES = {"success_vs_n", "episodes_to_solve", "learning_curves", "steps_vs_optimum"}


def make(
    sizes: Iterable[int] = (4, 12, 20), seeds: int = 3, **settings: Any
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Runs and curves in their types: "dqn" fails from n = 20, "her" never does."""
    runs, curves = [], []
    methods, networks = settings.pop("methods", ("dqn", "her")), settings.pop("networks", ("mlp",))
    for method, network, n, seed in itertools.product(methods, networks, sizes, range(seeds)):
        solved = method == "her" or n < 20
        config: dict[str, Any] = {"method": method, "network": network, "n": n, "max_steps": n}
        config |= {"goal_mode": "fixed", "start": "random", "reward_type": "zero_one"}
        config |= {"continuing_task": False, "n_envs": 8, "budget_env_steps": 40_000}
        config |= {"implementation": "fast", "relabel_done": method == "her"} | settings
        key = "-".join(str(value) for value in config.values())
        run: dict[str, Any] = {"run_id": f"{key}-s{seed}", "config_id": key, "seed": seed, **config}
        steps = 100 * n * (1 + seed)
        run |= {"env_steps": 40_000, "episodes": 40_000 // n, "success_rate": 0.125 * seed}
        if solved:
            run |= {"env_steps": steps, "episodes": steps // n, "success_rate": 1.0}
            run |= {"env_steps_to_solve": steps, "episodes_to_solve": steps // n}
        runs.append(run | {"solved": solved, "device": "cpu", "schema_version": 1})
        for at in np.geomspace(n, run["env_steps"], 8).astype(int):
            rate = 1.0 if solved and at == steps else 0.1
            row = {name: run[name] for name in ("run_id", "config_id", "method", "network", "n")}
            row |= {"seed": seed, "env_steps": at, "success_rate": rate, "schema_version": 1}
            curves.append(row | {"mean_steps": n / 2 if rate == 1.0 else n})
    typed = []
    for rows, columns in ((runs, RUN_COLUMNS), (curves, CURVE_COLUMNS)):
        frame = pd.DataFrame(rows, columns=list(columns))
        typed.append(frame.astype({name: column.dtype for name, column in columns.items()}))
    typed[0]["series"] = name_series(typed[0])
    return typed[0], typed[1]


def folder(path: Path, runs: pd.DataFrame, curves: pd.DataFrame | None = None) -> Path:
    """A results folder with nothing but CSVs."""
    path.mkdir(exist_ok=True)
    runs.drop(columns="series").to_csv(path / "runs.csv", index=False)
    if curves is not None:
        curves.to_csv(path / "curves.csv", index=False)
    return path


def labels(figure: Figure | None) -> list[str]:
    assert figure is not None
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def grid(figure: Figure | None) -> list[Axes]:
    assert figure is not None
    return list(figure.subfigs[0].axes)


def panel(figure: Figure | None) -> Axes:
    (axes,) = grid(figure)
    return axes


def heights(line: Any) -> NDArray[np.float64]:
    return np.asarray(line.get_ydata(), dtype=np.float64)


# --- the command --------------------------------------------------------------------------------


def test_a_folder_of_tables_gives_all_figures_twice_the_same(tmp_path: Path) -> None:
    there = folder(tmp_path / "a", *make())
    first = {path.name: path.read_bytes() for path in plot(there)}
    assert set(first) == {f"{name}.{suffix}" for name in NAMES for suffix in ("png", "svg")}
    assert {path.name: path.read_bytes() for path in plot(there)} == first
    for name in NAMES:
        assert b"<dc:date>" not in first[f"{name}.svg"]
        with Image.open(there / "figures" / f"{name}.png") as picture:
            colors = picture.convert("RGB").getcolors(1 << 20)
            assert picture.width > 1_000
        assert colors is not None
        assert len(colors) > 50


def test_edited_and_glued_tables_give_the_same_figures(tmp_path: Path) -> None:
    runs, curves = make()
    tidy, edited = folder(tmp_path / "a", runs, curves), folder(tmp_path / "b", runs, curves)
    for name in ("runs", "curves"):
        path = edited / f"{name}.csv"
        table = pd.read_csv(path, dtype=str)
        half = table.iloc[: len(table) // 2][table.columns[::-1]].assign(note="seen")
        rest = table.iloc[len(table) // 3 :]
        text = half.to_csv(index=False, lineterminator="\r\n") + rest.to_csv(index=False)
        path.write_bytes(text.encode())
    for one, other in zip(plot(tidy), plot(edited), strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_runs_alone_are_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, curves = make(sizes=(10,), seeds=1)
    required = [name for name, column in RUN_COLUMNS.items() if column.required]
    there = folder(tmp_path, runs)
    runs[required].to_csv(there / "runs.csv", index=False)
    assert {path.stem for path in plot(there)} == {"success_vs_n", "episodes_to_solve"}
    monkeypatch.setattr("experiments.plot._save", lambda drawn, _: [Path(name) for name in drawn])
    curves.iloc[:0].to_csv(there / "curves.csv", index=False)
    assert {path.name for path in plot(there)} == {"success_vs_n", "episodes_to_solve"}
    curves.drop(columns="mean_steps").to_csv(there / "curves.csv", index=False)
    assert {path.name for path in plot(there)} == NAMES - {"steps_vs_optimum"}


def test_the_command_line_works_and_is_brief_about_mistakes(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "experiments.plot"]
    there = folder(tmp_path / "a", make(seeds=1)[0])
    done = subprocess.run([*command, str(there)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("wrote ") == 4
    done = subprocess.run([*command, str(tmp_path / "b")], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == f"error: {tmp_path / 'b'}: is no folder; name one that has a runs.csv\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "runs.csv: cannot be read: No such file"),
        ("", "runs.csv: is empty: not even a header"),
        ("run_id,config_id,method,network,n,seed,success_rate\n", "runs.csv: has no rows"),
        ("run_id,config_id,method,network,n,seed\n", "column 'success_rate': is missing"),
        (
            "run_id,config_id,method,network,n,seed,success_rate\na,b,her,mlp,5,0,2\n",
            "runs.csv, line 2, column 'success_rate': must be a number in [0, 1], got '2'",
        ),
    ],
)
def test_mistakes_end_in_a_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: str | None,
    message: str,
) -> None:
    if content is not None:
        (tmp_path / "runs.csv").write_text(content)
    monkeypatch.setattr(sys, "argv", ["plot", str(tmp_path)])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "figures").exists()


def test_a_wrong_curve_is_named_before_anything_is_drawn(tmp_path: Path) -> None:
    runs, curves = make(seeds=1)
    there = folder(tmp_path, runs, curves.astype(object).replace({"success_rate": {0.1: "high"}}))
    with pytest.raises(TableError, match=r"curves.csv, line 2, column 'success_rate'.*'high'"):
        plot(there)
    assert not (there / "figures").exists()


def test_a_file_in_the_way_of_figures_is_named(tmp_path: Path) -> None:
    there = folder(tmp_path, make(seeds=1)[0])
    (there / "figures").write_text("")
    with pytest.raises(TableError, match="figures: cannot be made"):
        plot(there)


def test_settings_in_the_summary_tell_series_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow, wide = make(methods=("her",))[0], make(methods=("her",))[0]
    wide["config_id"] += "-wide"
    wide["run_id"] += "-wide"
    runs = pd.concat([narrow, wide], ignore_index=True)
    there = folder(tmp_path, runs)
    widths = runs["config_id"].str.endswith("wide").map({True: "512", False: "256"})
    summary = runs[["config_id", "n"]].assign(hidden=widths, seeds=widths.index)
    summary.drop_duplicates("config_id").to_csv(there / "summary.csv", index=False)
    drawn: list[Figure] = []
    monkeypatch.setattr(
        "experiments.plot._save", lambda made, _: drawn.append(made["success_vs_n"])
    )
    plot(there)
    assert labels(drawn[0]) == ["DQN + HER, mlp, hidden 256", "DQN + HER, mlp, hidden 512"]


# --- which runs are one line ----------------------------------------------------------------------


def series_of(*parts: pd.DataFrame) -> list[str]:
    return list(name_series(pd.concat(parts, ignore_index=True)).cat.categories)


def test_a_series_is_a_method_with_a_network() -> None:
    runs = make(networks=("mlp", "equivariant"))[0]
    runs["budget_env_steps"] = runs["n"] * 1_000  # by a rule of n: no reason to split
    assert series_of(runs) == [
        "DQN, equivariant",
        "DQN, mlp",
        "DQN + HER, equivariant",
        "DQN + HER, mlp",
    ]


def test_what_differs_at_one_n_joins_the_name() -> None:
    parts = [
        make(methods=("dqn",), n_envs=envs, budget_env_steps=budget)[0]
        for envs in (1, 64)
        for budget in (9_000, 10_000)
    ]
    assert series_of(*parts) == [
        f"DQN, mlp, parallel envs {envs}, budget {budget}"
        for envs in (1, 64)
        for budget in ("9,000", "10,000")
    ]
    hidden = [make(methods=("dqn",), sees_target=value)[0] for value in (True, False)]
    assert series_of(*hidden) == ["DQN, mlp, target not seen", "DQN, mlp, target seen"]


def test_a_line_keeps_its_name_where_part_of_a_grid_is_missing() -> None:
    parts = [make(methods=("dqn",), n_envs=envs)[0] for envs in (1, 64)]
    parts.append(make(sizes=(4,), methods=("dqn",), n_envs=4_096)[0])
    parts.append(make(sizes=(30,), methods=("dqn",), n_envs=1)[0])
    assert series_of(*parts) == [f"DQN, mlp, parallel envs {n}" for n in ("1", "64", "4,096")]


def test_an_ablation_names_what_departs_from_the_default() -> None:
    changes: tuple[dict[str, Any], ...] = (
        {},
        {"goal_mode": "random"},
        {"relabel_share": 1.0},
        {"relabel_done": False},
        {"implementation": "stock", "relabel_done": False},
    )
    parts = [make(methods=("her",), **({"relabel_share": 0.8} | change))[0] for change in changes]
    assert series_of(*parts) == [
        "DQN + HER, mlp",
        "DQN + HER, mlp, a goal per episode",
        "DQN + HER, mlp, done not recomputed",
        "DQN + HER, mlp, every goal relabelled",
        "DQN + HER, mlp, stock",
    ]


def test_configurations_that_no_column_tells_apart_go_by_their_names() -> None:
    runs = make(sizes=(4,), methods=("her",), seeds=2)[0]
    runs["config_id"] = ["a", "b"]
    assert series_of(runs) == ["DQN + HER, mlp, a", "DQN + HER, mlp, b"]


def test_the_protocol_says_what_was_run() -> None:
    assert protocol(make()[0]) == (
        "One fixed target; random starts; reward 1 at s and 0 elsewhere; horizon n; "
        "episodes end at s; 3 seeds; budget 40,000 env steps"
    )
    mixed = [
        make(seeds=1, max_steps=9, start="zeros", continuing_task=True)[0],
        make(seeds=1, max_steps=20, goal_mode="random", reward_type="hamming")[0],
    ]
    assert protocol(pd.concat(mixed)) == (
        "One fixed target or a new target each episode; random starts or starts at zeros; "
        "reward -distance/n or reward 1 at s and 0 elsewhere; horizon 9 to 20 steps; "
        "episodes end at s or episodes run to the horizon; 1 seed; budget 40,000 env steps"
    )
    required = [name for name, column in RUN_COLUMNS.items() if column.required]
    bare = make()[0].reindex(columns=required).reindex(columns=list(RUN_COLUMNS))
    assert protocol(bare) == "3 seeds"


# --- what the figures show ------------------------------------------------------------------------


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
