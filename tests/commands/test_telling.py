"""What commands say: paths as they are, in any terminal, and never at the cost of what they did."""

from __future__ import annotations

import errno
import io
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from experiments.figures.console import print_failures
from experiments.telling import Console, unfailing
from tests.command_lines import Command, finish, listing, process

NAME = "[red]x[/] [/b] :smile: ü 结果"
SHOWN = NAME.encode("ascii", "backslashreplace").decode()
TRAIN = ["--n", "3", "--budget", "100", "--device", "cpu", "--out"]


def check_complete(out: Path) -> None:
    assert {"runs.csv", "curves.csv", "summary.csv"} < set(listing(out))
    assert len(listing(out / "runs")) == 1 + 4


def test_paths_are_told_as_they_are(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / NAME
    with monkeypatch.context() as patch:
        patch.setenv("PYTHONIOENCODING", "ascii")
        trained = finish(process("train", *TRAIN, out))
    assert trained.status == 0, trained.err
    check_complete(out)
    assert f"wrote {tmp_path}/{SHOWN}/runs/her-mlp-n3-s0-" in trained.text
    (run,) = (out / "runs").iterdir()
    gif, empty = out / "[b].gif", out / "[/] empty"
    for arguments, said in (
        (("train", *TRAIN, out, "--n", "4", "--progress", "False"), f"wrote {out}/runs/"),
        (("plot", out), f"wrote {out}/figures/"),
        (("evaluate", run, "--gif", gif), f"wrote {gif}: "),
        (("compare", "--merge", out), f"2 runs in {out}/runs.csv"),
        (("plot", empty), f"error: {empty}: "),
        (("evaluate", empty), f"error: {empty}/config.json"),
        (("train", *TRAIN, run / "config.json"), str(run / "config.json")),
    ):
        assert said in command(*arguments).text, arguments


def test_a_reader_who_leaves_costs_no_run(tmp_path: Path) -> None:
    running = process("train", *TRAIN, tmp_path)
    assert running.stdout is not None
    running.stdout.close()
    outcome = finish(running)
    assert (outcome.status, outcome.err) == (0, "")
    check_complete(tmp_path)


def test_tables_and_lines_are_plain_text() -> None:
    stream, line = io.StringIO(), " ".join([NAME] * 20)
    console = Console(file=stream, width=150)
    console.table(f"title {NAME}", ["what", "number"], [[NAME, "12"]])
    console.print(line, style="red")
    print_failures(console, {NAME: (ValueError(f"no {NAME}"), 1)}, Path("log"))
    text = stream.getvalue()
    assert f"title {NAME}" in text
    assert line in text  # however long
    assert f"ValueError: no {NAME}" in text
    assert "│     12 │" in text


NO_ROOM = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Disk(io.RawIOBase):
    """What takes nothing, because it is full or has nobody at its other end."""

    def __init__(self, code: int) -> None:
        self.code = code

    def writable(self) -> bool:
        return True

    def write(self, _: Any) -> int:
        raise OSError(self.code, os.strerror(self.code))


@pytest.mark.parametrize(
    ("code", "warning"),
    [(errno.ENOSPC, f"warning: could not be printed: {NO_ROOM}\n"), (errno.EPIPE, ""), (None, "")],
)
def test_nothing_fails_for_being_told(
    monkeypatch: pytest.MonkeyPatch, code: int | None, warning: str
) -> None:
    errors = io.TextIOWrapper(io.BytesIO(), "ascii")
    stream = code and io.TextIOWrapper(io.BufferedWriter(Disk(code)), "ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", errors)
    with unfailing():
        print(NAME, flush=True)
        Console().print(NAME)
        print(f"error: {NAME}", file=sys.stderr)
    assert sys.stdout is stream
    told = errors.buffer.getvalue().decode()
    assert told == f"{warning}error: {SHOWN}\n"


def test_a_tilde_is_the_home_folder(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    flags = ["--n", "2", "--budget", "40", "--device", "cpu", "--progress", "False"]
    assert command("train", *flags, "--out=~/x").status == 0
    (run,) = (tmp_path / "home" / "x" / "runs").iterdir()
    assert command("evaluate", f"~/x/runs/{run.name}", "--episodes", "5").status == 0
    assert command("plot", "~/x").status == 0
    assert command("compare", "--merge=~/x").status == 0
    assert not (tmp_path / "~").exists()
