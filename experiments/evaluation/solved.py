"""What a learning curve says: solved, held, and from when on; a measure that luck does not pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from experiments.config.run_settings import FLIP, SOLVED_FROM
from experiments.records.schema import HELD_FROM


@dataclass(frozen=True)
class Verdict:
    """What the looks of one run say of it; rows are those of its curve."""

    solved: bool
    """The last look is good, and so are at least 9 in 10 of the second half of the budget."""
    held_share: float
    """Of the looks in the second half, the last included, the share that is good."""
    since: dict[str, Any] | None
    """The first good look from which on at least 9 in 10 are, where solved."""
    first_pass: dict[str, Any] | None
    """The first single look that is good: luck has it too."""


def judge(
    curve: Sequence[dict[str, Any]], budget: int, solved_from: float = SOLVED_FROM[FLIP]
) -> Verdict:
    """The verdict on a run.

    Args:
        curve: At least one row, by ascending ``env_steps``; the last is the look at the end.
        budget: Environment steps that the run had; one that used less is judged by its end.
        solved_from: Success rate from which on a look is good.
    """
    good = [row["success_rate"] >= solved_from for row in curve]
    looks = zip(curve, good, strict=True)
    late = [is_good for row, is_good in looks if row["env_steps"] >= budget / 2]
    held = _share(late or good[-1:])
    solved = good[-1] and held >= HELD_FROM
    passes = [place for place, is_good in enumerate(good) if is_good]
    lasting = (place for place in passes if _share(good[place:]) >= HELD_FROM)
    return Verdict(
        solved=solved,
        held_share=held,
        since=curve[next(lasting)] if solved else None,
        first_pass=curve[passes[0]] if passes else None,
    )


def _share(good: Sequence[bool]) -> float:
    return sum(good) / len(good)
