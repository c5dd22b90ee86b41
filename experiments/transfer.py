"""Trained weights at other numbers of bits: transfer.csv, a row for each agent and size."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from experiments import files, tables
from experiments.columns import SCHEMA_VERSION, TRANSFER_COLUMNS
from experiments.config import RunConfig
from experiments.results import FinishedRun
from experiments.streams import Stream

FILE = "transfer.csv"


def look(
    out: Path,
    agents: Sequence[FinishedRun],
    sizes: Iterable[int],
    workers: int,
    retrained: Iterable[str] = (),
) -> pd.DataFrame:
    """Evaluate each agent at each size, in parallel, and write transfer.csv as rows come in.

    What the file holds already is not looked at again, unless the agent was trained again.

    Args:
        out: The results folder.
        agents: Finished runs with networks that do not depend on n.
        sizes: Numbers of bits.
        workers: Parallel processes.
        retrained: Run ids whose rows are of older weights.

    Returns:
        All rows of the file.
    """
    from experiments.execution import execute, local_cluster

    path = out / FILE
    known = tables.read_transfers(path) if path.is_file() else _frame([])
    rows: list[Any] = known[~known["run_id"].isin(list(retrained))].to_dict("records")
    done = {(row["run_id"], row["n"]) for row in rows}
    calls = {
        f"{agent.config.run_id}@{n}": (evaluate_at, (agent.config.to_dict(), agent.policy, n))
        # The longest first, so that no core waits for one at the end.
        for n in sorted(sizes, reverse=True)
        for agent in agents
        if (agent.config.run_id, n) not in done
    }
    frame = _frame(rows)
    if not calls:
        return frame
    with local_cluster(min(workers, len(calls))) as client:
        for name, outcome in execute(client, calls):
            if isinstance(outcome, BaseException):
                raise files.ResultError(f"evaluating {name} failed: {outcome!r}") from outcome
            rows.append(outcome)
            frame = _frame(rows)
            files.replace_file(path, files.csv_bytes(frame))
    return frame


def evaluate_at(fields: dict[str, Any], weights: bytes, n: int) -> dict[str, Any]:
    """Greedy episodes of one agent at n bits, as a row of transfer.csv."""
    import torch as th

    from experiments import evaluation
    from experiments.agents import greedy_policy, load_policy

    th.set_num_threads(1)
    config = RunConfig.from_dict(fields)
    task = evaluation.retarget(config, n)
    began = time.perf_counter()
    outcome = evaluation.evaluate(
        greedy_policy(load_policy(config, weights, n, config.device)), task, Stream.TRANSFER
    )
    return {
        "run_id": config.run_id,
        "config_id": config.config_id,
        "method": config.method,
        "network": config.network,
        "trained_n": config.n,
        "n": n,
        "seed": config.seed,
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
