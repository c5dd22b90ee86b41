"""The task of a run: its environment and its starts, below who learns and who judges."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Self

import gymnasium as gym

import bitseq_env  # noqa: F401  (registers BitSequence-v0)
from experiments.config.run import RunConfig
from experiments.config.run_settings import ENV_ID, eval_episodes


@dataclass(frozen=True)
class Task:
    """What is to be done, whoever learns it: an environment, and how many episodes judge it."""

    n: int
    seed: int
    target: str
    goal_mode: str
    start: str
    reward_type: str
    max_steps: int
    continuing_task: bool
    eval_episodes: int

    @classmethod
    def of(cls, run: RunConfig) -> Self:
        """A run's task."""
        return cls(**{field.name: getattr(run, field.name) for field in dataclasses.fields(cls)})

    def at(self, n: int) -> Task:
        """The same task at another number of bits, and so another s; horizon n, usual episodes."""
        episodes = eval_episodes(n, self.start, self.goal_mode)
        return dataclasses.replace(self, n=n, target="", max_steps=n, eval_episodes=episodes)

    @property
    def arguments(self) -> dict[str, Any]:
        """The environment's keyword arguments; the seed fixes a target that is not given."""
        own = dataclasses.asdict(self)
        del own["eval_episodes"]
        seed, target = own.pop("seed"), own.pop("target")
        return own | ({"target": target} if target else {"target_seed": seed})

    def single_env(self, **further: Any) -> gym.Env:
        """One environment; further arguments go over the task's own."""
        return gym.make(ENV_ID, **{**self.arguments, **further})

    def vector_env(self, copies: int, **further: Any) -> gym.vector.VectorEnv:
        """Many copies stepped together; further arguments go over the task's own."""
        return gym.make_vec(ENV_ID, num_envs=copies, **{**self.arguments, **further})
