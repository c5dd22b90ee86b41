"""Who plays the episodes: numba, NumPy without it, PyTorch on a GPU. All find the same.

A backend has a *sieve*: it plays episodes of many lanes and lets through those that arrive, those
that have to be drawn anew, and maybe a few others. What goes through is played step by step by
``episodes.arrivals``, whatever the backend.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from experiments.config.errors import ConfigError
from experiments.search import episodes
from experiments.search.episodes import Words, block_episodes
from experiments.search.task import Game

BackendName = Literal["auto", "numba", "numpy", "torch"]
Device = Literal["cpu", "cuda"]
Sieve = Callable[[Game, Words, int], Iterator[tuple[Any, Any, Words]]]
"""Of a game, generator states of lanes, and episodes a lane: lane, round and state of some."""

_NUMPY_LANES = 4_096
_GPU_LANES = 2**22
_GPU_BLOCKS = 2**6


@dataclass(frozen=True)
class Backend:
    """One way to play blocks of episodes."""

    name: str
    sieve: Sieve
    lanes: int
    """Played side by side, at most; a power of two."""
    blocks: int = 1
    """That a GPU plays at once, at most: a single one would not fill it."""
    library: Any = np
    device: Device | None = None

    def blocks_at_once(self, game: Game) -> int:
        """Few where few are needed."""
        return min(self.blocks, 1 << max(0, game.counted_bits - 30))

    def first_arrival(
        self,
        game: Game,
        seed: int,
        first: int,
        count: int,
        stopped: Callable[[], bool] = lambda: False,
    ) -> int | None:
        """The lowest number of an episode that arrives, or None.

        Args:
            game: What is played.
            seed: Of the search.
            first: The first of the episodes.
            count: How many, a power of two.
            stopped: Asked every now and then whether to give up, and return None.
        """
        width = min(self.lanes, count)
        rounds = count // width
        place = episodes.state_at(game, seed, first)
        states = episodes.lanes(self.library, game, place, width, rounds, self.device)
        numbers, began = [states[:0]], [states[:0]]
        for lane, round_, state in self.sieve(game, states, rounds):
            if stopped():
                return None
            numbers.append(lane * rounds + round_)
            began.append(state)
        arrived = episodes.arrivals(game, self.library.concatenate(began)) > 0
        found = self.library.concatenate(numbers)[arrived]
        return first + int(found.min()) if len(found) else None

    def warm_up(self, game: Game) -> None:
        """Compile what is compiled once, for searches of a game."""
        count = min(self.lanes, block_episodes(game) * self.blocks_at_once(game))
        self.first_arrival(game, 0, 0, count)


def backend(name: BackendName = "auto", device: Device = "cpu") -> Backend:
    """A backend by its name.

    Args:
        name: "auto": numba on the CPU, NumPy where it is not installed (which is told once), and
            PyTorch on a GPU.
        device: Where PyTorch plays; the others know the CPU alone.

    Raises:
        ConfigError: If there is no such backend here.
    """
    names = ("auto", "numba", "numpy", "torch")
    if name not in names:
        raise ConfigError(f"backend must be one of {', '.join(names)}, got {name!r}")
    if device not in ("cpu", "cuda"):
        raise ConfigError(f"device must be 'cpu' or 'cuda', got {device!r}")
    if device == "cuda" and name not in ("auto", "torch"):
        raise ConfigError(f"backend must be 'torch' for device 'cuda', got {name!r}")
    if name == "torch" or device == "cuda":
        return _on_torch(device)
    if name == "numpy":
        return Backend("numpy", array_sieve(episodes.play), _NUMPY_LANES)
    try:
        from experiments.search import compiled
    except ImportError as error:
        if name == "numba":
            raise ConfigError(f"backend 'numba' needs the extra named search: {error}") from error
        _tell_of_numpy()
        return backend("numpy")
    return Backend("numba", compiled.sieve, compiled.LANES)


def array_sieve(play: Callable[..., tuple[Words, Words, Words]]) -> Sieve:
    """The sieve that is ``episodes.play`` itself, on whole arrays.

    Args:
        play: That function, or a compiled form of it.
    """

    def sieve(game: Game, states: Words, rounds: int) -> Iterator[tuple[Words, int, Words]]:
        lane = (states * 0 + 1).cumsum(0) - 1
        for number in range(rounds):
            began = states
            arrived, anew, states = play(game, began)
            through = anew | (arrived > 0)
            yield lane[through], number, began[through]

    return sieve


@functools.cache
def _on_torch(device: Device) -> Backend:
    import torch as th

    if device == "cpu":  # nobody's choice for speed: the same code, held to the others by tests
        return Backend("torch", array_sieve(episodes.play), _NUMPY_LANES, 1, th, device)
    if not th.cuda.is_available():
        raise ConfigError("device must be 'cpu' where PyTorch finds no GPU, got 'cuda'")
    return Backend("torch", array_sieve(fused_play()), _GPU_LANES, _GPU_BLOCKS, th, device)


def fused_play(compiler: str = "inductor") -> Any:
    """``episodes.play`` compiled by PyTorch: one kernel that plays an episode of every lane.

    Args:
        compiler: PyTorch's name of what makes the kernel.
    """
    import torch as th

    # Each game is compiled for itself, and PyTorch gives up after eight of a function.
    limits: Any = th._dynamo.config
    limits.recompile_limit = max(limits.recompile_limit, 256)
    return th.compile(episodes.play, fullgraph=True, dynamic=False, backend=compiler)


@functools.cache
def _tell_of_numpy() -> None:
    warnings.warn(
        "numba is not installed (the extra named search): NumPy searches, about fifty times slower",
        stacklevel=3,
    )
