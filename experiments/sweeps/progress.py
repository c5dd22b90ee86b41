"""What a person sees of a sweep: how far it is, each run that ends, and afterwards its log file."""

from __future__ import annotations

import contextlib
import datetime
import logging
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from logging.handlers import MemoryHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import TimeRemainingColumn as TimeLeftColumn

from experiments.config.run import RunConfig
from experiments.records.provenance import versions
from experiments.records.run_folders import FinishedRun
from experiments.telling import Console

if TYPE_CHECKING:
    from experiments.sweeps.execution import Ended

Failures = dict[str, tuple[BaseException, int]]
"""Each failed call's error, and how often it was begun."""

LOG = logging.getLogger("experiments.sweeps")
"""What is logged here while a journal is open is in its file."""
LOG.addHandler(logging.NullHandler())  # without a journal: not on the terminal either
LOG.setLevel(logging.INFO)
LOG.propagate = False

_SPEED_OVER = 600
"""Seconds of progress from which the time left is told."""


@contextlib.contextmanager
def journal(out: Path, command: str) -> Iterator[Path]:
    """A new log file in the results folder's ``logs``, which begins with the command line."""
    now = datetime.datetime.now(datetime.UTC)
    path = out / "logs" / f"sweep-{now:%Y%m%d-%H%M%S}-{os.getpid()}.log"
    path.parent.mkdir(exist_ok=True)
    _drop_empty(path.parent)  # left by a driver that was killed
    with contextlib.ExitStack() as stack:
        stack.callback(_drop_empty, path.parent)
        handler = logging.FileHandler(path, encoding="utf-8")
        stack.callback(handler.close)
        # A full disk stops a sweep where it writes results, and not in its log.
        handler.handleError = lambda record: None  # type: ignore[method-assign]  # noqa: ARG005
        line = logging.Formatter("%(asctime)sZ %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S")
        line.converter = time.gmtime
        handler.setFormatter(line)
        # Dask's warnings tell of workers that died, and of what. Not to the file itself: a cluster
        # that is told to be quiet hushes every stream that it finds.
        relay = MemoryHandler(capacity=1, target=handler)
        relay.setLevel(logging.WARNING)
        for name, one in ((LOG.name, handler), ("distributed", relay), ("tornado", relay)):
            logging.getLogger(name).addHandler(one)
            stack.callback(logging.getLogger(name).removeHandler, one)
        LOG.info("command: %s", command)
        LOG.info("versions: %s", ", ".join(" ".join(pair) for pair in versions().items()))
        try:
            yield path
        except BaseException as error:
            LOG.error("stopped: %r", error)
            raise


def empty_log(folder: Path) -> Path:
    """A run's folder for SB3's logs, without what earlier attempts have left there."""
    for kind in ("events.out.tfevents.*", "progress.csv"):
        for left in folder.glob(kind):
            left.unlink()
    return folder


def _drop_empty(logs: Path) -> None:
    """Remove the files of workers that had nothing to say."""
    for errors in logs.glob("sweep-*.err"):
        with contextlib.suppress(OSError):
            if errors.stat().st_size == 0:
                errors.unlink()


def say(console: Console, line: str, level: int = logging.INFO, style: str | None = None) -> None:
    """A line for a person, and for the sweep's log."""
    LOG.log(level, "%s", line)
    console.print(line, style=style)


@dataclass(eq=False)
class SweepDisplay:
    """A bar for the sweep and one for each run that is worked on, with the time left.

    The sweep's bar counts estimated seconds, as runs differ in length; a run's bar counts
    environment steps up to its budget, and a run that solves its task ends before that.
    """

    console: Console
    missing: Mapping[str, RunConfig]
    """The runs that are to be trained, by name."""
    seconds: Mapping[str, float]
    """What each is estimated to take."""
    total: int
    """Runs of the whole sweep."""
    solved: int = 0
    """Those that are, at first from before."""
    failed: int = 0

    def __post_init__(self) -> None:
        self._left = dict(self.seconds)
        """Seconds that each run may still take."""
        self._bars: dict[str, TaskID] = {}
        self.bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[told]}", markup=False),
            TimeElapsedColumn(),
            TimeLeftColumn(),
            TextColumn("left"),
            console=self.console,
            speed_estimate_period=_SPEED_OVER,
        )
        self.sweep = self.bars.add_task("", total=sum(self.seconds.values()), told="")
        self._describe()

    def __enter__(self) -> SweepDisplay:
        self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        for run_id in list(self._bars):
            self._forget(run_id)
        self.bars.stop()

    def news(self, run_id: str, news: Mapping[str, Any]) -> None:
        """What a worker tells of a run."""
        budget = self.missing[run_id].budget_env_steps or 1
        steps = news.get("env_steps", 0)
        if place := news.get("begun"):
            LOG.info("began %s on worker %s of %s, process %s", run_id, *place.values())
            self._forget(run_id)
            label = f"  {run_id.rsplit('-', 1)[0]}"
            self._bars[run_id] = self.bars.add_task(label, total=budget, told="")
        elif run_id in self._bars and (search := news.get("search")):
            self.bars.update(self._bars[run_id], told=search)
        elif run_id in self._bars:
            told = f"success {news['success_rate']:.0%}"
            self.bars.update(self._bars[run_id], completed=steps, told=told)
        self._left[run_id] = self.seconds[run_id] * max(0.0, 1 - steps / budget)
        self._describe()

    def ended(self, ended: Ended) -> None:
        """A run's last line."""
        run = self.missing[ended.name]
        self._forget(ended.name)
        del self._left[ended.name]
        name = f"{run.method:4} {run.network} n={run.n} seed {run.seed}"
        again = f", attempt {ended.attempts}" if ended.attempts > 1 else ""
        if isinstance(ended.outcome, FinishedRun):
            result = ended.outcome.result
            self.solved += bool(result["solved"])
            say(
                self.console,
                f"{'solved  ' if result['solved'] else 'unsolved'} {name}: success "
                f"{result['success_rate']:.3f} after {result['env_steps']:,} steps, "
                f"{result['train_seconds']:.1f} s{again}",
            )
        else:
            self.failed += 1
            self.console.print(f"unfinished {name}: {ended.outcome!r}{again}", style="red")
            LOG.error("unfinished %s%s", ended.name, again, exc_info=ended.outcome)
        self._describe()

    def _forget(self, run_id: str) -> None:
        if run_id in self._bars:
            self.bars.remove_task(self._bars.pop(run_id))

    def _describe(self) -> None:
        self.bars.update(
            self.sweep,
            description=f"runs {self.total - len(self._left)}/{self.total}",
            completed=sum(self.seconds.values()) - sum(list(self._left.values())),
            told=f"{self.solved} solved" + (f", {self.failed} failed" if self.failed else ""),
        )
