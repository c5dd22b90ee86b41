"""Steps, updates and samples per second of learners that are past their first steps."""

from __future__ import annotations

import time
from typing import Any

import torch as th
from stable_baselines3.common.logger import Logger

from experiments.benchmarks.measuring import Measured, Side, rate
from experiments.methods.her import HerRun
from experiments.methods.learner import learner_of
from experiments.methods.sb3 import LOG_INTERVAL

STOCK: dict[str, Any] = {"implementation": "stock", "reward_type": "minus_one_zero"}
"""SB3 as it comes. Its buffer never learns on rewards 1/0 (issue #627), so it gets the HER paper's
-1/0: the same task, on which it does best."""
_FILLING_COPIES = 64


def setting(**fields: Any) -> HerRun:
    """DQN+HER at the benchmark's setting, with further fields of :class:`HerRun` over it."""
    usual: dict[str, Any] = {
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
    return HerRun(**(usual | fields))


def training(config: HerRun, seconds: float, agent: Any = None, warm_updates: int = 300) -> Side:
    """Environment steps per second of training as a whole: acting, stepping, storing, updating.

    Args:
        config: The run.
        seconds: Of one repeat, about.
        agent: Another library's for the same run.
        warm_updates: Those before the clock starts, for what is compiled or allocated once.
    """
    agent = agent or learner_of(config).model
    warm = config.learning_starts + int(warm_updates / config.updates_per_env_step)
    _learn(agent, warm, first=True)
    # A call of learn() has its own start and end: each is as long as a repeat should be.
    steps = 1 + int(warm * seconds / _learn(agent, warm))

    def repeat(_: int) -> Measured:
        before = agent.num_timesteps
        took = _learn(agent, steps)
        return Measured((agent.num_timesteps - before) / took)

    return Side(repeat, config.device)


def updating(config: HerRun, seconds: float) -> Side:
    """Gradient updates per second, their minibatches' sampling included."""
    agent = filled_agent(config, 20_000)
    _, updates = config.rollout

    def chunk() -> int:
        agent.train(updates, config.batch_size)
        return updates

    rate(chunk, seconds)  # what is compiled or captured once
    return Side(lambda _: rate(chunk, seconds, finish=lambda: _finish(agent)), config.device)


def sampling(config: HerRun, capacity: int, seconds: float = 0.3) -> Side:
    """Milliseconds of one ``sample()`` of a full buffer."""
    agent = filled_agent(config, capacity)

    def chunk() -> int:
        for _ in range(20):
            agent.replay_buffer.sample(config.batch_size)
        return 20

    chunk()
    return Side(lambda _: Measured(1e3 / rate(chunk, seconds).value), config.device)


def filled_agent(config: HerRun, capacity: int) -> Any:
    """An agent whose buffer is full of random play, and which was never updated."""
    fields = config.to_dict() | {
        "n_envs": min(_FILLING_COPIES, max(1, capacity // (4 * config.n))),
        "buffer_size": capacity,
        "learning_starts": 2 * capacity,  # later than the last step
        "budget_env_steps": 2 * capacity + 1,
    }
    filling = HerRun.from_dict(fields)
    agent = learner_of(filling).model
    _learn(agent, capacity, first=True)
    return agent


def _learn(agent: Any, steps: int, *, first: bool = False) -> float:
    """Seconds of some more steps."""
    if first:  # SB3 would log to a folder of the system's temporary files
        agent.set_logger(Logger(folder=None, output_formats=[]))
    _finish(agent)
    began = time.perf_counter()
    agent.learn(steps, reset_num_timesteps=first, log_interval=LOG_INTERVAL)
    _finish(agent)
    return time.perf_counter() - began


def _finish(agent: Any) -> None:
    """Wait for the GPU, which works behind the back of the clock."""
    if getattr(agent.device, "type", "cpu") == "cuda":
        th.cuda.synchronize()
