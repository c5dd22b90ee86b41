"""The dithering line: how long a uniform random policy waits for its first reward, exactly.

All states at one Hamming distance from the target look alike to a policy that flips a random
bit, so that its episodes are a Markov chain on the distances 0..n: from distance d a step goes to
d - 1 with probability d/n and to d + 1 otherwise (the Ehrenfest urn). Probabilities are kept as
logarithms, as they fall below the smallest float from n of about 1,000.
"""

from __future__ import annotations

import functools
import math
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]
Start = Literal["random", "zeros"]
GoalMode = Literal["fixed", "random"]

_LARGEST_LOG = math.log(np.finfo(np.float64).max)


def dithering_episodes(
    n: int,
    max_steps: int | None = None,
    start: Start = "random",
    goal_mode: GoalMode = "fixed",
) -> float:
    """Expected number of episodes of a uniform random policy until its first reward.

    With a start of its own for each episode, or a goal of its own, episodes are independent and
    the number is 1/P(an episode arrives within its horizon). With ``start`` "zeros" and a fixed
    target all episodes begin at the same distance d: the number is the mean of 1/P(arrive | d)
    over targets drawn uniformly from the nonzero strings. That mean is larger, and infinite where
    the horizon is too short for some of them.

    Args:
        n: Bits.
        max_steps: Horizon in steps; n if it is None.
        start: "random" (uniform over all states but the target) or "zeros".
        goal_mode: "fixed" (one target for all episodes) or "random" (one for each).

    Returns:
        Episodes, the first rewarded one included; ``inf`` only beyond the range of a float.

    Raises:
        ValueError: If an argument is not what is allowed.
    """
    return _expected(n, max_steps, start, goal_mode, in_steps=False)


def dithering_env_steps(
    n: int,
    max_steps: int | None = None,
    start: Start = "random",
    goal_mode: GoalMode = "fixed",
) -> float:
    """Expected environment steps of a uniform random policy up to its first reward.

    Episodes end on arriving or at the horizon. By Wald's identity this is the expected number of
    episodes times the mean length of one.

    Args:
        n: Bits.
        max_steps: Horizon in steps; n if it is None.
        start: As in :func:`dithering_episodes`.
        goal_mode: As in :func:`dithering_episodes`.

    Returns:
        Steps, the rewarded one included; ``inf`` only beyond the range of a float.

    Raises:
        ValueError: If an argument is not what is allowed.
    """
    return _expected(n, max_steps, start, goal_mode, in_steps=True)


def writing_episodes(n: int, free_bits: int = 0) -> float:
    """Expected episodes of a uniform policy until it writes a right string, 2^(n - free_bits).

    Args:
        n: Bits.
        free_bits: Of them that do not matter.

    Returns:
        Episodes; ``inf`` only beyond the range of a float.
    """
    bits = _count("n", n) - free_bits
    return math.ldexp(1.0, bits) if bits < 1024 else math.inf


def optimal_mean_steps(n: int) -> float:
    """Mean steps of an optimal policy: the mean Hamming distance of a start that is not the target.

    The same for random starts, and for a zeros start with targets drawn from the nonzero strings.

    Args:
        n: Bits.

    Returns:
        Steps: n/2 over 1 - 2**-n.

    Raises:
        ValueError: If n is not a whole number of at least 1.
    """
    return _count("n", n) / 2 / -math.expm1(-n * math.log(2))


def _expected(
    n: int, max_steps: int | None, start: str, goal_mode: str, *, in_steps: bool
) -> float:
    n = _count("n", n)
    horizon = n if max_steps is None else _count("max_steps", max_steps)
    for name, value, allowed in (
        ("start", start, ("random", "zeros")),
        ("goal_mode", goal_mode, ("fixed", "random")),
    ):
        if value not in allowed:
            raise ValueError(f"{name} must be one of {allowed}, got {value!r}")
    # A uniform start makes each visited state uniform, so that P <= horizon / (2**n - 1): here
    # 1/P is beyond any float, and the chain need not be run (Jensen: nor for the mean of 1/P).
    if (n - 1) * math.log(2) - math.log(horizon) > _LARGEST_LOG:
        return math.inf
    log_arrive, length = _chain(n, horizon)
    distances = np.arange(1, n + 1)
    log_weight = (
        special.gammaln(n + 1) - special.gammaln(distances + 1) - special.gammaln(n - distances + 1)
    )
    log_weight -= n * math.log(2) + math.log1p(-(0.5**n))
    log_unit = np.log(length) if in_steps else np.zeros(n)
    if start == "zeros" and goal_mode == "fixed":
        log_mean = special.logsumexp(log_weight + log_unit - log_arrive)
    else:
        log_mean = special.logsumexp(log_weight + log_unit)
        log_mean -= special.logsumexp(log_weight + log_arrive)
    return math.exp(log_mean) if log_mean < _LARGEST_LOG else math.inf


@functools.lru_cache(maxsize=256)
def _chain(n: int, horizon: int) -> tuple[Floats, Floats]:
    """For distances 1..n at the start: log P(arrive within the horizon), and mean length.

    Returns:
        Two arrays of shape (n,).
    """
    distance = np.arange(1, n + 1)
    with np.errstate(divide="ignore"):  # from distance n there is no way further out
        log_nearer, log_farther = np.log(distance / n), np.log1p(-distance / n)
    log_arrive = np.full(n + 2, -np.inf)  # by distance 0..n, and n + 1, which nobody reaches
    log_arrive[0] = 0.0
    length = np.zeros(n)
    for _ in range(horizon):
        length -= np.expm1(log_arrive[1:-1])  # the episode goes on unless it has arrived
        log_arrive[1:-1] = np.logaddexp(log_nearer + log_arrive[:-2], log_farther + log_arrive[2:])
    return log_arrive[1:-1].copy(), length


def _count(name: str, value: Any) -> int:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
    return int(value)
