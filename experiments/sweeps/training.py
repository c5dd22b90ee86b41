"""One run, from its configuration to everything that its folder holds."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import safetensors.torch
import torch as th

from experiments.config.errors import ConfigError
from experiments.config.run import RunConfig
from experiments.config.streams import Stream, derived_seed
from experiments.config.task import Task
from experiments.evaluation import written
from experiments.evaluation.looks import Looks
from experiments.evaluation.solved import judge
from experiments.methods.learner import Learner, learner_of
from experiments.records import run_folders
from experiments.records.provenance import describe
from experiments.records.run_folders import FinishedRun
from experiments.sweeps.process_state import borrowed_process
from experiments.sweeps.searching import Means, begin, provenance


def train(run: RunConfig, **how: Any) -> FinishedRun:
    """Train one agent; see :func:`learn`."""
    return learn(run, **how)[0]


def begun_with(run: RunConfig, parent: FinishedRun) -> tuple[RunConfig, bytes]:
    """A run that begins with the weights of another, and those weights.

    Raises:
        ConfigError: If the two differ in method, network or bits, so that they cannot fit.
    """
    for name in ("method", "network", "n"):
        own, others = getattr(run, name), getattr(parent.config, name)
        if own != others:
            raise ConfigError(
                f"{name} must be {others!r}, as in parent {parent.config.run_id}, got {own!r}"
            )
    return run.but(parent=parent.config.run_id), parent.policy


def learn(
    run: RunConfig,
    *,
    weights: bytes | None = None,
    logs: Path | None = None,
    on_step: Callable[[int], object] | None = None,
    on_look: Callable[[dict[str, Any]], object] | None = None,
    means: Means | None = None,
) -> tuple[FinishedRun, Learner]:
    """Train one agent and look at it; only its logs are written, and the process is as it was.

    Args:
        run: What to train.
        weights: Those of its parent, where it has one.
        logs: A folder for the learner's own curves; nothing is logged without it.
        on_step: Called with the environment steps so far; False ends the run.
        on_look: Called with each row of the learning curve as it is made.
        means: What the process lends to a search, where the run begins with one.

    Returns:
        Everything that the run's folder holds, and the learner.
    """
    with borrowed_process(run.device):
        began = time.perf_counter()
        described = describe(run.device)  # now: a commit may come while it trains
        learner = learner_of(run, weights)
        looks = Looks(run, learner.act)
        looks.on_step += [on_step] if on_step else []
        looks.on_look += [on_look] if on_look else []
        ended = begin(run, learner, looks, means or Means())
        if ended is not None:
            described["search"] = provenance(ended)
        if ended is None or ended.episode is not None:
            learner.learn(looks, logs)
        else:  # there is nothing to learn from
            looks.begin()
            looks.end(0, 0)
        seconds = time.perf_counter() - began
        further = _written(run, learner, looks)
        return finished(looks, learner.weights(), described, seconds, further), learner


def _written(run: RunConfig, learner: Learner, looks: Looks) -> dict[str, Any]:
    """Columns of runs that write strings."""
    task = Task.of(run)
    if not task.writes:
        return {}
    seed = derived_seed(run.seed, Stream.DIVERSITY)
    queries = (learner.reward_queries() or 0) + looks.search_episodes
    return {"reward_queries": queries, **written.diversity(learner.act, task, seed)}


def finished(
    looks: Looks,
    weights: Mapping[str, th.Tensor],
    described: dict[str, Any],
    seconds: float,
    further: Mapping[str, Any] = MappingProxyType({}),
) -> FinishedRun:
    """What a run's folder is to hold.

    Args:
        looks: At all of the run.
        weights: To keep; a file of weights has to hold some, if only a number that nothing reads.
        described: Where the run comes from, as it was at its beginning.
        seconds: Since then.
        further: Columns that only some runs have.
    """
    run = looks.run
    verdict = judge(looks.curve, run.budget_env_steps, run.solved_from)
    # A curve is of the learning; a run's times count what came before it, too.
    before = {
        "env_steps": looks.search_env_steps,
        "episodes": looks.search_episodes,
        "train_seconds": looks.search_seconds,
    }
    since, first_pass = (
        {name: row[name] + more for name, more in before.items()} if row else {}
        for row in (verdict.since, verdict.first_pass)
    )
    first_reward = looks.first_reward
    kept = {name: value.contiguous() for name, value in weights.items()} or {"none": th.zeros(1)}
    result = {
        **run_folders.settings_row(run),
        "env_steps": looks.env_steps + looks.search_env_steps,
        "gradient_updates": looks.updates,
        "episodes": looks.episodes + looks.search_episodes,
        "success_rate": looks.curve[-1]["success_rate"],
        "solved": verdict.solved,
        "held_share": verdict.held_share,
        "stopped_early": looks.stopped_early,
        "env_steps_to_solve": since.get("env_steps"),
        "episodes_to_solve": since.get("episodes"),
        "seconds_to_solve": since.get("train_seconds"),
        "env_steps_to_first_pass": first_pass.get("env_steps"),
        "env_steps_to_first_reward": (
            None if first_reward is None else first_reward + looks.search_env_steps
        ),
        "rollout_successes": looks.rewarded,
        "search_env_steps": looks.search_env_steps,
        "search_seconds": looks.search_seconds,
        "wall_seconds": seconds,
        "train_seconds": looks.train_seconds + looks.search_seconds,
        "threads": th.get_num_threads(),
        **further,
    }
    finished_at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return FinishedRun(
        config=run,
        result=result,
        curve=looks.curve,
        policy=safetensors.torch.save(kept, metadata={"run_id": run.run_id}),
        provenance={**described, "threads": th.get_num_threads(), "finished_at": finished_at},
    )
