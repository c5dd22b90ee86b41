"""Steps, updates and samples per second: of environments, and of learners past their start."""

from __future__ import annotations

import itertools
from typing import Any

import gymnasium as gym
import numpy as np
from stable_baselines3.common.envs import BitFlippingEnv
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import DummyVecEnv

from experiments.benchmarks.measuring import Side, now, rate
from experiments.methods.her import HerRun
from experiments.methods.learner import learner_of
from experiments.methods.sb3 import LOG_INTERVAL
from experiments.search.backends import Device
from experiments.search.search import search
from experiments.search.task import Game

_ID = "bitseq_env:BitSequence-v0"
_STEPS = 120
"""Vector steps between two looks at the clock: a few whole episodes at n = 30."""
STOCK: dict[str, Any] = {"implementation": "stock", "reward_type": "minus_one_zero"}
"""SB3 as it comes. Its buffer never learns on rewards 1/0 (issue #627), so it gets the HER paper's
-1/0: the same task, on which it does best."""
_USUAL: dict[str, Any] = {
    "method": "her",
    "n": 30,
    "goal_mode": "random",
    "hidden": (256,),
    "batch_size": 128,
    # Stock samples in time that grows with this: larger ones would only favour us.
    "buffer_size": 30_000,
    # Random actions cost less than greedy ones, and the two sides' epsilon falls differently.
    "exploration_steps": 1,
}


# Uniform random actions are drawn beforehand: the draw is no part of the environment.


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


def _many(env: Any, copies: int, n: int, seconds: float, share: float = 1.0) -> Side:
    # Of many copies a few steps take long enough, and their actions enough room.
    steps = max(1, min(_STEPS, 2**20 // copies))
    actions, step = np.random.default_rng(0).integers(n, size=(steps, copies)), env.step

    def chunk() -> int:
        for row in actions:
            step(row)
        return steps * copies

    return lambda _: rate(chunk, seconds, share)


def packed(
    n: int, seconds: float = 0.5, *, threads: int = 1, device: Device = "cpu", budget: int = 2**33
) -> Side:
    """The packed search of flips, whole searches from their start to their reward or budget."""
    seeds = itertools.count()
    search(Game(n), 0, device=device, budget=1)  # what is compiled once

    def chunk() -> int:
        found = search(Game(n), next(seeds), threads=threads, device=device, budget=budget)
        return found.env_steps + found.surplus_env_steps

    return lambda _: rate(chunk, seconds)


def single(n: int, seconds: float = 0.5, *, sb3: bool = False) -> Side:
    """One environment with whatever ``gym.make`` puts around it; SB3's has nothing around it."""
    env = BitFlippingEnv(n_bits=n) if sb3 else gym.make(_ID, n=n, target_seed=0)
    actions = np.random.default_rng(0).integers(n, size=10 * _STEPS).tolist()
    env.reset(seed=0)

    def chunk() -> int:
        for action in actions:
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()
        return len(actions)

    return lambda _: rate(chunk, seconds)


def setting(**fields: Any) -> HerRun:
    """DQN+HER at the benchmark's setting, with further fields of :class:`HerRun` over it."""
    return HerRun(**(_USUAL | fields))


def training(config: HerRun, seconds: float, agent: Any = None, warm_updates: int = 300) -> Side:
    """Environment steps per second of training as a whole: acting, stepping, storing, updating.

    The agent may be another library's for the same run; the first updates, before the clock
    starts, are for what is compiled or allocated once.
    """
    agent = agent or learner_of(config).model
    warm = config.learning_starts + int(warm_updates / config.updates_per_env_step)
    _learn(agent, warm, first=True)
    # A call of learn() has its own start and end: each is as long as a repeat should be.
    steps = 1 + int(warm * seconds / _learn(agent, warm))

    def repeat(_: int) -> float:
        before = agent.num_timesteps
        took = _learn(agent, steps)
        return float((agent.num_timesteps - before) / took)

    return repeat


def updating(config: HerRun, seconds: float) -> Side:
    """Gradient updates per second, their minibatches' sampling included."""
    agent = filled_agent(config, 20_000)
    _, updates = config.rollout

    def chunk() -> int:
        agent.train(updates, config.batch_size)
        return updates

    rate(chunk, seconds)  # what is compiled or captured once
    return lambda _: rate(chunk, seconds)


def sampling(config: HerRun, capacity: int, seconds: float = 0.3) -> Side:
    """Milliseconds of one ``sample()`` of a full buffer."""
    agent = filled_agent(config, capacity)

    def chunk() -> int:
        for _ in range(20):
            agent.replay_buffer.sample(config.batch_size)
        return 20

    chunk()
    return lambda _: 1e3 / rate(chunk, seconds)


def filled_agent(config: HerRun, capacity: int) -> Any:
    """An agent whose buffer is full of random play, and which was never updated."""
    fields = config.to_dict() | {
        "n_envs": min(64, max(1, capacity // (4 * config.n))),
        "buffer_size": capacity,
        "learning_starts": 2 * capacity,  # later than the last step
        "budget_env_steps": 2 * capacity + 1,
    }
    agent = learner_of(HerRun.from_dict(fields)).model
    _learn(agent, capacity, first=True)
    return agent


def _learn(agent: Any, steps: int, *, first: bool = False) -> float:
    """Seconds of some more steps."""
    if first:  # SB3 would log to a folder of the system's temporary files
        agent.set_logger(Logger(folder=None, output_formats=[]))
    began = now()
    agent.learn(steps, reset_num_timesteps=first, log_interval=LOG_INTERVAL)
    return now() - began
