"""One run: ``python -m experiments.train --method her --n 30``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from stable_baselines3.common.callbacks import ProgressBarCallback
from stable_baselines3.common.logger import configure

from experiments import command_line
from experiments.config.run import RunConfig
from experiments.figures.console import print_results
from experiments.records import files, merging, run_folders
from experiments.sweeps.training import train
from experiments.telling import Console

RunSettings = command_line.settings_type("RunSettings", without=("device",), optional=False)


@dataclass(frozen=True, kw_only=True)
class TrainArguments:
    """Train one agent, and write its run folder and the tables beside it."""

    out: Path = Path("results/mine")
    """Results folder; made if it is not there."""
    device: command_line.DeviceOption = "auto"
    """Where the network lives; auto is CUDA where there is one."""
    force: command_line.Flag = False
    """Run again what is finished."""
    progress: command_line.Flag = True
    """Show a progress bar."""
    settings: RunSettings = field(default_factory=RunSettings)  # type: ignore[valid-type]
    """Of the run; those that are not given are filled by a rule."""


def train_command(arguments: TrainArguments) -> int:
    """Train, write, and show the result."""
    console = Console()
    config = RunConfig(**vars(arguments.settings), device=command_line.device(arguments.device))
    config = config.resolved()
    with files.locked(arguments.out) as out:
        merging.check_tables(out)
        finished, problems = run_folders.scan(out)
        for problem in problems:
            console.print(f"not counted: {problem}", style="yellow")
        if config.run_id in finished and not arguments.force:
            said = f"{config.run_id} is finished; --force runs it again"
        else:
            logs = out / "logs" / config.run_id
            callbacks = [ProgressBarCallback()] if arguments.progress else []
            logger = configure(str(logs), ["csv", "tensorboard"])
            try:
                run = train(config, callbacks=callbacks, logger=logger)
            finally:
                logger.close()
            run.provenance.update(command=command_line.command_line(), attempts=1)
            finished[config.run_id] = run
            said = f"wrote {run_folders.write_run(out, run)}, logs in {logs}"
        table = merging.merge(out, finished)
    console.print(said)
    print_results(console, table[table["run_id"] == config.run_id])
    return 0


def main() -> None:
    """The command line."""
    command_line.run_command(TrainArguments, train_command)


if __name__ == "__main__":
    main()
