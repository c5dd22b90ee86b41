"""A grid of runs, as data: ``python -m experiments.compare --preset quick --out results/quick``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from experiments import command_line
from experiments.command_line import DeviceOption, Flag, told
from experiments.config.blocks import plan, seeds
from experiments.config.errors import ConfigError
from experiments.config.presets import PRESETS
from experiments.config.run import RunConfig
from experiments.figures.console import print_failures, print_results, print_transfers
from experiments.records import files, merging, run_folders
from experiments.records.files import ResultError
from experiments.sweeps import estimates, sweep, transfer
from experiments.sweeps.plan_table import print_plan
from experiments.sweeps.progress import Failures, journal
from experiments.telling import Console

Settings = command_line.settings_type("method", "network", "n", "seed", "device")
PresetName = Literal[
    "quick",
    "paper",
    "beyond",
    "transfer",
    "frontier",
    "search",
    "one-success",
    "generation",
    "ablation",
]
_PRESETS = "; ".join(f"{name}: {preset.cost}" for name, preset in PRESETS.items())


def _cores() -> int:
    # Imported here, for a tenth of a second: it counts as the cluster will.
    from dask.system import cpu_count

    return int(cpu_count())


@dataclass(frozen=True, kw_only=True)
class CompareArguments:
    """Train every run of a grid that is not finished yet, and write the tables.

    Explicit flags override a preset. Finished runs are skipped, so that the same command resumes
    an interrupted sweep.
    """

    out: Annotated[Path | None, told("Results folder; made if it is not there.")] = None
    preset: Annotated[PresetName | None, told(f"A named grid. {_PRESETS}.")] = None
    methods: Annotated[
        tuple[str, ...] | None,
        told("Methods.", help_behavior_hint="(default: dqn her, or the preset's)"),
    ] = None
    networks: Annotated[
        tuple[str, ...] | None,
        told("Networks.", help_behavior_hint="(default: mlp, or the preset's)"),
    ] = None
    n: Annotated[
        tuple[int, ...] | None,
        told("Numbers of bits.", help_behavior_hint="(default: 5 10 20, or the preset's)"),
    ] = None
    seeds: Annotated[
        int | None,
        told(
            "Number of seeds: 3 means seeds 0, 1, 2.",
            help_behavior_hint="(default: 3, or the preset's)",
        ),
    ] = None
    device: Annotated[
        DeviceOption | None,
        told(
            "Where networks live; auto is CUDA where there is one.",
            help_behavior_hint="(default: auto; presets: cpu)",
        ),
    ] = None
    workers: Annotated[
        int,
        told(
            "Parallel runs, one process with one torch thread each.",
            help_behavior_hint="(default: one for each core that this process may use)",
        ),
    ] = field(default_factory=_cores)
    scheduler: Annotated[
        str | None,
        told(
            "Address of the scheduler of a running Dask cluster, tcp://host:port, whose "
            "single-threaded workers do the runs instead of --workers processes here; "
            "--device cuda then means theirs."
        ),
    ] = None
    search_threads: command_line.SearchThreads = None
    search_anyway: command_line.SearchAnyway = False
    force: Annotated[Flag, told("Run again what is finished.")] = False
    dry_run: Annotated[
        Flag, told("Print the grid, its size and an estimate of its time, and train nothing.")
    ] = False
    merge: Annotated[
        Path | None,
        told("A results folder whose tables are rebuilt from its run folders; nothing is trained."),
    ] = None
    stop_when_solved: Annotated[
        Flag,
        told("End a run at the first good look that a second one confirms; no result of record."),
    ] = False
    thin_curves: Annotated[
        int | None,
        told(
            "With --merge: at most so many evaluations of each run in curves.csv, for results that "
            "are committed without their run folders."
        ),
    ] = None
    settings: Annotated[Any, Settings, tyro.conf.arg(name="")] = field(default_factory=Settings)


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
        _print_plan(arguments, runs, console)
        return 0
    if arguments.out is None:
        raise ResultError("--out must name the results folder, got nothing")
    with files.locked(arguments.out) as out:
        return _sweep(arguments, out, runs, console)


def _print_plan(arguments: CompareArguments, runs: list[RunConfig], console: Console) -> None:
    known = estimates.measured(arguments.out)
    finished: set[str] = set()
    if arguments.out is not None and not arguments.force:
        known_rows = {} if _sizes(arguments) else merging.rows_without_folders(arguments.out)
        there = {*run_folders.scan(arguments.out)[0], *known_rows}
        finished = {run.run_id for run in runs} & there
    workers = None if arguments.scheduler else arguments.workers
    if workers is not None and any(run.device == "cuda" for run in runs):
        from experiments.sweeps.clusters import Site, gpus

        workers = Site(workers=workers, gpu=True).processes(len(runs), gpus())
    print_plan(console, runs, finished, known, workers)


def planned(arguments: CompareArguments) -> list[RunConfig]:
    """The grid's runs.

    Raises:
        ConfigError: If a combination cannot make a run.
    """
    command_line.check_count("workers", arguments.workers, 10_000)
    _check_scheduler(arguments.scheduler)
    command_line.check_search_threads(arguments.search_threads)
    if arguments.seeds is not None:
        command_line.check_count("seeds", arguments.seeds, 100_000)
    settings = command_line.given(arguments.settings)
    settings |= {"full_budget": False} if arguments.stop_when_solved else {}
    axes: dict[str, tuple[Any, ...]] = {name: (value,) for name, value in settings.items()}
    given = {
        "method": arguments.methods,
        "network": arguments.networks,
        "n": arguments.n,
        "seed": seeds(arguments.seeds) if arguments.seeds is not None else None,
    }
    axes |= {name: values for name, values in given.items() if values is not None}
    if arguments.scheduler is not None and arguments.device == "cuda":
        axes["device"] = ("cuda",)  # The workers' GPUs count, and this machine may have none.
    elif arguments.preset is None or arguments.device is not None:
        axes["device"] = (command_line.device(arguments.device or "auto"),)
    if arguments.preset is not None:
        runs = plan(PRESETS[arguments.preset].blocks, axes)
        for run in runs:
            if PRESETS[arguments.preset].transfer_to and not run.any_n:
                raise ConfigError(
                    f"--preset {arguments.preset} is for networks whose weights work at any n, "
                    f"such as 'equivariant', got {run.network!r}"
                )
        return runs
    usual: dict[str, tuple[Any, ...]] = {"method": ("dqn", "her"), "seed": seeds(3)}
    usual |= {} if "target" in axes else {"n": (5, 10, 20)}
    return plan((usual,), axes)


def _check_scheduler(address: str | None) -> None:
    if address is None:
        return
    parts = re.fullmatch(
        r"(tcp|tls)://[^\s/:]+:(\d{1,5})|(tcp|tls)://\[[0-9a-fA-F:]+\]:(\d{1,5})", address
    )
    port = int(parts[2] or parts[4]) if parts else 0
    if not 1 <= port <= 65_535:
        raise ConfigError(
            f"--scheduler must be tcp://host:port or tls://host:port, got {address!r}"
        )


def _sweep(arguments: CompareArguments, out: Path, runs: list[RunConfig], console: Console) -> int:
    merging.check_tables(out)
    # Imported here: --help and a mistake should not wait for Dask.
    from experiments.sweeps.clusters import Site

    with journal(out, command_line.command_line()) as log:
        site = Site(
            workers=arguments.workers,
            scheduler=arguments.scheduler,
            gpu=any(run.device == "cuda" for run in runs),
            outside={name: which for run in runs for name, which in run.outside.items()},
            errors=log,
        )
        failures: Failures = {}
        try:
            sizes = _sizes(arguments)
            table, finished = sweep.sweep(
                out,
                runs,
                site,
                console,
                failures,
                arguments.force,
                weights_needed=bool(sizes),
                search_threads=arguments.search_threads,
                search_anyway=arguments.search_anyway,
            )
            wanted = [run.run_id for run in runs]
            print_results(console, table, wanted)
            if sizes:
                agents = [finished[name] for name in wanted if name in finished]
                looked = transfer.look(out, agents, sizes, site, console, failures)
                print_transfers(console, looked, table)
        finally:
            # Also of a sweep that a full disk ends hours after a run has failed.
            print_failures(console, failures, log)
            console.print(f"log: {log}")
    return 1 if failures else 0


def _sizes(arguments: CompareArguments) -> tuple[int, ...]:
    """Numbers of bits at which the preset looks at the trained weights as well."""
    return () if arguments.preset is None else PRESETS[arguments.preset].transfer_to


def _merge_alone(out: Path, thin: int | None, console: Console) -> int:
    if not out.is_dir():
        raise ResultError(f"--merge must name a results folder, and {str(out)!r} is none")
    with files.locked(out):
        merging.check_tables(out)
        finished = sweep.finished(out, console, set())
        table = merging.merge(out, finished, thin)
    console.print(f"{len(table)} runs in {out / 'runs.csv'}, {len(finished)} of them from folders")
    return 0


def main() -> None:
    """The command line."""
    command_line.run_command(CompareArguments, compare)


if __name__ == "__main__":
    main()
