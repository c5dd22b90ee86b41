"""A sweep: what is missing is trained on a cluster's workers, written here, and merged."""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from experiments import command_line
from experiments.config.run import RunConfig
from experiments.records import merging, run_folders
from experiments.records.files import ResultError
from experiments.records.run_folders import FinishedRun
from experiments.records.tables import TableError
from experiments.sweeps import estimates, transfer
from experiments.sweeps.progress import LOG, Failures, SweepDisplay, say
from experiments.telling import Console

if TYPE_CHECKING:
    from experiments.sweeps.clusters import Site
    from experiments.sweeps.execution import Ended

Runs = dict[str, FinishedRun]


def sweep(
    out: Path,
    runs: Sequence[RunConfig],
    site: Site,
    console: Console,
    failures: Failures,
    force: bool = False,
    weights_needed: bool = False,
    search_threads: int | None = None,
    search_anyway: bool = False,
) -> tuple[pd.DataFrame, Runs]:
    """Train the runs that are not finished, or all by force, and rebuild the tables of a folder.

    Runs that fail are put into ``failures`` as they do, so that they can be told of whatever else
    happens. All rows of runs.csv are returned, and every finished run of the folder. Where weights
    are needed, a row of runs.csv whose folder is gone does not do for a finished run. A run that
    begins with a search has so many threads for it, or else its share of the cores.

    Raises:
        ClusterError: If nobody is there to train them.
        OSError: If a result cannot be written; what is finished is in the tables nonetheless, if
            these can be.
    """
    told: set[str] = set()
    # Only what is needed: a thousand runs' weights and curves stay on the disk.
    solved = {name: run.result["solved"] for name, run in finished(out, console, told).items()}
    if not weights_needed:
        solved = merging.rows_without_folders(out) | solved
    missing = {run.run_id: run for run in runs if force or run.run_id not in solved}
    LOG.info("%s runs, %s to do, in %s", len(runs), len(missing), out)
    merging.plan(out, [run.run_id for run in runs])
    try:
        done = sum(solved[run.run_id] for run in runs if run.run_id not in missing)
        means = (search_threads or site.cores_each(len(missing)), search_anyway)
        for ended in (
            _trained(out, missing, len(runs), done, site, console, means) if missing else ()
        ):
            if isinstance(ended.outcome, FinishedRun):
                write(out, ended.outcome, ended)
            else:
                failures[ended.name] = (ended.outcome, ended.attempts)
    except BaseException:
        # Also after Ctrl-C: what is finished is in the tables, unless what stopped us forbids it.
        with contextlib.suppress(OSError, TableError):
            _merged(out, console, told)
        raise
    return _merged(out, console, told)


def write(out: Path, run: FinishedRun, ended: Ended) -> None:
    """Put a run that came back from a worker into its folder.

    Raises:
        ResultError: If it is not the run that was asked for.
    """
    if run.config.run_id != ended.name:
        raise ResultError(f"a worker sent {run.config.run_id!r} where {ended.name!r} was asked for")
    # A worker's own command line says nothing.
    run.provenance.update(command=command_line.command_line(), attempts=ended.attempts)
    try:
        transfer.forget(out, ended.name)
    except TableError as error:  # somebody has edited it meanwhile, which is for later
        LOG.warning("rows of older weights may be left in it: %s", error)
    run_folders.write_run(out, run)


def finished(out: Path, console: Console, told: set[str]) -> Runs:
    """The finished runs of a folder; what is wrong with others is told, and added to ``told``."""
    found, problems = run_folders.scan(out)
    for problem in problems:
        if problem not in told:
            say(console, f"not counted: {problem}", logging.WARNING, style="yellow")
    told.update(problems)
    return found


def _merged(out: Path, console: Console, told: set[str]) -> tuple[pd.DataFrame, Runs]:
    found = finished(out, console, told)
    table = merging.merge(out, found)
    LOG.info("%s runs are finished", len(found))
    return table, found


def _trained(
    out: Path,
    missing: Mapping[str, RunConfig],
    total: int,
    solved: int,
    site: Site,
    console: Console,
    means: tuple[int, bool],
) -> Iterator[Ended]:
    # Imported here: a plan and a mistake should not wait for Dask.
    from experiments.sweeps.execution import execute
    from experiments.sweeps.on_worker import train_on_worker

    known = estimates.measured(out)
    seconds = {name: estimates.seconds(run, known) for name, run in missing.items()}
    # Long runs first, so that no core waits for one at the end.
    ordered = sorted(missing, key=lambda name: seconds[name], reverse=True)
    calls = {name: (train_on_worker, (missing[name].to_dict(), *means)) for name in ordered}
    with SweepDisplay(console, missing, seconds, total, solved) as display:
        for ended in execute(site, calls, functools.partial(say, console), display.news):
            display.ended(ended)
            yield ended
