"""Trained weights at other numbers of bits: transfer.csv, a row for each agent and size."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from rich.progress import track

from experiments.config.run import RunConfig
from experiments.config.streams import Stream, derived_seed
from experiments.records import files, tables
from experiments.records.run_folders import FinishedRun
from experiments.records.schema import SCHEMA_VERSION, TRANSFER_COLUMNS
from experiments.sweeps.progress import LOG, Failures, say
from experiments.telling import Console

if TYPE_CHECKING:
    from experiments.sweeps.clusters import Site

FILE = "transfer.csv"


def look(
    out: Path,
    agents: Sequence[FinishedRun],
    sizes: Iterable[int],
    site: Site,
    console: Console,
    failures: Failures,
) -> pd.DataFrame:
    """Evaluate each agent at each size, in parallel, and write transfer.csv as rows come in.

    What the file holds already is not looked at again. The agents' networks must not depend on n.
    Evaluations that fail are put into ``failures`` as they do; all rows of the file are returned.
    """
    rows: list[Any] = _known(out).to_dict("records")
    done = {(row["run_id"], row["n"]) for row in rows}
    calls = {
        f"{agent.config.run_id}@{n}": (evaluate_at, (agent.config.to_dict(), agent.policy, n))
        # The longest first, so that no core waits for one at the end.
        for n in sorted(sizes, reverse=True)
        for agent in agents
        if (agent.config.run_id, n) not in done
    }
    # Imported here: a plan and a mistake should not wait for Dask.
    from experiments.sweeps.execution import execute

    ends = execute(site, calls, functools.partial(say, console))
    for ended in track(ends, "evaluations", len(calls), console=console, transient=True):
        if isinstance(ended.outcome, BaseException):
            failures[ended.name] = (ended.outcome, ended.attempts)
            LOG.error("evaluating %s failed", ended.name, exc_info=ended.outcome)
            continue
        rows.append(ended.outcome)
        files.replace_file(out / FILE, files.csv_bytes(_frame(rows)))
    return _frame(rows)


def forget(out: Path, run_id: str) -> None:
    """Drop a run's rows, before new weights take the place of those that they are of."""
    known = _known(out)
    rest = known[known["run_id"] != run_id]
    if len(rest) < len(known):
        files.replace_file(out / FILE, files.csv_bytes(_frame(rest.to_dict("records"))))


def _known(out: Path) -> pd.DataFrame:
    return tables.read_transfers(out / FILE) if (out / FILE).is_file() else _frame([])


def evaluate_at(fields: dict[str, Any], weights: bytes, n: int) -> dict[str, Any]:
    """Greedy episodes of one agent at n bits, as a row of transfer.csv."""
    from experiments.evaluation import greedy
    from experiments.methods.learner import load_policy
    from experiments.sweeps.process_state import borrowed_process

    config = RunConfig.from_dict(fields)
    task = greedy.task_at(config, n)
    began = time.perf_counter()
    with borrowed_process(config.device):
        policy = load_policy(config, weights, n, config.device, trust=True)
        outcome = greedy.evaluate(policy, task, derived_seed(config.seed, Stream.TRANSFER))
    same = ("run_id", "config_id", "method", "network", "seed")
    return {
        **{name: getattr(config, name) for name in same},
        "trained_n": config.n,
        "n": n,
        "max_steps": task.max_steps,
        "episodes": len(outcome.reached),
        "success_rate": outcome.success_rate,
        "mean_steps": outcome.mean_steps,
        "optimal_mean_steps": float(outcome.optimum.mean()),
        "seconds": time.perf_counter() - began,
        "schema_version": SCHEMA_VERSION,
    }


def _frame(rows: list[Any]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(TRANSFER_COLUMNS))
    return frame.sort_values(["config_id", "n", "seed"], ignore_index=True)
