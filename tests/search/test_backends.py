"""Whoever plays the episodes finds the same; what is not there is said."""

from __future__ import annotations

import importlib.util
import sys
import warnings
from typing import Any

import numpy as np
import pytest
import torch as th

from experiments.config.errors import ConfigError
from experiments.search import backends, episodes
from experiments.search.backends import backend
from experiments.search.task import Game
from tests.search import reference

HERE = ["numpy", "torch"]
if importlib.util.find_spec("numba"):
    HERE.append("numba")
GAMES = [
    *(Game(n) for n in (1, 2, 3, 5, 6, 7, 9, 11)),
    *(Game(n, writes=True) for n in (1, 2, 5, 9)),
    Game(8, writes=True, word_size=4),
    *(Game(n, writes=True, free_bits=n - 8) for n in (12, 33, 63, 64)),
    Game(64, writes=True, word_size=16, free_bits=63),
]
needs_numba = pytest.mark.skipif("numba" not in HERE, reason="the extra named search")


@pytest.mark.parametrize("name", HERE)
@pytest.mark.parametrize("game", GAMES, ids=str)
def test_all_backends_find_the_lowest_number(name: Any, game: Game) -> None:
    for seed in range(3):
        numbers = [number for number, _ in zip_first(reference.arriving(game, seed), 2)]
        played = backend(name)
        assert played.first_arrival(game, seed, 0, 2**13) == numbers[0]
        # Nor does what came before matter, nor what lies beyond.
        assert played.first_arrival(game, seed, numbers[0] + 1, 2**13) == numbers[1]
        assert played.first_arrival(game, seed, numbers[0], 1) == numbers[0]
        if numbers[0]:
            below = 2 ** (numbers[0].bit_length() - 1)
            assert played.first_arrival(game, seed, 0, below) is None


def zip_first(endless: Any, count: int) -> list[Any]:
    return [next(endless) for _ in range(count)]


@needs_numba
@pytest.mark.parametrize(
    "game", [*GAMES[8:], *(Game(n) for n in (1, 2, 4, 6, 8, 13, 31, 63, 64))], ids=str
)
@pytest.mark.parametrize("lanes", [16, 256])
def test_the_sieve_lets_through_all_that_matters(game: Game, lanes: int) -> None:
    from experiments.search import compiled

    rounds = 2**12 // lanes  # more than there is room for at once
    sieved = episodes.lanes(np, game, episodes.state_at(game, 1, 0), lanes, rounds)
    states = sieved.copy()
    through = {
        (int(lane), int(number)): int(state)
        for some in compiled.sieve(game, sieved, rounds)
        for lane, number, state in zip(*some, strict=True)
    }
    needed = 0
    for number in range(rounds):
        arrived, anew, behind = episodes.play(game, states)
        for lane in np.flatnonzero(anew | (arrived > 0)):
            assert through[int(lane), number] == states[lane]
            needed += 1
        states = behind
    np.testing.assert_array_equal(sieved, states)
    assert len(through) <= lanes * rounds
    if game.writes:  # and it is a sieve
        assert len(through) == needed
    elif game.n >= 13:
        assert len(through) <= needed + 0.02 * lanes * rounds


@needs_numba
def test_what_goes_through_at_once_has_room() -> None:
    from experiments.search import compiled

    # At n = 1 everything goes through.
    game = Game(1)
    states = episodes.lanes(np, game, episodes.state_at(game, 0, 0), compiled.LANES, 64)
    sizes = [len(state) for _, _, state in compiled.sieve(game, states, 64)]
    assert sum(sizes) == 64 * compiled.LANES
    assert len(sizes) > 1


@needs_numba
def test_without_a_place_for_its_cache_numba_compiles_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    import numba

    from experiments.search import compiled

    njit = numba.njit

    def nowhere(*, cache: bool = False, **options: Any) -> Any:
        if cache:
            raise RuntimeError("cannot cache function '_sieve': no locator available")
        return njit(**options)

    monkeypatch.setattr(numba, "njit", nowhere)
    assert compiled._compile().py_func is compiled._sieve


def test_a_search_that_is_stopped_finds_nothing() -> None:
    number, _ = next(reference.arriving(Game(6), 0))
    found = [
        backend(name).first_arrival(Game(6), 0, 0, 2**12, lambda stop=stop: stop)  # type: ignore[misc]
        for name in ("numpy", "torch")
        for stop in (False, True)
    ]
    assert found == [number, None] * 2


def test_without_numba_numpy_searches_and_says_so_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "experiments.search.compiled", raising=False)
    monkeypatch.delattr("experiments.search.compiled", raising=False)
    backends._tell_of_numpy.cache_clear()
    with pytest.warns(UserWarning, match="numba is not installed .* slower"):
        assert backend().name == "numpy"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert backend().name == "numpy"
    with pytest.raises(ConfigError, match="backend 'numba' needs the extra named search"):
        backend("numba")


@needs_numba
def test_numba_is_what_a_cpu_gets() -> None:
    assert backend().name == backend("numba").name == "numba"


@pytest.mark.parametrize(
    ("name", "device", "said"),
    [
        ("jax", "cpu", "backend must be one of auto, numba, numpy, torch, got 'jax'"),
        ("auto", "tpu", "device must be 'cpu' or 'cuda', got 'tpu'"),
        ("numpy", "cuda", "backend must be 'torch' for device 'cuda', got 'numpy'"),
    ],
)
def test_wrong_names_are_refused(name: Any, device: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        backend(name, device)


@pytest.mark.skipif(th.cuda.is_available(), reason="there is a GPU")
def test_a_missing_gpu_is_told() -> None:
    with pytest.raises(ConfigError, match="device must be 'cpu' where PyTorch finds no GPU"):
        backend(device="cuda")


def test_what_a_gpu_plays_is_one_graph_at_any_n() -> None:
    fused = backends.fused_play("eager")
    # More than PyTorch compiles unless told.
    for game in [*map(Game, range(1, 11)), *(Game(n, writes=True) for n in (2, 64))]:
        states = episodes.lanes(th, game, episodes.state_at(game, 0, 0), 64, 1)
        for one, other in zip(fused(game, states), episodes.play(game, states), strict=True):
            assert th.equal(one, other)


@pytest.mark.cuda
@pytest.mark.skipif(not th.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize(
    "game", [*map(Game, (3, 9, 16)), Game(64, writes=True, free_bits=52)], ids=str
)
def test_a_gpu_finds_the_same(game: Game) -> None:
    played = backend(device="cuda")
    expected = backend("numpy").first_arrival(game, 0, 0, 2**16)
    assert played.first_arrival(game, 0, 0, 2**16) == expected
