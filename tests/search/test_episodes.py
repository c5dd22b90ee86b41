"""What an episode of the search is: its stream, its laws, and that the environment plays it too."""

from __future__ import annotations

import itertools
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch as th
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import bitseq_env  # noqa: F401  (registers BitSequence-v0)
from experiments.evaluation.dithering import dithering_episodes
from experiments.search import episodes
from experiments.search.episodes import MODULUS, MULTIPLIER
from experiments.search.task import Game
from tests.search import reference

LIKELY = 1e-4
"""A p-value below which a law is broken; the seeds are fixed, so that nothing is left to luck."""


WRITTEN = [
    *(Game(n, writes=True) for n in (1, 2, 12, 31, 33, 64)),
    *(Game(n, writes=True, free_bits=n - 3) for n in (4, 33, 63, 64)),
    Game(12, writes=True, word_size=4, free_bits=6),
]


def states_of(game: Game, seed: int, count: int) -> Any:
    """The generator's states of the first episodes: a power of two of them."""
    return episodes.lanes(np, game, episodes.state_at(game, seed, 0), count, 1)


def accepted(n: int, seed: int, count: int) -> tuple[Any, Any]:
    """Starts (some,), and actions (n, some), of those that are not drawn anew."""
    start, actions, anew, _ = episodes.drawn(Game(n), states_of(Game(n), seed, count))
    return start[~anew], np.array(actions)[:, ~anew]


def first_hits(n: int) -> list[float]:
    """The exact chances that an episode arrives at step 1, 2, ... n; the last is that of never."""
    ways = np.array([0.0] + [stats.binom.pmf(d, n, 0.5) for d in range(1, n + 1)])
    ways /= ways.sum()
    hits = []
    for _ in range(n):
        nearer = ways * np.arange(n + 1) / n
        farther = ways - nearer
        ways = np.zeros(n + 1)
        ways[:-1] += nearer[1:]
        ways[1:] += farther[:-1]
        hits.append(float(ways[0]))
        ways[0] = 0.0
    return [*hits, float(ways.sum())]


def test_the_generator_is_a_product_modulo_a_safe_prime() -> None:
    for prime in (MODULUS, (MODULUS - 1) // 2):
        assert all(pow(base, prime - 1, prime) == 1 for base in (2, 3, 5, 7, 11))
    assert pow(MULTIPLIER, (MODULUS - 1) // 2, MODULUS) == 1  # a square: the cycle is half as long
    state = 0x0123456789ABCDEF
    for _ in range(100):
        bits, after = reference.word(state)
        assert after == state * MULTIPLIER % MODULUS
        assert bits < 2**32
        state = after


@given(
    st.lists(
        st.integers(1, MODULUS - 1) | st.sampled_from([2**32, 2**63, MODULUS - 1]), min_size=1
    ),
    st.integers(1, MODULUS - 1) | st.sampled_from([2**32 - 1, 2**32, 2**63]),
)
@settings(max_examples=100)
def test_products_are_exact(states: list[int], factor: int) -> None:
    array = np.array(states, dtype=np.uint64).view(np.int64)
    expected = [state * factor % MODULUS for state in states]
    assert episodes.times(array, factor).view(np.uint64).tolist() == expected
    tensor = episodes.times(th.from_numpy(array.copy()), factor)
    assert tensor.numpy().view(np.uint64).tolist() == expected


@pytest.mark.parametrize(
    "game", [*map(Game, (1, 2, 3, 5, 6, 7, 12, 31, 33, 63, 64)), *WRITTEN], ids=str
)
def test_episodes_are_those_of_the_reference(game: Game) -> None:
    states = states_of(game, 3, 256)
    played = [reference.play(game, 3, number) for number in range(256)]
    assert episodes.arrivals(game, states).tolist() == [each.arrived for each in played]
    behind = episodes.play(game, states)[2].view(np.uint64).tolist()
    assert behind == [episodes.state_at(game, 3, number + 1) for number in range(256)]
    assert game.counted_bits > 3 or any(each.arrived for each in played)
    for number, each in enumerate(played):
        if each.arrived:
            whole = episodes.arriving_episode(game, 3, number)
            assert (whole.start, whole.number) == (each.start, number)
            assert whole.env_steps == each.arrived
            assert whole.actions.tolist() == each.actions[: each.arrived]


@pytest.mark.parametrize("game", [*map(Game, (1, 2, 5, 41)), *WRITTEN[:3]], ids=str)
def test_no_two_episodes_read_the_same_word(game: Game) -> None:
    read = [reference.play(game, 0, number).places for number in range(300)]
    places = list(itertools.chain(*read))
    assert len(places) >= 300 * episodes.words(game)
    assert len(set(places)) == len(places)
    assert episodes.last_number(game) * episodes.words(game) <= 2**57


@pytest.mark.parametrize("n", [1, 2, 3, 7, 30, 47, 63, 64])
def test_accepted_words_have_each_triple_equally_often(n: int) -> None:
    triples = np.arange(n**3 + 1, dtype=object)
    first = -(-triples * 2**32 // n**3)  # the first word of each triple; of all but that one
    refused = (first[:-1] * n**3 % 2**32 < episodes.threshold(Game(n))).astype(int)  # more is left
    assert set(np.diff(first) - refused) == {2**32 // n**3}


@pytest.mark.parametrize("n", [2, 3, 5, 6])
def test_starts_are_uniform_over_all_states_but_the_target(n: int) -> None:
    start, _ = accepted(n, 11, 2**15)
    counts = np.bincount(start, minlength=2**n)
    assert counts[0] == 0
    assert stats.chisquare(counts[1:]).pvalue > LIKELY


@pytest.mark.parametrize("n", [3, 5, 7, 8])
def test_actions_are_uniform_and_know_nothing_of_each_other(n: int) -> None:
    start, actions = accepted(n, 12, 2**15)
    for action in actions:
        assert stats.chisquare(np.bincount(action, minlength=n)).pvalue > LIKELY
    for one, other in itertools.pairwise([start % n, *actions]):
        table = np.bincount(one * n + other, minlength=n * n).reshape(n, n)
        assert stats.chi2_contingency(table).pvalue > LIKELY


@pytest.mark.parametrize("n", [1, 2, 3, 4, 6, 8])
def test_arrivals_follow_the_exact_chain(n: int) -> None:
    arrived = episodes.arrivals(Game(n), states_of(Game(n), 13, 2**16))
    chances = np.array(first_hits(n))
    assert 1 - chances[-1] == pytest.approx(1 / dithering_episodes(n)) == Game(n).success_chance
    counts = np.bincount((arrived - 1) % (n + 1), minlength=n + 1)
    assert (counts[chances == 0] == 0).all()
    some = chances > 0
    if some.sum() > 1:
        assert stats.chisquare(counts[some], 2**16 * chances[some]).pvalue > LIKELY


@pytest.mark.parametrize(("n", "seed"), [(1, 0), (2, 1), (5, 2), (8, 3), (9, 4), (10, 5)])
def test_a_rewarded_episode_replays_in_the_environment(n: int, seed: int) -> None:
    number, _ = next(reference.arriving(Game(n), seed))
    episode = episodes.arriving_episode(Game(n), seed, number)
    env = gym.make("BitSequence-v0", n=n, target_seed=seed)
    target = env.reset(seed=0)[0]["desired_goal"]
    states = episode.states(target)
    observation, _ = env.reset(options={"state": states[0]})
    seen, rewards, ends = [observation["observation"]], [], []
    for action in episode.actions:
        observation, reward, terminated, _, _ = env.step(int(action))
        seen.append(observation["observation"])
        rewards.append(reward)
        ends.append(terminated)
    last = [False] * (len(episode.actions) - 1) + [True]
    assert (ends, rewards) == (last, [float(each) for each in last])
    np.testing.assert_array_equal(seen, states)
    np.testing.assert_array_equal(states[-1], target)


@pytest.mark.parametrize("game", [Game(6, writes=True), Game(6, True, 2, 1)], ids=str)
def test_strings_are_uniform(game: Game) -> None:
    start, actions, anew, _ = episodes.drawn(game, states_of(game, 14, 2**15))
    assert stats.chisquare(np.bincount(start, minlength=2**6)).pvalue > LIKELY
    assert not actions
    assert not anew.any()
    arrived = episodes.arrivals(game, states_of(game, 14, 2**15))
    assert ((arrived > 0) == (start % 2**game.counted_bits == 0)).all()
    assert set(arrived.tolist()) == {0, game.horizon}


@pytest.mark.parametrize(
    "game",
    [Game(9, True), Game(8, True, 4), Game(12, True, 4, 6), Game(64, True, 1, 57)],
    ids=str,
)
def test_a_string_that_is_found_replays_in_the_environment(game: Game) -> None:
    n, size = game.n, game.word_size
    number, _ = next(reference.arriving(game, 1))
    env = gym.make(
        "BitSequenceAppend-v0", n=n, word_size=size, free_bits=game.free_bits, target_seed=1
    )
    target = env.reset(seed=0)[0]["desired_goal"]
    states = episodes.arriving_episode(game, 1, number).states(target)
    bits = "".join(map(str, states[-1]))
    seen, rewards, ends = [env.reset()[0]["observation"]], [], []
    for place in range(0, n, size):
        observation, reward, terminated, _, _ = env.step(int(bits[place : place + size], 2))
        seen.append(observation["observation"])
        rewards.append(reward)
        ends.append(terminated)
    last = [False] * (game.horizon - 1) + [True]
    assert (ends, rewards) == (last, [float(each) for each in last])
    np.testing.assert_array_equal(seen, states)
    # What is free is another's: nothing else would tell that it is not copied from the target.
    assert (states[-1] == target).all() == (game.free_bits == 0)


def test_an_episode_without_a_reward_is_not_recovered() -> None:
    with pytest.raises(ValueError, match="episode 0 of seed 0 at n = 40 never arrives"):
        episodes.arriving_episode(Game(40), 0, 0)
