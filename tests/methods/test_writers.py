"""Policies that write strings: one pass over a string, word by word, and all strings together."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch as th

from experiments.config import registry
from experiments.config.run import RunConfig
from experiments.config.run_settings import APPEND
from experiments.config.task import Task
from experiments.evaluation import written
from experiments.methods.gflownet.exact import (
    log_chance_right,
    log_chances,
    trajectory_balance,
)
from experiments.methods.gflownet.learner import WritingPolicy
from experiments.methods.networks.writers import Writer, as_words, bits_of

N = 6
WRITERS = pytest.mark.parametrize("network", ["mlp", "transformer"])
SHAPES = pytest.mark.parametrize(
    ("word_size", "sees_target"), [(1, True), (1, False), (2, True), (3, False), (6, True)]
)


def writer_of(network: str, word_size: int = 1, sees_target: bool = True) -> Writer:
    """One whose last layer is drawn too, as they begin uniform."""
    th.manual_seed(1)
    writer: Any = registry.load(registry.network(network).writer)(
        N, word_size, (16, 8), sees_target
    )
    with th.no_grad():
        writer.head.weight.normal_()
        getattr(writer, "written", writer.head.bias).normal_()
    return writer.requires_grad_(False)  # type: ignore[no-any-return]


def all_strings() -> th.Tensor:
    return th.tensor([*itertools.product((0, 1), repeat=N)], dtype=th.int8)


def same_goal(writer: Writer, count: int) -> th.Tensor | None:
    goal = th.tensor([1, 0, 0, 1, 1, 1], dtype=th.int8).expand(count, -1)
    return goal if writer.sees_target else None


@WRITERS
@SHAPES
def test_all_strings_have_a_chance_and_together_one(
    network: str, word_size: int, sees_target: bool
) -> None:
    writer, strings = writer_of(network, word_size, sees_target), all_strings()
    logs = log_chances(writer, strings, same_goal(writer, len(strings)))
    assert float(logs.exp().sum()) == pytest.approx(1, abs=1e-5)
    assert float(logs.std()) > 0.1


@WRITERS
@SHAPES
def test_word_by_word_is_the_same_as_one_pass(
    network: str, word_size: int, sees_target: bool
) -> None:
    writer, strings = writer_of(network, word_size, sees_target), all_strings()
    goals = strings.flip(0) if sees_target else None
    at_once = writer(strings, goals)
    words = as_words(strings, word_size)
    logits, memory = writer.begin(len(strings), goals)
    for step in range(writer.steps):
        th.testing.assert_close(logits, at_once[:, step], rtol=1e-4, atol=1e-5)
        if step + 1 < writer.steps:
            logits, memory = writer.go_on(memory, step, words[:, step])


@WRITERS
def test_no_word_depends_on_a_later_one_and_the_goal_matters(network: str) -> None:
    writer = writer_of(network, 2)
    string, goal = th.zeros(1, N, dtype=th.int8), th.ones(1, N, dtype=th.int8)
    for bit in range(N):
        other = string.clone()
        other[0, bit] = 1
        differs = (writer(string, goal) != writer(other, goal)).any(2)[0]
        assert not differs[: bit // 2 + 1].any()
        assert differs[bit // 2 + 1 :].all()
    assert (writer(string, goal) != writer(string, string)).any(2).all()


@WRITERS
def test_it_begins_uniform(network: str) -> None:
    writer = registry.load(registry.network(network).writer)(N, 2, (16,), False)
    logs = log_chances(writer, all_strings(), None)
    assert logs.tolist() == pytest.approx([-N * math.log(2)] * 2**N)


def test_words_and_bits() -> None:
    bits = th.tensor([[1, 1, 0, 0, 0, 1]], dtype=th.int8)
    assert as_words(bits, 3).tolist() == [[6, 1]]
    assert bits_of(as_words(bits, 3), 3).flatten(1).tolist() == bits.tolist()


@WRITERS
@pytest.mark.parametrize(
    ("word_size", "free_bits"), [(1, 0), (1, 4), (2, 3), (3, 1), (3, 4), (6, 5)]
)
def test_free_bits_are_summed_out(network: str, word_size: int, free_bits: int) -> None:
    """Also where a word has bits of both kinds; and as the evaluation does for any policy."""
    writer, strings = writer_of(network, word_size), all_strings()
    targets = strings[[5, 41]]
    expected, divergences = [], []
    for target in targets:
        chances = log_chances(writer, strings, target.expand(len(strings), -1)).exp()
        right = (strings[:, : N - free_bits] == target[: N - free_bits]).all(1)
        assert int(right.sum()) == 2**free_bits
        expected.append(float(chances[right].sum()))
        logs = chances[right].double().log()
        kl = float(-free_bits * math.log(2) - logs.mean())
        divergences.append(kl)
    found = log_chance_right(writer, targets, free_bits, targets).exp().tolist()
    assert found == pytest.approx(expected, rel=3e-5)

    run = RunConfig.of(method="dqn", env=APPEND, n=N, word_size=word_size, free_bits=free_bits)
    policy = WritingPolicy(writer, free_bits)
    assert policy.chances(targets.numpy()).tolist() == pytest.approx(expected, rel=3e-5)

    task = Task.of(run)
    others = written.chances(policy.log_probs, task, targets.numpy())
    assert others.tolist() == pytest.approx(expected, rel=3e-5)
    found = [written.kl_to_uniform(policy.log_probs, task, goal[None]) for goal in targets.numpy()]
    assert found == pytest.approx(divergences, abs=1e-5)


@WRITERS
@pytest.mark.parametrize("sees_target", [True, False])
def test_it_acts_by_the_likeliest_word(network: str, sees_target: bool) -> None:
    writer = writer_of(network, 2, sees_target)
    goals = np.array([[0, 1, 0, 0, 1, 1]] * 3, dtype=np.int8)
    states = np.array([[2] * 6, [1, 0, 2, 2, 2, 2], [1, 1, 0, 1, 2, 2]], dtype=np.int8)
    actions = WritingPolicy(writer, 0)(states, goals)
    strings = th.from_numpy(np.where(states == 2, 1, states))
    logits = writer(strings, th.from_numpy(goals) if sees_target else None)
    assert actions.tolist() == [int(logits[row, row].argmax()) for row in range(3)]


def test_balance_is_where_chances_are_as_rewards() -> None:
    """Zero, with log Z that of all rewards, and nowhere else."""
    epsilon, strings = 1e-3, 2**N
    rewards = th.full((strings,), epsilon, dtype=th.float64)
    rewards[[3, 9]] = 1
    total = rewards.sum()
    balanced = (rewards / total).log()
    assert float(trajectory_balance(total.log(), balanced, rewards.log())) < 1e-24
    assert float(trajectory_balance(total.log() + 1, balanced, rewards.log())) == pytest.approx(1)
    uniform = th.full_like(rewards, 1 / strings).log()
    assert float(trajectory_balance(total.log(), uniform, rewards.log())) > 1
