"""What comes before the learning, where a run asks for it: a first success."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dask.system import cpu_count

from experiments.config.task import Task
from experiments.evaluation.looks import Looks
from experiments.methods import first_success
from experiments.methods.learner import Learner
from experiments.search.search import Outcome, Progress, search


@dataclass(frozen=True)
class Means:
    """What a process lends to a search: it changes no result, and is in no run's name."""

    threads: int | None = None
    """None: one for each core that this process may use."""
    anyway: bool = False
    """Also search where it is expected to take more than a day."""
    on_progress: Callable[[Progress], None] | None = None


def begin(run: Any, learner: Learner, looks: Looks, means: Means) -> Outcome | None:
    """Do what comes before the learning.

    A search that is killed has counted nothing: its run is unfinished, and begins anew, to find the
    same.

    Args:
        run: Any.
        learner: Is given the success that there is.
        looks: Are told what it took.
        means: Of a search.

    Returns:
        How the search ended, where there was one.
    """
    match run.begins_with:
        case "search":
            ended = search(
                run.game,
                run.seed,
                threads=means.threads or int(cpu_count()),
                budget=run.search_budget_env_steps,
                device=run.device,
                anyway=means.anyway,
                on_progress=means.on_progress,
            )
            found = ended.episode
            looks.searched(ended.env_steps, ended.episodes, ended.seconds, found is not None)
            if found is not None:
                start = first_success.unpacked(found.start, run.n)
                learner.given(first_success.played(Task.of(run), start, found.actions))
            return ended
        case "success":
            looks.searched(0, 0, 0.0, found=True)
            learner.given(first_success.played(Task.of(run), *first_success.drawn(run.n, run.seed)))
    return None


def provenance(ended: Outcome) -> dict[str, Any]:
    """What a search was made with, and what it made beyond its count."""
    names = ("backend", "threads", "rate", "surplus_env_steps")
    return {name: getattr(ended, name) for name in names}


def in_words(so_far: Progress) -> str:
    """How far a search is, for a person."""
    return (
        f"search {so_far.rate:.2g} steps/s, {so_far.share:.0%} of 2^{so_far.game.counted_bits}, "
        f"{so_far.chance:.0%} to be done by now"
    )
