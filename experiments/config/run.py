"""A run, whole: its task, its budget, how it is looked at, and the name that follows from all.

A method's runs are a class of their own, with the method's settings below these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self, cast

from pydantic import model_validator

from experiments.config import naming, outside, registry
from experiments.config.errors import ConfigError
from experiments.config.run_settings import APPEND, BITS, SOLVED_FROM, RunSettings
from experiments.config.settings import check_at_most

_FOLLOW_FROM_NAMES = ("network_module", "network_version", "network_traits")


def _named_from_outside(given: dict[str, Any]) -> dict[str, Any]:
    """The settings that a method or network stands for which is named where it lies."""
    method, network = given.get("method"), given.get("network")
    if outside.is_outside(method):
        outside.check_name(str(method))
        given = given | {"method": outside.short_name(str(method)), "module": method}
    if outside.is_outside(network):
        given = given | registry.network_from_outside(str(network))
    return given


class RunConfig(RunSettings):
    """One run."""

    @classmethod
    def of(cls, **given: Any) -> RunConfig:
        """The run of these settings: an object of its method's class.

        Raises:
            ConfigError: If a setting has a value that no run can have, is unknown or another
                method's.
        """
        found = _named_from_outside(given)
        run = cls._made(found)
        if found is not given and (check := run._entry.planned):
            registry.load(check)(run)
        return run

    @classmethod
    def _made(cls, given: dict[str, Any]) -> RunConfig:
        """As :meth:`of`, and nothing that a name says is imported."""
        entry = registry.method_of({"method": cls.model_fields["method"].default, **given})
        own = ({"network": entry.network} if entry.network else {}) | given
        if isinstance(target := given.get("target"), str) and target:
            own = {"n": len(target)} | own
        for name in set(given) - set(entry.settings.model_fields):
            if name in entry.fixed and given[name] == entry.fixed[name]:
                del own[name]
            elif owners := [
                other.name for other in registry.entries() if name in other.settings.model_fields
            ]:
                raise ConfigError(
                    f"{name}={given[name]!r:.60} is for method "
                    f"{' or '.join(map(repr, owners))} only, got {entry.name!r}"
                )
        return cast(RunConfig, entry.settings(**own))

    def but(self, **other: Any) -> RunConfig:
        """The same run with some settings changed; all others stay as they are filled."""
        return RunConfig.of(**{**dict(self), **other})

    @model_validator(mode="before")
    @classmethod
    def _are_known(cls, given: Any) -> Any:
        filled = {name: cls.model_fields[name].default for name in ("method", "network")} | given
        registry.method_of(filled)
        registry.network_of(filled)
        return given

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if type(self) is not self._entry.settings:
            raise ConfigError(f"a run of method {self.method!r} is made by RunConfig.of()")
        self._check_env()
        for name in ("n_envs", "eval_episodes"):
            check_at_most(name, getattr(self, name), BITS // self.n)
        if self.learner_reward == "r-1" and self.reward_type != "zero_one":
            raise ConfigError(
                "learner_reward='r-1' is for reward_type 'zero_one' only, "
                f"got reward_type={self.reward_type!r}"
            )
        self._check_network()
        if self.network_module:
            outside.check_short_name("network", self.network, self.network_module)
        if not self.sees_target and registry.network_of(dict(self)).needs_goal:
            raise ConfigError(
                "sees_target=False needs a network that works without a goal, such as 'mlp', "
                f"got {self.network!r}"
            )
        return self

    def _check_env(self) -> None:
        """What fits the environment, and who learns in it."""
        writes = self.env == APPEND
        fixed: dict[str, Any] = {"word_size": 1, "free_bits": 0}
        if writes:
            if self.n % self.word_size:
                raise ConfigError(f"word_size must divide n = {self.n}, got {self.word_size}")
            check_at_most("free_bits", self.free_bits, self.n - 1)
            fixed = {"start": "empty", "max_steps": self.n // self.word_size}
            fixed |= {"continuing_task": False, "implementation": "fast"}
        for name, only in fixed.items():
            if (value := getattr(self, name)) != only:
                why = ", n / word_size" if name == "max_steps" else ""
                raise ConfigError(f"{name} must be {only!r}{why} in {self.env}, got {value!r}")
        if not writes and self.start == "empty":
            raise ConfigError(
                f"start must be one of 'random', 'zeros' in {self.env}, got {self.start!r}"
            )
        for entry in (self._entry, registry.network_of(dict(self))):
            if entry.env not in (None, self.env):
                raise ConfigError(
                    f"env must be {entry.env!r} for {entry.name!r}, {entry.because}; got "
                    f"{self.env!r}"
                )
        if self.target:
            self._check_target()

    def _check_target(self) -> None:
        """As the environment does."""
        # Imported here, as it brings Gymnasium, and plans are made without.
        from bitseq_env import BitSequenceAppendEnv, BitSequenceEnv

        kind: Any = BitSequenceAppendEnv if self.env == APPEND else BitSequenceEnv
        of_target = ("n", "target", "goal_mode", *(() if self.env == APPEND else ("start",)))
        try:
            kind(**{name: getattr(self, name) for name in of_target})
        except ValueError as error:
            raise ConfigError(str(error)) from error

    def _check_network(self) -> None:
        wanted, part = self._entry.network, self._entry.part
        if wanted:
            fits = self.network == wanted
        else:
            fits = bool(getattr(registry.network_of(dict(self)), part))
        if not fits:
            named = ", ".join(map(repr, registry.having(part)))
            allowed = repr(wanted) if wanted else f"one of {named}"
            raise ConfigError(
                f"network must be {allowed} for method {self.method!r}, got {self.network!r}"
            )

    @property
    def _entry(self) -> registry.Method:
        return registry.method_of(dict(self))

    @property
    def begins_with(self) -> Literal["nothing", "search", "success"]:
        """What comes before the learning: a search for a success, or a success that is given."""
        return "nothing"

    @property
    def searched(self) -> float:
        """What a search before the learning is expected to take, in flips of a bit."""
        return 0.0

    @property
    def told(self) -> str:
        """What the learner is told: nothing, s, symmetry or s+symmetry."""
        knows = ["s"] * self.sees_target
        knows += ["symmetry"] * registry.network_of(dict(self)).knows_symmetry
        return "+".join(knows) or "nothing"

    @property
    def outside(self) -> dict[str, str]:
        """Code from outside the project that the run needs, and which code that is."""
        return {self.network_module: self.network_version} if self.network_module else {}

    @property
    def solved_from(self) -> float:
        """Success rate from which on a look is good."""
        return SOLVED_FROM[self.env]

    @property
    def any_n(self) -> bool:
        """Whether the weights that are kept work at other numbers of bits."""
        return registry.network_of(dict(self)).any_n

    def given(self) -> dict[str, Any]:
        """Few settings that make this run: without those that rules and defaults fill alike."""
        kept = dict(self)
        for name in reversed(list(kept)):
            fewer = {other: value for other, value in kept.items() if other != name}
            try:
                same = RunConfig.of(**fewer) == self
            except ConfigError:
                same = False
            kept = fewer if same else kept
        if self.network_module:
            kept["network"] = kept["network_module"]
            kept = {n: v for n, v in kept.items() if n not in _FOLLOW_FROM_NAMES}
        return kept

    def to_dict(self) -> dict[str, Any]:
        """The canonical settings, in JSON's types: what names a run, and what is stored of it."""
        return naming.canonical(self, self._entry.fixed)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> RunConfig:
        """A run from the dictionary that :meth:`to_dict` made, checked.

        Raises:
            ConfigError: If a field is missing, unknown, or has a value that no run can have.
        """
        entry = registry.method_of(stored)
        return cls._made(naming.settings_of(stored, entry.settings, entry.fixed))

    @property
    def run_id(self) -> str:
        """``<method>-<network>-n<n>-s<seed>-<hash>``."""
        hashed = naming.digest(self.to_dict())
        return f"{self.method}-{self.network}-n{self.n}-s{self.seed}-{hashed}"

    @property
    def config_id(self) -> str:
        """``<method>-<network>-n<n>-<hash>``: the run without its seed."""
        fields = self.to_dict()
        del fields["seed"]
        return f"{self.method}-{self.network}-n{self.n}-{naming.digest(fields)}"

    @property
    def first_look(self) -> int:
        """Environment steps before the first evaluation: one whole episode of each copy."""
        return self.max_steps * self.n_envs

    @property
    def updates(self) -> float:
        """Gradient updates of the whole budget."""
        return self.budget_env_steps * self.updates_per_env_step

    @property
    def cost(self) -> float:
        """What the run takes, roughly, in multiply-adds of its updates: to order runs by."""
        return self.updates * registry.network_of(dict(self)).multiply_adds(self)
