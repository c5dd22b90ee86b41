"""Environment steps per second, ours and those of SB3's ``BitFlippingEnv``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
from stable_baselines3.common.envs import BitFlippingEnv
from stable_baselines3.common.vec_env import DummyVecEnv

from experiments.benchmarks.measuring import Measured, Side, rate
from experiments.config.task import ENV_ID

_STEPS = 120
"""Vector steps between two looks at the clock: a few whole episodes at n = 30."""


def vector(copies: int, n: int, seconds: float = 0.5, autoreset_mode: str = "NextStep") -> Side:
    """The native vector environment, by default as ``gym.make_vec`` makes it.

    Args:
        copies: Stepped together.
        n: Bits.
        seconds: Of one repeat, at least.
        autoreset_mode: SB3 resets in the "SameStep", and keeps the last observation in the infos.
    """
    env = gym.make_vec(ENV_ID, num_envs=copies, n=n, target_seed=0, autoreset_mode=autoreset_mode)
    env.reset(seed=0)
    # In "NextStep" each episode of n steps (random play hardly ever ends one sooner) is followed
    # by a call that only resets, and is no step.
    share = 1.0 if autoreset_mode == "SameStep" else n / (n + 1)
    return _stepped(env.step, copies, n, seconds, share)


def sb3_vector(copies: int, n: int, seconds: float = 0.5) -> Side:
    """SB3's environment in its ``DummyVecEnv``."""
    env = DummyVecEnv([lambda: _bit_flipping(n) for _ in range(copies)])
    env.reset()
    return _stepped(env.step, copies, n, seconds)


def single(n: int, seconds: float = 0.5) -> Side:
    """One environment with whatever ``gym.make`` puts around it."""
    return _one(gym.make(ENV_ID, n=n, target_seed=0), n, seconds)


def sb3_single(n: int, seconds: float = 0.5) -> Side:
    """SB3's environment with nothing around it."""
    return _one(_bit_flipping(n), n, seconds)


def _bit_flipping(n: int) -> gym.Env:
    return BitFlippingEnv(n_bits=n)


def _stepped(
    step: Callable[[Any], Any], copies: int, n: int, seconds: float, share: float = 1.0
) -> Side:
    """Uniform random actions, drawn beforehand: the draw is no part of the environment."""
    # Of many copies a few steps take long enough, and their actions enough room.
    steps = max(1, min(_STEPS, 2**20 // copies))
    actions = np.random.default_rng(0).integers(n, size=(steps, copies))

    def chunk() -> int:
        for row in actions:
            step(row)
        return steps * copies

    return Side(lambda _: Measured(share * rate(chunk, seconds).value))


def _one(env: gym.Env, n: int, seconds: float) -> Side:
    actions = np.random.default_rng(0).integers(n, size=10 * _STEPS).tolist()
    env.reset(seed=0)

    def chunk() -> int:
        for action in actions:
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()
        return len(actions)

    return Side(lambda _: rate(chunk, seconds))
