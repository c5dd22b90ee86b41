"""A sweep's log, its display, its estimate, and what it keeps of a worker's answer."""

from __future__ import annotations

import errno
import io
import json
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from experiments.config.presets import PRESETS, plan
from experiments.config.run import RunConfig
from experiments.figures.console import print_failures
from experiments.records import merging, run_folders, tables
from experiments.records.files import ResultError
from experiments.sweeps import estimates, sweep, transfer
from experiments.sweeps.execution import Ended
from experiments.sweeps.log_file import LOG, journal
from experiments.sweeps.progress import SweepDisplay
from experiments.sweeps.worker_deaths import WorkerDiedError
from experiments.telling import Console
from tests.command_lines import Command, listing
from tests.made_runs import make_finished_run
from tests.made_tables import transfers_of


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


def test_a_log_has_the_command_the_versions_and_tracebacks(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "sweep-0-1.err").touch()  # of a driver that was killed
    with journal(tmp_path, "python -m experiments.compare --n 3") as path:
        assert path.parent == tmp_path / "logs"
        LOG.error("unfinished %s", "a-run", exc_info=raised(RuntimeError("why")))
        (tmp_path / "logs" / f"{path.stem}-1.err").touch()
        (tmp_path / "logs" / f"{path.stem}-2.err").write_text("last words")
    text = path.read_text()
    for words in ("command: python -m experiments.compare --n 3", "torch ", "Traceback", "why"):
        assert words in text
    # Only what has something to say stays.
    assert listing(tmp_path / "logs") == sorted([path.name, f"{path.stem}-2.err"])
    LOG.error("after its end")
    assert path.read_text() == text


def test_a_log_that_cannot_be_written_is_no_reason_to_stop(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with journal(tmp_path, "command") as path:
        with monkeypatch.context() as patch:
            patch.setattr(logging.FileHandler, "flush", full)
            LOG.info("no room")
        LOG.info("room again")
    assert "room again" in path.read_text()
    assert capsys.readouterr().err == ""


def test_what_stopped_a_sweep_is_in_its_log(tmp_path: Path) -> None:
    with pytest.raises(KeyError), journal(tmp_path, "command"):
        raise KeyError("a run")
    (path,) = (tmp_path / "logs").iterdir()
    assert "stopped: KeyError('a run')" in path.read_text()


def shown(use: Callable[[Console], None], **options: Any) -> str:
    stream = io.StringIO()
    use(Console(file=stream, width=200, **options))
    return stream.getvalue()


def test_the_display_tells_of_runs_and_of_time(tmp_path: Path) -> None:
    solved, unsolved = make_finished_run(seed=0), make_finished_run(seed=1, success_rate=0.5)
    missing = {run.config.run_id: run.config for run in (solved, unsolved)}
    failing = make_finished_run(seed=2).config
    missing[failing.run_id] = failing
    place = {"begun": {"worker": "0", "host": "here", "pid": 1}}

    def use(console: Console) -> None:
        seconds = dict.fromkeys(missing, 10.0)
        with SweepDisplay(console, missing, seconds, total=5, solved=1) as display:
            for run_id in missing:
                display.news(run_id, place)
                display.news(run_id, {"env_steps": 450, "success_rate": 0.25})
            assert display.bars.tasks[0].completed == pytest.approx(15)
            display.bars.refresh()
            display.ended(Ended(solved.config.run_id, solved, 1))
            display.ended(Ended(unsolved.config.run_id, unsolved, 2))
            display.ended(Ended(failing.run_id, WorkerDiedError("4 died", "at this"), 4))
            assert display.bars.tasks[0].completed == 30

    with journal(tmp_path, "command") as path:
        text = shown(use, force_terminal=True)
    for words in ("her-mlp-n3-s0", "success 25%", "solved   her", "unsolved her", "attempt 2"):
        assert words in text
    for words in ("2/5", "5/5", "2 solved, 1 failed", "left", "unfinished her", "4 died"):
        assert words in text
    log = path.read_text()
    assert "began her-mlp-n3-s0" in log
    assert "last words\nat this" in log


def test_failures_come_in_one_table() -> None:
    failures: dict[str, tuple[BaseException, int]] = {
        "a-run": (ValueError("no [bold] luck"), 1),
        "b-run": (WorkerDiedError("4 workers died", ""), 4),
    }
    text = shown(lambda console: print_failures(console, failures, Path("logs/a.log")))
    for words in ("Unfinished: 2", "logs/a.log", "ValueError: no [bold] luck", "4 workers died"):
        assert words in text
    assert shown(lambda console: print_failures(console, {}, Path("log"))) == ""


def test_the_attempts_and_the_command_are_in_the_provenance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "orig_argv", ["python3", "-m", "experiments.compare", "--n", "5"])
    run = make_finished_run()
    sweep.write(tmp_path, run, Ended(run.config.run_id, run, 3))
    text = (tmp_path / "runs" / run.config.run_id / run_folders.RESULT).read_text()
    provenance = json.loads(text)["provenance"]
    assert provenance["attempts"] == 3
    assert provenance["command"] == "python -m experiments.compare --n 5"
    assert set(provenance["sha256"]) == {run_folders.RESULT, run_folders.CURVE, run_folders.POLICY}


def test_rows_of_older_weights_go_when_a_run_is_written(tmp_path: Path) -> None:
    run = make_finished_run()
    transfers = transfers_of({8: [1.0], 30: [1.0]})
    older = transfers.assign(run_id=run.config.run_id)
    path = tmp_path / transfer.FILE
    pd.concat([transfers, older]).to_csv(path, index=False)
    sweep.write(tmp_path, run, Ended(run.config.run_id, run, 1))
    assert set(tables.read_transfers(path)["run_id"]) == set(transfers["run_id"])
    # Whatever has become of that file, the run is not lost.
    path.write_text("what,is,this\n")
    sweep.write(tmp_path, run, Ended(run.config.run_id, run, 1))
    assert run_folders.scan(tmp_path)[1] == []
    assert path.read_text() == "what,is,this\n"


def test_a_worker_that_sends_another_run_is_not_believed(tmp_path: Path) -> None:
    run = make_finished_run()
    with pytest.raises(ResultError, match=r"her-mlp-n3-s0-.* where 'another'"):
        sweep.write(tmp_path, run, Ended("another", run, 1))
    assert listing(tmp_path) == []


# The estimate.


def test_a_plan_says_what_it_takes_and_what_is_finished(command: Command, tmp_path: Path) -> None:
    grid = {"methods": "her", "n": 3, "seeds": 4, "budget": 900, "eval-episodes": 10, "out": "out"}
    flags = [word for name, value in grid.items() for word in (f"--{name}", str(value))]
    fresh = command("compare", *flags, "--dry-run", "--workers", "2").text
    assert "4 runs, 0 finished, 4 to do: about 3 seconds on 2 workers" in fresh
    assert "0 estimated from other seeds in runs.csv, 4 from their budgets" in fresh
    assert listing(tmp_path) == []

    out = tmp_path / "out"
    run_folders.write_run(out, make_finished_run(seed=0))
    merging.merge(out, run_folders.scan(out)[0])
    before = listing(tmp_path)
    # The finished seed took 140.25 s.
    later = command("compare", *flags, "--dry-run", "--workers", "3").text
    assert "4 runs, 1 finished, 3 to do: about 2.3 minutes on 3 workers" in later
    assert "3 estimated from other seeds in runs.csv, 0 from their budgets" in later
    forced = command("compare", *flags, "--dry-run", "--force", "--workers", "1").text
    assert "4 runs, 0 finished, 4 to do: about 9.3 minutes on 1 worker." in forced
    cluster = command("compare", *flags, "--dry-run", "--scheduler", "tcp://nowhere:8786")
    assert cluster.status == 0
    assert listing(tmp_path) == before


def test_a_sweep_takes_at_least_its_longest_run() -> None:
    runs = plan(PRESETS["quick"].blocks, {})
    known = {runs[0].config_id: 1_000.0}
    assert estimates.sweep_seconds(runs, known, 1_000) == 1_000
    assert estimates.sweep_seconds([], {}, 2) == 0
    whole = sum(estimates.seconds(run, known) for run in runs)
    assert estimates.sweep_seconds(runs, known, 1) == whole


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 seconds"), (89, "89 seconds"), (90, "1.5 minutes"), (7_200, "2.0 hours")],
)
def test_durations_are_told_in_words(seconds: float, words: str) -> None:
    assert estimates.in_words(seconds) == words


def test_larger_runs_are_estimated_longer() -> None:
    sizes = [estimates.modelled(RunConfig(n=n).resolved()) for n in (5, 20, 50)]
    assert sizes == sorted(sizes)
    wide = RunConfig(n=5, budget_env_steps=60_000).resolved()
    assert estimates.modelled(wide) > sizes[0]
