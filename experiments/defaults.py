"""The rules that fill a run's open settings: functions of the task, never of the seed.

Every number was measured (see docs/differences.md); a rule sees the settings filled before it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from experiments.config import RunConfig


def max_steps(config: RunConfig) -> int:
    """A horizon of n: enough to reach any target from any start."""
    return config.n


def n_envs(config: RunConfig) -> int:
    """Copies of the environment that step together."""
    return 1 if config.network == "equivariant" else 8


def budget_env_steps(config: RunConfig) -> int:
    """Several times what hindsight needs; a goal per episode takes longer to learn."""
    if config.network == "equivariant":
        return max(20_000, 100 * config.n)
    return 200_000 if config.goal_mode == "random" else 50_000


def updates_per_env_step(config: RunConfig) -> float:
    """Few updates for each step cost fewer seconds, many cost fewer steps."""
    return 0.25


def relabel_done(config: RunConfig) -> bool:
    """Hindsight needs its terminal flags recomputed (SB3 issue #627)."""
    return config.method == "her" and config.implementation != "stock"


def learner_reward(config: RunConfig) -> str:
    """Subtract 1 where the environment pays 1/0: values 1/(1-gamma) times further apart."""
    return "r-1" if config.reward_type == "zero_one" and config.implementation != "stock" else "r"


def relabel_share(config: RunConfig) -> float:
    """Four relabelled transitions for each real one, as in the HER paper."""
    return 0.8 if config.method == "her" else 0.0


def goal_strategy(config: RunConfig) -> str:
    """Goals that the same episode reached later, as in the HER paper."""
    return "future" if config.method == "her" else "none"


def hidden(config: RunConfig) -> tuple[int, ...]:
    """The HER paper's single layer of 256; twice that for a goal per episode beyond n = 20."""
    if config.network == "equivariant":
        return (32, 32)
    return (512,) if config.goal_mode == "random" and config.n > 20 else (256,)


def batch_size(config: RunConfig) -> int:
    """The HER paper's 128; twice that beyond n = 20."""
    return 128 if config.network == "equivariant" or config.n <= 20 else 256


def learning_rate(config: RunConfig) -> float:
    """The HER paper's."""
    return 1e-3


def gamma(config: RunConfig) -> float:
    """Above the HER paper's 0.98, under which far states are nearly alike; 0.98 for stock runs."""
    return 0.98 if config.implementation == "stock" else 0.995


def tau(config: RunConfig) -> float:
    """A running average beside each update; SB3's hard copy for stock runs."""
    return 1.0 if config.implementation == "stock" else 0.05


def target_update_interval(config: RunConfig) -> int:
    """With each gradient update; SB3 counts environment steps, and its 10,000 never learns."""
    return 500 if config.implementation == "stock" else 0


def buffer_size(config: RunConfig) -> int:
    """Everything that the budget can produce, within reason."""
    room = min(config.budget_env_steps or 0, 1_000_000)
    return max(room, 2 * (config.max_steps or 0) * (config.n_envs or 0))


def learning_starts(config: RunConfig) -> int:
    """One whole episode of each copy."""
    return (config.max_steps or 0) * (config.n_envs or 0)


def exploration_steps(config: RunConfig) -> int:
    """A ramp that grows with n and does not know the budget."""
    if config.network == "equivariant":
        return 10 * config.n
    return 500 * config.n


def eval_episodes(config: RunConfig) -> int:
    """Fewer where an episode is long."""
    if config.n >= 10_000:
        return 20
    return 100 if config.n >= 500 else 1_000


RULES: dict[str, Callable[[RunConfig], Any]] = {
    rule.__name__: rule
    for rule in (
        max_steps,
        n_envs,
        budget_env_steps,
        updates_per_env_step,
        relabel_done,
        learner_reward,
        relabel_share,
        goal_strategy,
        hidden,
        batch_size,
        learning_rate,
        gamma,
        tau,
        target_update_interval,
        buffer_size,
        learning_starts,
        exploration_steps,
        eval_episodes,
    )
}
