"""One run, from its configuration to everything that its folder holds."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import safetensors.torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger

from experiments.config.run import RunConfig
from experiments.config.streams import Stream
from experiments.evaluation import greedy
from experiments.evaluation.callbacks import EvaluationCallback
from experiments.methods.agents import greedy_policy, make_agent, make_env
from experiments.records import run_folders
from experiments.records.columns import SOLVED_FROM
from experiments.records.provenance import provenance
from experiments.records.run_folders import FinishedRun
from experiments.sweeps.process_state import borrowed_process

LOG_INTERVAL = 100
"""Episodes between two lines of SB3's logs."""


def train(
    config: RunConfig,
    *,
    callbacks: Sequence[BaseCallback] = (),
    logger: Logger | None = None,
    on_evaluation: Callable[[dict[str, Any]], None] | None = None,
) -> FinishedRun:
    """Train one agent and look at it; nothing is written, and the process is left as it was.

    Args:
        config: The run; resolved here.
        callbacks: SB3 callbacks besides the evaluation.
        logger: SB3's; by default nothing is logged.
        on_evaluation: Called with each row of the learning curve as it is made.

    Returns:
        Everything that the run's folder holds.
    """
    config = config.resolved()
    with borrowed_process(config.device):
        return _train(config, callbacks, logger, on_evaluation)


def _train(
    config: RunConfig,
    callbacks: Sequence[BaseCallback],
    logger: Logger | None,
    on_evaluation: Callable[[dict[str, Any]], None] | None,
) -> FinishedRun:
    began = time.perf_counter()
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

    final = greedy.evaluate(greedy_policy(agent), config, Stream.FINAL_EVALUATION)
    weights = {name: value.contiguous() for name, value in agent.q_net.state_dict().items()}
    fields = config.to_dict()
    result = {
        "run_id": config.run_id,
        "config_id": config.config_id,
        **{name: fields[name] for name in run_folders.config_columns()},
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
