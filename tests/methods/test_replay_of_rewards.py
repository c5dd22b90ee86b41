"""Replay that keeps its successes, and replay by priority: what is kept, and what is drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch as th
from gymnasium import spaces

from experiments.methods.dqn.prioritized import PrioritizedReplayBuffer, SumTree
from experiments.methods.dqn.rewarded import RewardedReplayBuffer
from experiments.methods.dqn.updates import Minibatch
from experiments.methods.first_success import Episode
from experiments.methods.networks.base import goal_space

N, COPIES = 4, 3


def buffer_of(kind: Any, size: int, copies: int = COPIES, **own: Any) -> Any:
    return kind(size, goal_space(N), spaces.Discrete(N), device="cpu", n_envs=copies, **own)


class Story:
    """Steps of some copies, written down as they are told; every transition has its own state."""

    def __init__(self, buffer: Any, copies: int = COPIES) -> None:
        self.buffer = buffer
        self.copies = copies
        self.steps = 0
        self.open: list[list[int]] = [[] for _ in range(copies)]
        self.kept: list[list[int]] = []
        """The rewarded episodes so far, each as the numbers of its transitions."""

    def step(self, *, ends: tuple[int, ...] = (), arrives: tuple[int, ...] = ()) -> None:
        """One step of every copy; some episodes end, some of these at the target."""
        done = np.isin(np.arange(self.copies), [*ends, *arrives])
        success = np.isin(np.arange(self.copies), arrives)
        numbers = self.steps * self.copies + np.arange(self.copies)
        state = np.zeros((self.copies, N), dtype=np.int8)
        observation = {"achieved_goal": state, "desired_goal": state}
        infos = [
            {"is_success": bool(s), "TimeLimit.truncated": not s} if d else {}
            for d, s in zip(done, success, strict=True)
        ]
        # The reward is the transition's number: it comes back with it.
        rewards = numbers.astype(np.float32)
        self.buffer.add(observation, observation, np.zeros(self.copies), rewards, done, infos)
        self.steps += 1
        for copy in range(self.copies):
            self.open[copy].append(int(numbers[copy]))
            if done[copy]:
                self.kept += [self.open[copy]] if success[copy] else []
                self.open[copy] = []


def drawn_numbers(buffer: Any, size: int) -> npt.NDArray[np.int64]:
    numbers: npt.NDArray[np.int64] = buffer.sample(size).rewards.numpy().ravel().astype(np.int64)
    return numbers


def told(buffer: Any, steps: int, seed: int, copies: int = COPIES) -> Story:
    story, rng = Story(buffer, copies), np.random.default_rng(seed)
    for _ in range(steps):
        fate = rng.choice(3, size=copies, p=[0.6, 0.2, 0.2])
        copies_of = [tuple(np.flatnonzero(fate == k).tolist()) for k in (1, 2)]
        story.step(ends=copies_of[0], arrives=copies_of[1])
    return story


def test_before_the_first_success_all_is_uniform() -> None:
    buffer = buffer_of(RewardedReplayBuffer, 300, share=0.5)
    story = Story(buffer)
    for ends in ((), (0,), (1, 2)):
        story.step(ends=ends)
    counts = np.bincount(drawn_numbers(buffer, 9_000), minlength=9)
    assert counts.min() > 800
    assert len(counts) == 9


@pytest.mark.parametrize("share", [0.125, 0.5])
def test_a_share_of_each_minibatch_is_from_rewarded_episodes(share: float) -> None:
    buffer = buffer_of(RewardedReplayBuffer, 3_000, share=share)
    story = Story(buffer)
    for step in range(100):
        story.step(ends=(0, 1, 2) if step % 10 == 9 and step != 29 else ())
        if step == 28:
            story.step(ends=(0, 2), arrives=(1,))
    (kept,) = story.kept
    draw = drawn_numbers(buffer, 8_000)
    first = round(share * 8_000)
    counts = np.bincount(draw[:first], minlength=303)[kept]
    assert set(draw[:first]) == set(kept)
    assert counts.min() > 0.7 * first / len(kept)
    # The rest is uniform over everything.
    assert 0.02 < np.isin(draw[first:], kept).mean() < 0.05
    parts = Minibatch.deal(buffer.sample(8 * 16), 16)
    for part in parts:
        assert np.isin(part.rewards.numpy(), kept).sum() >= round(share * 8)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_kept_is_whole_and_no_other_traffic_overwrites_it(seed: int) -> None:
    # A ring of 20 steps, and room for 30 transitions of rewarded episodes.
    buffer = buffer_of(RewardedReplayBuffer, 20 * COPIES, share=0.5)
    story = told(buffer, 150, seed)
    for _ in range(60):  # the ring forgets all of them
        story.step(ends=(0, 1, 2))
    room = buffer.kept_size
    kept: list[int] = []
    # The youngest for which there is room.
    for episode in reversed(story.kept):
        if len(kept) + len(episode) > room:
            break
        kept = episode + kept
    assert len(story.kept) > 50
    assert set(drawn_numbers(buffer, 6_000)[:3_000]) == set(kept)
    assert sum(buffer.lengths) == buffer.kept == len(kept)


def test_an_episode_from_elsewhere_is_kept_as_it_was() -> None:
    buffer = buffer_of(RewardedReplayBuffer, 300, share=0.5, reward_shift=-1.0)
    Story(buffer).step()
    states = np.array([[1, 0, 1, 0], [1, 1, 1, 0], [1, 1, 1, 1]], dtype=np.int8)
    actions, rewards = np.array([1, 3]), np.array([0, 1], dtype=np.float32)
    buffer.keep(Episode(states, states[-1], actions, rewards, np.array([False, True])))
    drawn = buffer.sample(40)
    for row in range(20):
        step = int(drawn.dones[row])
        assert drawn.observations["observation"][row].tolist() == states[step].tolist()
        assert drawn.next_observations["observation"][row].tolist() == states[step + 1].tolist()
        assert drawn.observations["desired_goal"][row].tolist() == [1, 1, 1, 1]
        assert int(drawn.actions[row]) == actions[step]
        assert float(drawn.rewards[row]) == step - 1
    assert 0 < drawn.dones[:20].mean() < 1
    buffer.reset()
    Story(buffer).step()
    assert buffer.sample(40).dones.sum() == 0


def test_a_store_without_room_is_named() -> None:
    buffer = buffer_of(RewardedReplayBuffer, 6, copies=1, share=0.5)
    story = Story(buffer, 1)
    for _ in range(3):
        story.step()
    with pytest.raises(ValueError, match=r"buffer_size must be .* twice the 4 steps .* got 6"):
        story.step(arrives=(0,))


# By priority.


@pytest.mark.parametrize("size", [1, 2, 5, 64, 1_000])
def test_a_tree_finds_what_a_mark_falls_into(size: int) -> None:
    rng = np.random.default_rng(size)
    tree, values = SumTree(size), np.zeros(size)
    for _ in range(20):
        rows = rng.integers(size, size=max(1, size // 3))
        values[rows] = rng.integers(0, 4, size=len(rows))  # the last of equal rows counts
        tree[rows] = values[rows]
    values[-1] = 1.0
    tree[np.array([size - 1])] = 1.0
    assert tree.total == values.sum()
    marks = np.arange(0, values.sum(), 0.5)
    expected = np.searchsorted(np.cumsum(values), marks, side="right")
    np.testing.assert_array_equal(tree.find(marks), expected)
    # Beyond the end, as rounding may have it.
    assert values[tree.find(np.array([values.sum() + 1.0]))] > 0


def test_draws_follow_the_priorities_and_weights_undo_them() -> None:
    buffer = buffer_of(PrioritizedReplayBuffer, 60)
    story = Story(buffer)
    for _ in range(4):
        story.step()
    errors = th.arange(12.0).reshape(-1, 1) - 4
    numbers = drawn_numbers(buffer, 12)
    assert sorted(numbers) == list(range(12))  # all alike at first, and one from each part
    buffer.learned(errors, 0.5)
    priorities = np.zeros(12)
    priorities[numbers] = (errors.abs().numpy().ravel() + 1e-6) ** 0.6
    chances = priorities / priorities.sum()
    drawn = buffer.sample(100_000)
    counts = np.bincount(drawn.rewards.numpy().ravel().astype(int), minlength=12)
    # An equal part each leaves less than two to chance at either end.
    assert np.abs(counts - 100_000 * chances).max() < 3
    weights = drawn.weights.numpy().ravel()
    expected = (chances[drawn.rewards.numpy().ravel().astype(int)]) ** -0.7
    np.testing.assert_allclose(weights, expected / expected.max(), rtol=1e-5)


def test_what_is_new_has_the_highest_priority_so_far() -> None:
    buffer = buffer_of(PrioritizedReplayBuffer, 9)
    story = Story(buffer)
    story.step()
    buffer.sample(3)
    buffer.learned(th.tensor([[0.5], [-7.0], [2.0]]), 0.0)
    story.step()
    high = (7 + 1e-6) ** 0.6
    np.testing.assert_allclose(buffer.tree[np.arange(3, 6)], high)
    for _ in range(2):  # over the first
        story.step()
    np.testing.assert_allclose(buffer.tree[np.arange(9)], high)
    assert buffer.tree.total == pytest.approx(9 * high)


def test_errors_come_back_in_the_order_of_the_draw() -> None:
    buffer = buffer_of(PrioritizedReplayBuffer, 60)
    story = Story(buffer)
    for _ in range(10):
        story.step()
    drawn = buffer.sample(24)
    parts = Minibatch.deal(drawn, 3)
    assert Minibatch.collect([part.rewards for part in parts]).tolist() == drawn.rewards.tolist()
    assert all(part.weights is not None and len(part.weights) == 8 for part in parts)
