"""The search as a whole: its law, its counts, its threads, its ends."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from typing import Any

import numpy as np
import pytest
from scipy import stats

from experiments.config.errors import ConfigError
from experiments.config.run_settings import APPEND
from experiments.evaluation.dithering import dithering_env_steps, dithering_episodes
from experiments.search import search as module
from experiments.search.episodes import block_episodes
from experiments.search.search import Outcome, Progress, search
from experiments.search.task import Game, check_task
from tests.search import reference

SEEDS = 400
LIKELY = 1e-4
WRITTEN = [Game(n, True) for n in (1, 9)]
WRITTEN += [Game(8, True, 4), Game(12, True, 4, 3), Game(64, True, 2, 55)]


def same(one: Outcome, other: Outcome) -> bool:
    """Whether two searches found and counted the same."""
    assert one.episode is not None
    assert other.episode is not None
    return (one.episodes, one.env_steps, one.episode.start, one.episode.actions.tolist()) == (
        other.episodes,
        other.env_steps,
        other.episode.start,
        other.episode.actions.tolist(),
    )


@pytest.mark.parametrize("game", [*map(Game, (1, 2, 3, 5, 8)), *WRITTEN], ids=str)
def test_a_search_is_one_environment_after_another_to_the_first_reward(game: Game) -> None:
    for seed in range(5):
        number, played = next(reference.arriving(game, seed))
        found = search(game, seed)
        assert found.episode is not None
        assert (found.episode.number, found.episode.start) == (number, played.start)
        assert found.episode.actions.tolist() == played.actions[: played.arrived]
        assert found.episodes == number + 1
        assert found.env_steps == number * game.horizon + played.arrived
        assert found.surplus_env_steps >= 0


@pytest.mark.parametrize(
    ("game", "hope"),
    [
        *((Game(n), 1 / dithering_episodes(n)) for n in (3, 5, 8)),
        (Game(4, True), 2**-4),
        (Game(8, True, 4), 2**-8),
        (Game(40, True, 2, 33), 2**-7),
    ],
    ids=str,
)
def test_searches_follow_the_exact_line(game: Game, hope: float) -> None:
    found = [search(game, seed, backend="numpy") for seed in range(SEEDS)]
    count = np.array([each.episodes for each in found])
    law = stats.geom(hope)
    edges = sorted({int(law.ppf(q)) for q in (0.25, 0.5, 0.75)})
    bins = np.bincount(np.searchsorted(edges, count), minlength=len(edges) + 1)
    chances = np.diff([0.0, *law.cdf(edges), 1.0])
    assert stats.chisquare(bins, SEEDS * chances).pvalue > LIKELY
    steps = np.array([each.env_steps for each in found])
    error = steps.std() / math.sqrt(SEEDS)
    expected = game.n // game.word_size / hope if game.writes else dithering_env_steps(game.n)
    assert game.expected_env_steps == pytest.approx(expected)
    assert abs(steps.mean() - expected) < 4 * error
    assert error < 0.1 * expected


@pytest.mark.parametrize(
    "game", [*map(Game, (4, 10, 15)), Game(16, True, 4), Game(64, True, 1, 50)], ids=str
)
def test_threads_and_backends_change_nothing(game: Game) -> None:
    for seed in range(4):
        alone = search(game, seed)
        assert same(alone, search(game, seed, threads=3))
        assert same(alone, search(game, seed, backend="numpy", threads=2))
        assert same(alone, search(game, seed, backend="torch"))


def test_seeds_differ() -> None:
    assert len({search(Game(12), seed).env_steps for seed in range(10)}) == 10


def late_seed(game: Game, blocks: int) -> int:
    """A seed that finds nothing in the first blocks."""
    size = block_episodes(game)
    late = (seed for seed in range(1_000) if search(game, seed).episodes > blocks * size)
    return next(late)


@pytest.mark.parametrize("game", [Game(16), Game(12, True, 3)], ids=str)
def test_going_on_is_as_if_never_interrupted(game: Game) -> None:
    seed = late_seed(game, 2)
    whole = search(game, seed)
    assert whole.next_block >= 2
    for block in range(whole.next_block + 1):
        later = search(game, seed, from_block=block)
        assert same(whole, later)
        assert later.next_block == whole.next_block
    steps = block_episodes(game) * game.horizon
    first = search(game, seed, budget=2 * steps)
    assert (first.episode, first.next_block) == (None, 2)
    part = search(game, seed, budget=first.env_steps + 10 * game.horizon)
    assert (part.episode, part.next_block, part.episodes) == (None, 2, first.episodes + 10)
    # What was played is what is counted and the surplus, on both sides of the interruption.
    again = search(game, seed, from_block=first.next_block)
    made = again.env_steps + again.surplus_env_steps - first.env_steps
    assert made % steps == 0
    assert made > 0


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("game", [Game(9), Game(10, True, 5)], ids=str)
def test_a_budget_ends_the_search(game: Game, threads: int) -> None:
    whole = search(game, 4)
    enough = search(game, 4, budget=whole.env_steps, threads=threads)
    assert same(whole, enough)
    short = search(game, 4, budget=whole.env_steps - 1, threads=threads)
    assert short.episode is None
    assert short.env_steps == whole.env_steps - 1
    assert short.episodes == (whole.env_steps - 1) // game.horizon
    assert search(game, 4, budget=1).env_steps == 1
    # No more is played than it takes, in powers of two.
    long = Game(40, game.writes)
    assert search(long, 0, budget=40 * 9, threads=threads).surplus_env_steps == 40 * 7


def test_surplus_is_told_apart() -> None:
    n, seed = 12, 3
    size = block_episodes(Game(n)) * n
    found = search(Game(n), seed, threads=4)
    assert found.surplus_env_steps > 0
    assert (found.env_steps + found.surplus_env_steps) % size == 0
    made = found.env_steps + found.surplus_env_steps
    assert found.rate == pytest.approx(made / found.seconds)


@pytest.mark.parametrize("game", [Game(16), Game(14, True, 2, 2)], ids=str)
def test_progress_is_told(game: Game, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TOLD_EVERY", 0.0)
    seed, told = late_seed(game, 2), list[Progress]()
    found = search(game, seed, on_progress=told.append)
    blocks = [each.next_block for each in told]
    assert blocks[:2] == [1, 2]
    assert blocks == sorted(blocks)
    size = block_episodes(game)
    hope = 2**-12 if game.writes else 1 / dithering_episodes(16)
    for each in told:
        assert each.episodes == each.next_block * size
        assert each.env_steps == each.episodes * game.horizon
        assert each.share == (each.episodes / 2**12 if game.writes else each.env_steps / 2**16)
        assert each.chance == pytest.approx(1 - (1 - hope) ** each.episodes)
        assert each.rate > 0
    assert found.episodes > told[1].episodes


def test_the_chance_is_exact_at_its_ends() -> None:
    def chance(game: Game, count: int) -> float:
        return Progress(game, 0, count, count * game.horizon, 1.0, 1.0).chance

    assert [chance(Game(1), 0), chance(Game(1), 1), chance(Game(40), 0)] == [0, 1, 0]
    assert chance(Game(50), 1_000) == pytest.approx(1_000 / dithering_episodes(50))
    assert chance(Game(64, True), 1_000) == pytest.approx(1_000 / 2**64)
    assert chance(Game(64, True, 1, 63), 2) == pytest.approx(3 / 4)


@pytest.mark.parametrize("backend", ["auto", "numpy"])
def test_ctrl_c_ends_it_and_it_goes_on(backend: Any) -> None:
    told = list[Progress]()
    search(Game(40), 0, backend=backend, budget=1)  # whatever is compiled
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    press = threading.Timer(0.4, os.kill, (os.getpid(), signal.SIGINT))
    try:
        press.start()
        began = time.perf_counter()
        with pytest.raises(KeyboardInterrupt):
            search(Game(40), 0, backend=backend, threads=2, anyway=True, on_progress=told.append)
        assert time.perf_counter() - began < 5  # a second where nobody else is at work
    finally:
        press.join()
        signal.signal(signal.SIGINT, before)
    size = block_episodes(Game(40)) * 40
    assert told[-1].env_steps == told[-1].next_block * size
    further = search(Game(40), 0, from_block=told[-1].next_block, budget=told[-1].env_steps + 40)
    assert further.episode is None


@pytest.mark.parametrize("game", [Game(60), Game(60, True)], ids=str)
def test_what_takes_too_long_is_refused(game: Game, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MEASURED", 0.0)
    said = r"n = 60: a search is expected to take [\d,.]+ days at .* allowed is one day"
    with pytest.raises(ConfigError, match=said):
        search(game, 0)
    # A budget is an end too, and whoever insists has it.
    steps = 60 * block_episodes(game)
    assert search(game, 0, budget=steps).next_block == 1

    class EnoughError(Exception):
        pass

    def enough(progress: Progress) -> None:
        raise EnoughError

    monkeypatch.setattr(module, "_TOLD_EVERY", 0.0)
    with pytest.raises(EnoughError):
        search(game, 0, anyway=True, on_progress=enough)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"threads": 0}, "threads must be from 1 to 1,024 at n = 5, got 0"),
        ({"budget": 0}, "budget must be from 1 to"),
        ({"budget": 2**60}, "budget must be from 1 to"),
        ({"from_block": -1}, "from_block must be from 0 to"),
        ({"from_block": 1.5}, "from_block must be from 0 to .* got 1.5"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        search(Game(5), **{"seed": 0, **arguments})


@pytest.mark.parametrize(
    ("game", "said"),
    [
        ({"n": 65}, "n must be from 1 to 64 for a packed search, got 65"),
        ({"n": 0}, "n must be from 1 to 64"),
        ({"n": True}, "n must be from 1 to 64"),
        ({"n": "8"}, "n must be from 1 to 64 .* got '8'"),
        ({"n": 65, "writes": True}, "n must be from 1 to 64 for a packed search, got 65"),
        ({"word_size": 2}, "word_size must be from 1 to 1 for a packed search, got 2"),
        ({"free_bits": 1}, "free_bits must be from 0 to 0 for a packed search, got 1"),
        ({"writes": True, "word_size": 3}, "word_size must divide n = 8, got 3"),
        ({"writes": True, "word_size": 32, "n": 64}, "word_size must be from 1 to 16 .* got 32"),
        ({"writes": True, "free_bits": 8}, "free_bits must be from 0 to 7 .* got 8"),
        ({"writes": True, "free_bits": True}, "free_bits must be from 0 to 7 .* got True"),
    ],
    ids=str,
)
def test_what_cannot_be_played_is_refused(game: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Game(**{"n": 8, **game})


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ({"env": "v1"}, "env must be 'BitSequence-v0' or 'BitSequenceAppend-v0' .* got 'v1'"),
        ({"env": APPEND, "start": "random"}, "start must be 'empty' for a packed search, got 'ran"),
        ({"env": APPEND, "max_steps": 7}, "max_steps must be 8 for a packed search, got 7"),
        ({"env": APPEND, "goal_mode": "random"}, "goal_mode must be 'fixed' .* got 'random'"),
        ({"env": APPEND, "free_bits": 8}, "free_bits must be from 0 to 7 .* got 8"),
        ({"goal_mode": "random"}, "goal_mode must be 'fixed' for a packed search, got 'random'"),
        ({"start": "zeros"}, "start must be 'random' for a packed search, got 'zeros'"),
        ({"max_steps": 9}, "max_steps must be 8 for a packed search, got 9"),
        ({"continuing_task": True}, "continuing_task must be False for a packed search, got True"),
    ],
)
def test_other_tasks_are_refused(task: dict[str, Any], said: str) -> None:
    assert check_task(8) == Game(8)
    assert check_task(64, max_steps=64) == Game(64)
    written = check_task(8, env=APPEND, word_size=4, free_bits=3, start="empty", max_steps=2)
    assert written == Game(8, True, 4, 3)
    with pytest.raises(ConfigError, match=said):
        check_task(8, **task)
