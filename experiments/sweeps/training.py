"""One run, from its configuration to everything that its folder holds."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import safetensors.torch
import torch as th

from experiments.config.run import RunConfig
from experiments.config.streams import Stream
from experiments.evaluation.looks import Looks
from experiments.methods.learner import learner_of
from experiments.records import run_folders
from experiments.records.provenance import describe
from experiments.records.run_folders import FinishedRun
from experiments.records.schema import SOLVED_FROM


def train(
    run: RunConfig,
    *,
    logs: Path | None = None,
    on_step: Callable[[int], object] | None = None,
    on_look: Callable[[dict[str, Any]], object] | None = None,
) -> FinishedRun:
    """Train one agent and look at it; nothing is written but its logs.

    Args:
        run: What to train.
        logs: A folder for the learner's own curves; nothing is logged without it.
        on_step: Called with the environment steps so far; False ends the run.
        on_look: Called with each row of the learning curve as it is made.

    Returns:
        Everything that the run's folder holds.
    """
    began = time.perf_counter()
    if run.device == "cpu":
        # A run is a chain of small products: threads gain 6% at width 256 (two of them measured),
        # runs side by side gain the whole core.
        th.set_num_threads(1)
    described = describe(run.device)  # now: a commit may come while it trains
    learner = learner_of(run)
    looks = Looks(run, learner.act)
    looks.on_step += [on_step] if on_step else []
    looks.on_look += [on_look] if on_look else []
    learner.learn(looks, logs)

    final = looks.evaluate(Stream.FINAL_EVALUATION)
    weights = {name: value.contiguous() for name, value in learner.weights().items()}
    fields = run.to_dict()
    result = {
        "run_id": run.run_id,
        "config_id": run.config_id,
        **{name: fields.get(name) for name in run_folders.config_columns()},
        "env_steps": looks.env_steps,
        "gradient_updates": looks.updates,
        "episodes": looks.episodes,
        "success_rate": final.success_rate,
        "solved": final.success_rate >= SOLVED_FROM,
        **looks.time_to_solve(),
        "wall_seconds": time.perf_counter() - began,
        "train_seconds": looks.train_seconds,
    }
    return FinishedRun(
        config=run,
        result=result,
        curve=looks.curve,
        policy=safetensors.torch.save(weights, metadata={"run_id": run.run_id}),
        provenance={
            **described,
            "threads": th.get_num_threads(),
            "finished_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        },
    )
