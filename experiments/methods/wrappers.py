"""What stands between the environment and a learner: the null, r-1, a hidden goal, a count.

The null never says whether s was reached. Rewards are 0, an arrival is told as a truncation, infos
have neither ``is_success`` nor a distance, and what hindsight asks is answered 0 and False;
everything else is as it was. What is "learned" behind it is luck. Where the goal is hidden, so is
the distance to it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import gymnasium as gym
import numpy as np

from bitseq_env.rules import OPEN
from experiments.config.run import RunConfig
from experiments.config.task import Task

_DISTANCE = ("hamming_distance", "_hamming_distance")
_SUCCESS = ("is_success", "_is_success", *_DISTANCE)


def training_copies(run: RunConfig) -> gym.vector.VectorEnv:
    """Copies of a run's environment, in autoreset mode "SameStep"; silent if it is a null."""
    task = Task.of(run)
    env = task.vector_env(run.n_envs, autoreset_mode="SameStep")
    env = CountedRewards(env) if task.writes else env
    return WithheldRewards(env) if run.withhold_reward else env


def learner_env(run: RunConfig) -> gym.vector.VectorEnv:
    """The same as a learner may see them that asks no further: its reward, its goal or none."""
    env = training_copies(run)
    env = ShiftedRewards(env) if run.learner_reward == "r-1" else env
    return env if run.sees_target else HiddenGoal(env)


def reward_queries(env: Any) -> int | None:
    """Strings whose reward was told so far, 0 for a null; None where bits are flipped.

    Args:
        env: A training environment, with any wrappers around it.
    """
    told = True
    while env is not None and not isinstance(env, CountedRewards):
        told = told and not isinstance(env, WithheldRewards)
        env = getattr(env, "env", None)
    return None if env is None else env.queries * told


class CountedRewards(gym.vector.VectorWrapper):
    """Copies that write strings, and a count of those that are judged: written, or relabelled."""

    def __init__(self, env: gym.vector.VectorEnv) -> None:
        super().__init__(env)
        self.queries = 0

    def step(self, actions: Any) -> Any:
        """As the environment's."""
        told = self.env.step(actions)
        self.queries += int((told[2] | told[3]).sum())
        return told

    def compute_reward(self, achieved: Any, desired: Any, info: Any = None) -> Any:
        """The environment's answers; for a string that is not whole nobody has to ask."""
        env: Any = self.env
        self.queries += int((np.asarray(achieved) != OPEN).all(axis=-1).sum())
        return env.compute_reward(achieved, desired, info)


class _Silent:
    """What hindsight asks of an environment, single or many."""

    def compute_reward(self, achieved: Any, desired: Any, info: Any = None) -> Any:
        """0 for every pair of goals."""
        return np.zeros(np.broadcast_shapes(np.shape(achieved), np.shape(desired))[:-1])[()]

    def compute_terminated(self, achieved: Any, desired: Any, info: Any = None) -> Any:
        """False for every pair of goals."""
        return self.compute_reward(achieved, desired) != 0


class WithheldReward(_Silent, gym.Wrapper):
    """One environment, outermost, so that SB3's Monitor is silenced too."""

    def reset(self, **kwargs: Any) -> Any:
        """As the environment's, without success."""
        observation, info = self.env.reset(**kwargs)
        return observation, _without(_SUCCESS, info)

    def step(self, action: Any) -> Any:
        """As the environment's, without reward and success; arrivals are truncations."""
        observation, _, terminated, truncated, info = self.env.step(action)
        info = _without(_SUCCESS, info)
        if "episode" in info:
            info["episode"] = info["episode"] | {"r": 0.0}
        return observation, 0.0, False, terminated or truncated, info


class WithheldRewards(_Silent, gym.vector.VectorWrapper):
    """Many copies."""

    def reset(self, **kwargs: Any) -> Any:
        """As the environment's, without success."""
        observation, info = self.env.reset(**kwargs)
        return observation, _without(_SUCCESS, info)

    def step(self, actions: Any) -> Any:
        """As the environment's, without rewards and success; arrivals are truncations."""
        observation, rewards, terminated, truncated, info = self.env.step(actions)
        info = _without(_SUCCESS, info)
        never = np.zeros_like(terminated)
        return observation, np.zeros_like(rewards), never, terminated | truncated, info


class ShiftedRewards(gym.vector.VectorWrapper):
    """r-1 for r, wherever a learner reads it; see ``learner_reward``."""

    def step(self, actions: Any) -> Any:
        """As the environment's, each reward less 1."""
        observation, rewards, *further = self.env.step(actions)
        return (observation, rewards - 1, *further)

    def compute_reward(self, achieved: Any, desired: Any, info: Any = None) -> Any:
        """The environment's answers less 1."""
        env: Any = self.env
        return env.compute_reward(achieved, desired, info) - 1

    def compute_terminated(self, achieved: Any, desired: Any, info: Any = None) -> Any:
        """The environment's answers."""
        env: Any = self.env
        return env.compute_terminated(achieved, desired, info)


class HiddenGoal(gym.vector.VectorWrapper):
    """Observations without ``desired_goal``, and infos without the distance to it."""

    def __init__(self, env: gym.vector.VectorEnv) -> None:
        super().__init__(env)
        self.single_observation_space = _without_goal(env.single_observation_space)
        self.observation_space = _without_goal(env.observation_space)

    def reset(self, **kwargs: Any) -> Any:
        """As the environment's, its goal hidden."""
        observation, info = self.env.reset(**kwargs)
        return without_goal(observation), _without(_DISTANCE, info)

    def step(self, actions: Any) -> Any:
        """As the environment's, its goal hidden."""
        observation, *further, info = self.env.step(actions)
        info = _without(_DISTANCE, info)
        if "final_obs" in info:
            last = [None if one is None else without_goal(one) for one in info["final_obs"]]
            hidden = np.empty(len(last), dtype=object)
            hidden[:] = last
            info["final_obs"] = hidden
        return (without_goal(observation), *further, info)


def without_goal(observation: dict[str, Any]) -> dict[str, Any]:
    """An observation without its ``desired_goal``."""
    return {name: value for name, value in observation.items() if name != "desired_goal"}


def _without_goal(space: gym.Space[Any]) -> gym.spaces.Dict:
    own: Any = space
    return gym.spaces.Dict({name: part for name, part in own.items() if name != "desired_goal"})


def _without(secret: Collection[str], info: dict[str, Any]) -> dict[str, Any]:
    """An info without these names, and so what it holds of the end of an episode."""
    told = {name: value for name, value in info.items() if name not in secret}
    if "final_info" in told:
        told["final_info"] = _without(secret, told["final_info"])
    return told
