"""A results folder to all its figures and pages, and what it says when it cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from experiments.figures import folder
from experiments.figures.folder import draw_folder
from experiments.records.schema import RUN_COLUMNS
from experiments.records.tables import TableError
from tests.figures import test_ablation, test_frontier, test_transfer
from tests.figures.drawn import labels, page_rows
from tests.made_tables import HER, comparison_of, curves_of, folder_with, runs_of, transfers_of

NAMES = {"success_vs_n", "episodes_to_solve", "learning_curves", "steps_vs_optimum"}
SMALL = comparison_of(sizes=(10,), seeds=1)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, Figure]:
    """What is drawn, instead of its being written."""
    found: dict[str, Figure] = {}
    monkeypatch.setattr("experiments.figures.saving._save", lambda made, _: found.update(made))
    monkeypatch.setattr(folder, "_PAGES", {})
    return found


def test_a_folder_of_tables_gives_all_figures_twice_the_same(tmp_path: Path) -> None:
    runs = comparison_of()
    there = folder_with(tmp_path, runs, curves_of(runs))
    first = {path.name: path.read_bytes() for path in draw_folder(there)}
    assert set(first) == {f"{name}.{suffix}" for name in NAMES for suffix in ("png", "svg")}
    assert {path.name: path.read_bytes() for path in draw_folder(there)} == first
    for name in NAMES:
        assert b"<dc:date>" not in first[f"{name}.svg"]
        with Image.open(there / "figures" / f"{name}.png") as picture:
            colors = picture.convert("RGB").getcolors(1 << 20)
            assert picture.width > 1_000
        assert colors is not None
        assert len(colors) > 50


def test_rows_of_before_a_setting_existed_are_of_the_same_series(
    tmp_path: Path, drawn: dict[str, Figure]
) -> None:
    settings: Any = {"exploration": "decay", "withhold_reward": False, "goal_mode": "fixed"}
    runs = comparison_of(sizes=(4, 8), methods=("her",)).assign(**settings)
    parts = [
        runs.assign(
            **{name: runs[name] + end for name in ("run_id", "config_id")}, **{setting: value}
        )
        for end, setting, value in (
            ("", "withhold_reward", False),
            ("x", "withhold_reward", True),
            ("y", "goal_mode", "random"),
        )
    ]
    for part in parts[:2]:  # as if made before
        part.loc[part["n"] == 8, "exploration"] = None
    draw_folder(folder_with(tmp_path, pd.concat(parts)))
    assert not [label for label in labels(drawn["success_vs_n"]) if "exploration" in label]


def test_edited_and_glued_tables_give_the_same_figures(tmp_path: Path) -> None:
    tables = SMALL, curves_of(SMALL)
    tidy, edited = folder_with(tmp_path / "a", *tables), folder_with(tmp_path / "b", *tables)
    for name in ("runs", "curves"):
        path = edited / f"{name}.csv"
        table = pd.read_csv(path, dtype=str)
        half = table.iloc[: len(table) // 2][table.columns[::-1]].assign(note="seen")
        rest = table.iloc[len(table) // 3 :]
        text = half.to_csv(index=False, lineterminator="\r\n") + rest.to_csv(index=False)
        path.write_bytes(text.encode())
    for one, other in zip(draw_folder(tidy), draw_folder(edited), strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_runs_alone_are_enough(tmp_path: Path, drawn: dict[str, Figure]) -> None:
    required = [name for name, column in RUN_COLUMNS.items() if column.required]
    SMALL[required].to_csv(tmp_path / "runs.csv", index=False)
    few = NAMES - {"learning_curves", "steps_vs_optimum"}
    curves = curves_of(SMALL)
    for table, names in (
        (None, few),
        (curves.iloc[:0], few),
        (curves.drop(columns="mean_steps"), NAMES - {"steps_vs_optimum"}),
    ):
        if table is not None:
            table.to_csv(tmp_path / "curves.csv", index=False)
        drawn.clear()
        draw_folder(tmp_path)
        assert set(drawn) == names


def test_settings_in_the_summary_tell_series_apart(
    tmp_path: Path, drawn: dict[str, Figure]
) -> None:
    runs = pd.concat([runs_of(HER | {"hidden": width}, 5, [9, 9]) for width in ("256", "1024")])
    draw_folder(folder_with(tmp_path, runs))
    assert labels(drawn["success_vs_n"]) == [
        *("DQN + HER, mlp, hidden 256", "DQN + HER, mlp, hidden 1,024")
    ]


def test_names_that_look_like_mathematics_are_drawn_as_they_are(tmp_path: Path) -> None:
    runs = comparison_of(sizes=(4,), seeds=1, methods=("$\\frac{", "_a&<b>"))
    for path in draw_folder(folder_with(tmp_path, runs, curves_of(runs))):
        assert path.stat().st_size > 1_000


@pytest.mark.parametrize(
    ("name", "runs", "transfers"),
    [
        ("ablation", pd.concat(test_ablation.sweep()), None),
        ("frontier", test_frontier.BOTH, None),
        ("transfer", test_transfer.RUNS, test_transfer.TRANSFERS),
    ],
    ids=["ablation", "frontier", "transfer"],
)
def test_sweeps_have_a_figure_and_a_page_of_their_own(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    runs: pd.DataFrame,
    transfers: pd.DataFrame | None,
) -> None:
    own = {key: draw for key, draw in folder._FIGURES.items() if key not in NAMES}
    monkeypatch.setattr(folder, "_FIGURES", own)
    paths = draw_folder(folder_with(tmp_path, runs, None, transfers))
    assert [path.name for path in paths] == [f"{name}.png", f"{name}.svg", f"{name}.md"]
    text = paths[-1].read_text()
    assert f"](figures/{name}.png)" in text
    assert len(page_rows(text)) > 2


HEADER = "run_id,config_id,method,network,n,seed,success_rate\n"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("runs", None, "runs.csv: cannot be read: No such file"),
        ("runs", HEADER, "runs.csv: has no rows"),
        (
            "runs",
            f"{HEADER}a,b,her,mlp,5,0,2\n",
            r"runs.csv, line 2, column 'success_rate': must be a number in \[0, 1\], got '2'",
        ),
        (
            "curves",
            curves_of(SMALL).assign(success_rate="high").to_csv(index=False),
            "curves.csv, line 2, column 'success_rate'.*'high'",
        ),
        (
            "transfer",
            transfers_of({8: [1.0]}).drop(columns="trained_n").to_csv(index=False),
            "transfer.csv.*'trained_n': is missing",
        ),
    ],
    ids=["none", "no-rows", "value", "curves", "transfer"],
)
def test_mistakes_are_named_before_anything_is_drawn(
    tmp_path: Path, name: str, content: str | None, message: str
) -> None:
    path = folder_with(tmp_path, SMALL) / f"{name}.csv"
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_text(content)
    with pytest.raises(TableError, match=message):
        draw_folder(tmp_path)
    assert not (tmp_path / "figures").exists()


def test_a_file_in_the_way_of_figures_is_named(tmp_path: Path) -> None:
    (folder_with(tmp_path, SMALL) / "figures").write_text("")
    with pytest.raises(TableError, match="figures: cannot be made"):
        draw_folder(tmp_path)
