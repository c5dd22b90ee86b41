"""README.md: its Python runs, its commands run small, and what it names is there."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tyro

REPOSITORY = Path(__file__).parent.parent
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def blocks(*languages: str) -> list[str]:
    pattern = rf"^```(?:{'|'.join(languages)})\n(.*?)^```$"
    return re.findall(pattern, README, re.MULTILINE | re.DOTALL)


def shell_lines() -> list[list[str]]:
    """The words of every line that a reader may type, comments left out."""
    text = "\n".join(blocks("sh", "bash", "shell", "console")).replace("\\\n", " ")
    lines = (shlex.split(line.removeprefix("$ "), comments=True) for line in text.splitlines())
    return [line for line in lines if line]


PYTHON = blocks("python", "py")
MODULES = [line[line.index("python") :] for line in shell_lines() if "python" in line]
COMMANDS = [line for line in MODULES if line[2].startswith("experiments.")]
CLUSTERS = [line for line in MODULES if line[2] == "dask"]

SMALL = {
    "train": {"--n": "3", "--budget": "200", "--device": "cpu", "--progress": "False"},
    "compare": {"--n": "3", "--budget": "300", "--seeds": "1", "--workers": "1"},
    "evaluate": {"--episodes": "20"},
    "plot": {},
    "benchmark": {"--rows": "single", "--repeats": "1"},
}


def with_flags(words: list[str], flags: dict[str, str]) -> list[str]:
    """The words with these flags' values instead of their own."""
    kept: list[str] = []
    dropping = False
    for word in words:
        if word.startswith("--"):
            dropping = word in flags
        if not dropping:
            kept.append(word)
    return kept + [part for flag in flags.items() for part in flag]


def test_there_is_something_to_run() -> None:
    assert PYTHON
    assert {line[2] for line in COMMANDS} >= {
        f"experiments.{name}" for name in ("train", "compare", "plot", "evaluate")
    }


@pytest.mark.parametrize("block", PYTHON or [pytest.param("", marks=pytest.mark.skip)])
def test_the_python_runs(block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    code = compile(block, "README.md", "exec")
    if "dask_jobqueue" in block:
        pytest.skip("needs a batch system")
    exec(code, {"__name__": "__main__"})


def run_small(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A command as its line says but for its size; one with a preset is only planned."""
    name = words[2].removeprefix("experiments.")
    flags = {"--dry-run": "True"} if "--preset" in words else SMALL[name]
    runs = sorted(str(path) for path in Path.cwd().glob("results/*/runs/*"))
    line = [runs[0] if "<run_id>" in word else word for word in with_flags(words, flags)]
    if name == "compare" and "--preset" not in words:
        # Its workers are processes that start from the one that asks for them.
        done = subprocess.run(
            [sys.executable, *line[1:]],
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, (line, done.stderr)
        assert "Traceback" not in done.stderr
        return
    monkeypatch.setattr(sys, "argv", line[2:])
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(words[2]).main()
    assert ended.value.code == 0, line


def test_the_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for words in COMMANDS:
        run_small(words, monkeypatch)
    for words in COMMANDS:
        # Each line that names a folder or an animation has made it.
        for flag in {"--out", "--gif"} & set(words) if "--preset" not in words else ():
            assert Path(words[words.index(flag) + 1]).exists(), words
        if words[2] == "experiments.plot":
            assert list(Path(words[3], "figures").glob("*.png")), words


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_commands_are_understood_as_they_stand(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module(words[2])
    parse, understood = tyro.cli, []

    def only_parse(*arguments: Any, **keywords: Any) -> None:
        understood.append(parse(*arguments, **keywords))
        raise SystemExit(0)

    monkeypatch.setattr(tyro, "cli", only_parse)
    monkeypatch.setattr(sys, "argv", words[2:])
    with pytest.raises(SystemExit):
        module.main()
    assert len(understood) == 1


@pytest.mark.parametrize("words", CLUSTERS, ids=" ".join)
def test_the_cluster_commands_are_understood_as_they_stand(words: list[str]) -> None:
    command = importlib.import_module(f"distributed.cli.dask_{words[3]}").main
    assert command.make_context(words[3], words[4:]).params


def test_make_targets_are_there() -> None:
    targets = re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    named = [line[1] for line in shell_lines() if line[0] == "make"]
    assert named
    assert set(named) <= set(targets)


def test_linked_files_are_there() -> None:
    links = re.findall(r"\]\(([^)#\s]+)", README)
    inside = [link for link in links if "://" not in link]
    assert inside
    assert [link for link in inside if not (REPOSITORY / link).exists()] == []


def test_there_is_a_figure_and_an_animation() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert any(picture.endswith((".png", ".svg")) for picture in pictures)
    assert any(picture.endswith(".gif") for picture in pictures)
