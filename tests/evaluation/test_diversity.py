"""How much a policy varies: what is sampled of it, and what it leaves out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from experiments.config.run import RunConfig
from experiments.config.run_settings import APPEND
from experiments.config.task import Task
from experiments.evaluation import written

N = 4


def task_of(**further: Any) -> Task:
    settings = {"method": "dqn", "env": APPEND, "n": N, "target": "0110", **further}
    return Task.of(RunConfig.of(**settings))


class Biased:
    """Writes 1 with a chance of its own at each step, whatever was written."""

    def __init__(self, ones: list[float], word_size: int = 1) -> None:
        self.ones, self.word_size = np.array(ones), word_size

    def __call__(self, state: Any, goal: Any) -> Any:
        return self.log_probs(state, goal).argmax(axis=1)

    def log_probs(self, state: Any, goal: Any) -> Any:
        del goal
        begun = int((state[0] != 2).sum())
        logs = np.zeros((len(state), 2**self.word_size))
        for place in range(self.word_size):
            bit = np.arange(2**self.word_size) >> (self.word_size - 1 - place) & 1
            one = self.ones[begun + place]
            with np.errstate(divide="ignore"):
                logs += np.log(np.where(bit, one, 1 - one))
        return logs

    def chances(self, goal: Any) -> Any:
        return np.zeros(len(goal))


@pytest.mark.parametrize("word_size", [1, 2, 4])
def test_strings_are_sampled_by_the_policys_own_law(word_size: int) -> None:
    ones, count = [0.2, 0.5, 0.9, 0.6], 20_000
    policy, goal = Biased(ones, word_size), np.zeros((1, N), dtype=np.int8)
    rng = np.random.default_rng(0)
    strings, counts = written.sampled(
        policy.log_probs, task_of(word_size=word_size), goal, count, rng
    )
    assert counts.sum() == count
    assert len(np.unique(strings, axis=0)) == len(strings) == 2**N
    chances = np.where(strings, ones, 1 - np.array(ones)).prod(axis=1)
    assert stats.chisquare(counts, chances * count).pvalue > 1e-3


def test_what_a_policy_writes_of_what_is_right() -> None:
    """0110 with two free bits: 01 is right."""
    task = task_of(free_bits=2)
    uniform = written.diversity(Biased([0, 1, 0.5, 0.5]), task, 0)
    assert uniform == {
        "samples": written.SAMPLES,
        "wrong_samples": 0,
        "right_strings": 4,
        "kl_to_uniform": pytest.approx(0, abs=1e-12),
    }
    some = written.diversity(Biased([0.25, 1, 0.5, 0.9]), task, 0)
    wrong = stats.binomtest(some["wrong_samples"], written.SAMPLES, 0.25)
    assert wrong.pvalue > 1e-3
    logs = np.log([0.75 * 0.5 * 0.1, 0.75 * 0.5 * 0.9])
    assert some["kl_to_uniform"] == pytest.approx(-logs.mean() - np.log(4))
    assert some["right_strings"] == 4


def test_one_that_is_not_stochastic_writes_one_string() -> None:
    for wanted, right in (("0111", 1), ("1110", 0)):
        word = [int(bit) for bit in wanted]

        def act(state: Any, goal: Any, word: list[int] = word) -> Any:
            del goal
            return np.array([word[int((row != 2).sum())] for row in state])

        found = written.diversity(act, task_of(free_bits=2), 0)
        assert found == {
            "samples": 1,
            "wrong_samples": 1 - right,
            "right_strings": right,
            "kl_to_uniform": None,
        }


@pytest.mark.parametrize(
    "further",
    [
        {},
        {"n": 20, "target": "", "free_bits": 13},
        {"free_bits": 2, "target": "", "goal_mode": "random"},
    ],
)
def test_nothing_is_said_where_there_is_nothing_to_list(further: dict[str, Any]) -> None:
    assert written.diversity(Biased([0.5] * 20), task_of(**further), 0) == {}
