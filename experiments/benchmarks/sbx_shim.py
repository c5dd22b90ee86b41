"""SBX's DQN (JAX), made to take this environment and SB3's hindsight buffer.

SBX's DQN reads no dictionaries (https://github.com/araffin/sbx/pull/66), and its network has two
hidden layers of one width where the benchmark's has one. Nothing else is changed: unlike SB3 it
does not clip gradients, which is in its favour.
"""

from __future__ import annotations

import importlib.util
import os
from typing import Any

from experiments.benchmarks.measuring import UnavailableError
from experiments.methods.her import HerRun
from experiments.methods.sb3 import training_env

_FLAGS = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


def sbx_agent(config: HerRun) -> Any:
    """SBX's DQN + SB3's HerReplayBuffer in the environment of a stock run with hindsight.

    Raises:
        UnavailableError: If SBX is not installed.
    """
    if importlib.util.find_spec("sbx") is None:
        raise UnavailableError("SBX is not installed (pip install '.[benchmark]')")
    # Before JAX is imported: the CPU alone, and one thread of it.
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    os.environ.setdefault("XLA_FLAGS", _FLAGS)
    import flax.linen as nn
    import sbx
    import sbx.dqn.policies as sbx_policies
    import torch as th
    from gymnasium import spaces
    from stable_baselines3 import HerReplayBuffer

    class FlatBuffer(HerReplayBuffer):
        def sample(self, *args: Any, **kwargs: Any) -> Any:
            data: Any = super().sample(*args, **kwargs)
            names = ("observations", "next_observations")
            flat = {name: th.cat(list(getattr(data, name).values()), dim=1) for name in names}
            return data._replace(**flat)

    class OneHiddenLayer(nn.Module):
        n_actions: int
        n_units: int
        activation_fn: Any

        @nn.compact  # type: ignore[untyped-decorator]
        def __call__(self, bits: Any) -> Any:
            return nn.Dense(self.n_actions)(self.activation_fn(nn.Dense(self.n_units)(bits)))

    class FlatPolicy(sbx_policies.DQNPolicy):
        def build(self, key: Any, lr_schedule: Any) -> Any:
            policy: Any = self
            whole, usual = policy.observation_space, sbx_policies.QNetwork
            # It makes its network from a sample of a space that it takes to be flat.
            policy.observation_space = spaces.flatten_space(whole)
            sbx_policies.QNetwork = OneHiddenLayer
            try:
                return super().build(key, lr_schedule)
            finally:
                policy.observation_space, sbx_policies.QNetwork = whole, usual

    vector_steps, updates = config.rollout
    return sbx.DQN(
        FlatPolicy,
        training_env(config),
        learning_rate=config.learning_rate,
        buffer_size=config.buffer_size,
        learning_starts=config.learning_starts,
        batch_size=config.batch_size,
        tau=config.tau,
        gamma=config.gamma,
        target_update_interval=config.target_update_interval,
        exploration_fraction=config.exploration_steps / config.budget_env_steps,
        exploration_final_eps=config.exploration_final_eps,
        train_freq=vector_steps,
        gradient_steps=updates,
        replay_buffer_class=FlatBuffer,
        replay_buffer_kwargs={"n_sampled_goal": 4, "goal_selection_strategy": "future"},
        policy_kwargs={"net_arch": list(config.hidden)},
        seed=config.seed,
    )
