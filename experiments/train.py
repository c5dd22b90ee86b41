"""One run: ``python -m experiments.train --method her --n 30``."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch as th
from rich.console import Console
from stable_baselines3.common.callbacks import BaseCallback, ProgressBarCallback
from stable_baselines3.common.logger import Logger, configure

from experiments import evaluation, files, merging, options, results
from experiments.agents import greedy_policy, make_agent, make_env
from experiments.callbacks import EvaluationCallback
from experiments.columns import SOLVED_FROM
from experiments.config import RunConfig
from experiments.provenance import provenance
from experiments.reporting import print_results
from experiments.results import FinishedRun
from experiments.streams import Stream

LOG_INTERVAL = 100
"""Episodes between two lines of SB3's logs."""


def train(
    config: RunConfig,
    *,
    callbacks: Sequence[BaseCallback] = (),
    logger: Logger | None = None,
    on_evaluation: Callable[[dict[str, Any]], None] | None = None,
) -> FinishedRun:
    """Train one agent and look at it, without writing anything.

    Args:
        config: The run; resolved here.
        callbacks: SB3 callbacks besides the evaluation.
        logger: SB3's; by default nothing is logged.
        on_evaluation: Called with each row of the learning curve as it is made.

    Returns:
        Everything that the run's folder holds.
    """
    config = config.resolved()
    began = time.perf_counter()
    if config.device == "cpu":
        # A run is a chain of small products: threads gain 6% at width 256 (two of them measured),
        # runs side by side gain the whole core.
        th.set_num_threads(1)
    env = make_env(config)
    agent = make_agent(config, env)
    # SB3 would log to a new folder of the system's temporary files.
    agent.set_logger(logger or Logger(folder=None, output_formats=[]))
    watch = EvaluationCallback(config, on_evaluation=on_evaluation)
    agent.learn(
        config.budget_env_steps or 0,
        callback=[watch, *callbacks],
        log_interval=LOG_INTERVAL,
    )
    env.close()

    final = evaluation.evaluate(greedy_policy(agent), config, Stream.FINAL_EVALUATION)
    weights = {name: value.contiguous() for name, value in agent.q_net.state_dict().items()}
    fields = config.to_dict()
    result = {
        "run_id": config.run_id,
        "config_id": config.config_id,
        **{name: fields[name] for name in results.config_columns()},
        "env_steps": agent.num_timesteps,
        "gradient_updates": agent._n_updates,
        "episodes": watch.episodes,
        "success_rate": final.success_rate,
        "solved": final.success_rate >= SOLVED_FROM,
        **watch.time_to_solve(),
        "wall_seconds": time.perf_counter() - began,
        "train_seconds": watch.train_seconds,
    }
    return FinishedRun(
        config=config,
        result=result,
        curve=watch.curve,
        policy=safetensors.torch.save(weights, metadata={"run_id": config.run_id}),
        provenance=provenance(config.device),
    )


RunSettings = options.settings_type("RunSettings", without=("device",), optional=False)


@dataclass(frozen=True, kw_only=True)
class TrainArguments:
    """Train one agent, and write its run folder and the tables beside it."""

    out: Path = Path("results/mine")
    """Results folder; made if it is not there."""
    device: options.DeviceOption = "auto"
    """Where the network lives; auto is CUDA where there is one."""
    force: options.Flag = False
    """Run again what is finished."""
    progress: options.Flag = True
    """Show a progress bar."""
    settings: RunSettings = field(default_factory=RunSettings)  # type: ignore[valid-type]
    """Of the run; those that are not given are filled by a rule."""


def train_command(arguments: TrainArguments) -> int:
    """Train, write, and show the result."""
    console = Console()
    config = RunConfig(**vars(arguments.settings), device=options.device(arguments.device))
    config = config.resolved()
    with files.locked(arguments.out) as out:
        merging.check_tables(out)
        finished, problems = results.scan(out)
        for problem in problems:
            console.print(f"not counted: {problem}", style="yellow", soft_wrap=True, markup=False)
        if config.run_id in finished and not arguments.force:
            console.print(f"{config.run_id} is finished; --force runs it again")
        else:
            logs = out / "logs" / config.run_id
            callbacks = [ProgressBarCallback()] if arguments.progress else []
            logger = configure(str(logs), ["csv", "tensorboard"])
            try:
                run = train(config, callbacks=callbacks, logger=logger)
            finally:
                logger.close()
            run.provenance.update(command=options.command_line(), attempts=1)
            finished[config.run_id] = run
            console.print(f"wrote {results.write_run(out, run)}, logs in {logs}", soft_wrap=True)
        table = merging.merge(out, finished)
    print_results(console, table[table["run_id"] == config.run_id])
    return 0


def main() -> None:
    """The command line."""
    options.run_command(TrainArguments, train_command)


if __name__ == "__main__":
    main()
