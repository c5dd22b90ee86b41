"""What users may pass to `reset` and `step`, checked in one place for both environments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from gymnasium.error import InvalidAction

from bitseq_env.arguments import bits, choice, integer, shown
from bitseq_env.rules import Bits


def action(value: object, n: int) -> int:
    """Read one action: an int, a NumPy integer or a 0-d integer array in [0, n).

    Raises:
        InvalidAction: If it is anything else.
    """
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 0 <= value < n:
        raise InvalidAction(
            f"an action must be an integer in [0, {n - 1}], the bit to flip, got {shown(value)} "
            f"of type {type(value).__name__}"
        )
    return int(value)


def actions(values: Any, n: int, num_envs: int) -> npt.NDArray[np.int64]:
    """Read one action for each copy: an integer array of shape (num_envs,), or a sequence.

    Raises:
        InvalidAction: If it is anything else, or an action is not in [0, n).
    """
    if not isinstance(values, np.ndarray):
        try:
            values = np.array([action(value, n) for value in values])
        except TypeError:
            values = np.asarray(values)  # not a sequence: refused below
    if values.shape != (num_envs,) or values.dtype.kind not in "iu":
        raise InvalidAction(
            f"actions must be integers of shape ({num_envs},) in [0, {n - 1}], got {shown(values)} "
            f"of shape {values.shape} and dtype {values.dtype}"
        )
    indices: npt.NDArray[np.int64] = values.astype(np.int64, copy=False)
    # As unsigned numbers the negative ones are the largest: one comparison for both ends.
    if np.maximum.reduce(indices.view(np.uint64)) >= n:
        wrong = values[(values < 0) | (values >= n)]
        raise InvalidAction(f"actions must be integers in [0, {n - 1}], got {shown(wrong)}")
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
    """Read the `options` of a reset.

    Args:
        options: What the user passed: None or a dict with any of "target" and "state", and
            "reset_mask" for a vector environment.
        n: Bits of a state.
        num_envs: Number of copies, None for a single environment.

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
        allowed = f"options['reset_mask'] must be a bool array of shape ({num_envs},)"
        if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
            raise TypeError(f"{allowed}, got {shown(mask)}")
        if mask.shape != (num_envs,) or not mask.any():
            raise ValueError(f"{allowed} with at least one True, got {shown(mask)}")
    return ResetOptions(
        None if target is None else bits("options['target']", target, n, num_envs),
        None if state is None else bits("options['state']", state, n, num_envs),
        mask,
    )
