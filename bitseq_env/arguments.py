"""What users may pass, checked for all environments; errors name the value and what is allowed."""

from __future__ import annotations

import inspect
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.error import InvalidAction

from bitseq_env.rules import OPEN, Bits

GOAL_MODES = ("fixed", "random")
STARTS = ("random", "zeros")
RENDER_MODES = ("ansi", "rgb_array", "human")

# What may stand in a bit string, and in one that is being written.
BITS = "01"
BITS_OR_OPEN = f"{BITS}{OPEN}"

Integer = int | np.integer[Any]
Flags = npt.NDArray[np.bool_]

# What an error shows of a value: enough to know it by, not ten thousand bits.
_brief = reprlib.Repr()
_brief.maxstring = _brief.maxother = 100
_brief.maxlist = _brief.maxtuple = 20


def shown(value: object) -> str:
    """Write a value for an error, cut short if it is long."""
    return " ".join(_brief.repr(value).split())


def integer(name: str, value: object, minimum: int) -> int:
    """Check an integer: not a bool (`TypeError`), and not below `minimum` (`ValueError`)."""
    wrong = f"{name} must be an integer >= {minimum}, got {shown(value)}"
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(wrong)
    if value < minimum:
        raise ValueError(wrong)
    return int(value)


def choice(name: str, value: object, allowed: Sequence[str | None]) -> Any:
    """Check for one of a few words (`ValueError`)."""
    if not (value is None or isinstance(value, str)) or value not in allowed:
        words = ", ".join(map(repr, allowed))
        raise ValueError(f"{name} must be one of {words}, got {shown(value)}")
    return value


def bits(name: str, value: object, n: int, num_envs: int | None = None, digits: str = BITS) -> Bits:
    """Read a bit string: "00110", or a sequence or array of `digits` (floats and bools welcome).

    Returns:
        A fresh int8 array of shape (n,), or (num_envs, n) if `num_envs` allows it and it was
        passed like that.

    Raises:
        TypeError: If it is neither a string nor made of numbers.
        ValueError: If its shape or a value is wrong.
    """
    shapes = f"({n},)" if num_envs is None else f"({n},) or ({num_envs}, {n})"
    listed = f"{', '.join(digits[:-1])} and {digits[-1]}"

    def wrong(more: str = "") -> str:
        return (
            f"{name} must be a string of {n} characters {listed}, or {'/'.join(digits)} values of "
            f"shape {shapes} (n={n}), got {shown(value)}{more}"
        )

    if isinstance(value, str):
        if len(value) != n or not set(value) <= set(digits):
            raise ValueError(wrong(f" of length {len(value)}"))
        return np.array(list(value), dtype=np.int8)
    try:
        array = np.asarray(value)
    except ValueError as error:  # a ragged sequence
        raise ValueError(wrong()) from error
    if array.dtype.kind not in "biuf":
        raise TypeError(wrong())
    if array.shape != (n,) and (num_envs is None or array.shape != (num_envs, n)):
        raise ValueError(wrong(f" of shape {array.shape}"))
    if not np.isin(array, [int(digit) for digit in digits]).all():
        raise ValueError(wrong())
    return array.astype(np.int8)


def refuse_unknown(
    cls: type, unknown: Mapping[str, object], reasons: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Refuse keywords that a constructor does not have (`TypeError`), and say which ones it has.

    It begins in Python's words: TorchRL leaves out its "frameskip" where it reads them. It ends
    in the reason, where `reasons` has one for that keyword.
    """
    for name, value in unknown.items():
        known = ", ".join([*inspect.signature(cls).parameters][:-1])
        raise TypeError(
            f"{cls.__name__}.__init__() got an unexpected keyword argument {name!r} with value "
            f"{shown(value)}; it has {known}{reasons.get(name, '')}"
        )


class WrongActionError(InvalidAction, ValueError, TypeError):
    """A ValueError and a TypeError too: code that knows no Gymnasium expects one of these."""


def action(value: object, count: int, meaning: str) -> int:
    """Read an int, a NumPy integer or a 0-d integer array in [0, count), or `WrongActionError`."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 0 <= value < count:
        raise WrongActionError(
            f"an action must be an integer in [0, {count - 1}], {meaning}, got {shown(value)} "
            f"of type {type(value).__name__}"
        )
    return int(value)


def actions(values: Any, count: int, meaning: str, num_envs: int) -> npt.NDArray[np.int64]:
    """Read an action for each copy, an array of integers or a sequence, or `WrongActionError`."""
    if not isinstance(values, np.ndarray):
        listed = isinstance(values, Iterable)
        values = np.array([action(value, count, meaning) for value in values] if listed else values)
    if values.shape != (num_envs,) or values.dtype.kind not in "iu":
        raise WrongActionError(
            f"actions must be integers of shape ({num_envs},) in [0, {count - 1}], got "
            f"{shown(values)} of shape {values.shape} and dtype {values.dtype}"
        )
    indices: npt.NDArray[np.int64] = values.astype(np.int64, copy=False)
    # As unsigned numbers the negative ones are the largest: one comparison for both ends.
    if np.maximum.reduce(indices.view(np.uint64)) >= count:
        wrong = values[(values < 0) | (values >= count)]
        raise WrongActionError(f"actions must be integers in [0, {count - 1}], got {shown(wrong)}")
    return indices


def reset_options(
    options: object, n: int, num_envs: int | None = None, digits: str = BITS
) -> tuple[Bits | None, Bits | None, Flags | None]:
    """Read the `options` of a reset: its "target", its "state", and its "reset_mask".

    The last is for `num_envs` copies, not None; bits may then be given for each copy.
    `digits` may stand in a state.

    Raises:
        TypeError: If `options`, or one of its values, has a wrong type.
        ValueError: If a key is unknown or a value wrong.
    """
    if options is None:
        return None, None, None
    if not isinstance(options, Mapping):
        raise TypeError(f"options must be None or a dict, got {shown(options)}")
    keys = ("target", "state") if num_envs is None else ("target", "state", "reset_mask")
    for key in options:
        choice("a key of options", key, keys)
    target, state, mask = (options.get(key) for key in ("target", "state", "reset_mask"))
    if mask is not None:
        wrong = f"options['reset_mask'] must be a bool array of shape ({num_envs},)"
        if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
            raise TypeError(f"{wrong}, got {shown(mask)}")
        if mask.shape != (num_envs,) or not mask.any():
            raise ValueError(f"{wrong} with at least one True, got {shown(mask)}")
    if target is not None:
        target = bits("options['target']", target, n, num_envs)
    if state is not None:
        state = bits("options['state']", state, n, num_envs, digits)
    return target, state, mask
