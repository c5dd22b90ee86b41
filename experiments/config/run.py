"""A run, whole: its task, its budget, how it is looked at, and the name that follows from all.

A method's runs are a class of their own, with the method's settings below these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self, cast

from pydantic import field_validator, model_validator

from experiments.config import naming, outside, registry
from experiments.config.errors import ConfigError
from experiments.config.registry import OWN, Filled, Rule
from experiments.config.settings import (
    Settings,
    Widths,
    check_at_most,
    setting,
)

ENV_ID = "BitSequence-v0"
"""The environment of every run."""
STEPS = 10**12
_STORED = 10**9
_BITS = 10**9
"""Most bits of all copies, or of all episodes of an evaluation, together. Limits are far more than
anyone has run, and little enough that a slip of the hand does not ask for all memory."""


def _budget(run: Filled) -> int:
    usual = 200_000 if run["goal_mode"] == "random" else 30_000
    return int(max(usual, 20 * run["max_steps"] * run["n_envs"]))


def eval_episodes(n: int, start: str = "random", goal_mode: str = "fixed") -> int:
    """Greedy episodes of one evaluation, where nobody says how many."""
    if (start, goal_mode) == ("zeros", "fixed"):
        return 1  # they are all one and the same
    return 100 if n >= 500 else 1_000


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


class RunConfig(Settings):
    """One run. What is not given is filled by a rule, which never looks at the seed."""

    method: str = setting("How it is learned; package.module:Name for a class of your own.", "her")
    network: str = setting("What it is learned with; package.module:Name likewise.", "mlp")
    module: str = setting(
        "Of a method from outside: its package.module:Name.", "", neutral="", flag=False
    )
    recorded: bool = setting(
        "Whether a loop from outside was recorded.", False, neutral=False, flag=False
    )
    network_module: str = setting(
        "Of a network from outside: its package.module:Name.", "", neutral="", flag=False
    )
    network_version: str = setting("Which code that is.", "", neutral="", flag=False)
    network_traits: str = setting("What that says of itself.", "", neutral="", flag=False)
    n: int = setting("Bits.", 10, low=1, high=10**6)
    # SB3 and PyTorch seed NumPy's old generator, which takes 32 bits.
    seed: int = setting(
        "Fixes the target, the network's first weights, the exploration and the replay.",
        0,
        low=0,
        high=2**32 - 1,
    )
    goal_mode: Literal["fixed", "random"] = setting(
        "fixed: one target for the whole run; random: a new one each episode (the HER paper).",
        "fixed",
    )
    target: str = setting(
        "One's own s, 0110...; n follows from it. Empty: s is drawn from the seed.", "", neutral=""
    )
    start: Literal["random", "zeros"] = setting("First state of an episode.", "random")
    reward_type: Literal["zero_one", "minus_one_zero", "hamming"] = setting(
        "The environment's reward, and that of every reported figure.", "zero_one"
    )
    max_steps: int = setting(
        "Horizon of an episode in steps.",
        rule=Rule("max_steps", "n, enough to reach any target", lambda run: run["n"]),
        low=1,
        high=10**9,
    )
    continuing_task: bool = setting(
        "Episodes run to the horizon even after the target is reached.", False
    )
    implementation: Literal["fast", "stock"] = setting(
        "stock: SB3's own DQN, HerReplayBuffer and DummyVecEnv, with this run's settings.", "fast"
    )
    n_envs: int = setting(
        "Parallel copies of the environment.",
        rule=Rule("n_envs", "8", lambda _: 8),
        low=1,
        high=10**6,
    )
    budget_env_steps: int = setting(
        "Environment steps after which a run ends, counted over all copies.",
        rule=Rule(
            "budget_env_steps",
            "30,000, or 200,000 with a goal per episode, and at least 20 episodes of each copy",
            _budget,
        ),
        low=1,
        high=STEPS,
    )
    updates_per_env_step: float = setting(
        "Gradient updates for each environment step, whatever the number of copies.",
        rule=Rule("updates_per_env_step", "0.25, as an update costs several steps", lambda _: 0.25),
        low=0,
        high=100,
    )
    full_budget: bool = setting(
        "Use the whole budget; False is --stop-when-solved, and no result of record.", True
    )
    withhold_reward: bool = setting(
        "A control: the environment's reward is 0 wherever the learner reads it, hindsight "
        "included; an arrival is told as a truncation, and no success.",
        False,
        neutral=False,
    )
    learner_reward: Literal["r", "r-1"] = setting(
        "r-1: the learner subtracts 1 from each reward; where episodes end at the target that "
        "rescales all values and keeps every policy's rank.",
        rule=Rule(
            "learner_reward",
            "r-1 where the environment pays 1/0, r elsewhere and for stock runs",
            lambda run: (
                "r-1"
                if run["reward_type"] == "zero_one" and run["implementation"] != "stock"
                else "r"
            ),
        ),
    )
    sees_target: bool = setting("False: the learner is not shown the goal.", True)
    hidden: Widths = setting(
        "Widths of the hidden layers.",
        rule=Rule(
            "hidden",
            "256, the HER paper's; 512 beyond n = 20",
            lambda run: (256,) if run["n"] <= 20 else (512,),
        ),
    )
    eval_episodes: int = setting(
        "Greedy episodes of one evaluation.",
        rule=Rule(
            "eval_episodes",
            "1,000; 100 from n = 500; 1 where all start alike (zeros, one target)",
            lambda run: eval_episodes(run["n"], run["start"], run["goal_mode"]),
        ),
        low=1,
        high=10**7,
    )
    eval_spacing: float = setting(
        "Environment steps at an evaluation over those at the one before.",
        1.05,
        low=1.001,
        high=100,
    )
    late_looks: int = setting(
        "Evaluations in the second half of the budget, where steps of all copies allow.",
        20,
        low=1,
        high=10**4,
        neutral=20,
    )
    device: Literal["cpu", "cuda"] = setting("Where the network lives.", "cpu")
    parent: str = setting(
        "Name of the run whose weights it began with.", "", neutral="", flag=False
    )

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

    @field_validator("*")
    @classmethod
    def _one_zero(cls, value: Any) -> Any:
        """0.0 and -0.0 are one setting: they must have one name."""
        return value + 0.0 if isinstance(value, float) else value

    @field_validator("n_envs")
    @classmethod
    def _has_room(cls, copies: int, info: Any) -> int:
        longest = info.data.get("max_steps", 0) * copies
        if longest > _STORED // 2:
            raise ConfigError(
                f"max_steps times n_envs must be at most {_STORED // 2:,}, as a replay buffer "
                "holds two episodes of each copy, got "
                f"{info.data['max_steps']:,} times {copies:,}"
            )
        return copies

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if type(self) is not self._entry.settings:
            raise ConfigError(f"a run of method {self.method!r} is made by RunConfig.of()")
        if self.target:
            self._check_target()
        for name in ("n_envs", "eval_episodes"):
            check_at_most(name, getattr(self, name), _BITS // self.n)
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

    def _check_target(self) -> None:
        """As the environment does."""
        # Imported here, as it brings Gymnasium, and plans are made without.
        from bitseq_env import BitSequenceEnv

        of_target = ("n", "target", "goal_mode", "start")
        try:
            BitSequenceEnv(**{name: getattr(self, name) for name in of_target})
        except ValueError as error:
            raise ConfigError(str(error)) from error

    def _check_network(self) -> None:
        wanted = self._entry.network
        if self.network != wanted and OWN in (self.network, wanted):
            others = [name for name in registry.NETWORKS if name != OWN]
            allowed = repr(wanted) if wanted else f"one of {', '.join(map(repr, others))}"
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
        """Environment steps that a search before the learning is expected to take."""
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
