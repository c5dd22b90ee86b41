"""Greedy episodes in the real environment, many at once: the success rate of every figure.

Where a string is written all greedy episodes with one goal are the same. There a policy that is
stochastic is judged by its own chance of being right, which it can compute.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from experiments.config import registry
from experiments.config.run import RunConfig
from experiments.config.task import Task
from experiments.records.files import ResultError

Bits = npt.NDArray[np.int8]
Policy = Callable[[Bits, Bits], npt.NDArray[np.int64]]
"""(batch, n) states and goals -> (batch,) actions, without randomness."""


@runtime_checkable
class Writer(Protocol):
    """A policy that is stochastic, and knows what it writes."""

    def __call__(self, state: Bits, goal: Bits) -> npt.NDArray[np.int64]:
        """Its likeliest actions, as of any policy."""

    def log_probs(self, state: Bits, goal: Bits) -> npt.NDArray[np.float64]:
        """Of each next word of (batch, n) states and goals, (batch, actions)."""

    def chances(self, goal: Bits) -> npt.NDArray[np.float64]:
        """For (batch, n) goals the probability that what it writes is right, (batch,)."""


@dataclass(frozen=True)
class Episodes:
    """Outcomes of greedy episodes, one row each."""

    reached: npt.NDArray[np.bool_] | npt.NDArray[np.float64]
    """(episodes,) whether s was reached within the horizon; a :class:`Writer`'s chance of it."""
    steps: npt.NDArray[np.int64]
    """(episodes,) steps until s was reached; those of the whole episode where it was not."""
    optimum: npt.NDArray[np.int64]
    """(episodes,) fewest possible steps: the Hamming distance at the start."""

    @property
    def success_rate(self) -> float:
        """Share of the episodes that reached s."""
        return float(self.reached.mean())

    @property
    def mean_steps(self) -> float:
        """Mean steps of an episode, the horizon for those that missed."""
        return float(self.steps.mean())


def evaluate(policy: Policy, task: Task, seed: int) -> Episodes:
    """Episodes of a task, from starts (and goals, where they change) of a seed."""
    env = evaluation_env(task, seed)
    try:
        if task.writes and isinstance(policy, Writer):
            observation, info = env.reset(seed=seed)
            steps = np.full(env.num_envs, task.max_steps)
            chances = policy.chances(observation["desired_goal"])
            return Episodes(chances, steps, info["hamming_distance"].astype(np.int64))
        return run_episodes(policy, env, seed)
    finally:
        env.close()


def evaluation_env(task: Task, seed: int) -> gym.vector.VectorEnv:
    """A copy of the task's environment for each episode; ``reset(seed=seed)`` starts them."""
    own = {"target_seed": seed} if task.goal_mode == "random" else {}
    return task.vector_env(task.eval_episodes, **own)


def run_episodes(policy: Policy, env: gym.vector.VectorEnv, seed: int) -> Episodes:
    """One greedy episode in each copy of an environment.

    The environment alone says what happens. The policy is asked once a state: an action that it
    gave two steps ago, in the very same state, is given again, as a policy that is wrong mostly
    goes to and fro.

    Args:
        policy: Greedy and deterministic.
        env: In autoreset mode "NextStep"; further episodes of a copy are not looked at.
        seed: Of the starts.
    """
    observation, info = env.reset(seed=seed)
    optimum = info["hamming_distance"].astype(np.int64)
    reached = np.zeros(env.num_envs, dtype=np.bool_)
    steps = np.zeros(env.num_envs, dtype=np.int64)
    playing = np.ones(env.num_envs, dtype=np.bool_)
    actions = np.zeros(env.num_envs, dtype=np.int64)
    past: list[tuple[Bits, npt.NDArray[np.int64]]] = []
    while (undecided := playing & ~reached).any():
        state, goal = observation["observation"], observation["desired_goal"]
        asked, actions = undecided, actions.copy()
        if len(past) == 2:
            before, then = past.pop(0)
            same = (state == before).all(axis=1)
            actions[same] = then[same]
            asked = undecided & ~same
        if asked.all():
            actions = policy(state, goal)
        elif asked.any():
            actions[asked] = policy(state[asked], goal[asked])
        past.append((state, actions))
        observation, _, terminated, truncated, info = env.step(actions)
        steps[undecided] += 1
        reached |= undecided & info["is_success"]
        playing &= ~(terminated | truncated)
    return Episodes(reached, steps, optimum)


def task_at(run: RunConfig, n: int | None) -> Task:
    """The run's task, or the same at another n.

    Raises:
        ResultError: If the network's weights belong to one n.
    """
    task = Task.of(run)
    if n is None or n == run.n:
        return task
    if not run.any_n:
        fit = [entry.name for entry in registry.NETWORKS.values() if entry.any_n]
        raise ResultError(
            f"--n {n}: the weights of network {run.network!r} belong to n = {run.n}; "
            f"only {', '.join(map(repr, fit))} agents work at any n"
        )
    RunConfig.of(n=n)  # or it is named with what is allowed
    return task.at(n)
