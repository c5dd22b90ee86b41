"""Steps, updates and samples per second of learners that are past their first steps."""

from __future__ import annotations

from typing import Any

from stable_baselines3.common.logger import Logger

from experiments.benchmarks.measuring import Side, now, rate
from experiments.methods.her import HerRun
from experiments.methods.learner import learner_of
from experiments.methods.sb3 import LOG_INTERVAL

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
