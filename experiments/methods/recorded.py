"""Runs of other people's training loops, which a Recorder looked at."""

from __future__ import annotations

import json
import re
from typing import Any, Self

from pydantic import field_validator, model_validator

from experiments.config import outside, registry
from experiments.config.errors import ConfigError
from experiments.config.registry import OWN, Method, Rule
from experiments.config.run import RunConfig
from experiments.config.settings import Widths, setting


class RecordedRun(RunConfig):
    """A run of a loop from outside; what the loop's author says of it is taken as it is."""

    updates_per_env_step: float | None = setting(  # type: ignore[assignment]
        "As the loop has it.", None, low=0, high=100, flag=False
    )
    hidden: Widths | None = setting("As the loop has them.", None, flag=False)  # type: ignore[assignment]
    learner_reward: str = setting("As the loop has it.", "r", flag=False)  # type: ignore[assignment]
    loop_settings: str = setting("What else its author says of it, as JSON.", "{}", flag=False)
    loader: str = setting(
        "package.module:function from kept weights, a dictionary of tensors, to their policy.",
        "",
        flag=False,
    )
    loader_version: str = setting(
        "Which code that is.",
        rule=Rule(
            "loader_version",
            "what is there",
            lambda run: outside.version(run["loader"]) if run["loader"] else "",
        ),
        flag=False,
    )

    @field_validator("method")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
            raise ConfigError(
                "method must be a name of small letters, digits and _, at most 40 of them, got "
                f"{name!r:.60}"
            )
        return name

    @field_validator("loop_settings", mode="before")
    @classmethod
    def _is_json(cls, given: Any) -> str:
        try:
            value = json.loads(given) if isinstance(given, str) else dict(given)
            return json.dumps(value, sort_keys=True, allow_nan=False)
        except (TypeError, ValueError):
            raise ConfigError(
                f"settings must be a dictionary that JSON can hold, got {given!r:.100}"
            ) from None

    @model_validator(mode="after")
    def _is_a_loops(self) -> Self:
        if not self.recorded:
            raise ConfigError("recorded must be True for a loop from outside, got False")
        return self

    @property
    def outside(self) -> dict[str, str]:
        """What loads the weights, if anything."""
        return {self.loader: self.loader_version} if self.loader else {}

    @property
    def any_n(self) -> bool:
        """Not as far as is known."""
        return False

    def given(self) -> dict[str, Any]:
        """None that a command could take.

        Raises:
            ConfigError: As the loop's own program makes it again.
        """
        raise ConfigError("its own program makes it again")


class RecordedWeights:
    """What is asked of a :class:`experiments.methods.learner.Learner` that has learned already."""

    def __init__(self, run: RecordedRun) -> None:
        raise ConfigError(f"{run.run_id} was recorded, and its own program makes it again")

    @staticmethod
    def load(run: RecordedRun, weights: bytes, n: int, device: str) -> Any:
        """The policy that the run's loader makes of its weights.

        Raises:
            ResultError: If there are none.
        """
        # Imported here, as plans are made without torch.
        import safetensors.torch

        from experiments.records.files import ResultError

        if not run.loader:
            raise ResultError(
                f"{run.run_id} was recorded without weights and a loader for them, so that it "
                "cannot act again: Recorder(..., weights=..., loader='package.module:function')"
            )
        return outside.imported(run.loader)(safetensors.torch.load(weights))


registry.register(
    Method(
        name="recorded",
        title="a loop of your own",
        settings=RecordedRun,
        module="experiments.methods.recorded:RecordedWeights",
        network=OWN,
        mark="recorded",
    )
)
