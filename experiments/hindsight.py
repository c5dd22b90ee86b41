"""Replay buffers on SB3's: hindsight with its terminal flags right, sampled in O(batch).

The virtual transitions of SB3's ``HerReplayBuffer`` carry a relabelled reward and the *old* done
flag (https://github.com/DLR-RM/stable-baselines3/issues/627). With reward 1 at the goal and 0
elsewhere, a relabelled arrival then bootstraps on and looks worth more than a real one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch as th
from stable_baselines3.common.buffers import DictReplayBuffer
from stable_baselines3.common.type_aliases import DictReplayBufferSamples
from stable_baselines3.common.vec_env import VecNormalize
from stable_baselines3.her.goal_selection_strategy import GoalSelectionStrategy
from stable_baselines3.her.her_replay_buffer import HerReplayBuffer

from experiments.streams import Stream, generator

Indices = npt.NDArray[np.intp]
Bits = npt.NDArray[np.int8]

_ROUNDS = 64
"""Draws of whole minibatches before the valid slots are listed instead."""


class PlainReplayBuffer(DictReplayBuffer):
    """SB3's replay of dictionaries; the learner may see r-1 instead of r.

    Args:
        *args: SB3's.
        reward_shift: Added to each sampled reward.
        seed: The run's; the buffer draws from a stream of its own.
        **kwargs: SB3's.
    """

    def __init__(self, *args: Any, reward_shift: float = 0.0, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reward_shift = reward_shift
        self.rng = generator(seed, Stream.REPLAY)

    def sample(  # type: ignore[override]  # SB3's own overrides differ like this
        self, batch_size: int, env: VecNormalize | None = None
    ) -> DictReplayBufferSamples:
        """A uniform minibatch of stored transitions; see :func:`assemble` for the arrays."""
        _refuse_normalisation(env)
        slots = self.rng.integers(self.size(), size=batch_size)
        copies = self.rng.integers(self.n_envs, size=batch_size)
        return assemble(
            self,
            slots,
            copies,
            goals=self.observations["desired_goal"][slots, copies],
            rewards=self.rewards[slots, copies] + np.float32(self.reward_shift),
            dones=_ended(self, slots, copies),
        )


class HindsightReplayBuffer(HerReplayBuffer):
    """SB3's HerReplayBuffer with terminal flags recomputed for relabelled goals.

    Args:
        *args: SB3's.
        relabel_share: Share of each minibatch that gets hindsight goals, in [0, 1]. SB3's
            ``n_sampled_goal`` of k is a share of k/(k+1). At 1 the real reward is never read.
        relabel_done: False keeps SB3's stored flags.
        reward_shift: Added to each sampled reward, real or relabelled.
        seed: The run's; the buffer draws from a stream of its own.
        **kwargs: SB3's.
    """

    def __init__(
        self,
        *args: Any,
        relabel_share: float = 0.8,
        relabel_done: bool = True,
        reward_shift: float = 0.0,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.her_ratio = relabel_share
        self.relabel_done = relabel_done
        self.reward_shift = reward_shift
        self.rng = generator(seed, Stream.REPLAY)

    def sample(  # type: ignore[override]
        self, batch_size: int, env: VecNormalize | None = None
    ) -> DictReplayBufferSamples:
        """A minibatch whose first ``relabel_share`` has hindsight goals.

        Uniform over the transitions of finished episodes that are whole in the buffer.

        Raises:
            RuntimeError: If no episode has ended yet.
        """
        _refuse_normalisation(env)
        slots, copies = self._sample_slots(batch_size)
        goals = self.observations["desired_goal"][slots, copies]
        rewards = self.rewards[slots, copies]
        dones = _ended(self, slots, copies)

        virtual = round(self.her_ratio * batch_size)
        if virtual:
            goals[:virtual] = self._sample_goals(slots[:virtual], copies[:virtual])
            reached = self.next_observations["achieved_goal"][slots[:virtual], copies[:virtual]]
            rewards[:virtual] = self._ask_env("compute_reward", reached, goals[:virtual])
            if self.relabel_done:
                dones[:virtual] = self._ask_env("compute_terminated", reached, goals[:virtual])
        rewards += self.reward_shift
        return assemble(self, slots, copies, goals=goals, rewards=rewards, dones=dones)

    def _sample_slots(self, size: int) -> tuple[Indices, Indices]:
        """Uniform valid (slot, copy) pairs, by rejection: no scan of the capacity.

        Only unfinished and partly overwritten episodes are invalid, at most two for each copy.
        """
        filled = self.size()
        slots = np.empty(size, dtype=np.intp)
        copies = np.empty(size, dtype=np.intp)
        found = 0
        for _ in range(_ROUNDS if filled else 0):
            slot = self.rng.integers(filled, size=size - found)
            copy = self.rng.integers(self.n_envs, size=size - found)
            valid = self.ep_length[slot, copy] > 0
            kept = int(np.count_nonzero(valid))
            slots[found : found + kept] = slot[valid]
            copies[found : found + kept] = copy[valid]
            found += kept
            if found == size:
                return slots, copies
        every = np.flatnonzero(self.ep_length[:filled])
        if not every.size:
            raise RuntimeError(
                "no episode has ended yet, so there is nothing to sample: learning_starts must be "
                "at least max_steps * n_envs"
            )
        return np.unravel_index(self.rng.choice(every, size), (filled, self.n_envs))  # type: ignore[return-value]

    def _sample_goals(self, batch_indices: Indices, env_indices: Indices) -> Bits:
        """Goals that the same episode reached: SB3's strategies on this buffer's own stream."""
        start = self.ep_start[batch_indices, env_indices]
        length = self.ep_length[batch_indices, env_indices]
        match self.goal_selection_strategy:
            case GoalSelectionStrategy.FINAL:
                step = length - 1
            case GoalSelectionStrategy.FUTURE:
                # From the transition itself on, as in SB3.
                step = self.rng.integers((batch_indices - start) % self.buffer_size, length)
            case _:
                step = self.rng.integers(0, length)
        slots = (start + step) % self.buffer_size
        goals: Bits = self.next_observations["achieved_goal"][slots, env_indices]
        return goals

    def _ask_env(self, method: str, achieved: Bits, desired: Bits) -> npt.NDArray[Any]:
        if self.env is None:
            raise RuntimeError("the buffer has no environment; call set_env() after loading it")
        # The goals alone decide, so no info dictionaries are made.
        answer: npt.NDArray[Any] = self.env.env_method(method, achieved, desired, [], indices=[0])[
            0
        ]
        return answer


def assemble(
    buffer: DictReplayBuffer,
    slots: Indices,
    copies: Indices,
    *,
    goals: Bits,
    rewards: npt.NDArray[np.float32],
    dones: npt.NDArray[np.float32],
) -> DictReplayBufferSamples:
    """Stored transitions under the given goals, as tensors.

    Args:
        buffer: Where the transitions lie.
        slots: (batch,) positions.
        copies: (batch,) copies of the environment.
        goals: (batch, n) desired goals, the same before and after the step.
        rewards: (batch,) rewards under those goals.
        dones: (batch,) 1 where no value follows.

    Returns:
        SB3's sample with int8 bits: the network casts them once. ``achieved_goal`` and
        ``observation`` are one tensor, as they are equal in this environment.
    """
    device = buffer.device
    state, after = (
        th.as_tensor(stored["achieved_goal"][slots, copies], device=device)
        for stored in (buffer.observations, buffer.next_observations)
    )
    goal = th.as_tensor(goals, device=device)
    return DictReplayBufferSamples(
        observations={"observation": state, "achieved_goal": state, "desired_goal": goal},
        actions=th.as_tensor(buffer.actions[slots, copies], device=device),
        next_observations={"observation": after, "achieved_goal": after, "desired_goal": goal},
        dones=th.as_tensor(dones, device=device).reshape(-1, 1),
        rewards=th.as_tensor(rewards, device=device).reshape(-1, 1),
    )


def _ended(buffer: DictReplayBuffer, slots: Indices, copies: Indices) -> npt.NDArray[np.float32]:
    """1 where the episode terminated; an episode cut off by its horizon bootstraps on."""
    ended: npt.NDArray[np.float32] = buffer.dones[slots, copies] * (
        1 - buffer.timeouts[slots, copies]
    )
    return ended


def _refuse_normalisation(env: VecNormalize | None) -> None:
    if env is not None:
        raise ValueError("VecNormalize is not supported: bits and rewards need no scaling")
