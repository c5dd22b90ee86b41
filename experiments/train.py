"""One run: ``python -m experiments.train --method her --n 30``."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro
from tqdm import tqdm

from experiments import command_line
from experiments.command_line import DeviceOption, Flag, told
from experiments.config.errors import ConfigError
from experiments.config.run import RunConfig
from experiments.figures.console import print_results
from experiments.records import files, merging, run_folders
from experiments.sweeps.progress import empty_log
from experiments.sweeps.searching import Means, in_words
from experiments.sweeps.training import begun_with, train
from experiments.telling import Console

Settings = command_line.settings_type("device")


@dataclass(frozen=True, kw_only=True)
class TrainArguments:
    """Train one agent, and write its run folder and the tables beside it."""

    out: Annotated[Path, told("Results folder; made if it is not there.")] = Path("results/mine")
    device: Annotated[
        DeviceOption, told("Where the network lives; auto is CUDA where there is one.")
    ] = "auto"
    force: Annotated[Flag, told("Run again what is finished.")] = False
    parent: Annotated[
        Path | None,
        told("A finished run's folder: begin with its weights, all else afresh, as another run."),
    ] = None
    progress: Annotated[Flag, told("Show a progress bar.")] = True
    stop_when_solved: Annotated[
        Flag,
        told("End at the first good look that a second one confirms; no result of record."),
    ] = False
    search_threads: command_line.SearchThreads = None
    search_anyway: command_line.SearchAnyway = False
    settings: Annotated[Any, Settings, tyro.conf.arg(name="")] = field(default_factory=Settings)


def train_command(arguments: TrainArguments) -> int:
    """Train, write, and show the result."""
    console = Console()
    command_line.check_search_threads(arguments.search_threads)
    given = command_line.given(arguments.settings)
    given |= {"full_budget": False} if arguments.stop_when_solved else {}
    run = RunConfig.of(**given, device=command_line.device(arguments.device))
    weights = None
    if arguments.parent is not None:
        run, weights = begun_with(run, run_folders.read_run(arguments.parent))
    with files.locked(arguments.out) as out:
        merging.check_tables(out)
        finished, problems = run_folders.scan(out)
        for problem in problems:
            console.print(f"not counted: {problem}", style="yellow")
        if run.run_id in finished and not arguments.force:
            said = f"{run.run_id} is finished; --force runs it again"
        else:
            logs = empty_log(out / "logs" / run.run_id)
            # None: on a terminal alone.
            quiet = None if arguments.progress else True
            with (
                tqdm(total=run.budget_env_steps, disable=quiet) as bar,
                blamed_on(run.outside),
            ):
                means = Means(
                    arguments.search_threads,
                    arguments.search_anyway,
                    lambda so_far: bar.set_postfix_str(in_words(so_far)),
                )
                done = train(
                    run,
                    weights=weights,
                    logs=logs,
                    on_step=lambda steps: bar.update(steps - bar.n),
                    means=means,
                )
            done.provenance.update(command=command_line.command_line(), attempts=1)
            finished[run.run_id] = done
            said = f"wrote {run_folders.write_run(out, done)}, logs in {logs}"
        table = merging.merge(out, finished)
    console.print(said)
    print_results(console, table, [run.run_id])
    return 0


@contextlib.contextmanager
def blamed_on(outside: Mapping[str, str]) -> Iterator[None]:
    """What goes wrong in code from outside the project is a line that says where.

    Raises:
        ConfigError: Instead of what was raised, if there is such code.
    """
    try:
        yield
    except Exception as error:
        if not outside:
            raise
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise ConfigError(
            f"a run of {', '.join(outside)} failed: {type(error).__name__}: {error} "
            f"({last.filename}, line {last.lineno})"
        ) from error


def main() -> None:
    """The command line."""
    command_line.run_command(TrainArguments, train_command)


if __name__ == "__main__":
    main()
