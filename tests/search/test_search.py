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
from experiments.evaluation.dithering import dithering_env_steps, dithering_episodes
from experiments.search import search as module
from experiments.search.backends import block_episodes
from experiments.search.search import Outcome, Progress, search
from experiments.search.task import check_task
from tests.search import reference

SEEDS = 400
LIKELY = 1e-4


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


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8])
def test_a_search_is_one_environment_after_another_to_the_first_reward(n: int) -> None:
    for seed in range(5):
        number, played = next(reference.arriving(n, seed))
        found = search(n, seed)
        assert found.episode is not None
        assert (found.episode.number, found.episode.start) == (number, played.start)
        assert found.episode.actions.tolist() == played.actions[: played.arrived]
        assert found.episodes == number + 1
        assert found.env_steps == number * n + played.arrived
        assert found.surplus_env_steps >= 0


@pytest.mark.parametrize("n", [3, 5, 8])
def test_searches_follow_the_exact_line(n: int) -> None:
    found = [search(n, seed, backend="numpy") for seed in range(SEEDS)]
    count = np.array([each.episodes for each in found])
    hope = 1 / dithering_episodes(n)
    law = stats.geom(hope)
    edges = sorted({int(law.ppf(q)) for q in (0.25, 0.5, 0.75)})
    bins = np.bincount(np.searchsorted(edges, count), minlength=len(edges) + 1)
    chances = np.diff([0.0, *law.cdf(edges), 1.0])
    assert stats.chisquare(bins, SEEDS * chances).pvalue > LIKELY
    steps = np.array([each.env_steps for each in found])
    error = steps.std() / math.sqrt(SEEDS)
    assert abs(steps.mean() - dithering_env_steps(n)) < 4 * error
    assert error < 0.1 * dithering_env_steps(n)


@pytest.mark.parametrize("n", [4, 10, 15])
def test_threads_and_backends_change_nothing(n: int) -> None:
    for seed in range(4):
        alone = search(n, seed)
        assert same(alone, search(n, seed, threads=3))
        assert same(alone, search(n, seed, backend="numpy", threads=2))
        assert same(alone, search(n, seed, backend="torch"))


def test_seeds_differ() -> None:
    assert len({search(12, seed).env_steps for seed in range(10)}) == 10


def late_seed(n: int, blocks: int) -> int:
    """A seed that finds nothing in the first blocks."""
    size = block_episodes(n)
    late = (seed for seed in range(1_000) if search(n, seed).episodes > blocks * size)
    return next(late)


def test_going_on_is_as_if_never_interrupted() -> None:
    n = 16
    seed = late_seed(n, 2)
    whole = search(n, seed)
    assert whole.next_block >= 2
    for block in range(whole.next_block + 1):
        later = search(n, seed, from_block=block)
        assert same(whole, later)
        assert later.next_block == whole.next_block
    first = search(n, seed, budget=2 * block_episodes(n) * n)
    assert (first.episode, first.next_block) == (None, 2)
    part = search(n, seed, budget=first.env_steps + 10 * n)
    assert (part.episode, part.next_block, part.episodes) == (None, 2, first.episodes + 10)
    # What was played is what is counted and the surplus, on both sides of the interruption.
    again = search(n, seed, from_block=first.next_block)
    made = again.env_steps + again.surplus_env_steps - first.env_steps
    assert made % (block_episodes(n) * n) == 0
    assert made > 0


@pytest.mark.parametrize("threads", [1, 3])
def test_a_budget_ends_the_search(threads: int) -> None:
    whole = search(9, 4)
    enough = search(9, 4, budget=whole.env_steps, threads=threads)
    assert same(whole, enough)
    short = search(9, 4, budget=whole.env_steps - 1, threads=threads)
    assert short.episode is None
    assert short.env_steps == whole.env_steps - 1
    assert short.episodes == (whole.env_steps - 1) // 9
    assert search(9, 4, budget=1).env_steps == 1
    # No more is played than it takes, in powers of two.
    assert search(40, 0, budget=40 * 9, threads=threads).surplus_env_steps == 40 * 7


def test_surplus_is_told_apart() -> None:
    n, seed = 12, 3
    size = block_episodes(n) * n
    found = search(n, seed, threads=4)
    assert found.surplus_env_steps > 0
    assert (found.env_steps + found.surplus_env_steps) % size == 0
    made = found.env_steps + found.surplus_env_steps
    assert found.rate == pytest.approx(made / found.seconds)


def test_progress_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TOLD_EVERY", 0.0)
    n = 16
    seed, told = late_seed(n, 2), list[Progress]()
    found = search(n, seed, on_progress=told.append)
    blocks = [each.next_block for each in told]
    assert blocks[:2] == [1, 2]
    assert blocks == sorted(blocks)
    size = block_episodes(n)
    for each in told:
        assert each.episodes == each.next_block * size
        assert each.env_steps == each.episodes * n
        assert each.share == each.env_steps / 2**n
        assert each.chance == pytest.approx(1 - (1 - 1 / dithering_episodes(n)) ** each.episodes)
        assert each.rate > 0
    assert found.episodes > told[1].episodes


def test_the_chance_is_exact_at_its_ends() -> None:
    def chance(n: int, count: int) -> float:
        return Progress(n, 0, count, count * n, 1.0, 1.0).chance

    assert [chance(1, 0), chance(1, 1), chance(40, 0)] == [0, 1, 0]
    assert chance(50, 1_000) == pytest.approx(1_000 / dithering_episodes(50))


@pytest.mark.parametrize("backend", ["auto", "numpy"])
def test_ctrl_c_ends_it_and_it_goes_on(backend: Any) -> None:
    told = list[Progress]()
    search(40, 0, backend=backend, budget=1)  # whatever is compiled
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    press = threading.Timer(0.4, os.kill, (os.getpid(), signal.SIGINT))
    try:
        press.start()
        began = time.perf_counter()
        with pytest.raises(KeyboardInterrupt):
            search(40, 0, backend=backend, threads=2, anyway=True, on_progress=told.append)
        assert time.perf_counter() - began < 5  # a second where nobody else is at work
    finally:
        press.join()
        signal.signal(signal.SIGINT, before)
    size = block_episodes(40) * 40
    assert told[-1].env_steps == told[-1].next_block * size
    further = search(40, 0, from_block=told[-1].next_block, budget=told[-1].env_steps + 40)
    assert further.episode is None


def test_what_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MEASURED", 0.0)
    said = r"n = 60: a search is expected to take [\d,.]+ days at .* allowed is one day"
    with pytest.raises(ConfigError, match=said):
        search(60, 0)
    # A budget is an end too, and whoever insists has it.
    steps = 60 * block_episodes(60)
    assert search(60, 0, budget=steps).next_block == 1

    class EnoughError(Exception):
        pass

    def enough(progress: Progress) -> None:
        raise EnoughError

    monkeypatch.setattr(module, "_TOLD_EVERY", 0.0)
    with pytest.raises(EnoughError):
        search(60, 0, anyway=True, on_progress=enough)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"n": 65}, "n must be from 1 to 64 for a packed search, got 65"),
        ({"n": 0}, "n must be from 1 to 64"),
        ({"n": True}, "n must be from 1 to 64"),
        ({"threads": 0}, "threads must be from 1 to 1,024 at n = 5, got 0"),
        ({"budget": 0}, "budget must be from 1 to"),
        ({"budget": 2**60}, "budget must be from 1 to"),
        ({"from_block": -1}, "from_block must be from 0 to"),
        ({"from_block": 1.5}, "from_block must be from 0 to .* got 1.5"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        search(**{"n": 5, "seed": 0, **arguments})


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ({"goal_mode": "random"}, "goal_mode must be 'fixed' for a packed search, got 'random'"),
        ({"start": "zeros"}, "start must be 'random' for a packed search, got 'zeros'"),
        ({"max_steps": 9}, "max_steps must be 8 for a packed search, got 9"),
        ({"continuing_task": True}, "continuing_task must be False for a packed search, got True"),
    ],
)
def test_other_tasks_are_refused(task: dict[str, Any], said: str) -> None:
    check_task(8)
    check_task(64, max_steps=64)
    with pytest.raises(ConfigError, match=said):
        check_task(8, **task)
