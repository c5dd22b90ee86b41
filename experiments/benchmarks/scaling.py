"""How cost grows, as data: panels of curves over n, capacity, copies and batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from experiments.benchmarks import environments, solving
from experiments.benchmarks.learners import sampling, setting, updating
from experiments.benchmarks.measuring import Contest, Repeat, Side, measure
from experiments.benchmarks.solving import STOCK


@dataclass(frozen=True)
class Curve:
    """One line of a panel: what is measured at each of its places."""

    side: Callable[[int], Side]
    places: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One picture: its curves are measured in turn at each place that they share."""

    name: str
    title: str
    along: str
    """What the x axis counts."""
    unit: str
    curves: Mapping[str, Curve] = field(default_factory=dict)
    repeats: int = 3


_COPIES = (1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536)
_LENGTHS = (10, 30, 100, 300, 1_000, 3_000, 10_000)
_CAPACITIES = (1_000, 10_000, 100_000, 1_000_000)
_BATCHES = (32, 128, 512, 2_048, 8_192)
_SOLVED = {"mlp": (5, 10, 20, 30, 40, 50), "equivariant": (10, 30, 50, 100, 200, 500, 1_000)}
_SECONDS = 0.25


def _solving(column: str) -> dict[str, Curve]:
    return {
        f"HER, {network}": Curve(
            lambda n, network=network: solving.solving(network, n, column),  # type: ignore[misc]
            places,
        )
        for network, places in _SOLVED.items()
    }


PANELS: tuple[Panel, ...] = (
    Panel(
        name="copies",
        title="Environment: copies, n = 30",
        along="copies",
        unit="env steps/s",
        curves={
            "this project": Curve(lambda k: environments.vector(k, 30, _SECONDS), _COPIES),
            "stock SB3": Curve(lambda k: environments.sb3_vector(k, 30, _SECONDS), _COPIES[:6]),
        },
    ),
    Panel(
        name="length",
        title="Environment: bits",
        along="n (bits)",
        unit="env steps/s",
        curves={
            "this project": Curve(lambda n: environments.vector(1_024, n, _SECONDS), _LENGTHS),
            "stock SB3": Curve(lambda n: environments.sb3_vector(64, n, _SECONDS), _LENGTHS),
        },
    ),
    Panel(
        name="sample",
        title="Hindsight buffer: capacity",
        along="slots",
        unit="ms",
        curves={
            "this project": Curve(lambda size: sampling(setting(), size, _SECONDS), _CAPACITIES),
            "stock SB3": Curve(
                lambda size: sampling(setting(**STOCK), size, _SECONDS), _CAPACITIES
            ),
        },
    ),
    Panel(
        name="batch",
        title="Updates: batch, n = 30, [256]",
        along="batch",
        unit="updates/s",
        curves={
            "this project": Curve(lambda size: updating(setting(batch_size=size), 0.7), _BATCHES),
            "stock SB3": Curve(
                lambda size: updating(setting(batch_size=size, **STOCK), 0.7), _BATCHES
            ),
        },
    ),
    Panel(
        name="seconds",
        title="Seconds to solve",
        along="n (bits)",
        unit="s",
        curves=_solving("seconds_to_solve"),
    ),
    Panel(
        name="steps",
        title="Environment steps to solve",
        along="n (bits)",
        unit="environment steps",
        curves=_solving("env_steps_to_solve"),
    ),
)


def measured(panel: Panel, repeats: int | None = None) -> Iterator[tuple[int, Repeat]]:
    """Every place of a panel's curves, with its repeats.

    Args:
        panel: What to measure.
        repeats: Instead of the panel's own number.
    """
    for place in sorted({x for curve in panel.curves.values() for x in curve.places}):

        def sides(place: int = place) -> dict[str, Side]:
            here = panel.curves.items()
            return {name: curve.side(place) for name, curve in here if place in curve.places}

        contest = Contest(name=panel.name, unit=panel.unit, sides=sides, repeats=panel.repeats)
        for repeat in measure(contest, repeats):
            yield place, repeat
