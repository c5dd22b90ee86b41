"""What can be searched on packed states; light, so that a sweep can ask before it starts."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.config.errors import ConfigError
from experiments.config.run_settings import APPEND, FLIP

LARGEST_N = 64
"""Bits of the word that holds a state."""
_LARGEST_WORD = 16


@dataclass(frozen=True)
class Game:
    """What is played: one environment at its default horizon and starts, with one target.

    Raises:
        ConfigError: Naming the value and what is allowed.
    """

    n: int
    """Bits, at most 64."""
    writes: bool = False
    """Whether a string is written, as in BitSequenceAppend-v0; its bits are flipped otherwise."""
    word_size: int = 1
    """Bits that an action writes."""
    free_bits: int = 0
    """How many of the last bits of a written string do not matter."""

    def __post_init__(self) -> None:
        limits = [("n", LARGEST_N, 1)]
        if _whole(self.n):
            word, free = (_LARGEST_WORD, self.n - 1) if self.writes else (1, 0)
            limits += [("word_size", word, 1), ("free_bits", free, 0)]
        for name, high, low in limits:
            if not _whole(value := getattr(self, name)) or not low <= value <= high:
                raise ConfigError(
                    f"{name} must be from {low} to {high} for a packed search, got {value!r}"
                )
        if self.n % self.word_size:
            raise ConfigError(f"word_size must divide n = {self.n}, got {self.word_size}")

    @property
    def horizon(self) -> int:
        """Environment steps of an episode that has no reward."""
        return self.n // self.word_size

    @property
    def flips(self) -> int:
        """Actions that are drawn for an episode: none where the string is drawn as a whole."""
        return 0 if self.writes else self.n

    @property
    def counted_bits(self) -> int:
        """Bits that count: the first ones, the lowest of a packed state."""
        return self.n - self.free_bits

    @property
    def success_chance(self) -> float:
        """The chance that an episode of a uniform policy is rewarded, exactly."""
        if self.writes:
            return 0.5**self.counted_bits
        # Imported here, as it brings SciPy, and plans are made without.
        from experiments.evaluation.dithering import dithering_episodes

        return 1 / dithering_episodes(self.n)

    @property
    def expected_env_steps(self) -> float:
        """Of a uniform policy up to its first reward, exactly."""
        if self.writes:
            return self.horizon / self.success_chance
        from experiments.evaluation.dithering import dithering_env_steps

        return dithering_env_steps(self.n)


def check_task(
    n: int,
    *,
    env: str = FLIP,
    word_size: int = 1,
    free_bits: int = 0,
    goal_mode: str = "fixed",
    start: str | None = None,
    max_steps: int | None = None,
    continuing_task: bool = False,
) -> Game:
    """Refuse what the packed search does not play: it knows one task of each environment.

    Args:
        n: Bits.
        env: The environment.
        word_size: Bits that an action writes; 1 where they are flipped.
        free_bits: Bits that do not matter; 0 where they are flipped.
        goal_mode: The environment's, and so are the following.
        start: Of an episode; None for the environment's own.
        max_steps: Horizon in steps; None for the environment's own.
        continuing_task: Whether an episode goes on after arriving.

    Returns:
        What the search plays.

    Raises:
        ConfigError: Naming the value and what is allowed.
    """
    if env not in (FLIP, APPEND):
        raise ConfigError(f"env must be {FLIP!r} or {APPEND!r} for a packed search, got {env!r}")
    game = Game(n, env == APPEND, word_size, free_bits)
    own = "empty" if game.writes else "random"
    for name, value, allowed in (
        ("goal_mode", goal_mode, "fixed"),
        ("start", own if start is None else start, own),
        ("max_steps", game.horizon if max_steps is None else max_steps, game.horizon),
        ("continuing_task", continuing_task, False),
    ):
        if value != allowed:
            raise ConfigError(f"{name} must be {allowed!r} for a packed search, got {value!r}")
    return game


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
