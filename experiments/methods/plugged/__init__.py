"""Methods from outside the project: an SB3-compatible class, or a learner of one's own."""

from __future__ import annotations

import json
from typing import Any, Literal, Self

from pydantic import field_validator, model_validator

from experiments.config import outside, registry
from experiments.config.errors import ConfigError
from experiments.config.registry import OWN, Method, Rule
from experiments.config.run import RunConfig
from experiments.config.settings import Widths, setting

NAME = "package.module:Name"


class PluggedRun(RunConfig):
    """A run of a class that lies outside; the run goes by the class's name in lower case."""

    module_version: str = setting(
        "Which code that is.",
        rule=Rule("module_version", "what is there", lambda run: outside.version(run["module"])),
        flag=False,
    )
    updates_per_env_step: Literal[0, None] = setting(  # type: ignore[assignment]
        "0: untrained, a control; otherwise as the class has it.", None
    )
    hidden: Widths | None = setting("As the class has them.", None, flag=False)  # type: ignore[assignment]
    hindsight: bool = setting("SB3's HerReplayBuffer, for off-policy classes.", False)
    algorithm_kwargs: str = setting(
        "Arguments of the class, as JSON: '{\"learning_rate\": 0.001}'.", "{}"
    )

    @field_validator("algorithm_kwargs", mode="before")
    @classmethod
    def _is_json(cls, given: Any) -> str:
        """Dictionaries are welcome too; one spelling, as it is part of the run's name."""
        try:
            value = json.loads(given) if isinstance(given, str) else given
            if isinstance(value, dict) and all(isinstance(name, str) for name in value):
                return json.dumps(value, sort_keys=True, allow_nan=False)
        except (TypeError, ValueError):
            pass
        raise ConfigError(f"algorithm_kwargs must be a JSON object, got {given!r:.100}")

    @field_validator("updates_per_env_step", mode="before")
    @classmethod
    def _is_zero(cls, given: Any) -> Any:
        if given not in (0, None):
            raise ConfigError(
                "updates_per_env_step must be 0, the untrained control, or not given, as the class "
                f"has its own (see --algorithm-kwargs), got {given!r:.60}"
            )
        return given if given is None else 0

    @model_validator(mode="after")
    def _has_its_own(self) -> Self:
        if not self.module:
            raise ConfigError(f"a run of a class from outside is made by RunConfig.of({NAME!r})")
        outside.check_short_name("method", self.method, self.module)
        if self.implementation != "fast":
            raise ConfigError(
                f"implementation must be 'fast' for method {self.method!r}, got "
                f"{self.implementation!r}"
            )
        if self.hindsight and not self.sees_target:
            raise ConfigError(
                f"sees_target=False is for methods without hindsight, got {self.method!r} with it"
            )
        return self

    @property
    def kwargs(self) -> dict[str, Any]:
        """The arguments of the class."""
        kwargs: dict[str, Any] = json.loads(self.algorithm_kwargs)
        return kwargs

    @property
    def outside(self) -> dict[str, str]:
        """The class."""
        return {self.module: self.module_version}

    @property
    def any_n(self) -> bool:
        """Not as far as is known."""
        return False

    @property
    def updates(self) -> float:
        """What SB3's off-policy classes make with their defaults, roughly."""
        return self.budget_env_steps / 4

    @property
    def cost(self) -> float:
        """Of two layers of 64 and batches of 32."""
        return self.updates * 32 * registry.products(self.n, 64, 64, self.n)

    def given(self) -> dict[str, Any]:
        """As for any run, with the class named where it lies."""
        kept = super().given()
        kept = {n: value for n, value in kept.items() if n not in ("module", "module_version")}
        return {**kept, "method": self.module}


registry.register(
    Method(
        name=NAME,
        title="a class of your own",
        settings=PluggedRun,
        module="experiments.methods.plugged.classes:learner_class",
        rules=registry.rules(
            Rule("n_envs", "1, as other people's defaults are made for one", lambda _: 1)
        ),
        network=OWN,
        mark="module",
        planned="experiments.methods.plugged.classes:check",
    )
)
