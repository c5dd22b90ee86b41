"""Replay that keeps its successes: what is rare is shown at a rate of its own.

A uniform minibatch shows each transition as often as any other, so that a reward which one episode
in thousands brings is seen a few times and then drowned. Here episodes that reached the target are
kept in a store of their own, and a fixed share of each minibatch is from there (Narasimhan et al.,
2015, "Language Understanding for Text-based Games using Deep Reinforcement Learning"; Oh et al.,
2018, "Self-Imitation Learning").
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
import numpy.typing as npt
import torch as th
from stable_baselines3.common.vec_env import VecNormalize

from experiments.methods.dqn.replay import (
    Bits,
    Drawn,
    PlainReplayBuffer,
    Rows,
    refuse_normalisation,
)
from experiments.methods.first_success import Episode


class RewardedReplayBuffer(PlainReplayBuffer):
    """Plain replay beside a store of whole episodes that reached the target.

    The store has half as many rows as the ring, and they lie behind it. It loses whole episodes
    alone, its oldest, and only to others that reached the target.

    Args:
        buffer_size: As everywhere.
        *args: SB3's.
        share: Of each minibatch, from the store once there is something in it, in (0, 1).
        **kwargs: Those of :class:`PlainReplayBuffer`.
    """

    def __init__(self, buffer_size: int, *args: Any, share: float, **kwargs: Any) -> None:
        self.kept_size = max(buffer_size // 2, 1)
        super().__init__(buffer_size, *args, **kwargs)
        self.share = share
        self._forget()

    def _forget(self) -> None:
        self.age = np.zeros(self.n_envs, dtype=np.int64)
        """Steps of each copy's episode so far."""
        self.first = self.kept = 0
        """Place in the store of its oldest transition, and how many there are."""
        self.lengths: deque[int] = deque()
        """Of the episodes in the store, oldest first."""

    def reset(self) -> None:
        """Forget everything."""
        super().reset()
        self._forget()

    def add(  # type: ignore[override]
        self,
        obs: Bits,
        next_obs: Bits,
        action: npt.NDArray[Any],
        reward: npt.NDArray[Any],
        done: npt.NDArray[Any],
        infos: list[dict[str, Any]],
    ) -> None:
        """Store one step of every copy; see SB3's for the arguments."""
        slot = self.pos
        super().add(obs, next_obs, action, reward, done, infos)
        self.age += 1
        ended = np.flatnonzero(done)
        if ended.size:
            reached = np.array([infos[copy].get("is_success", False) for copy in ended])
            self._keep_from_ring(slot, ended[reached])
            self.age[ended] = 0

    def _keep_from_ring(self, slot: int, copies: npt.NDArray[np.intp]) -> None:
        """Keep the episodes of some copies, which ended with the step at a slot."""
        if not copies.size:
            return
        age = self.age[copies]
        # Steps 0, 1, ... of each episode, one episode behind the other.
        step = np.arange(age.sum()) - np.repeat(np.cumsum(age) - age, age)
        slots = (slot + 1 - np.repeat(age, age) + step) % self.buffer_size
        rows = self.on_device(slots * self.n_envs + np.repeat(copies, age))
        self._keep(self.bits.index_select(0, rows), self.facts.index_select(0, rows), age.tolist())

    def keep(self, episode: Episode) -> None:
        """Keep an episode that reached the target elsewhere.

        Raises:
            ValueError: If there is no room for it.
        """
        goals = np.broadcast_to(episode.goal, episode.states[1:].shape)
        bits = np.concatenate((episode.states[:-1], episode.states[1:], goals), axis=1)
        parts = (episode.actions, episode.rewards, episode.terminated)
        facts = np.stack(parts, axis=1, dtype=np.float32)
        self._keep(
            th.from_numpy(bits).to(self.device),
            th.from_numpy(facts).to(self.device),
            [len(episode.actions)],
        )

    def _keep(self, bits: th.Tensor, facts: th.Tensor, lengths: list[int]) -> None:
        new = len(facts)
        if new > self.kept_size:
            raise ValueError(
                f"buffer_size must be at least twice the {new} steps of episodes that reached the "
                f"target at once, got {self.buffer_size * self.n_envs}"
            )
        while self.kept + new > self.kept_size:
            gone = self.lengths.popleft()
            self.first = (self.first + gone) % self.kept_size
            self.kept -= gone
        rows = self._behind_ring(np.arange(self.kept, self.kept + new))
        self.bits.index_copy_(0, rows, bits)
        self.facts.index_copy_(0, rows, facts)
        self.kept += new
        self.lengths += lengths

    def _behind_ring(self, places: Rows) -> th.Tensor:
        """Rows of the store's transitions, from the oldest on."""
        ring = self.buffer_size * self.n_envs
        return self.on_device(ring + (self.first + places) % self.kept_size)

    def sample(  # type: ignore[override]
        self, batch_size: int, env: VecNormalize | None = None
    ) -> Drawn:
        """A minibatch whose first ``share`` is uniform over the store, the rest over the ring.

        Before the first success all of it is from the ring.
        """
        refuse_normalisation(env)
        count = round(self.share * batch_size) if self.kept else 0
        rows = self.on_device(self.uniform(batch_size - count))
        if count:
            kept = self._behind_ring(self.rng.integers(self.kept, size=count))
            rows = th.cat((kept, rows))
        return self.assemble(*self.stored(rows))
