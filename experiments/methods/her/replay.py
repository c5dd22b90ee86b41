"""Replay buffers on SB3's: bits on the learner's device, hindsight with its terminal flags right.

The virtual transitions of SB3's ``HerReplayBuffer`` carry a relabelled reward and the *old* done
flag (https://github.com/DLR-RM/stable-baselines3/issues/627). With reward 1 at the goal and 0
elsewhere, a relabelled arrival then bootstraps on and looks worth more than a real one.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import torch as th
from gymnasium import spaces
from stable_baselines3.common.buffers import BaseBuffer, DictReplayBuffer
from stable_baselines3.common.type_aliases import DictReplayBufferSamples
from stable_baselines3.common.vec_env import VecEnv, VecNormalize
from stable_baselines3.her.goal_selection_strategy import KEY_TO_GOAL_STRATEGY
from stable_baselines3.her.her_replay_buffer import HerReplayBuffer

from experiments.config.streams import Stream, generator
from experiments.methods.her.episodes import EpisodeIndex, Rows

Bits = dict[str, npt.NDArray[np.int8]]


class PlainReplayBuffer(DictReplayBuffer):
    """SB3's replay of dictionaries of bits, each stored once, on the learner's device.

    ``observation`` equals ``achieved_goal`` in this environment, and a goal stays for its episode,
    so a transition is three strings of n int8, in ``bits`` (state, next state, goal), and three
    float32, in ``facts`` (action, reward, whether it terminated). The learner may see r-1.

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
        self.n_bits = spaces.flatdim(observation_space["achieved_goal"])  # type: ignore[index]
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
        room = np.zeros((self.buffer_size * self.n_envs, width), dtype=dtype)
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
    ) -> DictReplayBufferSamples:
        """A uniform minibatch of stored transitions; see :meth:`assemble` for the tensors."""
        _refuse_normalisation(env)
        drawn = self.rng.integers(self.size() * self.n_envs, size=batch_size)
        return self.assemble(*self.stored(self.on_device(drawn)))

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
    ) -> DictReplayBufferSamples:
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
        return DictReplayBufferSamples(
            observations=before,
            actions=actions.to(th.int64),
            next_observations=after,
            dones=dones,
            rewards=rewards + self.reward_shift,
        )


class HindsightReplayBuffer(PlainReplayBuffer, HerReplayBuffer):
    """SB3's HerReplayBuffer with terminal flags recomputed for relabelled goals.

    Args:
        *args: SB3's.
        env: The training environment, which says what a state is worth under another goal.
        relabel_share: Share of each minibatch that gets hindsight goals, in [0, 1]. SB3's
            ``n_sampled_goal`` of k is a share of k/(k+1). At 1 the real reward is never read.
        relabel_done: False keeps SB3's stored flags.
        goal_selection_strategy: SB3's: final, future or episode.
        **kwargs: Those of :class:`PlainReplayBuffer`.
    """

    def __init__(
        self,
        *args: Any,
        env: VecEnv,
        relabel_share: float = 0.8,
        relabel_done: bool = True,
        goal_selection_strategy: str = "future",
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.env: VecEnv | None = env
        self.episodes = EpisodeIndex(self.buffer_size, self.n_envs)
        self.her_ratio = relabel_share
        self.relabel_done = relabel_done
        self.goal_selection_strategy = KEY_TO_GOAL_STRATEGY[goal_selection_strategy]
        self.rewards_at = self._by_distance(env, "compute_reward")
        self.ends_at = self._by_distance(env, "compute_terminated")

    def add(self, *args: Any, **kwargs: Any) -> None:
        """Store one step of every copy; see SB3's for the arguments."""
        slot = self.pos
        super().add(*args, **kwargs)
        ended = kwargs["done"] if "done" in kwargs else args[4]
        self.episodes.add(slot, np.asarray(ended, dtype=np.bool_))

    def reset(self) -> None:
        """Forget everything."""
        super().reset()
        self.episodes.clear()

    def _by_distance(self, env: VecEnv, method: str) -> th.Tensor:
        """What the environment answers at each Hamming distance from a goal, (n + 1, 1).

        Both of its answers depend on the distance alone, so asking it once is enough, and what is
        relabelled never leaves the device.
        """
        # Row d has d ones.
        reached = np.tri(self.n_bits + 1, self.n_bits, k=-1, dtype=np.int8)
        answers = env.env_method(method, reached, np.zeros_like(reached), [], indices=[0])
        table = th.from_numpy(np.asarray(answers[0], dtype=np.float32))
        return table.reshape(-1, 1).to(self.device)

    def sample(  # type: ignore[override]
        self, batch_size: int, env: VecNormalize | None = None
    ) -> DictReplayBufferSamples:
        """A minibatch whose first ``relabel_share`` has hindsight goals.

        Uniform over the transitions of finished episodes that are whole in the buffer.

        Raises:
            RuntimeError: If no episode has ended yet.
        """
        _refuse_normalisation(env)
        drawn = self.episodes.draw(self.rng, batch_size)
        states, next_states, goals, actions, rewards, dones = self.stored(self.on_device(drawn))
        virtual = round(self.her_ratio * batch_size)
        if virtual:
            chosen = self.episodes.draw_goals(
                self.rng, drawn[:virtual], self.goal_selection_strategy
            )
            following = self.bits[:, self.n_bits : 2 * self.n_bits]
            goals[:virtual] = following.index_select(0, self.on_device(chosen))
            distance = (next_states[:virtual] ^ goals[:virtual]).sum(1, dtype=th.int32)
            rewards[:virtual] = self.rewards_at.index_select(0, distance)
            if self.relabel_done:
                dones[:virtual] = self.ends_at.index_select(0, distance)
        return self.assemble(states, next_states, goals, actions, rewards, dones)

    def truncate_last_trajectory(self) -> None:
        """End the episodes that are under way, as if cut off: for a buffer that was loaded."""
        running = np.flatnonzero(self.episodes.age)
        if running.size:
            warnings.warn(
                f"the episodes under way in {running.size} copies of the loaded replay buffer end "
                "here; pass truncate_last_traj=False if you go on from the same states",
                stacklevel=2,
            )
            self.episodes.end((self.pos - 1) % self.buffer_size, running)


def _refuse_normalisation(env: VecNormalize | None) -> None:
    if env is not None:
        raise ValueError("VecNormalize is not supported: bits and rewards need no scaling")
