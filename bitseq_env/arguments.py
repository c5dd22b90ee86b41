"""What users may pass to make an environment: checked in one place for both of them."""

from __future__ import annotations

import inspect
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
from gymnasium.vector import AutoresetMode

from bitseq_env.rules import REWARD_TYPES, Bits

GOAL_MODES = ("fixed", "random")
STARTS = ("random", "zeros")
RENDER_MODES = ("ansi", "rgb_array", "human")


Integer = int | np.integer[Any]


class NoMoreKeywords(TypedDict):
    """No keyword at all: type checkers still refuse unknown ones, and we can say what is known."""


# What an error shows of a value: enough to know it by, not ten thousand bits.
_brief = reprlib.Repr()
_brief.maxstring = _brief.maxother = 100
_brief.maxlist = _brief.maxtuple = 20


def shown(value: object) -> str:
    """Write a value for an error, cut short if it is long."""
    return " ".join(_brief.repr(value).split())


def integer(name: str, value: object, minimum: int) -> int:
    """Check an integer argument; bool is not one.

    Raises:
        TypeError: If `value` is neither an int nor a NumPy integer.
        ValueError: If it is below `minimum`.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be an integer >= {minimum}, got {shown(value)}")
    if value < minimum:
        raise ValueError(f"{name} must be an integer >= {minimum}, got {shown(value)}")
    return int(value)


def choice(name: str, value: object, allowed: Sequence[str | None]) -> Any:
    """Check an argument that is one of a few words.

    Raises:
        ValueError: If it is none of them.
    """
    if not (value is None or isinstance(value, str)) or value not in allowed:
        raise ValueError(
            f"{name} must be one of {', '.join(map(repr, allowed))}, got {shown(value)}"
        )
    return value


def bits(name: str, value: object, n: int, num_envs: int | None = None) -> Bits:
    """Read a bit string: "00110", or a sequence or array of 0/1 (floats and bools welcome).

    Args:
        name: What to call it in an error.
        value: What the user passed.
        n: The length it must have.
        num_envs: If not None, one string for each of so many environments is allowed too.

    Returns:
        A fresh int8 array of shape (n,), or (num_envs, n) if such was passed.

    Raises:
        TypeError: If it is neither a string nor made of numbers.
        ValueError: If its shape or a value is wrong.
    """
    shapes = f"({n},)" if num_envs is None else f"({n},) or ({num_envs}, {n})"
    allowed = f"a string of {n} characters 0 and 1, or 0/1 values of shape {shapes}"
    if isinstance(value, str):
        if len(value) != n or not set(value) <= {"0", "1"}:
            raise ValueError(
                f"{name} must be {allowed} (n={n}), got {shown(value)} of length {len(value)}"
            )
        return np.array(list(value), dtype=np.int8)
    try:
        array = np.asarray(value)
    except ValueError as error:  # a ragged sequence
        raise ValueError(f"{name} must be {allowed} (n={n}), got {shown(value)}") from error
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be {allowed} (n={n}), got {shown(value)}")
    if array.shape != (n,) and (num_envs is None or array.shape != (num_envs, n)):
        raise ValueError(
            f"{name} must be {allowed} (n={n}), got {shown(value)} of shape {array.shape}"
        )
    if not ((array == 0) | (array == 1)).all():
        raise ValueError(f"{name} must be {allowed} (n={n}), got {shown(value)}")
    return array.astype(np.int8)


@dataclass(frozen=True)
class Arguments:
    """The checked arguments that the single and the vector environment share."""

    n: int
    target: Bits | None
    target_seed: int | None
    goal_mode: str
    start: str
    reward_type: str
    max_steps: int
    continuing_task: bool
    render_mode: str | None


def check(
    *,
    n: object,
    target: object,
    target_seed: object,
    goal_mode: object,
    start: object,
    reward_type: object,
    max_steps: object,
    continuing_task: object,
    render_mode: object,
) -> Arguments:
    """Check the constructor's arguments and resolve their defaults.

    Raises:
        TypeError: If an argument has a wrong type.
        ValueError: If it has a wrong value, or two of them exclude each other.
    """
    length = integer("n", n, 1)
    mode = choice("goal_mode", goal_mode, GOAL_MODES)
    first = choice("start", start, STARTS)
    if not isinstance(continuing_task, bool | np.bool_):
        raise TypeError(f"continuing_task must be True or False, got {shown(continuing_task)}")
    chosen = None
    if target is not None:
        if target_seed is not None:
            raise ValueError(
                "target and target_seed exclude each other, got "
                f"target={shown(target)} and target_seed={shown(target_seed)}"
            )
        if mode == "random":
            raise ValueError(
                f"target={shown(target)} needs goal_mode 'fixed'; goal_mode 'random' draws a new "
                "target in every episode (target_seed seeds them)"
            )
        chosen = bits("target", target, length)
        if first == "zeros" and not chosen.any():
            raise ValueError(
                f"target={shown(target)} is the first state of start='zeros'; allowed is a target "
                "with a 1 in it, or start='random'"
            )
    return Arguments(
        n=length,
        target=chosen,
        target_seed=None if target_seed is None else integer("target_seed", target_seed, 0),
        goal_mode=mode,
        start=first,
        reward_type=choice("reward_type", reward_type, REWARD_TYPES),
        max_steps=length if max_steps is None else integer("max_steps", max_steps, 1),
        continuing_task=bool(continuing_task),
        render_mode=choice("render_mode", render_mode, (None, *RENDER_MODES)),
    )


def refuse_unknown(cls: type, unknown: Mapping[str, object]) -> None:
    """Refuse keywords that a constructor does not have, and say which ones it has.

    Raises:
        TypeError: If there is any.
    """
    if unknown:
        known = [*inspect.signature(cls).parameters][:-1]
        names = ", ".join(f"{name}={shown(value)}" for name, value in unknown.items())
        raise TypeError(f"{cls.__name__} has no argument {names}; it has {', '.join(known)}")


def autoreset(value: object) -> AutoresetMode:
    """Read an autoreset mode: an `AutoresetMode` or its string value.

    Raises:
        ValueError: If it is neither.
    """
    try:
        return AutoresetMode(value)
    except ValueError:
        allowed = ", ".join(repr(mode.value) for mode in AutoresetMode)
        raise ValueError(
            f"autoreset_mode must be an AutoresetMode or one of {allowed}, got {shown(value)}"
        ) from None
