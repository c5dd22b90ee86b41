"""Command-line flags made from :class:`RunConfig`: one place for names, help and defaults."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import itertools
import shlex
import sys
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import tyro
from gymnasium.error import DependencyNotInstalled

from experiments import telling
from experiments.config import rules
from experiments.config.checks import ConfigError, Device
from experiments.config.errors import ClusterError
from experiments.config.run import RunConfig
from experiments.records.files import ResultError
from experiments.records.tables import TableError

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
"""Flags that are shorter than their field."""

_Arguments = TypeVar("_Arguments")


def _help() -> dict[str, str]:
    """What stands below each field of RunConfig, and the rule that fills it."""
    body = ast.parse(inspect.getsource(RunConfig)).body[0].body  # type: ignore[attr-defined]
    texts: dict[str, str] = {}
    for statement, following in itertools.pairwise(body):
        if isinstance(statement, ast.AnnAssign) and isinstance(following, ast.Expr):
            name = statement.target.id  # type: ignore[union-attr]
            texts[name] = inspect.cleandoc(ast.literal_eval(following.value))
            if name in rules.RULES:
                rule = " ".join((inspect.getdoc(rules.RULES[name]) or "").split())
                texts[name] += f" By default: {rule[0].lower()}{rule[1:]}"
    return texts


def settings_type(name: str, *, without: tuple[str, ...], optional: bool) -> type:
    """A dataclass with RunConfig's fields as flags.

    Args:
        name: Of the dataclass.
        without: Fields that get no flag.
        optional: Every flag may be left out (None), so that what is given overrides a preset.
    """
    hints, texts = typing.get_type_hints(RunConfig), _help()
    fields: list[tuple[str, Any, Any]] = []
    for field in dataclasses.fields(RunConfig):
        if field.name in without:
            continue
        hint: Any = hints[field.name]
        default = field.default
        text = texts[field.name]
        if optional and default is not None:
            hint, text = hint | None, f"{text} By default: {default}."
            default = None
        notes: list[Any] = [tyro.conf.arg(name=_SHORTER.get(field.name), help=text)]
        if bool in (hint, *typing.get_args(hint)):
            notes.append(_FLAG)
        annotated = Annotated[(hint, *notes)]
        fields.append((field.name, annotated, dataclasses.field(default=default)))
    return dataclasses.make_dataclass(name, fields, frozen=True, kw_only=True)


def given(settings: Any) -> dict[str, Any]:
    """The flags that were used, of a dataclass whose flags are optional."""
    return {name: value for name, value in vars(settings).items() if value is not None}


def device(name: DeviceOption) -> Device:
    """The device of a run; torch is asked only where CUDA may be meant.

    Raises:
        ConfigError: If CUDA is asked for where there is none.
    """
    if name == "cpu":
        return "cpu"
    from experiments.methods.agents import resolve_device

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
        status = command(parsed)
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
