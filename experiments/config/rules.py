"""The rules that fill a run's open settings: functions of the task, never of the seed.

A rule sees the settings that were filled before it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from experiments.config.run import RunConfig


def max_steps(config: RunConfig) -> int:
    """n: enough to reach any target from any start."""
    return config.n


def n_envs(config: RunConfig) -> int:
    """1 (equivariant) or 8 (mlp)."""
    return 1 if config.network == "equivariant" else 8


def budget_env_steps(config: RunConfig) -> int:
    """30,000, or 200,000 with a goal per episode (mlp); 100 n, at least 20,000 (equivariant).

    Never less than 20 episodes of each copy.
    """
    least = 20 * (config.max_steps or 0) * (config.n_envs or 0)
    if config.network == "equivariant":
        return max(20_000, 100 * config.n, least)
    return max(200_000 if config.goal_mode == "random" else 30_000, least)


def updates_per_env_step(config: RunConfig) -> float:
    """0.25 (mlp), as an update of it costs several steps; 1 (equivariant)."""
    return 1.0 if config.network == "equivariant" else 0.25


def relabel_done(config: RunConfig) -> bool:
    """True with hindsight, False for stock runs (SB3 issue #627)."""
    return config.method == "her" and config.implementation != "stock"


def learner_reward(config: RunConfig) -> str:
    """r-1 where the environment pays 1/0, r elsewhere and for stock runs."""
    return "r-1" if config.reward_type == "zero_one" and config.implementation != "stock" else "r"


def relabel_share(config: RunConfig) -> float:
    """0.8 with hindsight, four relabelled transitions for each real one; else 0."""
    return 0.8 if config.method == "her" else 0.0


def goal_strategy(config: RunConfig) -> str:
    """Future with hindsight: goals that the same episode reached later; else none."""
    return "future" if config.method == "her" else "none"


def hidden(config: RunConfig) -> tuple[int, ...]:
    """256, the HER paper's; 512 for an mlp beyond n = 20; 32 32 (equivariant)."""
    if config.network == "equivariant":
        return (32, 32)
    return (256,) if config.n <= 20 else (512,)


def batch_size(config: RunConfig) -> int:
    """128, the HER paper's; 256 for an mlp beyond n = 20."""
    return 128 if config.network == "equivariant" or config.n <= 20 else 256


def learning_rate(config: RunConfig) -> float:
    """0.001, the HER paper's."""
    return 1e-3


def gamma(config: RunConfig) -> float:
    """0.995; 0.98, the HER paper's, for stock runs."""
    return 0.98 if config.implementation == "stock" else 0.995


def tau(config: RunConfig) -> float:
    """0.05; 1, a hard copy, for stock runs."""
    return 1.0 if config.implementation == "stock" else 0.05


def target_update_interval(config: RunConfig) -> int:
    """0; 500 for stock runs, as SB3's own 10,000 never learns here."""
    return 500 if config.implementation == "stock" else 0


def buffer_size(config: RunConfig) -> int:
    """The budget, at most 1,000,000 and 10^9/n (3 GB), and at least two episodes of each copy."""
    room = min(config.budget_env_steps or 0, 1_000_000, 10**9 // config.n)
    return max(room, 2 * (config.max_steps or 0) * (config.n_envs or 0))


def learning_starts(config: RunConfig) -> int:
    """One whole episode of each copy."""
    return (config.max_steps or 0) * (config.n_envs or 0)


def exploration_steps(config: RunConfig) -> int:
    """10 n (equivariant) or 500 n (mlp)."""
    if config.network == "equivariant":
        return 10 * config.n
    return 500 * config.n


def eval_episodes(config: RunConfig) -> int:
    """1,000; 100 from n = 500; 20 from n = 10,000."""
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
