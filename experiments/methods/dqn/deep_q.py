"""The settings of every method that learns Q-values from replay."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, Self

from pydantic import model_validator

from experiments.config.errors import ConfigError
from experiments.config.registry import Filled, Rule
from experiments.config.run import RunConfig
from experiments.config.run_settings import STEPS
from experiments.config.settings import check_at_least, check_at_most, setting

_STORED_BITS = 10**12
_UPDATES_TOGETHER = 8
"""Updates of one cycle, where episodes are long: what is done once a cycle costs little then."""


def _stock(name: str, stock: float, usual: float) -> Rule:
    """A default that SB3's own DQN has another value for."""
    said = f"{usual:g}; {stock:g} for stock runs"
    return Rule(name, said, lambda run: stock if run["implementation"] == "stock" else usual)


def _capacity(run: Filled) -> int:
    room = min(run["budget_env_steps"], 1_000_000, 10**9 // run["n"])
    return int(max(room, 2 * run["max_steps"] * run["n_envs"]))


class DeepQRun(RunConfig):
    """A run of DQN, with hindsight or without."""

    batch_size: int = setting(
        "Transitions in a minibatch.",
        rule=Rule(
            "batch_size",
            "128, the HER paper's; 256 beyond n = 20",
            lambda run: 128 if run["n"] <= 20 else 256,
        ),
        low=1,
        high=10**6,
    )
    learning_rate: float = setting(
        "Adam's step size.", rule=Rule("learning_rate", "1e-3", lambda _: 1e-3), low=1e-9, high=1
    )
    learning_rate_schedule: Literal["constant", "linear"] = setting(
        "linear: the step size falls to 0 with the budget.",
        rule=Rule("learning_rate_schedule", "constant", lambda _: "constant"),
        neutral="constant",
    )
    gamma: float = setting(
        "Discount for each step.", rule=_stock("gamma", 0.98, 0.995), low=0, high=1
    )
    tau: float = setting(
        "Share of the online network mixed into the target network at each target update.",
        rule=_stock("tau", 1.0, 0.05),
        low=1e-9,
        high=1,
    )
    target_update_interval: int = setting(
        "Environment steps between target updates; 0: one with each gradient update.",
        rule=Rule(
            "target_update_interval",
            "0; 500 for stock runs, as SB3's own 10,000 never learns here",
            lambda run: 500 if run["implementation"] == "stock" else 0,
        ),
        low=0,
        high=STEPS,
    )
    buffer_size: int = setting(
        "Capacity of the replay buffer in transitions.",
        rule=Rule(
            "buffer_size",
            "the budget, at most 1,000,000 and 10^9/n (3 GB), at least two episodes of each copy",
            _capacity,
        ),
        low=1,
        high=10**9,
    )
    learning_starts: int = setting(
        "Environment steps before the first update.",
        rule=Rule(
            "learning_starts",
            "one whole episode of each copy",
            lambda run: run["max_steps"] * run["n_envs"],
        ),
        low=1,
        high=STEPS,
    )
    exploration_steps: int = setting(
        "Environment steps over which epsilon falls from 1, independent of the budget (stock: at "
        "most the budget).",
        rule=Rule("exploration_steps", "500 n", lambda run: 500 * run["n"]),
        low=0,
        high=STEPS,
    )
    exploration_final_eps: float = setting(
        "Epsilon from there on.",
        rule=Rule("exploration_final_eps", "0.05", lambda _: 0.05),
        low=0,
        high=1,
    )
    exploration: Literal["decay", "spread"] = setting(
        "decay: one epsilon that falls; spread: each copy keeps its own, half of them 1 and the "
        "others evenly from there down to 0 (Horgan et al., 2018).",
        "decay",
        neutral="decay",
    )
    acting_weights: Literal["online", "average"] = setting(
        "What acts, explores and is kept: the online network, or the target network, whose running "
        "average is steadier than single updates (not for stock runs).",
        rule=Rule("acting_weights", "online", lambda _: "online"),
        neutral="online",
    )
    max_grad_norm: float = setting("Gradients are clipped to this norm.", 10.0, low=1e-9, high=1e9)

    @model_validator(mode="after")
    def _can_learn(self) -> Self:
        longest = self.max_steps * self.n_envs
        check_at_most("buffer_size", self.buffer_size, _STORED_BITS // self.n)
        check_at_least("buffer_size", self.buffer_size, 2 * longest)
        # Fewer steps than that would end in a run that never learned, told as unsolved.
        check_at_least("budget_env_steps", self.budget_env_steps, self.learning_starts + 1)
        if abs(float(self._ratio) - self.updates_per_env_step) > 1e-9 * self.updates_per_env_step:
            raise ConfigError(
                "updates_per_env_step must be a ratio with a denominator up to 1,000, got "
                f"{self.updates_per_env_step!r}"
            )
        if self.exploration == "spread" and self.n_envs == 1:
            raise ConfigError(
                "exploration='spread' needs n_envs of at least 2, one that explores and one that "
                f"does not, got {self.n_envs}"
            )
        if self.implementation == "stock":
            if self.learner_reward != "r" or not self.sees_target:
                raise ConfigError(
                    "implementation='stock' is SB3 unchanged: learner_reward='r' and "
                    f"sees_target=True, got {self.learner_reward!r} and {self.sees_target}"
                )
            check_at_least("target_update_interval", self.target_update_interval, 1)
            for name, only in (("acting_weights", "online"), ("exploration", "decay")):
                if (value := getattr(self, name)) != only:
                    raise ConfigError(
                        f"implementation='stock' is SB3 unchanged: {name}={only!r}, got {value!r}"
                    )
        elif self.target_update_interval != 0:
            raise ConfigError(
                "target_update_interval must be 0 (with each gradient update) unless "
                f"implementation is 'stock', got {self.target_update_interval}"
            )
        return self

    @property
    def _ratio(self) -> Fraction:
        return Fraction(self.updates_per_env_step).limit_denominator(1000)

    @property
    def rollout(self) -> tuple[int, int]:
        """Vector steps and gradient updates of one collect-then-train cycle.

        The smallest cycle with a whole number of updates at ``updates_per_env_step``; and, as
        minibatches are drawn together, as many of it as make eight updates, if that takes no more
        than a quarter of an episode. Stock runs take the smallest.
        """
        if not self._ratio:
            return 1, 0
        vector_steps, updates = (self._ratio * self.n_envs).as_integer_ratio()[::-1]
        if self.implementation == "stock":
            return vector_steps, updates
        cycles = min(-(-_UPDATES_TOGETHER // updates), self.max_steps // 4 // vector_steps)
        return vector_steps * max(1, cycles), updates * max(1, cycles)

    @property
    def first_look(self) -> int:
        """Environment steps before the first evaluation: none is of weights that only wait."""
        return self.learning_starts

    @property
    def cost(self) -> float:
        """What the run takes, roughly, in multiply-adds of its updates: to order runs by."""
        return self.batch_size * super().cost
