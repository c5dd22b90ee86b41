"""The task of a run: its environment and its starts, below who learns and who judges."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Self

import gymnasium as gym
import numpy as np
import numpy.typing as npt

import bitseq_env  # noqa: F401  (registers the environments)
from experiments.config.run import RunConfig
from experiments.config.run_settings import APPEND, eval_episodes

_FLIPPING = ("start", "max_steps", "continuing_task")
_WRITING = ("word_size", "free_bits")


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
    env: str
    word_size: int
    free_bits: int
    eval_episodes: int

    @classmethod
    def of(cls, run: RunConfig) -> Self:
        """A run's task."""
        return cls(**{field.name: getattr(run, field.name) for field in dataclasses.fields(cls)})

    def at(self, n: int) -> Task:
        """The same task at another number of bits, and so another s; horizon n, usual episodes."""
        episodes = eval_episodes(n, self.start, self.goal_mode)
        steps = n // self.word_size
        return dataclasses.replace(self, n=n, target="", max_steps=steps, eval_episodes=episodes)

    @property
    def writes(self) -> bool:
        """Whether strings are written, and not flipped."""
        return self.env == APPEND

    @property
    def actions(self) -> int:
        """How many there are."""
        return int(2**self.word_size) if self.writes else self.n

    def words(self, bits: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """(..., bits) bits as the actions that write them, (..., bits / word_size)."""
        bits = np.asarray(bits, dtype=np.int64)
        parts = bits.reshape(*bits.shape[:-1], -1, self.word_size)
        words: npt.NDArray[np.int64] = parts @ (1 << self._places)
        return words

    def bits(self, words: npt.NDArray[np.int64]) -> npt.NDArray[np.int8]:
        """(...) actions as the bits that they write, (..., word_size), most significant first."""
        return (words[..., None] >> self._places & 1).astype(np.int8)

    @property
    def _places(self) -> npt.NDArray[np.int64]:
        return np.arange(self.word_size)[::-1]

    @property
    def arguments(self) -> dict[str, Any]:
        """The environment's keyword arguments; the seed fixes a target that is not given."""
        shared = ("n", "goal_mode", "reward_type")
        own = _WRITING if self.writes else _FLIPPING
        target = {"target": self.target} if self.target else {"target_seed": self.seed}
        return {name: getattr(self, name) for name in shared + own} | target

    def single_env(self, **further: Any) -> gym.Env:
        """One environment; further arguments go over the task's own."""
        return gym.make(self.env, **{**self.arguments, **further})

    def vector_env(self, copies: int, **further: Any) -> gym.vector.VectorEnv:
        """Many copies stepped together; further arguments go over the task's own."""
        return gym.make_vec(self.env, num_envs=copies, **{**self.arguments, **further})
