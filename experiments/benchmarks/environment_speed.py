"""Environment steps per second, ours and those of SB3's ``BitFlippingEnv``."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from stable_baselines3.common.envs import BitFlippingEnv
from stable_baselines3.common.vec_env import DummyVecEnv

from experiments.benchmarks.measuring import Side, rate

_ID = "bitseq_env:BitSequence-v0"
_STEPS = 120
"""Vector steps between two looks at the clock: a few whole episodes at n = 30."""


def vector(copies: int, n: int, seconds: float = 0.5, autoreset_mode: str = "NextStep") -> Side:
    """The native vector environment, by default as ``gym.make_vec`` makes it.

    SB3 resets in the "SameStep", and keeps the last observation in the infos.
    """
    env = gym.make_vec(_ID, num_envs=copies, n=n, target_seed=0, autoreset_mode=autoreset_mode)
    env.reset(seed=0)
    # In "NextStep" each episode of n steps (random play hardly ever ends one sooner) is followed
    # by a call that only resets, and is no step.
    share = 1.0 if autoreset_mode == "SameStep" else n / (n + 1)
    return _many(env, copies, n, seconds, share)


def sb3_vector(copies: int, n: int, seconds: float = 0.5) -> Side:
    """SB3's environment in its ``DummyVecEnv``."""
    env = DummyVecEnv([lambda: BitFlippingEnv(n_bits=n)] * copies)
    env.reset()
    return _many(env, copies, n, seconds)


def single(n: int, seconds: float = 0.5) -> Side:
    """One environment with whatever ``gym.make`` puts around it."""
    return _one(gym.make(_ID, n=n, target_seed=0), n, seconds)


def sb3_single(n: int, seconds: float = 0.5) -> Side:
    """SB3's environment with nothing around it."""
    return _one(BitFlippingEnv(n_bits=n), n, seconds)


# Uniform random actions are drawn beforehand: the draw is no part of the environment.


def _many(env: Any, copies: int, n: int, seconds: float, share: float = 1.0) -> Side:
    # Of many copies a few steps take long enough, and their actions enough room.
    steps = max(1, min(_STEPS, 2**20 // copies))
    actions, step = np.random.default_rng(0).integers(n, size=(steps, copies)), env.step

    def chunk() -> int:
        for row in actions:
            step(row)
        return steps * copies

    return lambda _: rate(chunk, seconds, share)


def _one(env: gym.Env, n: int, seconds: float) -> Side:
    actions = np.random.default_rng(0).integers(n, size=10 * _STEPS).tolist()
    env.reset(seed=0)

    def chunk() -> int:
        for action in actions:
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()
        return len(actions)

    return lambda _: rate(chunk, seconds)
