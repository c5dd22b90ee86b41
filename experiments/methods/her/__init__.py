"""The same DQN with Hindsight Experience Replay (Andrychowicz et al., 2017)."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from experiments.config import registry
from experiments.config.errors import ConfigError
from experiments.config.registry import Method, Rule
from experiments.config.run_settings import FLIP
from experiments.config.settings import check_at_least, setting
from experiments.methods.dqn.deep_q import DeepQRun


class HerRun(DeepQRun):
    """A run of DQN with hindsight."""

    relabel_done: bool = setting(
        "Terminal flags recomputed for relabelled goals (False is SB3's, issue #627).",
        rule=Rule(
            "relabel_done",
            "True, False for stock runs",
            lambda run: run["implementation"] != "stock",
        ),
    )
    relabel_share: float = setting(
        "Share of each minibatch whose goals are relabelled; 0.8 is 4 for each real one.",
        0.8,
        low=0,
        high=1,
    )
    goal_strategy: Literal["final", "future", "episode"] = setting(
        "Where hindsight goals come from: the end of the episode, what it reached later, or any of "
        "it.",
        "future",
    )

    @model_validator(mode="after")
    def _can_relabel(self) -> Self:
        # SB3's hindsight buffer samples whole episodes only, and raises while there are none.
        check_at_least("learning_starts", self.learning_starts, self.max_steps * self.n_envs)
        if not self.sees_target:
            raise ConfigError("sees_target=False is for methods without hindsight, got 'her'")
        if self.implementation == "stock":
            if self.relabel_done:
                raise ConfigError(
                    "implementation='stock' is SB3 unchanged: relabel_done=False, got True"
                )
            if self.relabel_share == 1 or not self.sampled_goals.is_integer():
                raise ConfigError(
                    "relabel_share must be k/(k+1) for implementation 'stock', got "
                    f"{self.relabel_share!r}"
                )
        return self

    @property
    def sampled_goals(self) -> float:
        """SB3's ``n_sampled_goal``: relabelled transitions for each real one."""
        return round(self.relabel_share / (1 - self.relabel_share), 9)


registry.register(
    Method(
        name="her",
        title="DQN + HER",
        settings=HerRun,
        module="experiments.methods.her.learner:HerLearner",
        env=FLIP,
        because="as where a string is written SB3's own hindsight is right "
        "(--method stable_baselines3:DQN --hindsight True)",
    )
)
