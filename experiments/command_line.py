"""Command-line flags made from a run's settings, and how a command ends."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import tyro
from gymnasium.error import DependencyNotInstalled
from pydantic.fields import FieldInfo

from experiments import telling
from experiments.config import registry
from experiments.config.errors import ClusterError, ConfigError
from experiments.config.registry import Method, Network, Rule
from experiments.records.files import ResultError
from experiments.records.tables import TableError

Device = Literal["cpu", "cuda"]
DeviceOption = Literal["auto", "cpu", "cuda"]


def _parse_flag(words: list[str]) -> bool:
    answers = {"true": True, "false": False}
    if not words:
        return True
    if words[0].lower() not in answers:
        raise ValueError(f"must be True or False, or stand alone for True, got {words[0]!r}")
    return answers[words[0].lower()]


_FLAG = tyro.constructors.PrimitiveConstructorSpec(
    nargs=(0, 1),
    metavar="[True|False]",
    instance_from_str=_parse_flag,
    is_instance=lambda value: value is None or isinstance(value, bool),
    str_from_instance=lambda value: [str(value)],
)
Flag = Annotated[bool, _FLAG]
"""A flag that may stand alone for True, so that a preset's True can be overridden too."""

_SHORTER = {"budget_env_steps": "budget"}
"""Flags that are shorter than their setting."""

_Arguments = TypeVar("_Arguments")


def told(text: str, **further: Any) -> Any:
    """A flag's help, as data; further arguments are tyro's."""
    return tyro.conf.arg(help=text, **further)


SearchThreads = Annotated[
    int | None,
    told(
        "Threads of each run's search; its result is the same whatever they are.",
        help_behavior_hint="(default: the cores that this process may use over the workers)",
    ),
]
SearchAnyway = Annotated[Flag, told("Search also where it is expected to take more than a day.")]


def check_search_threads(count: int | None) -> None:
    """Refuse what is no number of threads; :func:`check_count` says how."""
    if count is not None:
        check_count("search-threads", count, 1_024)


def settings_type(*without: str) -> type:
    """Every setting of every method as a flag that may be left out, grouped by whose it is.

    Args:
        *without: Settings that get no flag.
    """
    homes: dict[str, dict[str, FieldInfo]] = {}
    for entry in registry.entries():
        for name, field in entry.settings.model_fields.items():
            if name not in without and has_flag(field):
                homes.setdefault(name, {})[entry.name] = field
    groups: dict[tuple[str, ...], list[tuple[str, Any, Any]]] = {}
    for name, fields in homes.items():
        groups.setdefault(tuple(fields), []).append(_flag(name, fields))
    made = []
    shared_first = sorted(groups.items(), key=lambda group: -len(group[0]))
    for number, (users, flags) in enumerate(shared_first):
        every = len(users) == len(registry.entries())
        *others, last = users
        named = f"{', '.join(others)} and {last}" if others else last
        whose = "every method" if every else named
        title = "run" if every else ", ".join(users)
        group = dataclasses.make_dataclass(f"Settings{number}", flags, kw_only=True)
        factory = dataclasses.field(default_factory=group)
        heading = told(f"Settings of {whose}.", name=title)
        made.append((f"settings_{number}", Annotated[group, heading], factory))
    return dataclasses.make_dataclass("Settings", made, kw_only=True)


def has_flag(field: FieldInfo) -> bool:
    """Whether a setting is a flag."""
    extra = field.json_schema_extra
    return isinstance(extra, dict) and bool(extra["flag"])


def _flag(name: str, fields: Mapping[str, FieldInfo]) -> tuple[str, Any, Any]:
    """A setting, as each method has it, as a flag whose help says what fills it."""
    field = next(iter(fields.values()))
    hint: Any = field.annotation
    if NoneType in get_args(hint):
        (hint,) = (kind for kind in get_args(hint) if kind is not NoneType)
    entries = {"method": [*registry.METHODS], "network": [*registry.NETWORKS]}
    words: dict[Any, str] = {int: "INT", float: "FLOAT", str: "|".join(entries.get(name, []))}
    if get_origin(hint) is tuple:
        words[hint] = "[INT ...]"
    notes: list[Any] = [
        told(
            field.description or "",
            name=_SHORTER.get(name),
            help_behavior_hint=f"(default: {_default(name, fields)})",
            metavar=words.get(hint, "|".join(map(str, get_args(hint))) or None),
        )
    ]
    if hint is bool:
        notes.append(_FLAG)
    return name, Annotated[(hint | None, *notes)], dataclasses.field(default=None)


def _default(name: str, fields: Mapping[str, FieldInfo]) -> str:
    """What fills a setting that is not given, in words."""
    entries: list[Method | Network] = [*registry.entries(), *registry.NETWORKS.values()]
    said = [(entry.name, entry.rules[name].said) for entry in entries if name in entry.rules]
    first, *others = ((method, _filled_by(field)) for method, field in fields.items())
    said += [(method, words) for method, words in others if words != first[1]]
    return "; ".join([first[1], *(f"{name}: {words}" for name, words in said)])


def _filled_by(field: FieldInfo) -> str:
    """The setting's own rule or value."""
    rule = field.default_factory
    return rule.said if isinstance(rule, Rule) else str(field.default)


def given(settings: Any) -> dict[str, Any]:
    """The settings whose flags were used."""
    groups = vars(settings).values()
    return {n: value for group in groups for n, value in vars(group).items() if value is not None}


def device(name: DeviceOption) -> Device:
    """The device of a run; torch is asked only where CUDA may be meant.

    Raises:
        ConfigError: If CUDA is asked for where there is none.
    """
    if name == "cpu":
        return "cpu"
    from experiments.methods.learner import resolve_device

    return resolve_device(name)


def check_count(name: str, value: int, at_most: int) -> None:
    """Refuse counts below 1, and those that only a slip of the hand asks for.

    Raises:
        ConfigError: Naming the flag, its value and what is allowed.
    """
    if not 1 <= value <= at_most:
        raise ConfigError(f"--{name} must be at least 1 and at most {at_most:,}, got {value}")


def command_line() -> str:
    """The command of this process, as it could be typed again."""
    return shlex.join(["python", *sys.orig_argv[1:]])


def _at_home(arguments: _Arguments) -> _Arguments:
    """The same arguments with ~ for the home folder, which a shell does not see in --out=~/x."""
    paths = {n: v.expanduser() for n, v in vars(arguments).items() if isinstance(v, Path)}
    return dataclasses.replace(arguments, **paths)  # type: ignore[type-var]


@telling.unfailing()
def run_command(arguments: type[_Arguments], command: Callable[[_Arguments], int]) -> None:
    """Parse the command line, run the command, and end the process.

    A user's mistake ends with status 2 and one line that says what is allowed; Ctrl-C with 130.
    """
    parsed = tyro.cli(
        arguments,
        prog=f"python -m experiments.{Path(sys.argv[0]).stem}",
        config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagConversionOff),
    )
    try:
        status = command(_at_home(parsed))
    except (ConfigError, ResultError, TableError, DependencyNotInstalled) as error:
        print(f"error: {error}", file=sys.stderr)
        status = 2
    except (ClusterError, OSError) as error:
        # Nobody there to work; a full disk, a folder that may not be read.
        print(f"error: {error}", file=sys.stderr)
        status = 1
    except MemoryError as error:
        print(f"error: out of memory: {error}", file=sys.stderr)
        status = 1
    except KeyboardInterrupt:
        print("interrupted: what was unfinished is not counted", file=sys.stderr)
        status = 130
        # CPython remembers an interrupt that passed through exec() of a string, as imports of
        # PyTorch's do, and dies of the signal after all (bpo-1054041); the next exec() forgets it.
        exec("")
    sys.exit(status)
