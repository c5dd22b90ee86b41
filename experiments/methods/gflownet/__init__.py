"""Trajectory balance (Malkin et al., 2022) on strings that are written from left to right.

A state is what was written, so that it has one parent, and P_B = 1: a trajectory is a string, and
balanced where log Z + log P(string) = log R(string).
"""

from __future__ import annotations

import math
from typing import Any, Literal, Self

from pydantic import field_validator, model_validator

from experiments.config import registry
from experiments.config.errors import ConfigError
from experiments.config.registry import Filled, Method, Rule
from experiments.config.run_settings import APPEND
from experiments.config.settings import check_at_least, setting
from experiments.methods.search_settings import Search, SearchingRun


class Source(Search):
    """What a writer learns from; these stand above all other settings, whose rules read them."""

    loss: Literal["trajectory_balance", "likelihood"] = setting(
        "likelihood: a control that asks for no reward, supervised learning on relabelled strings.",
        "trajectory_balance",
    )
    hindsight: bool = setting(
        "Strings that were written are learned from as what their goal had been.", False
    )
    replay: Literal["uniform", "rewarded"] = setting(
        "uniform: strings are learned from as they are sampled, and then forgotten; rewarded: a "
        "share of each batch comes from strings that were rewarded, which are kept.",
        "uniform",
    )


def _relabelled(run: Filled) -> float:
    return float(1 - run["replay_share"]) if run["hindsight"] else 0.0


def _batch(run: Filled) -> int:
    """As many as leave room for all fresh ones; where none is used twice as many."""
    fresh = 1 - run["replay_share"] - run["relabel_share"]
    n_envs: int = run["n_envs"]
    return round(n_envs * (1 / fresh if fresh > 0 else _RELABELLED_FOR_EACH))


_RELABELLED_FOR_EACH = 2


class GFlowNetRun(SearchingRun, Source):
    """A run of trajectory balance, or of the likelihood in its place."""

    replay_share: float = setting(
        "Share of each batch from strings that were rewarded, once there are any.",
        rule=Rule(
            "replay_share",
            "0.25 for rewarded replay, 0 for uniform",
            lambda run: 0.25 if run["replay"] == "rewarded" else 0.0,
        ),
        low=0,
        high=1,
    )
    relabel_share: float = setting(
        "Share of each batch from strings that were written, relabelled.",
        rule=Rule("relabel_share", "all but replay_share with hindsight, else 0", _relabelled),
        low=0,
        high=1,
    )
    batch_size: int = setting(
        "Strings that an update learns from: relabelled, rewarded, and for the rest fresh ones.",
        rule=Rule("batch_size", "all that are fresh, and the shares; 2 n_envs of no fresh", _batch),
        low=1,
        high=10**6,
    )
    epsilon: float | None = setting(
        "Reward of a wrong string.", rule=Rule("epsilon", "2^-n / 10,000", lambda _: None)
    )
    exploration_eps: float = setting(
        "Share of words that are uniform while strings are sampled.", 0.0, low=0, high=1
    )
    learning_rate: float = setting(
        "Adam's step size.",
        rule=Rule(
            "learning_rate",
            "3e-3, 2e-3 with hindsight",
            lambda run: 2e-3 if run["hindsight"] else 3e-3,
        ),
        low=1e-9,
        high=1,
    )
    learning_rate_schedule: Literal["constant", "linear"] = setting(
        "linear: the step size falls to 0 with the budget.",
        rule=Rule(
            "learning_rate_schedule",
            "linear with hindsight, else constant",
            lambda run: "linear" if run["hindsight"] else "constant",
        ),
        neutral="constant",
    )
    adam_eps: float = setting(
        "What Adam adds to its divisor: smaller gradients make smaller steps. Before the first "
        "reward all of them are noise.",
        rule=Rule(
            "adam_eps",
            "1e-3, 1e-8 with hindsight",
            lambda run: 1e-8 if run["hindsight"] else 1e-3,
        ),
        low=1e-12,
        high=1,
    )
    log_z_learning_rate: float = setting(
        "That of log Z; 0 leaves it at its first value.",
        rule=Rule(
            "log_z_learning_rate",
            "0.1; 0 with hindsight, where it is known",
            lambda run: 0.0 if run["hindsight"] else 0.1,
        ),
        low=0,
        high=10,
    )

    @field_validator("epsilon", mode="before")
    @classmethod
    def _is_a_reward(cls, given: Any) -> Any:
        number = isinstance(given, int | float) and not isinstance(given, bool)
        if given is not None and not (number and 0 < given <= 1):
            raise ConfigError(
                "epsilon must be above 0 and at most 1, or None for 2^-n / 10,000, got "
                f"{given!r:.60}"
            )
        return float(given) if number else given

    @model_validator(mode="after")
    def _can_balance(self) -> Self:
        for name, only in (("reward_type", "zero_one"), ("learner_reward", "r")):
            if (value := getattr(self, name)) != only:
                raise ConfigError(f"{name} must be {only!r} for {self.method!r}, got {value!r}")
        if self.hindsight and not self.sees_target:
            raise ConfigError("hindsight=True needs a writer that is told: sees_target=True")
        for name, is_on, how in (
            ("relabel_share", self.hindsight, "hindsight"),
            ("replay_share", self.replay == "rewarded", "replay='rewarded'"),
        ):
            if ((value := getattr(self, name)) > 0) != is_on:
                needed = "above 0 with" if is_on else "0 without"
                raise ConfigError(f"{name} must be {needed} {how}, got {value!r}")
        if self.shares[1] == self.batch_size:
            raise ConfigError(
                f"replay_share must leave a string of a batch of {self.batch_size} to others, got "
                f"{self.replay_share!r}"
            )
        if sum(self.shares) > self.batch_size:
            raise ConfigError(
                "relabel_share and replay_share must be at most a batch of "
                f"{self.batch_size} together, got {self.relabel_share!r} and {self.replay_share!r}"
            )
        for name, share, count in zip(
            ("relabel_share", "replay_share"),
            (self.relabel_share, self.replay_share),
            self.shares,
            strict=True,
        ):
            if share and not count:
                raise ConfigError(
                    f"{name} must be a string or more of a batch of {self.batch_size}, got "
                    f"{share!r}"
                )
        if self.replay == "rewarded" and self.goal_mode == "random" and not self.sees_target:
            raise ConfigError(
                "replay='rewarded' needs sees_target=True where goal_mode='random': what was "
                "right for one goal is wrong for the next, and no goal is seen"
            )
        if self.withhold_reward:
            if self.replay == "rewarded":
                raise ConfigError(
                    "replay='rewarded' needs rewards, and withhold_reward=True hides them: its "
                    "null is that of replay='uniform'"
                )
            if self.loss == "likelihood":
                raise ConfigError("loss='likelihood' asks for no reward, so that it has no null")
        if self.loss == "likelihood" and self.relabel_share != 1:
            raise ConfigError(
                "loss='likelihood' learns from relabelled strings alone: hindsight=True and "
                f"relabel_share=1, got {self.hindsight} and {self.relabel_share!r}"
            )
        for name, unread in (("epsilon", None), ("log_z_learning_rate", 0)):
            if self.loss == "likelihood" and (value := getattr(self, name)) != unread:
                raise ConfigError(
                    f"{name} must be {unread} with loss='likelihood', which has no rewards, got "
                    f"{value!r}"
                )
        fresh = self.batch_size - sum(self.shares)
        if self.n_envs < fresh:
            raise ConfigError(
                f"n_envs must be at least {fresh}, the fresh strings of a batch_size of "
                f"{self.batch_size}, got {self.n_envs}"
            )
        if self.updates_per_env_step:
            a_batch = self.n_envs * self.max_steps
            check_at_least("budget_env_steps", self.budget_env_steps, a_batch)
        if abs(self.updates_a_batch - self._updates) > 1e-6:
            raise ConfigError(
                "updates_per_env_step must be a whole number of updates for each "
                f"{self.n_envs} x {self.max_steps} steps (n_envs x max_steps), got "
                f"{self.updates_per_env_step!r}"
            )
        return self

    @property
    def _updates(self) -> float:
        return self.updates_per_env_step * self.n_envs * self.max_steps

    @property
    def updates_a_batch(self) -> int:
        """Updates after each string of all copies."""
        return round(self._updates)

    @property
    def shares(self) -> tuple[int, int]:
        """Strings of a batch that are relabelled, and that were rewarded."""
        return round(self.relabel_share * self.batch_size), round(
            self.replay_share * self.batch_size
        )

    @property
    def log_epsilon(self) -> float:
        """The log-reward of a wrong string, for any n."""
        if self.epsilon is None:
            return -self.n * math.log(2) - math.log(10_000)
        return math.log(self.epsilon)

    @property
    def first_log_z(self) -> float:
        """Log Z at the beginning.

        With hindsight a goal is shown with each trajectory, its definition says that 2^free_bits
        strings are right, and that is all of Z there is to know. Without, and for a null, it is
        that of a world in which every string is wrong: a uniform policy is balanced there, and
        stays what it is until the first reward; a null, which has none, stays so for ever.
        """
        everything = self.n * math.log(2) + self.log_epsilon
        if not self.hindsight or self.withhold_reward:
            return everything
        right = self.free_bits * math.log(2)
        wrong = everything + math.log1p(-(2.0 ** (self.free_bits - self.n)))
        high, low = max(right, wrong), min(right, wrong)
        return high + math.log1p(math.exp(low - high))

    @property
    def cost(self) -> float:
        """Roughly, in multiply-adds: sampling costs about as much as an update."""
        return (self.batch_size + self.n_envs) * self.max_steps * super().cost


def _trajectories(run: Filled) -> int:
    if run["hindsight"]:
        return 16_000
    if run["search"]:
        return 32_000
    return 400_000 if run["replay"] == "rewarded" else 120_000


registry.register(
    Method(
        name="gflownet",
        title="GFlowNet",
        settings=GFlowNetRun,
        module="experiments.methods.gflownet.learner:GFlowNetLearner",
        part="writer",
        env=APPEND,
        because="as where bits are flipped a state has many parents, and episodes start anywhere",
        rules=registry.rules(
            Rule("n_envs", "128; 32 with hindsight", lambda run: 32 if run["hindsight"] else 128),
            Rule(
                "budget_env_steps",
                "120,000 strings, 400,000 with rewarded replay, 32,000 that come after a search, "
                "16,000 with hindsight",
                lambda run: _trajectories(run) * run["max_steps"],
            ),
            Rule(
                "updates_per_env_step",
                "one update for each string of all copies, four with hindsight",
                lambda run: (4 if run["hindsight"] else 1) / (run["n_envs"] * run["max_steps"]),
            ),
            Rule(
                "hidden",
                "128 128; 256 256 with hindsight",
                lambda run: (256, 256) if run["hindsight"] else (128, 128),
            ),
        ),
    )
)
