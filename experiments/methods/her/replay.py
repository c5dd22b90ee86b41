"""Hindsight with its terminal flags right.

The virtual transitions of SB3's ``HerReplayBuffer`` carry a relabelled reward and the *old* done
flag (https://github.com/DLR-RM/stable-baselines3/issues/627). With reward 1 at the goal and 0
elsewhere, a relabelled arrival then bootstraps on and looks worth more than a real one.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch as th
from stable_baselines3.common.vec_env import VecEnv, VecNormalize
from stable_baselines3.her.goal_selection_strategy import KEY_TO_GOAL_STRATEGY
from stable_baselines3.her.her_replay_buffer import HerReplayBuffer

from experiments.methods.dqn.replay import Drawn, PlainReplayBuffer, refuse_normalisation
from experiments.methods.her.episodes import EpisodeIndex


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
    ) -> Drawn:
        """A minibatch whose first ``relabel_share`` has hindsight goals.

        Uniform over the transitions of finished episodes that are whole in the buffer.

        Raises:
            RuntimeError: If no episode has ended yet.
        """
        refuse_normalisation(env)
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
