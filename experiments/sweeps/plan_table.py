"""A sweep that is not run, as a table."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.config.run import RunConfig
from experiments.sweeps import estimates
from experiments.telling import Console


def print_plan(
    console: Console,
    runs: Sequence[RunConfig],
    finished: set[str],
    known: dict[str, float],
    workers: int | None,
) -> None:
    """Its runs, its size and what it may take.

    Finished runs are named, known are the seconds of configurations that were run before; workers
    are None where a cluster will decide.
    """
    rows = []
    for run in runs:
        budget, updates = run.budget_env_steps, round(run.updates)
        takes = "finished" if run.run_id in finished else f"{estimates.seconds(run, known):,.0f}"
        rows.append([run.run_id, f"{budget:,}", f"{updates:,}", takes])
    header = ["run", "budget in env steps", "updates", "seconds"]
    console.table(f"{len(runs)} runs", header, rows, whole="run")
    missing = [run for run in runs if run.run_id not in finished]
    alike = sum(run.config_id in known for run in missing)
    each = workers or 1
    time = estimates.in_words(estimates.sweep_seconds(missing, known, each))
    console.print(
        f"{len(runs)} runs, {len(finished)} finished, {len(missing)} to do: about {time} on "
        f"{each} worker{'s' if each > 1 else ''}. {alike} estimated from other seeds in runs.csv, "
        f"{len(missing) - alike} from their budgets."
    )
