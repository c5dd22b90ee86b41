"""What a person sees while a sweep runs: how far it is, and each run that ends."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import TimeRemainingColumn as TimeLeftColumn

from experiments.config.run import RunConfig
from experiments.records.run_folders import FinishedRun
from experiments.sweeps.execution import Ended
from experiments.sweeps.log_file import LOG
from experiments.telling import Console

_SPEED_OVER = 600
"""Seconds of progress from which the time left is told."""


class SweepDisplay:
    """A bar for the sweep and one for each run that is worked on, with the time left.

    The sweep's bar counts estimated seconds, as runs differ in length; a run's bar counts
    environment steps up to its budget, and a run that solves its task ends before that.

    Args:
        console: Where to.
        missing: The runs that are to be trained, by name.
        seconds: What each is estimated to take.
        total: Runs of the whole sweep.
        solved: Those that were finished and solved before.
    """

    def __init__(
        self,
        console: Console,
        missing: Mapping[str, RunConfig],
        seconds: Mapping[str, float],
        total: int,
        solved: int = 0,
    ) -> None:
        self.console = console
        self.missing = missing
        self.seconds = seconds
        self.total = total
        self.solved = solved
        self.done = total - len(missing)
        self.failed = 0
        self._whole = sum(seconds.values())
        self._worked = 0.0
        self._shares: dict[str, float] = {}
        self._bars: dict[str, TaskID] = {}
        self.bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[told]}", markup=False),
            TimeElapsedColumn(),
            TimeLeftColumn(),
            TextColumn("left"),
            console=console,
            speed_estimate_period=_SPEED_OVER,
        )
        self.sweep = self.bars.add_task("", total=self._whole, told="")
        self._describe()

    def __enter__(self) -> SweepDisplay:
        self.bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for run_id in list(self._bars):
            self.bars.remove_task(self._bars.pop(run_id))
        self.bars.stop()

    def say(self, line: str) -> None:
        """A line above the bars, and in the sweep's log."""
        LOG.info("%s", line)
        self.console.print(line)

    def news(self, run_id: str, news: Mapping[str, Any]) -> None:
        """What a worker tells of a run."""
        run = self.missing[run_id]
        if place := news.get("begun"):
            LOG.info("began %s on worker %s of %s, process %s", run_id, *place.values())
            self._forget(run_id)
            self._bars[run_id] = self.bars.add_task(
                f"  {run_id.rsplit('-', 1)[0]}", total=run.budget_env_steps, told=""
            )
        elif run_id in self._bars:
            budget = run.budget_env_steps or 1
            self._shares[run_id] = min(1.0, news["env_steps"] / budget)
            self.bars.update(
                self._bars[run_id],
                completed=news["env_steps"],
                told=f"success {news['success_rate']:.0%}",
            )
        self._describe()

    def ended(self, ended: Ended) -> None:
        """A run's last line."""
        run = self.missing[ended.name]
        self._forget(ended.name)
        self._worked += self.seconds[ended.name]
        self.done += 1
        name = f"{run.method:4} {run.network} n={run.n} seed {run.seed}"
        again = f", attempt {ended.attempts}" if ended.attempts > 1 else ""
        if isinstance(ended.outcome, FinishedRun):
            result = ended.outcome.result
            self.solved += bool(result["solved"])
            self.say(
                f"{'solved  ' if result['solved'] else 'unsolved'} {name}: success "
                f"{result['success_rate']:.3f} after {result['env_steps']:,} steps, "
                f"{result['train_seconds']:.1f} s{again}"
            )
        else:
            self.failed += 1
            text = f"unfinished {name}: {ended.outcome!r}{again}"
            self.console.print(text, style="red")
            LOG.error("unfinished %s%s", ended.name, again, exc_info=ended.outcome)
            if words := getattr(ended.outcome, "last_words", ""):
                LOG.error("last words\n%s", words)
        self._describe()

    def _forget(self, run_id: str) -> None:
        self._shares.pop(run_id, None)
        if run_id in self._bars:
            self.bars.remove_task(self._bars.pop(run_id))

    def _describe(self) -> None:
        running = sum(share * self.seconds[name] for name, share in list(self._shares.items()))
        failed = f", {self.failed} failed" if self.failed else ""
        self.bars.update(
            self.sweep,
            description=f"runs {self.done}/{self.total}",
            completed=self._worked + running if self.done < self.total else self._whole,
            told=f"{self.solved} solved{failed}",
        )
