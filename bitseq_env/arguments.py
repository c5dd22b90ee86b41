"""What users may pass: to make an environment, to reset it, and to step it.

Checked here for all environments. Errors name the value and what is allowed.
"""

from __future__ import annotations

import inspect
import reprlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypedDict

import numpy as np
import numpy.typing as npt
from gymnasium.error import InvalidAction
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
    """Check an integer: not a bool (`TypeError`), and not below `minimum` (`ValueError`)."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be an integer >= {minimum}, got {shown(value)}")
    if value < minimum:
        raise ValueError(f"{name} must be an integer >= {minimum}, got {shown(value)}")
    return int(value)


def choice(name: str, value: object, allowed: Sequence[str | None]) -> Any:
    """Check for one of a few words (`ValueError`)."""
    if not (value is None or isinstance(value, str)) or value not in allowed:
        words = ", ".join(map(repr, allowed))
        raise ValueError(f"{name} must be one of {words}, got {shown(value)}")
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

    def wrong(more: str = "") -> str:
        return (
            f"{name} must be a string of {n} characters 0 and 1, or 0/1 values of shape {shapes} "
            f"(n={n}), got {shown(value)}{more}"
        )

    if isinstance(value, str):
        if len(value) != n or not set(value) <= {"0", "1"}:
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
    if not ((array == 0) | (array == 1)).all():
        raise ValueError(wrong())
    return array.astype(np.int8)


class Arguments:
    """The arguments that environments share, as attributes once they are checked."""

    def _check_arguments(
        self,
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
    ) -> Bits | None:
        """Check the arguments, resolve their defaults, and return the target.

        Raises:
            TypeError: If an argument has a wrong type.
            ValueError: If it has a wrong value, or two of them exclude each other.
        """
        self.n = integer("n", n, 1)
        self.goal_mode: str = choice("goal_mode", goal_mode, GOAL_MODES)
        self.start: str = choice("start", start, STARTS)
        self.reward_type: str = choice("reward_type", reward_type, REWARD_TYPES)
        self.render_mode: str | None = choice("render_mode", render_mode, (None, *RENDER_MODES))
        self.max_steps = self.n if max_steps is None else integer("max_steps", max_steps, 1)
        self.target_seed = None if target_seed is None else integer("target_seed", target_seed, 0)
        if not isinstance(continuing_task, bool | np.bool_):
            raise TypeError(f"continuing_task must be True or False, got {shown(continuing_task)}")
        self.continuing_task = bool(continuing_task)
        if target is None:
            return None
        if target_seed is not None:
            raise ValueError(
                "target and target_seed exclude each other, got "
                f"target={shown(target)} and target_seed={shown(target_seed)}"
            )
        if self.goal_mode == "random":
            raise ValueError(
                f"target={shown(target)} needs goal_mode 'fixed'; goal_mode 'random' draws a new "
                "target in every episode (target_seed seeds them)"
            )
        chosen = bits("target", target, self.n)
        if self.start == "zeros" and not chosen.any():
            raise ValueError(
                f"target={shown(target)} is the first state of start='zeros'; allowed is a target "
                "with a 1 in it, or start='random'"
            )
        return chosen


def refuse_unknown(cls: type, unknown: Mapping[str, object]) -> None:
    """Refuse keywords that a constructor does not have (`TypeError`), and say which ones it has.

    It begins in Python's words: TorchRL leaves out its "frameskip" where it reads them.
    """
    for name, value in unknown.items():
        known = ", ".join([*inspect.signature(cls).parameters][:-1])
        raise TypeError(
            f"{cls.__name__}.__init__() got an unexpected keyword argument {name!r} with value "
            f"{shown(value)}; it has {known}"
        )


def autoreset(value: object) -> AutoresetMode:
    """Read an `AutoresetMode`, or its string value (else `ValueError`)."""
    try:
        return AutoresetMode(value)
    except ValueError:
        allowed = ", ".join(repr(mode.value) for mode in AutoresetMode)
        raise ValueError(
            f"autoreset_mode must be an AutoresetMode or one of {allowed}, got {shown(value)}"
        ) from None


class WrongActionError(InvalidAction, ValueError, TypeError):
    """A ValueError and a TypeError too: code that knows no Gymnasium expects one of these."""


def action(value: object, n: int) -> int:
    """Read one action: an int, a NumPy integer or a 0-d integer array in [0, n).

    Raises:
        WrongActionError: If it is anything else.
    """
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 0 <= value < n:
        raise WrongActionError(
            f"an action must be an integer in [0, {n - 1}], the bit to flip, got {shown(value)} "
            f"of type {type(value).__name__}"
        )
    return int(value)


def actions(values: Any, n: int, num_envs: int) -> npt.NDArray[np.int64]:
    """Read one action for each copy: an integer array of shape (num_envs,), or a sequence.

    Raises:
        WrongActionError: If it is anything else, or an action is not in [0, n).
    """
    if not isinstance(values, np.ndarray):
        try:
            listed = list(values)
        except TypeError:
            values = np.asarray(values)  # not a sequence: refused below
        else:
            values = np.array([action(value, n) for value in listed])
    if values.shape != (num_envs,) or values.dtype.kind not in "iu":
        raise WrongActionError(
            f"actions must be integers of shape ({num_envs},) in [0, {n - 1}], got {shown(values)} "
            f"of shape {values.shape} and dtype {values.dtype}"
        )
    indices: npt.NDArray[np.int64] = values.astype(np.int64, copy=False)
    # As unsigned numbers the negative ones are the largest: one comparison for both ends.
    if np.maximum.reduce(indices.view(np.uint64)) >= n:
        wrong = values[(values < 0) | (values >= n)]
        raise WrongActionError(f"actions must be integers in [0, {n - 1}], got {shown(wrong)}")
    return indices


def seeds(values: Any, num_envs: int) -> list[int | None]:
    """Read one seed for each copy: an int >= 0, or None for one that nobody chose.

    Raises:
        TypeError: If a seed is neither None nor an integer.
        ValueError: If there are not num_envs of them, or one is negative.
    """
    listed = list(values)
    if len(listed) != num_envs:
        raise ValueError(
            f"a sequence of seeds must have num_envs={num_envs} entries, got {len(listed)}"
        )
    return [
        None if seed is None else integer(f"seed[{index}]", seed, 0)
        for index, seed in enumerate(listed)
    ]


class ResetOptions(NamedTuple):
    """The checked `options` of a reset."""

    target: Bits | None = None
    state: Bits | None = None
    mask: npt.NDArray[np.bool_] | None = None


def reset_options(options: object, n: int, num_envs: int | None = None) -> ResetOptions:
    """Read the `options` of a reset: None or a dict with any of "target" and "state".

    With `num_envs` copies, not None, there may be a "reset_mask" too, and bits for each copy.

    Raises:
        TypeError: If `options`, or one of its values, has a wrong type.
        ValueError: If a key is unknown or a value wrong.
    """
    if options is None:
        return ResetOptions()
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
    return ResetOptions(
        None if target is None else bits("options['target']", target, n, num_envs),
        None if state is None else bits("options['state']", state, n, num_envs),
        mask,
    )
