"""What a stochastic policy writes: its own chance of being right, exact."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from bitseq_env.rules import OPEN
from experiments.config.task import Task
from experiments.evaluation.greedy import Bits

Floats = npt.NDArray[np.float64]
LogProbs = Callable[[Bits, Bits], Floats]
"""(batch, n) states and goals -> (batch, actions) log-probabilities of the next word."""


def chances(log_probs: LogProbs, task: Task, goals: Bits) -> Floats:
    """The probability that what a policy writes is right, whatever its free bits are.

    A string is written in one way, so that its probability is the product of those of its words;
    words that agree in all bits that count are added up.

    Args:
        log_probs: Of the policy.
        task: Where strings are written.
        goals: (batch, n).

    Returns:
        (batch,) probabilities.
    """
    size = task.word_size
    counting = task.n - task.free_bits
    total = np.zeros(len(goals))
    words = np.arange(task.actions)
    for begin in range(0, counting, size):
        states = goals.copy()
        states[:, begin:] = OPEN
        free = max(0, begin + size - counting)  # of this word
        wanted = goals[:, begin : begin + size].astype(np.int64) @ (1 << np.arange(size)[::-1])
        right = words[None] >> free == wanted[:, None] >> free
        total += np.logaddexp.reduce(np.where(right, log_probs(states, goals), -np.inf), axis=1)
    return np.exp(total)
