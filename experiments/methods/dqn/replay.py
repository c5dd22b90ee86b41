"""SB3's replay of dictionaries of bits, each stored once, on the learner's device."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch as th
from gymnasium import spaces
from stable_baselines3.common.buffers import BaseBuffer, DictReplayBuffer
from stable_baselines3.common.vec_env import VecNormalize

from experiments.config.streams import Stream, generator
from experiments.methods.networks.base import length

Bits = dict[str, npt.NDArray[np.int8]]
Rows = npt.NDArray[np.int64]
"""Positions in a ring of ``slots`` steps of ``copies`` environments: slot * copies + copy."""


class Drawn(NamedTuple):
    """What a buffer hands out: SB3's ``DictReplayBufferSamples``, and weights."""

    observations: dict[str, th.Tensor]
    actions: th.Tensor
    next_observations: dict[str, th.Tensor]
    dones: th.Tensor
    rewards: th.Tensor
    discounts: None = None
    weights: th.Tensor | None = None
    """(batch, 1) float32 importance weights; None where all count alike."""


class PlainReplayBuffer(DictReplayBuffer):
    """Plain replay; the learner may see r-1.

    ``observation`` equals ``achieved_goal`` in this environment, and a goal stays for its episode,
    so a transition is three strings of n int8, in ``bits`` (state, next state, goal), and three
    float32, in ``facts`` (action, reward, whether it terminated).

    Args:
        buffer_size: Transitions of all copies together.
        observation_space: The environment's.
        action_space: The environment's.
        device: Where the bits live.
        n_envs: Copies of the environment.
        reward_shift: Added to each sampled reward.
        seed: The run's; the buffer draws from a stream of its own.
        optimize_memory_usage: SB3's; refused, as nothing here is stored twice.
    """

    _TENSORS = ("bits", "facts", "rewards_at", "ends_at")
    kept_size = 0
    """Rows behind those of the ring, for what the ring is not to overwrite."""

    def __init__(
        self,
        buffer_size: int,
        observation_space: spaces.Space,
        action_space: spaces.Space,
        device: th.device | str = "auto",
        n_envs: int = 1,
        optimize_memory_usage: bool = False,
        *,
        reward_shift: float = 0.0,
        seed: int = 0,
    ) -> None:
        if optimize_memory_usage:
            raise ValueError("optimize_memory_usage must be False: nothing is stored twice here")
        slots = max(buffer_size // n_envs, 1)
        # SB3's own buffers would fill six arrays of bits, and a dictionary for each transition.
        BaseBuffer.__init__(self, slots, observation_space, action_space, device, n_envs)
        self.handle_timeout_termination = True  # SB3 asks this of a buffer that it loads
        self.n_bits = length(observation_space["achieved_goal"])  # type: ignore[index]
        # What belongs together lies together: one copy when it is stored, one when it is drawn.
        self.bits = self._zeros(np.int8, 3 * self.n_bits)
        self.facts = self._zeros(np.float32, 3)
        self.reward_shift = reward_shift
        self.rng = generator(seed, Stream.REPLAY)

    @property
    def device(self) -> th.device:
        """Where the bits live; SB3 sets it anew when it loads a buffer, and they move."""
        return self._device

    @device.setter
    def device(self, device: th.device) -> None:
        self._device = device
        for name in self._TENSORS:
            if name in vars(self):
                setattr(self, name, getattr(self, name).to(device))

    def __getstate__(self) -> dict[str, Any]:
        """What is saved: without the environment, and readable where there is no GPU."""
        state = vars(self) | {"_device": th.device("cpu")}
        state |= {name: state[name].cpu() for name in self._TENSORS if name in state}
        return {name: value for name, value in state.items() if name != "env"}

    def _zeros(self, dtype: Any, width: int) -> th.Tensor:
        """Room for one thing of all transitions; NumPy's zeros take memory once it is used."""
        room = np.zeros((self.buffer_size * self.n_envs + self.kept_size, width), dtype=dtype)
        return th.from_numpy(room).to(self.device)

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
        ended = np.asarray(done, dtype=np.bool_)
        cut = [info.get("TimeLimit.truncated", False) for info in infos] if ended.any() else False
        bits = (obs["achieved_goal"], next_obs["achieved_goal"], obs["desired_goal"])
        # An episode cut off by its horizon bootstraps on.
        facts = (np.reshape(action, -1), reward, ended & ~np.asarray(cut))
        rows = slice(self.pos * self.n_envs, (self.pos + 1) * self.n_envs)
        self.bits[rows] = th.from_numpy(np.concatenate(bits, axis=1)).to(self.device)
        self.facts[rows] = th.from_numpy(np.stack(facts, axis=1, dtype=np.float32)).to(self.device)
        self.pos += 1
        if self.pos == self.buffer_size:
            self.full = True
            self.pos = 0

    def sample(  # type: ignore[override]  # SB3's own overrides differ like this
        self, batch_size: int, env: VecNormalize | None = None
    ) -> Drawn:
        """A uniform minibatch of stored transitions; see :meth:`assemble` for the tensors."""
        refuse_normalisation(env)
        return self.assemble(*self.stored(self.on_device(self.uniform(batch_size))))

    def uniform(self, size: int) -> Rows:
        """Uniform rows of the ring, with replacement."""
        return self.rng.integers(self.size() * self.n_envs, size=size)

    def on_device(self, rows: Rows) -> th.Tensor:
        """Row numbers where the bits are."""
        return th.from_numpy(rows).to(self.device, non_blocking=True)

    def stored(self, rows: th.Tensor) -> tuple[th.Tensor, ...]:
        """States, next states, goals (batch, n); actions, rewards, terminations (batch, 1).

        They are copies, and what :meth:`assemble` takes.
        """
        # index_select takes a seventh of the time of bits[rows].
        bits, facts = (room.index_select(0, rows) for room in (self.bits, self.facts))
        return (*th.split(bits, self.n_bits, dim=1), *th.split(facts, 1, dim=1))

    def assemble(
        self,
        states: th.Tensor,
        next_states: th.Tensor,
        goals: th.Tensor,
        actions: th.Tensor,
        rewards: th.Tensor,
        dones: th.Tensor,
    ) -> Drawn:
        """Transitions as SB3 wants them.

        Args:
            states: (batch, n) int8.
            next_states: (batch, n) int8.
            goals: (batch, n) int8 desired goals, the same before and after the step.
            actions: (batch, 1).
            rewards: (batch, 1) float32, without the shift.
            dones: (batch, 1) float32, 1 where no value follows.

        Returns:
            SB3's sample with int8 bits: the network casts them once. ``achieved_goal`` and
            ``observation`` are one tensor.
        """
        before, after = (
            {"observation": bits, "achieved_goal": bits, "desired_goal": goals}
            for bits in (states, next_states)
        )
        return Drawn(
            observations=before,
            actions=actions.to(th.int64),
            next_observations=after,
            dones=dones,
            rewards=rewards + self.reward_shift,
        )


def refuse_normalisation(env: VecNormalize | None) -> None:
    """Refuse what SB3 may pass to a buffer, and makes no sense of bits."""
    if env is not None:
        raise ValueError("VecNormalize is not supported: bits and rewards need no scaling")
