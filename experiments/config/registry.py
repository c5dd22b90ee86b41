"""What methods and networks there are: one entry each, light, its learner imported when built.

Nothing outside an entry asks which method or network a run has. :mod:`experiments.methods` fills
the registry.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from experiments.config import outside
from experiments.config.errors import ConfigError
from experiments.config.settings import Settings

Filled = Mapping[str, Any]
"""The settings that were filled before the one that a rule is asked for."""


@dataclass(frozen=True)
class Rule:
    """A default that depends on other settings of the run, never on its seed.

    Args:
        name: The setting.
        said: The rule in words, for ``--help``.
        fill: From the settings above this one to its value.
        holds: Whether an entry's own rule is the one for a run; the usual rule fills it otherwise.
    """

    name: str
    said: str
    fill: Callable[[Filled], Any]
    holds: Callable[[Filled], bool] = lambda _: True

    def __call__(self, filled: dict[str, Any]) -> Any:
        """The value; the run's network or its method may have a rule of its own for it."""
        for entry in (network_of(filled), method_of(filled)):
            own = entry.rules.get(self.name)
            if own is not None and own.holds(filled):
                return own.fill(filled)
        return self.fill(filled)


def rules(*some: Rule) -> dict[str, Rule]:
    """Rules by the settings that they fill."""
    return {rule.name: rule for rule in some}


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network for states and goals of n bits.

    Args:
        name: Part of a run's name.
        module: ``package.module:Class`` of the Q-network, a
            :class:`experiments.methods.networks.base.BitQNetwork`; empty if there is none.
        writer: Likewise of the policy that writes strings, a
            :class:`experiments.methods.networks.writers.Writer`.
        rules: Defaults that are this network's own, by setting.
        multiply_adds: Of one state's Q-values, roughly, from the run.
        any_n: Whether trained weights work at other numbers of bits.
        knows_symmetry: Whether it knows that bits are interchangeable.
        needs_goal: Whether it cannot work without seeing the target.
        sb3s: Whether SB3 has it too, for stock runs.
        env: The only environment that it is for, None if any.
        because: Why, for an error.
    """

    name: str
    module: str = ""
    writer: str = ""
    rules: Mapping[str, Rule] = field(default_factory=dict)
    multiply_adds: Callable[[Any], int] = lambda run: products(run.n, *run.hidden, run.n)
    any_n: bool = False
    knows_symmetry: bool = False
    needs_goal: bool = False
    sb3s: bool = False
    env: str | None = None
    because: str = ""


@dataclass(frozen=True, kw_only=True)
class Method:
    """A way to learn.

    Args:
        name: Part of a run's name.
        title: For people.
        settings: The run's class: a :class:`experiments.config.run.RunConfig` with the settings
            that are the method's own.
        module: ``package.module:Class`` of its :class:`experiments.methods.learner.Learner`, or
            of a function from a run to such a class.
        rules: Defaults that are this method's own, by setting.
        network: The only network that it works with, None if any that has its part.
        part: What it needs of a network.
        env: The only environment that it is for, None if any.
        because: Why, for an error.
        fixed: Settings of other methods that stand in this one's runs with one value.
        mark: A setting that stands in its runs alone. Methods from outside the project share an
            entry with one, and their runs go by names of their own.
        planned: ``package.module:function`` that checks a run as it is planned, as nobody imports
            what lies outside only to read of a run.
    """

    name: str
    title: str
    settings: type[Settings]
    module: str
    rules: Mapping[str, Rule] = field(default_factory=dict)
    network: str | None = None
    part: Literal["module", "writer"] = "module"
    env: str | None = None
    because: str = ""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    mark: str | None = None
    planned: str | None = None


def products(*widths: int) -> int:
    """Weights of layers between these widths."""
    return sum(below * above for below, above in itertools.pairwise(widths))


OWN = "own"
"""The network of methods that bring a policy of their own."""

METHODS: dict[str, Method] = {}
NETWORKS: dict[str, Network] = {}
MARKED: dict[str, Method] = {}
"""Entries whose runs go by other names, by their marks."""
TRAITS = ("any_n", "knows_symmetry", "needs_goal")
"""What is asked of a network from outside: attributes of its class, False where it has none."""


def register(entry: Method | Network) -> None:
    """Add an entry, or put it in the place of that with its name."""
    if isinstance(entry, Network):
        NETWORKS[entry.name] = entry
    elif entry.mark is not None:
        MARKED[entry.mark] = entry
    else:
        METHODS[entry.name] = entry


def entries() -> list[Method]:
    """Every entry of a method."""
    return [*METHODS.values(), *MARKED.values()]


def method(name: object) -> Method:
    """The entry of a method.

    Raises:
        ConfigError: If there is none, naming those that there are.
    """
    if not isinstance(name, str) or name not in METHODS:
        known = _names([*METHODS, *(e.name for e in MARKED.values() if e.planned)])
        raise ConfigError(f"method must be one of {known}, got {name!r:.60}")
    return METHODS[name]


def network(name: object) -> Network:
    """The entry of a network.

    Raises:
        ConfigError: If there is none, naming those that there are.
    """
    if not isinstance(name, str) or name not in NETWORKS:
        known = _names([*NETWORKS, "package.module:Name"])
        raise ConfigError(f"network must be one of {known}, got {name!r:.60}")
    return NETWORKS[name]


def having(part: str) -> list[str]:
    """The names of the networks that have a part: ``module`` or ``writer``."""
    return [name for name, entry in NETWORKS.items() if getattr(entry, part)]


def method_of(run: Filled) -> Method:
    """The entry of a run's method, from its settings."""
    marks = [mark for mark in MARKED if run.get(mark)]
    if len(marks) > 1:
        raise ConfigError(f"a run has {marks[0]!r} or {marks[1]!r}, got both")
    return MARKED[marks[0]] if marks else method(run.get("method"))


def network_of(run: Filled) -> Network:
    """The entry of a run's network, from its settings; one from outside is described there."""
    if not run.get("network_module"):
        return network(run["network"])
    has: dict[str, Any] = {
        trait: trait in run.get("network_traits", "").split() for trait in TRAITS
    }
    return Network(name=run["network"], module=run["network_module"], **has)


def network_from_outside(name: str) -> dict[str, str]:
    """The settings of a network that is named ``package.module:Name``.

    Raises:
        ConfigError: If it cannot be imported, is no network, or has a name that is taken.
    """
    kind = outside.imported(name)
    if not isinstance(kind, type) or not hasattr(kind, "loss_and_gradients"):
        raise ConfigError(
            f"network {name} must be a subclass of "
            f"experiments.methods.networks.base.BitQNetwork, got {kind!r:.100}"
        )
    if (own := outside.short_name(name)) in NETWORKS:
        raise ConfigError(f"network {name} must have another name than {own!r}, which is taken")
    traits = [trait for trait in TRAITS if getattr(kind, trait, False)]
    return {
        "network": own,
        "network_module": name,
        "network_version": outside.version(name),
        "network_traits": " ".join(traits),
    }


def load(module: str) -> Any:
    """What ``package.module:Name`` names."""
    place, _, name = module.partition(":")
    return getattr(importlib.import_module(place), name)


def neutral() -> dict[str, Any]:
    """Of the settings that were added later: the value of a run from before they existed."""
    fields = {name: info for e in entries() for name, info in e.settings.model_fields.items()}
    extras = {name: info.json_schema_extra for name, info in fields.items()}
    return {
        name: extra["neutral"]
        for name, extra in extras.items()
        if isinstance(extra, dict) and "neutral" in extra
    }


def followers() -> dict[str, set[str]]:
    """For each setting those whose default may change with it, as their rules read it."""
    found: dict[str, set[str]] = {}
    for entry in METHODS.values():
        for run in _examples(entry):
            for name, info in entry.settings.model_fields.items():
                if isinstance(rule := info.default_factory, Rule):
                    reading = _Reading(dict(run))
                    rule(reading)
                    # Each rule asks both whether they have another.
                    for asked, others in (("network", NETWORKS), ("method", METHODS)):
                        if any(name in other.rules for other in others.values()):
                            reading.names.add(asked)
                    for read in reading.names:
                        found.setdefault(read, set()).add(name)
    return found


def _examples(entry: Method) -> Iterator[Settings]:
    """Runs of a method, one for each way in which its rules may go."""
    env = {"env": entry.env} if entry.env else {}
    for kind in [entry.network] if entry.network else having(entry.part):
        for implementation in ("fast", "stock"):
            with contextlib.suppress(ConfigError):  # not every method is SB3's, too
                yield entry.settings(
                    method=entry.name, network=kind, implementation=implementation, **env
                )


_NAMES_OF_ENTRIES = {"method", "network", "network_module"}


class _Reading(dict[str, Any]):
    """Settings that remember which of them were read, but for those that name an entry."""

    def __init__(self, filled: Filled) -> None:
        super().__init__(filled)
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.names |= {name} - _NAMES_OF_ENTRIES
        return super().__getitem__(name)


def _names(entries: Iterable[str]) -> str:
    return ", ".join(map(repr, entries))
