"""A grid of runs, as data: ``python -m experiments.compare --preset quick --out results/quick``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from rich.console import Console

from experiments import files, merging, options, results, transfer
from experiments.checks import ConfigError, Method, Network
from experiments.config import RunConfig
from experiments.files import ResultError
from experiments.presets import PRESETS, plan, seeds
from experiments.reporting import SweepDisplay, print_plan, print_results, print_transfers
from experiments.results import FinishedRun

SweepSettings = options.settings_type(
    "SweepSettings", without=("method", "network", "n", "seed", "device"), optional=True
)
PresetName = Literal["quick", "paper", "beyond", "transfer", "frontier", "ablation"]
_HELP = "; ".join(f"{name}: {preset.cost}" for name, preset in PRESETS.items())


@dataclass(frozen=True, kw_only=True)
class CompareArguments:
    """Train every run of a grid that is not finished yet, and write the tables.

    Explicit flags override a preset. Finished runs are skipped, so that the same command resumes
    an interrupted sweep.
    """

    out: Path | None = None
    """Results folder; made if it is not there."""
    preset: Annotated[PresetName | None, tyro.conf.arg(help=f"A named grid. {_HELP}.")] = None
    methods: tuple[Method, ...] | None = None
    """Methods. By default: dqn her, or the preset's."""
    networks: tuple[Network, ...] | None = None
    """Networks. By default: mlp, or the preset's."""
    n: tuple[int, ...] | None = None
    """Numbers of bits. By default: 5 10 20, or the preset's."""
    seeds: int | None = None
    """Number of seeds: 3 means seeds 0, 1, 2. By default: 3, or the preset's."""
    device: options.DeviceOption = "cpu"
    """Where networks live; auto is CUDA where there is one."""
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    """Parallel runs, one process with one torch thread each. By default: one a core."""
    force: options.Flag = False
    """Run again what is finished."""
    dry_run: options.Flag = False
    """Print the grid and its size, and train nothing."""
    merge: Path | None = None
    """A results folder whose tables are rebuilt from its run folders; nothing is trained."""
    thin_curves: int | None = None
    """With --merge: at most so many evaluations of each run in curves.csv, for results that are
    committed without their run folders."""
    settings: SweepSettings = field(default_factory=SweepSettings)  # type: ignore[valid-type]
    """Of every run; those that are not given stay the preset's, or are filled by a rule."""


def compare(arguments: CompareArguments) -> int:
    """Run what is missing; the exit status is 1 if a run failed."""
    console = Console()
    if arguments.thin_curves is not None and (arguments.thin_curves < 2 or not arguments.merge):
        raise ConfigError(
            "--thin-curves must be at least 2, the first and the last evaluation, and goes with "
            f"--merge, got {arguments.thin_curves}"
        )
    if arguments.merge is not None:
        return _merge_alone(arguments.merge, arguments.thin_curves, console)
    runs = planned(arguments)
    if arguments.dry_run:
        print_plan(console, runs)
        return 0
    if arguments.out is None:
        raise ResultError("--out must name the results folder, got nothing")
    with files.locked(arguments.out) as out:
        return _sweep(arguments, out, runs, console)


def planned(arguments: CompareArguments) -> list[RunConfig]:
    """The grid's runs.

    Raises:
        ConfigError: If a combination cannot make a run.
    """
    options.check_positive("workers", arguments.workers)
    if arguments.seeds is not None:
        options.check_positive("seeds", arguments.seeds)
    axes: dict[str, tuple[Any, ...]] = {
        name: (value,) for name, value in options.given(arguments.settings).items()
    }
    given = {
        "method": arguments.methods,
        "network": arguments.networks,
        "n": arguments.n,
        "seed": seeds(arguments.seeds) if arguments.seeds is not None else None,
    }
    axes |= {name: values for name, values in given.items() if values is not None}
    axes["device"] = (options.device(arguments.device),)
    if arguments.preset is not None:
        runs = plan(PRESETS[arguments.preset].blocks, axes)
        for run in runs:
            if PRESETS[arguments.preset].transfer_to and run.network != "equivariant":
                raise ConfigError(
                    f"--preset {arguments.preset} is for network 'equivariant' only, whose weights "
                    f"work at any n, got {run.network!r}"
                )
        return runs
    usual = {"method": ("dqn", "her"), "n": (5, 10, 20), "seed": seeds(3)}
    return plan((usual,), axes)


def _sweep(arguments: CompareArguments, out: Path, runs: list[RunConfig], console: Console) -> int:
    merging.check_tables(out)
    finished = _finished(out, console)
    missing = {run.run_id: run for run in runs if arguments.force or run.run_id not in finished}
    failures: dict[str, BaseException] = {}
    try:
        if missing:
            done = [finished[run.run_id] for run in runs if run.run_id not in missing]
            display = SweepDisplay(
                console, len(runs), len(done), sum(run.result["solved"] for run in done)
            )
            workers = min(arguments.workers, len(missing))
            for run_id, outcome in _trained(missing, workers, display):
                if isinstance(outcome, FinishedRun):
                    # A worker's own command line says nothing.
                    outcome.provenance["command"] = options.command_line()
                    results.write_run(out, outcome)
                    finished[run_id] = outcome
                else:
                    failures[run_id] = outcome
    finally:
        # Also after Ctrl-C: what is finished is in the tables.
        table = merging.merge(out, finished)
    wanted = [run.run_id for run in runs]
    print_results(console, table[table["run_id"].isin(wanted)], failures)
    if arguments.preset is not None and (sizes := PRESETS[arguments.preset].transfer_to):
        agents = [finished[run_id] for run_id in wanted if run_id in finished]
        print_transfers(console, transfer.look(out, agents, sizes, arguments.workers, missing))
    return 1 if failures else 0


def _trained(
    missing: dict[str, RunConfig], workers: int, display: SweepDisplay
) -> Iterator[tuple[str, FinishedRun | BaseException]]:
    """Each run's outcome as it ends, in parallel."""
    # Imported here: --help and a mistake should not wait for Dask.
    from experiments.execution import execute, local_cluster, train_on_worker

    # Long runs first, so that no core waits for one at the end.
    ordered = sorted(missing, key=lambda run_id: missing[run_id].cost, reverse=True)
    calls = {run_id: (train_on_worker, (missing[run_id].to_dict(),)) for run_id in ordered}
    with display, local_cluster(workers) as client:
        for run_id, outcome in execute(client, calls, display.progress):
            display.ended(missing[run_id], outcome)
            yield run_id, outcome


def _finished(out: Path, console: Console) -> dict[str, FinishedRun]:
    finished, problems = results.scan(out)
    for problem in problems:
        console.print(f"not counted: {problem}", style="yellow", soft_wrap=True, markup=False)
    return finished


def _merge_alone(out: Path, thin: int | None, console: Console) -> int:
    if not out.is_dir():
        raise ResultError(f"--merge must name a results folder, and {str(out)!r} is none")
    with files.locked(out):
        finished = _finished(out, console)
        table = merging.merge(out, finished, thin)
    console.print(f"{len(table)} runs in {out / 'runs.csv'}, {len(finished)} of them from folders")
    return 0


def main() -> None:
    """The command line."""
    options.run_command(CompareArguments, compare)


if __name__ == "__main__":
    main()
