"""SB3's DQN with a training step and an exploration made for this task.

Four differences from SB3, each with the same learning target:

* the target network follows each gradient update, not each call of ``env.step``;
* the minibatches of one cycle are drawn together, and losses are read once a cycle;
* each copy of the environment draws its own exploration, not one coin for all of them;
* epsilon falls with the environment steps, whatever the budget.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch as th
from stable_baselines3 import DQN
from stable_baselines3.common.noise import ActionNoise
from stable_baselines3.common.type_aliases import DictReplayBufferSamples
from torch.nn import functional as F  # noqa: N812

from experiments.networks import BitQNetwork, greedy_actions
from experiments.streams import Stream, generator

_DRAWN_TOGETHER = 16
"""Minibatches of one draw: enough to hide its overhead, few enough to stay in cache."""


class BitDQN(DQN):
    """DQN for the fast implementation.

    Args:
        *args: SB3's.
        exploration_steps: Environment steps over which epsilon falls to its final value.
        **kwargs: SB3's; ``target_update_interval`` and ``exploration_fraction`` have no effect.
    """

    q_net: BitQNetwork
    q_net_target: BitQNetwork

    def __init__(self, *args: Any, exploration_steps: int = 10_000, **kwargs: Any) -> None:
        self.exploration_steps = exploration_steps
        super().__init__(*args, **kwargs)

    def _setup_model(self) -> None:
        super()._setup_model()
        # A stream of its own: SB3 draws from NumPy's global one.
        self.exploration_rng = generator(self.seed or 0, Stream.EXPLORATION)

    def _on_step(self) -> None:
        """Set epsilon; the target network moves in :meth:`train`."""
        self._n_calls += 1
        done = min(1.0, self.num_timesteps / max(1, self.exploration_steps))
        initial, final = self.exploration_initial_eps, self.exploration_final_eps
        self.exploration_rate = initial + (final - initial) * done
        self.logger.record("rollout/exploration_rate", self.exploration_rate)

    def _sample_action(
        self, learning_starts: int, action_noise: ActionNoise | None = None, n_envs: int = 1
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Epsilon-greedy actions, (n_envs,), with a coin for each copy."""
        n_actions = int(self.action_space.n)  # type: ignore[attr-defined]
        actions = self.exploration_rng.integers(n_actions, size=n_envs)
        if self.num_timesteps >= learning_starts:
            greedy = self.exploration_rng.random(n_envs) >= self.exploration_rate
            if greedy.any():
                observation: Any = self._last_obs
                actions[greedy] = greedy_actions(
                    self.q_net,
                    observation["observation"][greedy],
                    observation["desired_goal"][greedy],
                )
        return actions, actions

    def train(self, gradient_steps: int, batch_size: int = 100) -> None:
        """Some gradient updates, each followed by one of the target network."""
        self.policy.set_training_mode(True)
        self._update_learning_rate(self.policy.optimizer)
        online: list[th.Tensor] = list(self.q_net.parameters())
        target: list[th.Tensor] = list(self.q_net_target.parameters())
        buffer: Any = self.replay_buffer
        losses: list[th.Tensor] = []
        for first in range(0, gradient_steps, _DRAWN_TOGETHER):
            count = min(_DRAWN_TOGETHER, gradient_steps - first)
            drawn = buffer.sample(batch_size * count)
            for data in split(drawn, count):
                loss = self._loss(data)
                self.policy.optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                th.nn.utils.clip_grad_norm_(online, self.max_grad_norm)
                self.policy.optimizer.step()
                with th.no_grad():
                    th._foreach_lerp_(target, online, self.tau)
                losses.append(loss.detach())
        self._n_updates += gradient_steps
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        self.logger.record("train/loss", th.stack(losses).mean().item())

    def _loss(self, data: DictReplayBufferSamples) -> th.Tensor:
        """Huber loss against the one-step target, as in SB3."""
        with th.no_grad():
            following = self.q_net_target.best(data.next_observations)
            wanted = data.rewards + (1 - data.dones) * self.gamma * following
        return F.smooth_l1_loss(self.q_net.chosen(data.observations, data.actions), wanted)


def split(drawn: DictReplayBufferSamples, count: int) -> Iterator[DictReplayBufferSamples]:
    """One large draw as ``count`` minibatches.

    Rows are dealt out in turn, so that each minibatch keeps the draw's share of relabelled rows,
    which stand together at its front.
    """
    for first in range(count):

        def dealt(rows: th.Tensor, first: int = first) -> th.Tensor:
            return rows[first::count]

        yield DictReplayBufferSamples(
            observations={key: dealt(rows) for key, rows in drawn.observations.items()},
            actions=dealt(drawn.actions),
            next_observations={key: dealt(rows) for key, rows in drawn.next_observations.items()},
            dones=dealt(drawn.dones),
            rewards=dealt(drawn.rewards),
        )
