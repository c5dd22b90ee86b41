"""The settings of methods whose learners may begin with a success: it is searched for."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from experiments.config.errors import ConfigError
from experiments.config.registry import Filled, Rule
from experiments.config.run import RunConfig
from experiments.config.run_settings import APPEND
from experiments.config.settings import Settings, setting
from experiments.search.task import Game, check_task

_EXACT = 2**53
"""Most steps of a search: tables hold no larger whole number exactly."""


class Search(Settings):
    """Whether there is one; above all other settings of a run, whose defaults may depend on it."""

    search: bool = setting(
        "Until the first reward, when there is nothing to learn, a uniform policy is played on "
        "packed states by all cores; the learner begins with the episode that it finds.",
        False,
        neutral=False,
    )


def _expected(run: Filled) -> int:
    """Environment steps to the first reward, roughly: a uniform start makes each state uniform."""
    counted: int = max(0, run["n"] - run["free_bits"])
    return int(2**counted * (run["max_steps"] if run["env"] == APPEND else 1))


class SearchingRun(RunConfig, Search):
    """A run that may begin with a search, if the method's ``replay`` keeps what was rewarded."""

    search_budget_env_steps: int = setting(
        "Environment steps after which a search gives up; budget counts those after it.",
        rule=Rule(
            "search_budget_env_steps",
            "8 x 2^n for a search, of strings that are written 8 x 2^(n - free_bits) whole ones, "
            "at most 2^53, else 0",
            lambda run: min(8 * _expected(run), _EXACT) if run["search"] else 0,
        ),
        low=0,
        high=_EXACT,
        neutral=0,
    )

    @model_validator(mode="after")
    def _can_begin(self) -> Self:
        if self.search != (self.search_budget_env_steps > 0):
            raise ConfigError(
                "search_budget_env_steps must be 0 without a search, and more with one, got "
                f"{self.search_budget_env_steps} with search={self.search}"
            )
        if self.begins_with != "nothing":
            self._check_success()
        return self

    def _check_success(self) -> None:
        """Refuse a success from elsewhere where it is of another task, or nobody would keep it."""
        _ = self.game  # or it says why there is none
        # Which also refuses a withheld reward.
        for name, only in (("replay", "rewarded"), ("reward_type", "zero_one")):
            if (value := getattr(self, name)) != only:
                way = "search" if self.search else "one_success"
                raise ConfigError(f"{way}=True needs {name}={only!r}, got {value!r}")

    @property
    def game(self) -> Game:
        """What a search plays.

        Raises:
            ConfigError: If none can.
        """
        return check_task(
            self.n,
            env=self.env,
            word_size=self.word_size,
            free_bits=self.free_bits,
            goal_mode=self.goal_mode,
            start=self.start,
            max_steps=self.max_steps,
            continuing_task=self.continuing_task,
        )

    @property
    def begins_with(self) -> Literal["nothing", "search", "success"]:
        """A success, if it is asked for."""
        return "search" if self.search else "nothing"

    @property
    def searched(self) -> float:
        """Of flips 2^n, roughly; a string that is written whole costs what two of them do."""
        if not self.search:
            return 0.0
        return 2.0 * 2.0**self.game.counted_bits if self.game.writes else 2.0**self.n
