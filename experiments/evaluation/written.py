"""What a stochastic policy writes: its own chance of being right, exact, and how much it varies."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from bitseq_env.rules import OPEN
from experiments.config.task import Task
from experiments.evaluation import greedy
from experiments.evaluation.greedy import Bits, Policy

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
LogProbs = Callable[[Bits, Bits], Floats]
"""(batch, n) states and goals -> (batch, actions) log-probabilities of the next word."""

SAMPLES = 512_000
"""Strings that tell how much a policy varies, as in Hu et al. (2024)."""
MOST_FREE_BITS = 12
"""With more of them nobody lists all right strings."""
_AT_ONCE = 2**20
"""Logits of all steps of so many strings, as a policy may compute those of the whole string."""


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
    return np.exp(_log_chances(log_probs, task, goals, goals, task.n - task.free_bits))


def diversity(policy: Policy, task: Task, seed: int) -> dict[str, Any]:
    """How much a trained policy varies, where several strings are right.

    Args:
        policy: One that is no :class:`experiments.evaluation.greedy.Writer` writes one string.
        task: With one target.
        seed: Of the strings that are sampled.

    Returns:
        Columns of a run: how many strings were sampled, how many of them are wrong, how many
        different right ones are among them, and KL(uniform over all right ones || policy) in nats,
        exact; None where it is infinite. Nothing where one string is right, where there are more
        than can be listed, and where goals change.
    """
    if not 0 < task.free_bits <= MOST_FREE_BITS or task.goal_mode != "fixed":
        return {}
    env = greedy.evaluation_env(task, seed)
    goal: Bits = env.reset(seed=seed)[0]["desired_goal"][:1]
    env.close()
    if isinstance(policy, greedy.Writer):
        rng = np.random.default_rng(seed)
        strings, counts = sampled(policy.log_probs, task, goal, SAMPLES, rng)
        exact = kl_to_uniform(policy.log_probs, task, goal)
        divergence = exact if math.isfinite(exact) else None
    else:
        divergence = None
        strings, counts = _greedy(policy, task, goal), np.ones(1, np.int64)
    counting = task.n - task.free_bits
    right = (strings[:, :counting] == goal[:, :counting]).all(axis=1)
    return {
        "samples": int(counts.sum()),
        "wrong_samples": int(counts[~right].sum()),
        "right_strings": int(right.sum()),
        "kl_to_uniform": divergence,
    }


def sampled(
    log_probs: LogProbs, task: Task, goal: Bits, count: int, rng: np.random.Generator
) -> tuple[Bits, Counts]:
    """Strings that a policy writes for (1, n) goals: (different, n), and (different,) how often.

    The law is that of so many strings, each written alone; those that begin alike share the work.
    """
    strings = np.full((1, task.n), OPEN, dtype=np.int8)
    counts = np.array([count])
    for begin in range(0, task.n, task.word_size):
        shares = np.exp(_in_parts(log_probs, task, strings, goal.repeat(len(strings), axis=0)))
        split = rng.multinomial(counts, shares / shares.sum(axis=1, keepdims=True))
        before, words = np.nonzero(split)
        strings, counts = strings[before], split[before, words]
        strings[:, begin : begin + task.word_size] = task.bits(words)
    return strings, counts


def kl_to_uniform(log_probs: LogProbs, task: Task, goal: Bits) -> float:
    """KL(uniform over the 2^free_bits right strings || policy) in nats, by listing them all.

    Args:
        log_probs: Of the policy.
        task: Where strings are written.
        goal: (1, n).
    """
    free = np.arange(task.free_bits)[::-1]
    right = goal.repeat(2**task.free_bits, axis=0)
    right[:, task.n - task.free_bits :] = np.arange(len(right))[:, None] >> free & 1
    goals = goal.repeat(len(right), axis=0)
    logs = _log_chances(log_probs, task, right, goals, task.n)
    return max(0.0, float(-logs.mean() - np.log(len(right))))


def _log_chances(
    log_probs: LogProbs, task: Task, strings: Bits, goals: Bits, counting: int
) -> Floats:
    """Log-probabilities that the first bits of what is written are those of strings, (batch,)."""
    size = task.word_size
    total = np.zeros(len(strings))
    words = np.arange(task.actions)
    for begin in range(0, counting, size):
        states = strings.copy()
        states[:, begin:] = OPEN
        free = max(0, begin + size - counting)  # of this word
        wanted = task.words(strings[:, begin : begin + size])
        right = words[None] >> free == wanted >> free
        logs = _in_parts(log_probs, task, states, goals)
        total += np.logaddexp.reduce(np.where(right, logs, -np.inf), axis=1)
    return total


def _in_parts(log_probs: LogProbs, task: Task, states: Bits, goals: Bits) -> Floats:
    """The policy's answers, asked for so many states at once that memory suffices."""
    count = max(1, _AT_ONCE // (task.max_steps * task.actions))
    parts = range(0, max(1, len(states)), count)
    return np.concatenate([log_probs(states[i : i + count], goals[i : i + count]) for i in parts])


def _greedy(policy: Policy, task: Task, goal: Bits) -> Bits:
    """The (1, n) string that a policy writes without randomness."""
    string = np.full((1, task.n), OPEN, dtype=np.int8)
    for begin in range(0, task.n, task.word_size):
        string[:, begin : begin + task.word_size] = task.bits(policy(string, goal))
    return string
