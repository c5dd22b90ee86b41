"""Where a result comes from: never a reason to lose it, and never other code than what ran."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from experiments.config.run import RunConfig
from experiments.records import provenance
from experiments.records.provenance import checkout, describe, source
from experiments.sweeps import training

PACKAGES = ("bitseq_env", "experiments")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project of two source files, in the place of this one."""
    root = tmp_path / "project"
    for package in PACKAGES:
        (root / package).mkdir(parents=True)
        (root / package / "__init__.py").touch()
    monkeypatch.setattr(
        "importlib.util.find_spec",
        lambda name: SimpleNamespace(origin=str(root / name / "__init__.py")),
    )
    yield root
    checkout.cache_clear()
    source.cache_clear()


def git(folder: Path, *arguments: str) -> str:
    settings = ("user.name=me", "user.email=me", "commit.gpgSign=false")
    options = [part for setting in settings for part in ("-c", setting)]
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-C", str(folder), *options, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout


def committed(folder: Path, *paths: str) -> str:
    """The commit of a new repository that tracks some paths of a folder."""
    git(folder, "init", "-q")
    (folder / "README").touch()
    git(folder, "add", "README", *paths)
    git(folder, "commit", "-qm", "one")
    return git(folder, "rev-parse", "HEAD").strip()


def digest() -> str:
    source.cache_clear()
    return source()


def state() -> tuple[str | None, bool | None]:
    checkout.cache_clear()
    return checkout()


# What raises is unknown.


@pytest.mark.parametrize("name", ["versions", "source", "processor", "checkout", "device_name"])
def test_a_run_is_described_whatever_fails(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = describe("cpu")
    assert {key for key, value in whole.items() if value is None} <= {"commit", "clean"}

    def fail(*arguments: Any) -> Any:
        raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "made to fail")

    monkeypatch.setattr(provenance, name, fail)
    lost = {"checkout": {"commit", "clean"}, "processor": {name, "device_name"}}.get(name, {name})
    assert describe("cpu") == {**whole, **dict.fromkeys(lost)}


@pytest.mark.parametrize(
    "make",
    [lambda path: path.symlink_to("me@nowhere.4711"), Path.mkdir, os.mkfifo],
    ids=["link", "folder", "pipe"],
)
def test_what_is_no_source_file_is_none(project: Path, make: Callable[[Path], None]) -> None:
    before = digest()
    commit = committed(project, *PACKAGES)
    make(project / "experiments" / ".#train.py")
    assert digest() == before
    assert state() == (commit, True)


def test_a_source_of_any_name_and_content_counts(project: Path) -> None:
    digests = [digest()]
    for name in ("new.py", os.fsdecode(b"\xff.py")):
        for content in (b"", b"\xff"):
            (project / "experiments" / name).write_bytes(content)
            digests.append(digest())
    assert len(set(digests)) == 5


def test_a_run_is_described_once_before_it_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    def note(device: str) -> dict[str, Any]:
        said.append(device)
        return {"commit": f"{len(said)}"}

    monkeypatch.setattr(training, "describe", note)
    config = RunConfig.of(n=2, budget_env_steps=200, eval_episodes=2)
    run = training.train(config, on_look=lambda row: said.append("evaluation"))
    assert said[:2] == ["cpu", "evaluation"]
    assert said.count("cpu") == 1
    assert set(run.provenance) == {"commit", "threads", "finished_at"}


def test_nobody_waits_for_torch() -> None:
    code = (
        "import sys; from experiments.records.provenance import describe; describe('cpu')\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# The commit is that of what runs, or none.


def change(path: str) -> Callable[[Path], object]:
    return lambda project: (project / path).write_text("1\n")


def ignored_source(project: Path) -> None:
    (project / ".git" / "info" / "exclude").write_text("*.py\n")
    change("experiments/new.py")(project)


def undecodable(project: Path) -> None:
    name = os.fsdecode(b"\xff.txt")
    (project / name).touch()
    git(project, "config", "core.quotePath", "false")
    git(project, "add", name)


@pytest.mark.parametrize(
    ("edit", "clean"),
    [
        (lambda project: None, True),
        (change("notes.txt"), True),
        (change("experiments/__init__.py"), False),
        (change("README"), False),
        (change("experiments/new.py"), False),
        (ignored_source, False),
        (undecodable, False),
    ],
    ids=["same", "untracked", "changed", "read me", "new source", "ignored source", "undecodable"],
)
def test_clean_is_what_the_commit_says(
    project: Path, edit: Callable[[Path], object], clean: bool
) -> None:
    commit = committed(project, *PACKAGES)
    edit(project)
    assert state() == (commit, clean)
    git(project, "commit", "-qam", "later", "--allow-empty")
    assert checkout() == (commit, clean)  # asked once: the code was loaded then


@pytest.mark.parametrize("variable", ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"])
def test_the_environment_of_a_hook_says_nothing(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    commit = committed(project, *PACKAGES)
    (tmp_path / "other").mkdir()
    committed(tmp_path / "other")
    monkeypatch.setenv(variable, str(tmp_path / "other" / ".git"))
    assert state() == (commit, True)


def no_commit(project: Path) -> None:
    git(project, "init", "-q")
    git(project, "add", ".")


def packages_apart(project: Path) -> None:
    committed(project, *PACKAGES)
    (project / "elsewhere").mkdir()
    elsewhere = (project / "bitseq_env").rename(project / "elsewhere" / "bitseq_env")
    (project / "bitseq_env").symlink_to(elsewhere)


@pytest.mark.parametrize(
    "make",
    [
        lambda project: None,
        lambda project: committed(project.parent, "project"),
        committed,
        no_commit,
        packages_apart,
    ],
    ids=["no repository", "inside another", "sources untracked", "no commit", "packages apart"],
)
def test_otherwise_the_commit_is_unknown(project: Path, make: Callable[[Path], object]) -> None:
    make(project)
    assert state() == (None, None)


def test_without_git_the_commit_is_unknown(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    committed(project, *PACKAGES)
    monkeypatch.setenv("PATH", "")
    assert state() == (None, None)
