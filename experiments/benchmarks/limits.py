"""What the machine could do at best: floating-point operations and bytes, against what we do."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch as th

from experiments.benchmarks.measuring import Repeat, Side, Sides, rate, repeat_table, stamp
from experiments.benchmarks.speeds import setting
from experiments.methods.her import HerRun

SQUARE = "square matrices, 1,024"
CACHED = "arrays in cache"
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


def sgemm() -> Sides:
    """GFLOP/s of float32 products on one thread."""
    layers = _products(_layers(setting()))
    return {SQUARE: _products([(1024, 1024, 1024)]), "an mlp's layers at this batch": layers}


def memory() -> Sides:
    """GB/s of a copy on one thread, read and written bytes together."""
    return {CACHED: _copies(1024 * setting().n), "arrays of 256 MB": _copies(2**28)}


def derived(repeats: Iterable[Repeat]) -> list[Repeat]:
    """Bounds, and the share of them that is reached; what lacks its measurement is left out.

    They have the stamp of what they come from: ``sgemm`` and ``memory``.
    """
    rows = repeat_table(repeats).to_dict("records")
    sides = {(row["contest"], row["side"]): row for row in rows}
    config = setting()
    flops, moved = update_flops(config), step_bytes(config.n)
    found = [("an update", flops / 1e6, "MFLOP"), ("an environment step", float(moved), "bytes")]
    machine = stamp()
    for bound, ours, thing, each in (
        (("sgemm", SQUARE), ("updates", "ours"), "updates", flops),
        (("memory", CACHED), ("vector", "ours"), "environment steps", moved),
    ):
        if bound not in sides:
            continue
        machine = {name: sides[bound][name] for name in machine}
        most = 1e9 / each * sides[bound]["median"]
        found.append((f"{thing}, at most", most, f"{thing}/s"))
        if ours in sides:
            found.append((f"{thing}, share reached", 100 * sides[ours]["median"] / most, "%"))
    common = {"contest": NAME, "repeat": 0, "at_least": False} | machine
    return [common | {"side": side, "value": value, "unit": unit} for side, value, unit in found]


def _layers(config: HerRun) -> list[tuple[int, int, int]]:
    """Batch, inputs and outputs of each layer of an mlp."""
    widths = (2 * config.n, *config.hidden, config.n)
    return [(config.batch_size, below, above) for below, above in itertools.pairwise(widths)]


def _products(shapes: Sequence[tuple[int, int, int]]) -> Side:
    pairs = [(th.randn(rows, inner), th.randn(inner, columns)) for rows, inner, columns in shapes]
    trios = [(left, right, left @ right) for left, right in pairs]
    flops = sum(2.0 * rows * inner * columns for rows, inner, columns in shapes)

    def once() -> None:
        for left, right, out in trios:
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
    return lambda _: rate(chunk, 0.3, each)
