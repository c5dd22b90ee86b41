"""RunConfig -> environment and SB3 model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import safetensors.torch
import torch as th
from gymnasium import spaces
from safetensors import SafetensorError
from stable_baselines3 import DQN, HerReplayBuffer
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.dqn.policies import DQNPolicy, MultiInputPolicy

import bitseq_env  # noqa: F401  (registers BitSequence-v0)
from experiments.config.checks import ConfigError, Device
from experiments.config.run import RunConfig
from experiments.methods.dqn.learner import BitDQN
from experiments.methods.her.replay import HindsightReplayBuffer, PlainReplayBuffer
from experiments.methods.networks import BitPolicy, greedy_actions
from experiments.methods.vec_env import BitSequenceVecEnv
from experiments.records.files import ResultError

ENV_ID = "BitSequence-v0"

Bits = npt.NDArray[np.int8]
Policy = Callable[[Bits, Bits], npt.NDArray[np.int64]]
"""(batch, n) states and goals -> (batch,) actions, without randomness."""


def resolve_device(name: str) -> Device:
    """``auto`` is CUDA where there is one.

    Raises:
        ConfigError: If the name is unknown, or CUDA is asked for where there is none.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise ConfigError(f"device must be one of 'auto', 'cpu', 'cuda', got {name!r}")
    available = th.cuda.is_available()
    if name == "cuda" and not available:
        raise ConfigError(
            "device 'cuda' was asked for, but torch finds none here; allowed are 'cpu' and 'auto'"
        )
    return "cuda" if available and name != "cpu" else "cpu"


def env_arguments(config: RunConfig) -> dict[str, Any]:
    """The environment's keyword arguments; the seed fixes the target."""
    return {
        "n": config.n,
        "target_seed": config.seed,
        "goal_mode": config.goal_mode,
        "start": config.start,
        "max_steps": config.max_steps,
        "reward_type": config.reward_type,
        "continuing_task": config.continuing_task,
    }


def make_env(config: RunConfig) -> VecEnv:
    """The training environment of a resolved run."""
    arguments = env_arguments(config)
    if config.implementation == "stock":
        if config.goal_mode == "random":
            # Copies made apart would all draw the same goals from one target_seed.
            arguments["target_seed"] = None
        return make_vec_env(ENV_ID, n_envs=config.n_envs or 1, env_kwargs=arguments)
    batched = gym.make_vec(
        ENV_ID, num_envs=config.n_envs or 1, autoreset_mode="SameStep", **arguments
    )
    return BitSequenceVecEnv(batched)


def make_agent(config: RunConfig, env: VecEnv) -> DQN:
    """The SB3 model of a resolved run; everything but the buffer is the same for both methods."""
    vector_steps, updates = config.rollout
    common: dict[str, Any] = {
        "env": env,
        "learning_rate": config.learning_rate,
        "buffer_size": config.buffer_size,
        "learning_starts": config.learning_starts,
        "batch_size": config.batch_size,
        "tau": config.tau,
        "gamma": config.gamma,
        "train_freq": vector_steps,
        "gradient_steps": updates,
        "exploration_initial_eps": 1.0,
        "exploration_final_eps": config.exploration_final_eps,
        "max_grad_norm": config.max_grad_norm,
        "seed": config.seed,
        "device": config.device,
    }
    net_arch = list(config.hidden or ())
    ours = {"net_arch": net_arch, "network": config.network, "sees_target": config.sees_target}
    if config.implementation == "stock":
        return _stock(config, common, net_arch, ours)
    buffer: dict[str, Any] = {
        "reward_shift": -1.0 if config.learner_reward == "r-1" else 0.0,
        "seed": config.seed,
    }
    if config.method == "her":
        buffer |= {
            "relabel_share": config.relabel_share,
            "relabel_done": config.relabel_done,
            "goal_selection_strategy": config.goal_strategy,
        }
    return BitDQN(
        BitPolicy,
        replay_buffer_class=HindsightReplayBuffer if config.method == "her" else PlainReplayBuffer,
        replay_buffer_kwargs=buffer,
        policy_kwargs={**ours, "optimizer_kwargs": {"fused": True}},
        exploration_steps=config.exploration_steps or 0,
        **common,
    )


def greedy_policy(model: Any) -> Policy:
    """The greedy policy of anything with ``q_net`` and ``device``: a model or an SB3 policy."""

    def act(state: Bits, goal: Bits) -> npt.NDArray[np.int64]:
        return greedy_actions(model.q_net, state, goal)

    return act


def load_policy(config: RunConfig, weights: bytes, n: int, device: str) -> DQNPolicy:
    """A run's network at n bits, its weights read from safetensors, without pickle.

    Raises:
        ResultError: If the weights do not fit the run's configuration.
    """
    # A configuration from outside should not have gigabytes allocated for a file that has bytes.
    if len(weights) < 4 * config.least_weights:
        raise ResultError(
            f"the weights of {config.run_id} do not fit its network: {len(weights):,} bytes for at "
            f"least {config.least_weights:,} weights of 4 bytes"
        )
    bits = spaces.MultiBinary(n)
    observation_space = spaces.Dict(
        {"observation": bits, "achieved_goal": bits, "desired_goal": bits}
    )
    net_arch = list(config.hidden or ())
    policy: DQNPolicy
    if config.implementation == "stock" and config.network == "mlp":
        policy = MultiInputPolicy(
            observation_space, spaces.Discrete(n), lambda _: 0.0, net_arch=net_arch
        )
    else:
        policy = BitPolicy(
            observation_space,
            spaces.Discrete(n),
            lambda _: 0.0,
            net_arch=net_arch,
            network=config.network,
            sees_target=config.sees_target,
        )
    try:
        policy.q_net.load_state_dict(safetensors.torch.load(weights))
    except (RuntimeError, SafetensorError) as error:
        raise ResultError(
            f"the weights of {config.run_id} do not fit its network: {error}"
        ) from error
    return policy.to(device)


def _stock(
    config: RunConfig, common: dict[str, Any], net_arch: list[int], ours: dict[str, Any]
) -> DQN:
    """SB3 as it comes; only an equivariant network has to be ours."""
    hindsight: dict[str, Any] = {}
    if config.method == "her":
        share = config.relabel_share or 0.0
        hindsight = {
            "replay_buffer_class": HerReplayBuffer,
            "replay_buffer_kwargs": {
                "n_sampled_goal": round(share / (1 - share)),
                "goal_selection_strategy": config.goal_strategy,
            },
        }
    budget = config.budget_env_steps or 1
    mlp = config.network == "mlp"
    return DQN(
        "MultiInputPolicy" if mlp else BitPolicy,
        policy_kwargs={"net_arch": net_arch} if mlp else ours,
        target_update_interval=config.target_update_interval or 1,
        exploration_fraction=min(1.0, (config.exploration_steps or 0) / budget),
        **hindsight,
        **common,
    )
