"""What sweeps are made of: a block is the product of its settings."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from experiments.config.errors import ConfigError
from experiments.config.run import RunConfig

Block = Mapping[str, tuple[Any, ...]]


def seeds(count: int) -> tuple[int, ...]:
    """Seeds 0, 1, ..."""
    return tuple(range(count))


def plan(blocks: Iterable[Block], overrides: Mapping[str, tuple[Any, ...]]) -> list[RunConfig]:
    """Every run of a sweep, resolved and checked, each once.

    Args:
        blocks: The sweep.
        overrides: Settings that replace a block's own, field by field.

    Raises:
        ConfigError: If a combination cannot make a run, or there is none.
    """
    runs: dict[str, RunConfig] = {}
    for block in blocks:
        axes = {**block, **overrides}
        for values in itertools.product(*axes.values()):
            config = RunConfig.of(**dict(zip(axes, values, strict=True)))
            runs.setdefault(config.run_id, config)
    if not runs:
        raise ConfigError("the sweep has no runs: name at least one n and one seed")
    return list(runs.values())
