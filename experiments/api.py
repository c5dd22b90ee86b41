"""The experiments from Python, in scripts and notebooks: what the commands do, and the models."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.config.run import RunConfig
from experiments.config.streams import Stream, derived_seed
from experiments.evaluation import greedy
from experiments.evaluation.greedy import Episodes, Policy
from experiments.methods.learner import load_policy as _load_policy
from experiments.methods.learner import resolve_device
from experiments.records import files, merging, run_folders
from experiments.records.files import ResultError
from experiments.records.run_folders import FinishedRun
from experiments.sweeps.recorder import Recorder
from experiments.sweeps.training import begun_with, learn

__all__ = [
    "Recorder",
    "RunConfig",
    "Trained",
    "evaluate_run",
    "load_policy",
    "load_run",
    "sweep_runs",
    "train_run",
]


@dataclass(frozen=True)
class Trained:
    """A run that was trained here."""

    run: FinishedRun
    """What its folder holds: ``config``, ``result``, ``curve``, ``provenance``."""
    model: Any
    """SB3's own object, ready for ``learn``, ``save`` and ``predict``; None if it has none."""
    act: Policy
    """(batch, n) int8 states and goals -> (batch,) greedy actions."""
    folder: Path | None
    """Where it was written, if it was."""


def train_run(
    run: RunConfig | None = None,
    *,
    out: Path | str | None = None,
    parent: Path | str | None = None,
    force: bool = False,
    **settings: Any,
) -> Trained:
    """Train one agent.

    Args:
        run: What to train; or its settings, as the flags of ``experiments.train`` are named.
        out: Results folder where it is written, with its row; nowhere if it is None.
        parent: Folder of a finished run of the same method, network and n: begin with its weights,
            buffer and optimizer afresh. The run's ``parent`` is its name.
        force: Train again what is finished in ``out``.
        **settings: Over those of ``run``.

    Raises:
        ConfigError: If a setting has a value that no run can have.
        ResultError: If the run is finished in ``out`` already, or its parent cannot be believed.
    """
    run = RunConfig.of(**settings) if run is None else run.but(**settings)
    weights = None
    if parent is not None:
        run, weights = begun_with(run, load_run(parent))
    if out is None:
        done, learner = learn(run, weights=weights)
        return Trained(done, learner.model, learner.act, None)
    with files.locked(Path(out)) as folder:
        merging.check_tables(folder)
        finished = run_folders.scan(folder)[0]
        if run.run_id in finished and not force:
            raise ResultError(f"{run.run_id} is finished in {folder}; force=True trains it again")
        done, learner = learn(run, weights=weights)
        written = run_folders.write_run(folder, done)
        merging.merge(folder, finished | {run.run_id: done})
    return Trained(done, learner.model, learner.act, written)


def sweep_runs(runs: Iterable[RunConfig], out: Path | str, *, workers: int = 1) -> pd.DataFrame:
    """Train the runs that are not finished in a folder, and give the rows of all.

    Args:
        runs: Such as ``[RunConfig.of(method="her", n=n) for n in (5, 10)]``.
        out: Results folder.
        workers: Processes on this machine. A script of your own that asks for them has its work
            under ``if __name__ == "__main__":``, as each begins by importing it.

    Raises:
        ClusterError: If processes do not start.
        RuntimeError: If runs failed, the first of them as its cause; the others are in the folder.
    """
    from experiments.sweeps import sweep
    from experiments.sweeps.clusters import Site
    from experiments.sweeps.progress import Failures
    from experiments.telling import Console

    wanted = list(runs)
    failures: Failures = {}
    with files.locked(Path(out)) as folder:
        merging.check_tables(folder)
        site = Site(
            workers=workers,
            gpu=any(run.device == "cuda" for run in wanted),
            outside={name: which for run in wanted for name, which in run.outside.items()},
        )
        table, _ = sweep.sweep(folder, wanted, site, Console(), failures)
    if failures:
        name, (error, _) = next(iter(failures.items()))
        raise RuntimeError(f"{len(failures)} runs failed, {name} first: {error}") from error
    return table[table["run_id"].isin([run.run_id for run in wanted])].reset_index(drop=True)


def load_run(folder: Path | str) -> FinishedRun:
    """Everything in a finished run's folder, checked; nothing that it names is imported.

    Raises:
        ResultError: If it cannot be believed.
    """
    return run_folders.read_run(Path(folder))


def load_policy(
    folder: Path | str, *, n: int | None = None, device: str = "auto", trust: bool = False
) -> Policy:
    """How a finished run acts: (batch, n) int8 states and goals -> (batch,) greedy actions.

    Args:
        folder: The run's.
        n: Another number of bits, for networks whose weights work at any.
        device: "auto", "cpu" or "cuda".
        trust: Import the code from outside this project that the run names; it can do anything.

    Raises:
        ResultError: If the run cannot be believed, or names code that is not trusted.
    """
    run = load_run(folder)
    task = greedy.task_at(run.config, n)
    return _load_policy(run.config, run.policy, task.n, resolve_device(device), trust=trust)


def evaluate_run(
    folder: Path | str,
    *,
    episodes: int | None = None,
    n: int | None = None,
    seed: int = 0,
    trust: bool = False,
) -> Episodes:
    """Greedy episodes of a finished run: the figures of ``experiments.evaluate``.

    Args:
        folder: The run's.
        episodes: How many; as many as usual at this n if it is None.
        n: As in :func:`load_policy`.
        seed: Of the starts.
        trust: As in :func:`load_policy`.
    """
    run = load_run(folder).config
    task = greedy.task_at(run, n)
    if episodes is not None:
        task = dataclasses.replace(task, eval_episodes=episodes)
    policy = load_policy(folder, n=n, trust=trust)
    return greedy.evaluate(policy, task, derived_seed(task.seed, Stream.EVALUATE_COMMAND, seed))
