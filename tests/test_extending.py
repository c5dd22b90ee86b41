"""docs/extending.md, followed by the page alone: every file of it, every command."""

from __future__ import annotations

import functools
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

PAGE = Path(__file__).parent.parent / "docs" / "extending.md"
TITLES = [line[3:] for line in PAGE.read_text().splitlines() if line.startswith("## ")]


@functools.cache
def section(title: str) -> str:
    _, _, rest = PAGE.read_text().partition(f"## {title}\n")
    return rest.split("\n## ")[0]


def follow(title: str, folder: Path) -> str:
    """Write a section's files into a folder, run its commands there (or the files), and listen."""
    files: list[str] = []
    for code in re.findall(r"```python\n(.*?)```", section(title), re.DOTALL):
        name = code.splitlines()[0].removeprefix("# ")
        (folder / name).write_text(code)
        files.append(name)
    shell = "".join(re.findall(r"```sh\n(.*?)```", section(title), re.DOTALL))
    commands = shell.replace("\\\n", " ").splitlines() or [f"python {name}" for name in files]
    return "".join(run(command, folder) for command in commands)


def run(command: str, folder: Path, status: int = 0) -> str:
    program, *arguments = shlex.split(command)
    assert program == "python"
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def rows(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "results" / "runs.csv")


def run_folder(folder: Path, start: str) -> Path:
    return next(path for path in (folder / "results" / "runs").iterdir() if path.match(f"{start}*"))


def test_every_section_is_followed() -> None:
    followed = re.findall(r'follow\("(.*?)"', Path(__file__).read_text())
    assert sorted(followed) == sorted(TITLES)


def test_an_algorithm_of_sb3s(tmp_path: Path) -> None:
    follow("An algorithm of Stable-Baselines3's", tmp_path)
    runs = rows(tmp_path)
    assert runs["method"].tolist() == ["ppo", "qrdqn"]
    assert set(runs["network"]) == {"own"}
    assert set(runs["learner_reward"]) == {"r-1"}
    assert runs["updates_per_env_step"].isna().all()
    assert runs["env_steps"].tolist() == [2_000, 1_000]
    assert (runs["gradient_updates"] > 0).all()


def test_a_method_of_ones_own(tmp_path: Path) -> None:
    follow("A method of your own", tmp_path)
    runs = rows(tmp_path)
    assert len(runs) == 5
    assert runs["solved"].all()
    page = (tmp_path / "results" / "configurations.md").read_text()
    assert "--methods tabular:Tabular" in page
    assert (tmp_path / "results" / "figures" / "success_vs_n.png").stat().st_size > 10_000
    folder = run_folder(tmp_path, "tabular-own-n6")
    refused = run(f"python -m experiments.evaluate {folder}", tmp_path, status=2)
    assert "needs tabular:Tabular" in refused
    assert "--trust" in refused
    said = run(f"python -m experiments.evaluate {folder} --trust", tmp_path)
    assert "success rate 1.0000" in said


def test_a_network_of_ones_own(tmp_path: Path) -> None:
    follow("A network of your own", tmp_path)
    (told,) = rows(tmp_path)["told"]
    assert told == "s"
    folder = run_folder(tmp_path, "her-difference-n8")
    assert "success rate 1.0000" in run(
        f"python -m experiments.evaluate {folder} --trust", tmp_path
    )
    again = "compare --methods her --networks difference:Difference --n 3 4 --seeds 1 --hidden 16"
    run(f"python -m experiments.{again} --budget 400 --workers 2 --out results", tmp_path)
    assert rows(tmp_path)["n"].tolist() == [3, 4, 8]


def test_a_loop_of_ones_own(tmp_path: Path) -> None:
    follow("A loop of your own", tmp_path)
    (row,) = rows(tmp_path).to_dict("records")
    assert (row["method"], row["told"], row["env_steps"]) == ("one_step_q", "nothing", 4_002)
    assert row["solved"]
    folder = run_folder(tmp_path, "one_step_q-own-n5")
    said = run(f"python -m experiments.evaluate {folder} --trust", tmp_path)
    assert "success rate 1.0000" in said
    assert "its own program makes it again" in (tmp_path / "results/configurations.md").read_text()


def test_from_python(tmp_path: Path) -> None:
    said = follow("From Python", tmp_path).splitlines()
    runs = rows(tmp_path)
    assert (tmp_path / "agent.zip").is_file()
    assert said[-1] == runs["parent"].dropna().item()
    assert said[-1] in set(runs["run_id"])


def test_a_sweep_of_ones_own(tmp_path: Path) -> None:
    assert "success_rate" in follow("A sweep of your own", tmp_path)
    assert len(rows(tmp_path)) == 9


def test_an_environment_option(tmp_path: Path) -> None:
    assert "on slippery ground" in follow("An environment option", tmp_path)


@pytest.mark.parametrize(
    "path", re.findall(r"`((?:bitseq_env|tests|experiments|config)/[\w/.]+)`", PAGE.read_text())
)
def test_files_that_the_page_names_are_there(path: str) -> None:
    root = PAGE.parent.parent
    assert (root / path).is_file() or (root / "experiments" / path).is_file()
