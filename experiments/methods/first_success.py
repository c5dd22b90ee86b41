"""The first success of a uniform policy, as a learner is given it: found by a search, or drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.config.streams import Stream, generator
from experiments.config.task import Task

Bits = npt.NDArray[np.int8]
Actions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Episode:
    """A whole episode that reached its target, as the environment tells it."""

    states: Bits
    """(steps + 1, n), the last of them right; 2 in a string stands for what is not written."""
    goal: Bits
    """(n,)."""
    actions: Actions
    """(steps,)."""
    rewards: npt.NDArray[np.float32]
    """(steps,)."""
    terminated: npt.NDArray[np.bool_]
    """(steps,) whether no value follows."""


def drawn(n: int, seed: int) -> tuple[Bits, Actions]:
    """A first success of the uniform policy that nobody searched for.

    Draw a uniform episode of n steps and a t in 1..n, call its state at t the target, cut there,
    and draw again if that state was visited before. This is the law of a uniform policy's first
    rewarded episode: for one target both give each path of t <= n steps that arrives with its last
    step, and not before, a chance in proportion to n^-t. There the start is one of 2^n - 1 alike;
    here it follows from the target, and each t has the chance 1/n.

    Args:
        n: Bits.
        seed: The run's.

    Returns:
        Where the start differs from the target, (n,), and the actions, (t,).
    """
    rng = generator(seed, Stream.FIRST_SUCCESS)
    while True:
        actions: Actions = rng.integers(n, size=rng.integers(1, n + 1))
        # Differences from the target at each step, in the end none: the flips that are to come.
        flips = np.eye(n, dtype=np.int8)[actions]
        differs: Bits = np.cumsum(flips[::-1], axis=0)[::-1].astype(np.int8) & 1
        if differs.any(axis=1).all():
            return differs[0], actions


def unpacked(word: int, n: int) -> Bits:
    """A packed state, bit i that of action i, as (n,) bits."""
    return np.array([word >> bit & 1 for bit in range(n)], dtype=np.int8)


def played(task: Task, differs: Bits, actions: Actions) -> Episode:
    """An episode in the environment itself.

    Args:
        task: With one target.
        differs: (n,) where the start differs from the target; where a string is written, which
            begins empty, all of it.
        actions: (steps,) the bits that are flipped; what is written has its words in their place.

    Raises:
        RuntimeError: If it does not arrive with its last step and not before: what was found is
            none of the environment's successes.
    """
    env: Any = task.single_env()
    try:
        goal: Bits = env.reset(seed=task.seed)[0]["desired_goal"]
        first = goal ^ differs
        if task.writes:
            actions = task.words(first)
        observation, _ = env.reset(options=None if task.writes else {"state": first})
        states, told = [observation["observation"]], []
        for action in actions.tolist():
            observation, reward, terminated, truncated, info = env.step(action)
            states.append(observation["observation"])
            told.append((reward, terminated))
            if terminated or truncated:
                break
        if len(told) < len(actions) or not info["is_success"]:
            raise RuntimeError(
                f"an episode of {len(actions)} steps was to reach the target with its last one; in "
                f"the environment it ended after {len(told)}, without success"
            )
    finally:
        env.close()
    rewards, ends = zip(*told, strict=True)
    return Episode(
        states=np.array(states),
        goal=goal,
        actions=actions,
        rewards=np.array(rewards, dtype=np.float32),
        terminated=np.array(ends),
    )
