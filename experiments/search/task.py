"""Which tasks can be searched on packed states; light, so that a sweep can ask before it starts."""

from __future__ import annotations

from experiments.config.errors import ConfigError
from experiments.config.run_settings import FLIP

LARGEST_N = 64
"""Bits of the word that holds a state."""


def check_task(
    n: int,
    *,
    env: str = FLIP,
    goal_mode: str = "fixed",
    start: str = "random",
    max_steps: int | None = None,
    continuing_task: bool = False,
) -> None:
    """Refuse what the packed search does not play: it knows one task in all lengths up to 64.

    Args:
        n: Bits.
        env: The environment.
        goal_mode: The environment's, and so are the following.
        start: Of an episode.
        max_steps: Horizon in steps; n if it is None.
        continuing_task: Whether an episode goes on after arriving.

    Raises:
        ConfigError: Naming the value and what is allowed.
    """
    whole = isinstance(n, int) and not isinstance(n, bool)
    if not whole or not 1 <= n <= LARGEST_N:
        raise ConfigError(f"n must be from 1 to {LARGEST_N} for a packed search, got {n!r}")
    horizon = n if max_steps is None else max_steps
    for name, value, allowed in (
        ("env", env, FLIP),
        ("goal_mode", goal_mode, "fixed"),
        ("start", start, "random"),
        ("max_steps", horizon, n),
        ("continuing_task", continuing_task, False),
    ):
        if value != allowed:
            raise ConfigError(f"{name} must be {allowed!r} for a packed search, got {value!r}")
