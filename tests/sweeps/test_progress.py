"""What a person is told of a sweep: its log, its display, and how long it will take."""

from __future__ import annotations

import errno
import io
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from experiments.config.run import RunConfig
from experiments.records import merging, run_folders
from experiments.sweeps import estimates
from experiments.sweeps.execution import Ended
from experiments.sweeps.progress import LOG, SweepDisplay, journal
from experiments.sweeps.workers import WorkerDiedError
from experiments.telling import Console
from tests.command_lines import REPOSITORY, Command, listing
from tests.made_runs import make_finished_run


def test_a_log_has_the_command_the_versions_and_tracebacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "sweep-0-1.err").touch()  # of a driver that was killed

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def stopped() -> None:
        with journal(tmp_path, "python -m experiments.compare --n 3") as path:
            LOG.error("unfinished %s", "a-run", exc_info=RuntimeError("why"))
            logging.getLogger("distributed.any").warning("a worker died")
            logging.getLogger("distributed.any").info("small talk")
            (logs / f"{path.stem}-1.err").touch()
            (logs / f"{path.stem}-2.err").write_text("last words")
            with monkeypatch.context() as patch:
                patch.setattr(logging.FileHandler, "flush", full)
                LOG.info("no room, which is no reason to stop")
            raise KeyError("a run")

    with pytest.raises(KeyError):
        stopped()
    # Only what has something to say stays.
    words, log = sorted(logs.iterdir())
    assert words.name == f"{log.stem}-2.err"
    text = log.read_text()
    for said in ("command: python -m experiments.compare --n 3", "torch ", "RuntimeError: why"):
        assert said in text
    assert "WARNING a worker died" in text
    assert "small talk" not in text
    assert "stopped: KeyError('a run')" in text
    LOG.error("after its end")
    assert log.read_text() == text
    assert capsys.readouterr().err == ""


def test_the_display_tells_of_runs_and_of_time(tmp_path: Path) -> None:
    solved, unsolved = make_finished_run(seed=0), make_finished_run(seed=1, success_rate=0.5)
    failing = make_finished_run(seed=2).config
    missing = {run.run_id: run for run in (solved.config, unsolved.config, failing)}
    seconds = dict.fromkeys(missing, 10.0)
    died = WorkerDiedError("4 died")
    died.add_note("worker one:\n  at this")
    stream = io.StringIO()
    console = Console(file=stream, width=200, force_terminal=True)
    with (
        journal(tmp_path, "command") as path,
        SweepDisplay(console, missing, seconds, total=5, solved=1) as display,
    ):
        for run_id in missing:
            display.news(run_id, {"begun": {"worker": "0", "host": "here", "pid": 1}})
            display.news(run_id, {"env_steps": 450, "success_rate": 0.25})
        whole = display.bars.tasks[0]
        assert whole.completed == pytest.approx(15)
        display.bars.refresh()
        display.ended(Ended(solved.config.run_id, solved, 1))
        display.ended(Ended(unsolved.config.run_id, unsolved, 2))
        # A worker died: its run is begun again.
        display.news(failing.run_id, {"begun": {"worker": "0", "host": "here", "pid": 2}})
        assert whole.completed == pytest.approx(20)
        display.ended(Ended(failing.run_id, died, 4))
        assert whole.completed == whole.total == 30
    text, log = stream.getvalue(), path.read_text()
    for words in ("her-mlp-n3-s0", "success 25%", "solved   her", "unsolved her", "attempt 2"):
        assert words in text
    for words in ("2/5", "5/5", "2 solved, 1 failed", "left", "unfinished her", "4 died"):
        assert words in text
    assert "began her-mlp-n3-s0" in log
    assert "worker one:\n  at this" in log


def test_a_plan_says_what_it_takes_and_what_is_finished(command: Command, tmp_path: Path) -> None:
    flags = "--methods her --n 3 --seeds 4 --budget 900 --eval-episodes 10 --out out --dry-run"

    def planned(line: str, *says: str) -> None:
        outcome = command("compare", *flags.split(), *line.split())
        assert outcome.status == 0
        for words in says:
            assert words in outcome.text

    planned(
        "--workers 2",
        "4 runs, 0 finished, 4 to do: about 3 seconds on 2 workers",
        "0 estimated from other seeds in runs.csv, 4 from their budgets",
    )
    assert listing(tmp_path) == []
    out = tmp_path / "out"
    run_folders.write_run(out, make_finished_run(seed=0))
    merging.merge(out, run_folders.scan(out)[0])
    before = listing(tmp_path)
    # The finished seed took 140.25 s.
    planned(
        "--workers 3",
        "4 runs, 1 finished, 3 to do: about 2.3 minutes on 3 workers",
        "3 estimated from other seeds in runs.csv, 0 from their budgets",
    )
    planned("--force --workers 1", "4 runs, 0 finished, 4 to do: about 9.3 minutes on 1 worker.")
    planned("--scheduler tcp://nowhere:8786")
    assert listing(tmp_path) == before


def test_a_plan_waits_for_neither_torch_nor_a_cluster() -> None:
    code = (
        "import sys, experiments.compare as compare;"
        "compare.compare(compare.CompareArguments(preset='quick', dry_run=True));"
        "print({'torch', 'stable_baselines3', 'distributed'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert said.stdout.endswith("\nset()\n")


def test_a_sweep_takes_as_long_as_its_work_shared_out_or_its_longest_run() -> None:
    runs = [*(RunConfig.of(n=n) for n in (5, 20, 50)), RunConfig.of(n=50, budget_env_steps=10**7)]
    each = [estimates.seconds(run, {}) for run in runs]
    assert each == sorted(each)
    assert estimates.sweep_seconds(runs, {}, 1) == sum(each)
    known = {runs[0].config_id: 1e6}
    assert estimates.sweep_seconds(runs, known, 1_000) == 1e6
    assert estimates.sweep_seconds([], {}, 2) == 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 seconds"), (89, "89 seconds"), (90, "1.5 minutes"), (7_200, "2.0 hours")],
)
def test_durations_are_told_in_words(seconds: float, words: str) -> None:
    assert estimates.in_words(seconds) == words
