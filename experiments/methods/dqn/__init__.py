"""Deep Q-learning with plain replay: SB3's DQN, with a training step made for this task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Self

from pydantic import model_validator

from experiments.config import registry
from experiments.config.errors import ConfigError
from experiments.config.registry import Filled, Method, Rule
from experiments.config.run_settings import FLIP
from experiments.config.settings import setting
from experiments.methods.dqn.deep_q import DeepQRun
from experiments.methods.search_settings import Search, SearchingRun


class Successes(Search):
    """Where a learner's successes come from, and how they are replayed.

    These stand above all other settings of a run, whose defaults may depend on them.
    """

    replay: Literal["uniform", "rewarded", "prioritized"] = setting(
        "uniform: all transitions alike; rewarded: a fixed share of each minibatch from episodes "
        "that reached the target, which are kept (Narasimhan et al., 2015); prioritized: by their "
        "errors, with importance weights (Schaul et al., 2016).",
        "uniform",
        neutral="uniform",
    )
    one_success: bool = setting(
        "In place of a search the learner is given one episode, drawn by the law of a uniform "
        "policy's first success.",
        False,
        neutral=False,
    )


def _begins_with_success(run: Filled) -> bool:
    # What stock runs are refused for should not be a default that is none of theirs.
    return bool(run["search"] or run["one_success"]) and run["implementation"] != "stock"


def _share(run: Filled) -> float:
    usual = 0.25 if _begins_with_success(run) else 0.125
    return usual if run["replay"] == "rewarded" else 0.0


class DqnRun(DeepQRun, SearchingRun, Successes):
    """A run of DQN."""

    replay_share: float = setting(
        "Share of each minibatch from episodes that reached the target, once there are any.",
        rule=Rule(
            "replay_share",
            "0.125 for rewarded replay, 0.25 if it begins with a success, 0 for any other",
            _share,
        ),
        low=0,
        high=1,
        neutral=0.0,
    )

    @model_validator(mode="after")
    def _can_succeed(self) -> Self:
        if self.implementation == "stock" and self.replay != "uniform":
            raise ConfigError(
                f"implementation='stock' is SB3 unchanged: replay='uniform', got {self.replay!r}"
            )
        rewarded = self.replay == "rewarded"
        if rewarded and not 0 < self.replay_share < 1:
            raise ConfigError(
                "replay_share must lie between 0 and 1, neither of them included, got "
                f"{self.replay_share!r}"
            )
        if not rewarded and self.replay_share != 0:
            raise ConfigError(
                "replay_share must be 0 unless replay is 'rewarded', got "
                f"{self.replay_share!r} with replay={self.replay!r}"
            )
        if rewarded and self.withhold_reward:
            raise ConfigError(
                "replay='rewarded' needs rewards, and withhold_reward=True hides them: its null is "
                "that of replay='uniform'"
            )
        return self

    def _check_success(self) -> None:
        if self.one_success:
            if self.search:
                raise ConfigError("search=True and one_success=True exclude each other: choose one")
            if self.env != FLIP:
                raise ConfigError(f"one_success=True needs env={FLIP!r}, got {self.env!r}")
        super()._check_success()

    @property
    def begins_with(self) -> Literal["nothing", "search", "success"]:
        """A success, if it is asked for."""
        return "search" if self.search else "success" if self.one_success else "nothing"

    @property
    def told(self) -> str:
        """As of any run, and one success where it is given one."""
        known = super().told
        if not self.one_success:
            return known
        return "one success" if known == "nothing" else f"{known}+one success"


def _from_success(name: str, said: str, fill: Callable[[Filled], Any]) -> Rule:
    """A default of runs that begin with a success: they may learn fast, and have to hold it."""
    return Rule(name, f"{said} for runs that begin with a success", fill, _begins_with_success)


registry.register(
    Method(
        name="dqn",
        title="DQN",
        settings=DqnRun,
        module="experiments.methods.dqn.learner:DqnLearner",
        rules=registry.rules(
            _from_success("n_envs", "64", lambda _: 64),
            _from_success(
                "budget_env_steps",
                "10 n^3, and at least 20 episodes of each copy,",
                lambda run: max(10 * run["n"] ** 3, 20 * run["max_steps"] * run["n_envs"]),
            ),
            _from_success("updates_per_env_step", "0.0625", lambda _: 0.0625),
            _from_success("hidden", "512", lambda _: (512,)),
            # Fast first, and then so slow that it holds where values of many distances lie close.
            _from_success("learning_rate", "3e-3", lambda _: 3e-3),
            _from_success("learning_rate_schedule", "linear", lambda _: "linear"),
            _from_success("acting_weights", "average", lambda _: "average"),
        ),
        fixed={"relabel_done": False, "relabel_share": 0.0, "goal_strategy": "none"},
    )
)
