"""What the machine could do at best: floating-point operations and bytes, against what we do."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch as th

from experiments.benchmarks.learners import setting
from experiments.benchmarks.measuring import Contest, Measured, Repeat, Side, rate
from experiments.config.run import RunConfig

SQUARE = "square matrices, 1,024"
LAYERS = "an mlp's layers at this batch"
CACHED = "arrays in cache"
LARGE = "arrays of 256 MB"
NAME = "limits"


def update_flops(config: RunConfig) -> float:
    """Floating-point operations of one update of an mlp, multiplications by weights alone.

    Forward through the network and through its target, and back: gradients of all weights, and
    of all layers' inputs but the first's.
    """
    widths = _widths(config)
    products = [below * above for below, above in itertools.pairwise(widths)]
    return 2.0 * (config.batch_size or 0) * (3 * sum(products) + sum(products[1:]))


def step_bytes(n: int) -> int:
    """Bytes that a step of one copy cannot do without, a byte a bit.

    Its state and its target are read, and three observations are written.
    """
    return 5 * n


def sgemm() -> dict[str, Side]:
    """GFLOP/s of float32 products on one thread."""
    config = setting()
    batch, widths = config.batch_size or 1, _widths(config)
    layers = [(batch, below, above) for below, above in itertools.pairwise(widths)]
    return {SQUARE: _products([(1024, 1024, 1024)]), LAYERS: _products(layers)}


def memory() -> dict[str, Side]:
    """GB/s of a copy on one thread, read and written bytes together."""
    return {CACHED: _copies(1024 * setting().n), LARGE: _copies(2**28)}


def derived(repeats: Sequence[Repeat]) -> list[Repeat]:
    """Bounds, and the share of them that is reached, from what was measured beside them.

    Args:
        repeats: Of the contests ``sgemm``, ``memory``, ``updates`` and ``vector``; what lacks its
            measurement is left out.
    """
    median = _medians(repeats)
    config = setting()
    flops, moved = update_flops(config), step_bytes(config.n)
    found: list[tuple[str, float, str]] = [
        ("an update", flops / 1e6, "MFLOP"),
        ("an environment step", float(moved), "bytes"),
    ]
    for side, bound, measured, thing in (
        (("sgemm", SQUARE), 1e9 / flops, ("updates", "ours"), "updates"),
        (("memory", CACHED), 1e9 / moved, ("vector", "ours"), "environment steps"),
    ):
        if side in median:
            most = median[side] * bound
            found.append((f"{thing}, at most", most, f"{thing}/s"))
            if measured in median:
                found.append((f"{thing}, share reached", 100 * median[measured] / most, "%"))
    return [Repeat(NAME, side, 0, Measured(value), unit, "cpu") for side, value, unit in found]


def _products(shapes: Sequence[tuple[int, int, int]]) -> Side:
    pairs = [(th.randn(rows, inner), th.randn(inner, columns)) for rows, inner, columns in shapes]
    outs = [left @ right for left, right in pairs]
    flops = sum(2.0 * rows * inner * columns for rows, inner, columns in shapes)
    times = max(1, int(2e9 / flops))

    def chunk() -> int:
        for _ in range(times):
            for (left, right), out in zip(pairs, outs, strict=True):
                th.mm(left, right, out=out)
        return times

    return _scaled(chunk, flops / 1e9)


def _copies(size: int) -> Side:
    source, goal = np.ones(size, dtype=np.int8), np.zeros(size, dtype=np.int8)
    times = max(1, 2**26 // size)

    def chunk() -> int:
        for _ in range(times):
            np.copyto(goal, source)
        return times

    return _scaled(chunk, 2 * size / 1e9)


def _scaled(chunk: Callable[[], int], each: float) -> Side:
    chunk()
    return Side(lambda _: Measured(each * rate(chunk, 0.3).value))


def _widths(config: RunConfig) -> tuple[int, ...]:
    return (2 * config.n, *(config.hidden or ()), config.n)


def _medians(repeats: Sequence[Repeat]) -> Mapping[tuple[str, str], float]:
    groups: dict[tuple[str, str], list[float]] = {}
    for repeat in repeats:
        groups.setdefault((repeat.contest, repeat.side), []).append(repeat.measured.value)
    return {side: statistics.median(values) for side, values in groups.items()}


CONTESTS = (
    Contest(name="sgemm", unit="GFLOP/s", sides=sgemm, repeats=5),
    Contest(name="memory", unit="GB/s", sides=memory, repeats=5),
)
