"""SB3's DQN with a training step and an exploration made for this task.

Four differences from SB3, each with the same learning target, and a fifth where it is asked for:

* the target network follows each gradient update, not each call of ``env.step``;
* the minibatches of one cycle are drawn together, and losses are read once a cycle;
* each copy of the environment draws its own exploration, not one coin for all of them;
* epsilon falls with the environment steps, whatever the budget;
* each copy keeps an epsilon of its own.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch as th
from stable_baselines3 import DQN
from stable_baselines3.common.noise import ActionNoise

from experiments.config.streams import Stream, generator
from experiments.methods.dqn.updates import CapturedUpdate, Minibatch, Update
from experiments.methods.networks.base import BitPolicy, greedy_actions

_DRAWN_TOGETHER = 16
"""Minibatches of one draw: enough to hide its overhead, few enough to stay in cache."""


class BitDQN(DQN):
    """DQN for the fast implementation.

    Args:
        *args: SB3's.
        exploration_steps: Environment steps over which epsilon falls to its final value.
        spreads: Each copy keeps an epsilon of its own instead; see :func:`spread_epsilons`.
        acts_with_average: Greedy actions are the target network's, whose running average is
            steadier.
        **kwargs: SB3's; ``target_update_interval`` and ``exploration_fraction`` have no effect.
    """

    def __init__(
        self,
        *args: Any,
        exploration_steps: int = 10_000,
        spreads: bool = False,
        acts_with_average: bool = False,
        **kwargs: Any,
    ) -> None:
        self.exploration_steps = exploration_steps
        self.spreads = spreads
        self.acts_with_average = acts_with_average
        super().__init__(*args, **kwargs)

    def _setup_model(self) -> None:
        super()._setup_model()
        policy = cast(BitPolicy, self.policy)
        self.weights = Update(policy, self.gamma, self.tau, self.max_grad_norm)
        self._renew_update()
        # A stream of its own: SB3 draws from NumPy's global one.
        self.exploration_rng = generator(self.seed or 0, Stream.EXPLORATION)
        self.epsilons = spread_epsilons(self.n_envs) if self.spreads else None

    def _renew_update(self) -> None:
        """A GPU's recording knows the optimizer's tensors as they are now, its step size too."""
        self.update: Update | CapturedUpdate = self.weights
        recorded = self.device.type == "cuda"
        for group in self.weights.optimizer.param_groups:
            # An agent that was saved on the other kind of device says otherwise.
            group["lr"] = float(group["lr"])
            if recorded:
                group["capturable"] = True
                if callable(self.learning_rate):
                    group["lr"] = th.tensor(group["lr"], device=self.device)
        if recorded:
            self.update = CapturedUpdate(self.weights)

    def _update_learning_rate(self, optimizers: Any) -> None:
        """As in SB3; what a recording reads is filled, not replaced."""
        step_size = self.lr_schedule(self._current_progress_remaining)
        self.logger.record("train/learning_rate", step_size)
        for group in optimizers.param_groups:
            if isinstance(group["lr"], th.Tensor):
                group["lr"].fill_(step_size)
            else:
                group["lr"] = step_size

    def set_parameters(self, *args: Any, **kwargs: Any) -> None:
        """As in SB3, which loads agents by it."""
        super().set_parameters(*args, **kwargs)
        self._renew_update()

    def _on_step(self) -> None:
        """Set epsilon; the target network moves in :meth:`train`."""
        self._n_calls += 1
        if self.epsilons is not None:
            self.exploration_rate = float(self.epsilons.mean())
        else:
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
            epsilon = self.exploration_rate if self.epsilons is None else self.epsilons
            greedy = self.exploration_rng.random(n_envs) >= epsilon
            if greedy.any():
                observation: Any = self._last_obs
                actions[greedy] = greedy_actions(
                    self.q_net_target if self.acts_with_average else self.q_net,
                    observation["observation"][greedy],
                    observation["desired_goal"][greedy],
                )
        return actions, actions

    def _store_transition(
        self,
        replay_buffer: Any,
        buffer_action: npt.NDArray[Any],
        new_obs: Any,
        reward: npt.NDArray[Any],
        dones: npt.NDArray[np.bool_],
        infos: list[dict[str, Any]],
    ) -> None:
        """As in SB3, without its deep copy where no episode ended, so that nothing is patched."""
        if dones.any():
            super()._store_transition(replay_buffer, buffer_action, new_obs, reward, dones, infos)
            return
        replay_buffer.add(self._last_obs, new_obs, buffer_action, reward, dones, infos)
        self._last_obs = new_obs

    def train(self, gradient_steps: int, batch_size: int = 100) -> None:
        """Some gradient updates, each followed by one of the target network."""
        self._update_learning_rate(self.policy.optimizer)
        buffer: Any = self.replay_buffer
        for first in range(0, gradient_steps, _DRAWN_TOGETHER):
            count = min(_DRAWN_TOGETHER, gradient_steps - first)
            drawn = buffer.sample(batch_size * count, env=self._vec_normalize_env)
            weighted, errors = drawn.weights is not None, []
            for data in Minibatch.deal(drawn, count):
                found = self.update(data)
                if weighted:  # a GPU's recorded updates all write to one place
                    errors.append(found.clone())
            if weighted:
                buffer.learned(Minibatch.collect(errors), 1 - self._current_progress_remaining)
        self._n_updates += gradient_steps
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        self.logger.record("train/loss", self.weights.loss.item() / gradient_steps)
        self.weights.loss.zero_()

    def _excluded_save_params(self) -> list[str]:
        # Made again from the policy, whose weights are saved.
        return [*super()._excluded_save_params(), "weights", "update"]


def spread_epsilons(copies: int) -> npt.NDArray[np.float64]:
    """An epsilon for each copy: evenly from 0 up to 1, which the second half of them has.

    As in Horgan et al. (2018, "Distributed Prioritized Experience Replay") some explore and some
    show how far the policy is; a uniform half goes on finding what the others no longer would.

    Args:
        copies: At least 2, so that one is greedy and one uniform.
    """
    return np.minimum(1.0, np.arange(copies) / (copies // 2))
