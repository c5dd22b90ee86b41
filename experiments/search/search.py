"""A uniform random policy until its first reward: in numbered blocks, on threads, with an end.

The episodes of a seed are numbered, and the search is the one that plays them in that order: it
ends with the first that arrives, and counts its steps and all before. As those before it had no
reward, each went to its horizon. Blocks of episodes are played by several threads and maybe some
too many; what is found and counted does not depend on that, nor on the backend.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from experiments.config.errors import ConfigError
from experiments.search import backends, episodes
from experiments.search.backends import Backend, BackendName, Device
from experiments.search.episodes import Episode, block_episodes
from experiments.search.task import Game

LONGEST = 86_400.0
"""Seconds that a search may be expected to take unless told to go on anyway: a day."""
_MEASURED = 0.25
"""Seconds after which its rate is believed."""
_TOLD_EVERY = 0.5
_THREADS = 1_024


@dataclass(frozen=True)
class Progress:
    """How far a search has come."""

    game: Game
    next_block: int
    """Where another one goes on: all blocks before it are done, and nothing was found there."""
    episodes: int
    """From the first block on, whoever played them, up to and with the rewarded one."""
    env_steps: int
    """Of those episodes."""
    seconds: float
    """Of this search alone, as the next; without compiling."""
    rate: float
    """Environment steps a second, all that were made."""

    @property
    def share(self) -> float:
        """Steps over 2^n; of strings that are written themselves, over 2^(bits that count)."""
        tried = self.episodes if self.game.writes else self.env_steps
        return tried / (1 << self.game.counted_bits)

    @property
    def chance(self) -> float:
        """Of having had a reward in so many episodes, exactly."""
        chance = self.game.success_chance
        if chance == 1:
            return float(self.episodes > 0)
        return -math.expm1(self.episodes * math.log1p(-chance))


@dataclass(frozen=True)
class Outcome(Progress):
    """How a search ended."""

    episode: Episode | None
    """The first rewarded one; None if the budget ended before it."""
    surplus_env_steps: int
    """Made by this search in further episodes of its blocks: part of its rate, not of its count."""
    backend: str
    threads: int


def search(
    game: Game,
    seed: int,
    *,
    threads: int = 1,
    budget: int | None = None,
    from_block: int = 0,
    backend: BackendName = "auto",
    device: Device = "cpu",
    anyway: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
) -> Outcome:
    """Play uniform random episodes of BitSequence-v0 or BitSequenceAppend-v0 to the first reward.

    Where bits are flipped, starts are uniform over all states but the target, the horizon is n, and
    an episode ends at the target; where a string is written, it is uniform. With the environment's
    own target, ``Outcome.episode`` replays in it to its reward.

    Args:
        game: What is played.
        seed: Equal seeds find the same, after as many steps.
        threads: CPU threads; a GPU is served by one.
        budget: Environment steps, counted from the first block; None for as many as there are
            numbered episodes for. The search ends without an episode if the first reward would
            come later.
        from_block: Where to go on; nothing may have been found before it.
        backend: Who plays (see :func:`experiments.search.backends.backend`).
        device: As there.
        anyway: Search even if it is expected to take more than a day.
        on_progress: Told twice a second, and when the search is interrupted (Ctrl-C), which takes
            less than a second.

    Returns:
        What was found, and what it took.

    Raises:
        ConfigError: If an argument is not what is allowed; after a quarter of a second, if the
            search is expected to take more than a day at its rate by then.
    """
    played = backends.backend(backend, device)
    threads = 1 if device == "cuda" else threads
    most = game.horizon * episodes.last_number(game)
    budget = most if budget is None else budget
    for what, value, low, high in (
        ("threads", threads, 1, _THREADS),
        ("budget", budget, 1, most),
        ("from_block", from_block, 0, episodes.last_number(game) // block_episodes(game)),
    ):
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ConfigError(
                f"{what} must be from {low} to {high:,} at n = {game.n}, got {value!r}"
            )
    played.warm_up(game)
    running = _Running(game, seed, played, threads, budget, from_block)
    return running.run(anyway, on_progress or (lambda _: None))


class _Running:
    """One search at work."""

    def __init__(
        self, game: Game, seed: int, played: Backend, threads: int, budget: int, from_block: int
    ) -> None:
        self.game, self.seed, self.played, self.threads = game, seed, played, threads
        self.budget, self.next_block = budget, from_block
        self.size = block_episodes(game)
        self.end = -(-budget // (game.horizon * self.size))
        self.finished: list[int] = []
        """Episodes that were played, by whichever thread."""
        self.stop = threading.Event()
        self.first = from_block
        self.began = time.perf_counter()

    def run(self, anyway: bool, on_progress: Callable[[Progress], None]) -> Outcome:
        """Search, and tell."""
        told, number = 0.0, None
        pool = ThreadPoolExecutor(self.threads)
        waiting: deque[tuple[int, Future[int | None]]] = deque()
        submitted = self.next_block
        try:
            while self.next_block < self.end:
                while submitted < self.end and len(waiting) <= self.threads:
                    blocks = self.played.blocks_at_once(self.game)  # of the last some may be empty
                    waiting.append((blocks, pool.submit(self._play, submitted, blocks)))
                    submitted += blocks
                blocks, future = waiting.popleft()
                number = future.result()
                if number is not None:
                    break
                self.next_block += blocks
                progress = self._progress()
                if not anyway and progress.seconds >= _MEASURED:
                    self._check_time(progress)
                    anyway = True
                if progress.seconds >= told + _TOLD_EVERY:
                    told = progress.seconds
                    on_progress(progress)
        except KeyboardInterrupt:
            on_progress(self._progress())
            raise
        finally:
            self.stop.set()
            pool.shutdown(cancel_futures=True)
        return self._outcome(number)

    def _play(self, block: int, blocks: int) -> int | None:
        first = block * self.size
        # The last block may be more than is wanted.
        wanted = -(-self.budget // self.game.horizon) - first
        count = min(blocks * self.size, 1 << (wanted - 1).bit_length())
        number = self.played.first_arrival(self.game, self.seed, first, count, self.stop.is_set)
        if not self.stop.is_set() or number is not None:
            self.finished.append(count)
        return number

    def _made(self) -> int:
        """Environment steps of this search, those beyond the first reward included."""
        return sum(self.finished) * self.game.horizon

    def _progress(self) -> Progress:
        seconds = time.perf_counter() - self.began
        done = self.next_block * self.size
        rate, steps = self._made() / seconds, done * self.game.horizon
        return Progress(self.game, self.next_block, done, steps, seconds, rate)

    def _outcome(self, number: int | None) -> Outcome:
        horizon = self.game.horizon
        episode, count, steps = None, self.budget // horizon, self.budget
        if number is not None:
            found = episodes.arriving_episode(self.game, self.seed, number)
            arrived = number * horizon + found.env_steps
            if arrived <= self.budget:
                episode, count, steps = found, number + 1, arrived
        seconds = time.perf_counter() - self.began
        made = self._made()
        surplus = max(0, made - (steps - self.first * self.size * horizon))
        return Outcome(
            game=self.game,
            # The last block may be played in part.
            next_block=min(self.next_block, self.budget // (horizon * self.size)),
            episodes=count,
            env_steps=steps,
            seconds=seconds,
            rate=made / seconds,
            episode=episode,
            surplus_env_steps=surplus,
            backend=self.played.name,
            threads=self.threads,
        )

    def _check_time(self, progress: Progress) -> None:
        """Refuse what would take more than a day.

        Raises:
            ConfigError: Saying how long it would take.
        """
        steps = min(self.game.expected_env_steps, self.budget - progress.env_steps)
        seconds = steps / progress.rate
        if seconds > LONGEST:
            raise ConfigError(
                f"n = {self.game.n}: a search is expected to take {seconds / LONGEST:,.1f} days at "
                f"{progress.rate:.2g} environment steps a second, and allowed is one day, "
                "unless it is told to go on anyway"
            )
