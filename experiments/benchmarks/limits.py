"""What the machine could do at best: floating-point operations and bytes, against what we do."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Sequence

import numpy as np
import torch as th

from experiments.benchmarks.learner_speed import setting
from experiments.benchmarks.measuring import Side, rate
from experiments.benchmarks.repeats import Repeat, stamp
from experiments.methods.her import HerRun

SQUARE = "square matrices, 1,024"
LAYERS = "an mlp's layers at this batch"
CACHED = "arrays in cache"
LARGE = "arrays of 256 MB"
NAME = "limits"


def update_flops(config: HerRun) -> float:
    """Floating-point operations of one update of an mlp, multiplications by weights alone.

    Forward through the network and its target; back to all weights, and all inputs but the first.
    """
    products = [batch * below * above for batch, below, above in _layers(config)]
    return 2.0 * (3 * sum(products) + sum(products[1:]))


def step_bytes(n: int) -> int:
    """Bytes that a step of one copy has to move: state and target read, 3 observations written."""
    return 5 * n


def sgemm() -> dict[str, Side]:
    """GFLOP/s of float32 products on one thread."""
    return {SQUARE: _products([(1024, 1024, 1024)]), LAYERS: _products(_layers(setting()))}


def memory() -> dict[str, Side]:
    """GB/s of a copy on one thread, read and written bytes together."""
    return {CACHED: _copies(1024 * setting().n), LARGE: _copies(2**28)}


def derived(repeats: Sequence[Repeat]) -> list[Repeat]:
    """Bounds, and the share of them that is reached; what lacks its measurement is left out.

    They have the stamp of what they come from: ``sgemm`` and ``memory``.
    """
    config = setting()
    flops, moved = update_flops(config), step_bytes(config.n)
    found = [("an update", flops / 1e6, "MFLOP"), ("an environment step", float(moved), "bytes")]
    here = stamp("cpu")
    for contest, side, ours, thing, bound in (
        ("sgemm", SQUARE, "updates", "updates", 1e9 / flops),
        ("memory", CACHED, "vector", "environment steps", 1e9 / moved),
    ):
        reached = [r.value for r in repeats if (r.contest, r.side) == (ours, "ours")]
        if best := [r for r in repeats if (r.contest, r.side) == (contest, side)]:
            here = (best[0].device_name, best[0].processor, best[0].versions, best[0].date)
            most = bound * statistics.median(r.value for r in best)
            found.append((f"{thing}, at most", most, f"{thing}/s"))
            if reached:
                share = 100 * statistics.median(reached) / most
                found.append((f"{thing}, share reached", share, "%"))
    return [Repeat(NAME, side, 0, value, False, unit, "cpu", *here) for side, value, unit in found]


def _layers(config: HerRun) -> list[tuple[int, int, int]]:
    """Batch, inputs and outputs of each layer of an mlp."""
    widths = (2 * config.n, *config.hidden, config.n)
    return [(config.batch_size, below, above) for below, above in itertools.pairwise(widths)]


def _products(shapes: Sequence[tuple[int, int, int]]) -> Side:
    pairs = [(th.randn(rows, inner), th.randn(inner, columns)) for rows, inner, columns in shapes]
    outs = [left @ right for left, right in pairs]
    flops = sum(2.0 * rows * inner * columns for rows, inner, columns in shapes)

    def once() -> None:
        for (left, right), out in zip(pairs, outs, strict=True):
            th.mm(left, right, out=out)

    return _repeated(once, int(2e9 / flops), flops / 1e9)


def _copies(size: int) -> Side:
    source, goal = np.ones(size, dtype=np.int8), np.zeros(size, dtype=np.int8)
    return _repeated(lambda: np.copyto(goal, source), 2**26 // size, 2 * size / 1e9)


def _repeated(once: Callable[[], None], times: int, each: float) -> Side:
    def chunk() -> int:
        for _ in range(max(1, times)):
            once()
        return max(1, times)

    chunk()
    return Side(lambda _: rate(chunk, 0.3, each))
