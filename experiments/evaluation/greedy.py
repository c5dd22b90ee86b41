"""Greedy episodes, many at once: the success rate that every figure reports."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from bitseq_env import rules
from experiments.config.run import RunConfig
from experiments.config.streams import Stream, derived_seed
from experiments.methods.agents import ENV_ID, Bits, Policy, env_arguments
from experiments.records.files import ResultError

_DEPEND_ON_N = (
    *("max_steps", "eval_episodes", "budget_env_steps"),
    *("buffer_size", "learning_starts", "exploration_steps"),
)


@dataclass(frozen=True)
class Episodes:
    """Outcomes of greedy episodes, one row each."""

    reached: npt.NDArray[np.bool_]
    """(episodes,) whether s was reached within the horizon."""
    steps: npt.NDArray[np.int64]
    """(episodes,) steps until s was reached; the horizon where it was not."""
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


def starts(config: RunConfig, episodes: int, seed: int) -> tuple[Bits, Bits]:
    """First states and goals, each (episodes, n), as the environment itself draws them."""
    arguments = env_arguments(config)
    if config.goal_mode == "random":
        arguments["target_seed"] = seed
    env = gym.make_vec(ENV_ID, num_envs=episodes, **arguments)
    observation, _ = env.reset(seed=seed)
    env.close()
    return observation["observation"], observation["desired_goal"]


def run_episodes(policy: Policy, state: Bits, goal: Bits, horizon: int) -> Episodes:
    """Greedy episodes from given starts.

    Two shortcuts leave every outcome as it is: an episode that reached its goal is over, and one
    that is back where it was two steps ago will go to and fro until its horizon, as neither the
    policy nor the environment draws anything.

    Args:
        policy: Greedy and deterministic.
        state: (episodes, n) first states.
        goal: (episodes, n) goals.
        horizon: Steps of an episode.
    """
    episodes, n = state.shape
    distance = rules.hamming(state, goal)
    optimum = distance.astype(np.int64)
    reached = np.zeros(episodes, dtype=np.bool_)
    steps = np.full(episodes, horizon, dtype=np.int64)

    running = np.arange(episodes)
    differs = np.bitwise_xor(state, goal)
    previous = np.full(episodes, -1, dtype=np.int64)
    for step in range(1, horizon + 1):
        actions = policy(differs ^ goal, goal)
        places = np.arange(len(differs)) * n + actions
        distance = rules.flip_and_distance(differs.reshape(-1), places, distance)
        arrived = distance == 0
        reached[running[arrived]] = True
        steps[running[arrived]] = step
        going = ~arrived & (actions != previous)
        if not going.any():
            break
        previous = actions[going]
        if not going.all():
            running, distance = running[going], distance[going]
            differs, goal = differs[going], goal[going]
    return Episodes(reached, steps, optimum)


def evaluate(policy: Policy, config: RunConfig, stream: Stream, *numbers: int) -> Episodes:
    """Greedy episodes of a resolved run's task, on a stream apart from those of training."""
    seed = derived_seed(config.seed, stream, *numbers)
    state, goal = starts(config, config.eval_episodes or 1, seed)
    return run_episodes(policy, state, goal, config.max_steps or config.n)


def retarget(config: RunConfig, n: int | None) -> RunConfig:
    """The run's task, or the same at another n.

    Raises:
        ResultError: If the network's weights belong to one n.
    """
    if n is None or n == config.n:
        return config
    if config.network != "equivariant":
        raise ResultError(
            f"--n {n}: the weights of network {config.network!r} belong to n = {config.n}; "
            "only 'equivariant' agents work at any n"
        )
    fields: dict[str, Any] = {"n": n, **dict.fromkeys(_DEPEND_ON_N)}
    return dataclasses.replace(config, **fields).resolved()
