"""The plot command: tables to figures, what it survives, and what it says when it cannot."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from experiments.plot import main, plot
from experiments.records.schema import RUN_COLUMNS
from experiments.records.tables import TableError
from tests.made_plots import NAMES, folder, labels, make


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
    monkeypatch.setattr(
        "experiments.figures.saving._save", lambda drawn, _: [Path(name) for name in drawn]
    )
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
        "experiments.figures.saving._save", lambda made, _: drawn.append(made["success_vs_n"])
    )
    plot(there)
    assert labels(drawn[0]) == ["DQN + HER, mlp, hidden 256", "DQN + HER, mlp, hidden 512"]
