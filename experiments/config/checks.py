"""What a run's settings may be: every check names the field, its value and what is allowed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, get_args

from experiments.config.rules import RULES

if TYPE_CHECKING:
    from experiments.config.run import RunConfig

Method = Literal["dqn", "her"]
Network = Literal["mlp", "equivariant"]
GoalMode = Literal["fixed", "random"]
Start = Literal["random", "zeros"]
RewardType = Literal["zero_one", "minus_one_zero", "hamming"]
LearnerReward = Literal["r", "r-1"]
GoalStrategy = Literal["none", "final", "future", "episode"]
Implementation = Literal["fast", "stock"]
Device = Literal["cpu", "cuda"]


class ConfigError(ValueError):
    """A setting that no run can have; the message names it, its value and what is allowed."""


def as_fraction(value: float) -> Fraction:
    """The ratio that a float stands for, with a denominator of at most 1,000.

    Raises:
        ConfigError: If there is none.
    """
    ratio = Fraction(value).limit_denominator(1000)
    if abs(float(ratio) - value) > 1e-9 * value:
        raise ConfigError(
            f"updates_per_env_step must be a ratio with a denominator up to 1,000, got {value!r}"
        )
    return ratio


def is_whole(value: object) -> bool:
    """True for ints, but not for bools."""
    return isinstance(value, int) and not isinstance(value, bool)


def check_whole(
    name: str, value: object, *, at_least: int | None = None, at_most: int | None = None
) -> None:
    """A whole number in a range, by default that of :data:`WHOLES`.

    Raises:
        ConfigError: Naming the field, its value and the range.
    """
    low, high = WHOLES.get(name, (0, 0))
    low = low if at_least is None else at_least
    high = high if at_most is None else at_most
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not low <= value <= high:  # type: ignore[operator]
        raise ConfigError(
            f"{name} must be a whole number of at least {low:,} and at most {high:,}, got {value!r}"
        )


def _check_real(name: str, value: object, low: float, high: float) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not low <= value <= high:  # type: ignore[operator]
        raise ConfigError(f"{name} must be a number in [{low:g}, {high:g}], got {value!r}")


_STEPS = 10**12
WHOLES: dict[str, tuple[int, int]] = {
    "n": (1, 10**6),
    # SB3 and PyTorch seed NumPy's old generator, which takes 32 bits.
    "seed": (0, 2**32 - 1),
    "max_steps": (1, 10**9),
    "n_envs": (1, 10**6),  # and see BITS
    "budget_env_steps": (1, _STEPS),
    "hidden": (1, 2**16),
    "batch_size": (1, 10**6),
    "target_update_interval": (0, _STEPS),
    "buffer_size": (1, 10**9),
    "learning_starts": (1, _STEPS),
    "exploration_steps": (0, _STEPS),
    "eval_episodes": (1, 10**7),
}
"""The fields that hold a whole number, and what each may be: far more than anyone has run, and
little enough that a slip of the hand, or a file from outside, does not ask for all memory."""
BITS: dict[str, int] = {"n_envs": 10**9, "eval_episodes": 10**9, "buffer_size": 10**12}
"""The fields that are so many times n bits of memory, and how many bits these may be together."""
_LAYERS = 64

REALS: dict[str, tuple[float, float]] = {
    "updates_per_env_step": (0.001, 100),
    "relabel_share": (0, 1),
    "learning_rate": (1e-9, 1),
    "gamma": (0, 1),
    "tau": (1e-9, 1),
    "exploration_final_eps": (0, 1),
    "max_grad_norm": (1e-9, 1e9),
    "eval_spacing": (1.001, 100),
}
"""The fields that hold a real number, and what each may be."""

_CHOICES: dict[str, tuple[str, ...]] = {
    "method": get_args(Method),
    "network": get_args(Network),
    "goal_mode": get_args(GoalMode),
    "start": get_args(Start),
    "reward_type": get_args(RewardType),
    "learner_reward": get_args(LearnerReward),
    "goal_strategy": get_args(GoalStrategy),
    "implementation": get_args(Implementation),
    "device": get_args(Device),
}


def check_choices(config: RunConfig) -> None:
    """Names and flags that are given are known ones."""
    for name, allowed in _CHOICES.items():
        value = getattr(config, name)
        if value not in allowed and not (value is None and name in RULES):
            raise ConfigError(f"{name} must be one of {_names(allowed)}, got {value!r}")
    for name in ("continuing_task", "full_budget", "relabel_done", "sees_target"):
        value = getattr(config, name)
        if not isinstance(value, bool) and not (value is None and name in RULES):
            raise ConfigError(f"{name} must be True or False, got {value!r}")


def check_numbers(config: RunConfig) -> None:
    """Every number of a filled configuration is of its type and in its range."""
    for name in ("max_steps", "n_envs"):
        check_whole(name, getattr(config, name))
    longest = (config.max_steps or 0) * (config.n_envs or 0)
    if longest > (room := WHOLES["buffer_size"][1] // 2):
        raise ConfigError(
            f"max_steps times n_envs must be at most {room:,}, as a replay buffer holds two "
            f"episodes of each copy, got {config.max_steps:,} times {config.n_envs:,}"
        )
    for name, (_, most) in WHOLES.items():
        if name != "hidden":
            together = BITS[name] // config.n if name in BITS else most
            check_whole(name, getattr(config, name), at_most=min(most, together))
    if not isinstance(config.hidden, tuple) or not 1 <= len(config.hidden) <= _LAYERS:
        raise ConfigError(
            f"hidden must be a tuple of 1 to {_LAYERS} widths, got {config.hidden!r:.60}"
        )
    for width in config.hidden:
        check_whole("hidden", width)
    for name, (low, high) in REALS.items():
        _check_real(name, getattr(config, name), low, high)
    as_fraction(config.updates_per_env_step or 0.0)
    # SB3's hindsight buffer samples whole episodes only, and raises while there are none.
    whole_episodes = longest if config.method == "her" else 1
    check_whole("learning_starts", config.learning_starts, at_least=whole_episodes)
    check_whole("buffer_size", config.buffer_size, at_least=2 * longest)
    # Fewer steps than that would end in a run that never learned, told as unsolved.
    first_update = (config.learning_starts or 0) + 1
    check_whole("budget_env_steps", config.budget_env_steps, at_least=first_update)


def check_together(config: RunConfig) -> None:
    """Settings that exclude each other are not combined."""
    if config.method == "dqn":
        plain = {"relabel_done": False, "relabel_share": 0.0, "goal_strategy": "none"}
        for name, value in plain.items():
            if getattr(config, name) != value:
                raise ConfigError(f"{name}={getattr(config, name)!r} is for method 'her' only")
    elif config.goal_strategy == "none":
        raise ConfigError("goal_strategy='none' is for method 'dqn' only")
    if config.learner_reward == "r-1" and config.reward_type != "zero_one":
        raise ConfigError(
            "learner_reward='r-1' is for reward_type 'zero_one' only, "
            f"got reward_type={config.reward_type!r}"
        )
    if not config.sees_target and (config.method != "dqn" or config.network != "mlp"):
        raise ConfigError(
            "sees_target=False is for method 'dqn' with network 'mlp' only, "
            f"got {config.method!r} with {config.network!r}"
        )
    if config.implementation == "stock":
        _check_stock(config)
    elif config.target_update_interval != 0:
        raise ConfigError(
            "target_update_interval must be 0 (with each gradient update) unless "
            f"implementation is 'stock', got {config.target_update_interval}"
        )


def _check_stock(config: RunConfig) -> None:
    share = config.relabel_share or 0.0
    if config.relabel_done or config.learner_reward != "r" or not config.sees_target:
        raise ConfigError(
            "implementation='stock' is SB3 unchanged: relabel_done=False, learner_reward='r' and "
            f"sees_target=True, got {config.relabel_done}, {config.learner_reward!r} "
            f"and {config.sees_target}"
        )
    goals = share / (1 - share) if share < 1 else math.inf
    if not math.isfinite(goals) or abs(goals - round(goals)) > 1e-9:
        raise ConfigError(
            f"relabel_share must be k/(k+1) for implementation 'stock', got {share!r}"
        )
    check_whole("target_update_interval", config.target_update_interval, at_least=1)


def _names(allowed: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in allowed)
