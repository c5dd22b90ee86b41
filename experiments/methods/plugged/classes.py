"""What a class from outside may be, and what it is given."""

from __future__ import annotations

import inspect
from typing import Any

import torch as th
from stable_baselines3 import HerReplayBuffer
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.vec_env import VecEnv

from bitseq_env.sb3 import BitSequenceVecEnv
from experiments.config import outside
from experiments.config.errors import ConfigError
from experiments.config.run_settings import APPEND
from experiments.methods.learner import Learner
from experiments.methods.plugged import PluggedRun
from experiments.methods.wrappers import learner_env

_OURS = ("env", "seed", "device", "tensorboard_log", "_init_setup_model")
"""Arguments that a run gives by itself."""


def learner_class(run: PluggedRun) -> type[Learner]:
    """The class of a run's learner: the run's own, or SB3's around the run's algorithm.

    Raises:
        ConfigError: If it cannot be imported, or is neither.
    """
    from experiments.methods.plugged.sb3_class import Sb3Learner

    kind = outside.imported(run.module)
    if isinstance(kind, type) and issubclass(kind, BaseAlgorithm):
        return Sb3Learner
    if isinstance(kind, type) and issubclass(kind, Learner):
        return kind
    raise ConfigError(
        f"method {run.module} must be a subclass of stable_baselines3's BaseAlgorithm or of "
        f"experiments.methods.learner.Learner, got {kind!r:.100}"
    )


def check(run: PluggedRun) -> None:
    """See that a run can be built, while nothing has been written yet; once for all its seeds.

    Raises:
        ConfigError: If it cannot, with what its class says.
    """
    if run.config_id not in _BUILT:
        _check(run)
        _BUILT.add(run.config_id)


_BUILT: set[str] = set()


def _check(run: PluggedRun) -> None:
    kind = outside.imported(run.module)
    if issubclass(learner_class(run), Learner) and not issubclass(kind, BaseAlgorithm):
        _check_learner(run, kind)
        return
    if run.hindsight and not issubclass(kind, OffPolicyAlgorithm):
        raise ConfigError(
            f"hindsight=True needs an off-policy class, whose replay it is, got {run.module}"
        )
    accepted = inspect.signature(kind.__init__).parameters
    if taken := sorted({*run.kwargs} & {*_OURS}):
        raise ConfigError(f"algorithm_kwargs may not have {taken[0]!r}, which the run gives itself")
    any_name = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in accepted.values())
    if not any_name and (unknown := sorted({*run.kwargs} - {*accepted})):
        names = [name for name in accepted if name not in ("self", *_OURS)]
        raise ConfigError(f"{run.module} has no argument {unknown[0]!r}; it has {names}")
    env = BitSequenceVecEnv(learner_env(run))
    with th.random.fork_rng(devices=[]):
        try:
            algorithm(run, env, "cpu", seed=None)
        except Exception as error:
            raise ConfigError(
                f"{run.module} cannot be built with {run.algorithm_kwargs}: "
                f"{type(error).__name__}: {error}"
            ) from error
        finally:
            env.close()


def _check_learner(run: PluggedRun, kind: type[Learner]) -> None:
    if run.hindsight:
        raise ConfigError(f"hindsight=True is for SB3's classes, got {run.module}")
    if unknown := sorted({*run.kwargs} - {*kind.defaults}):
        raise ConfigError(f"{run.module} has no argument {unknown[0]!r}; it has {[*kind.defaults]}")
    wrapped = kind.make_env is Learner.make_env
    if not wrapped and (run.withhold_reward or not run.sees_target):
        raise ConfigError(
            "withhold_reward=True and sees_target=False are wrappers around the environment, and "
            f"{run.module} makes its own; got {run.withhold_reward} and {run.sees_target}"
        )


def algorithm(run: PluggedRun, env: VecEnv, device: str, seed: int | None) -> Any:
    """The run's algorithm, built as SB3's are, with the run's arguments over their defaults.

    Where nobody says otherwise a replay buffer has no more room than the budget fills, a target
    network is renewed every 500 steps (with SB3's own 10,000 nothing is learned here), and with
    hindsight learning starts after an episode of each copy, before which there is nothing to draw.
    """
    kind = outside.imported(run.module)
    accepted = inspect.signature(kind.__init__).parameters
    arguments: dict[str, Any] = {"policy": "MultiInputPolicy"}
    if "buffer_size" in accepted:
        usual = accepted["buffer_size"].default
        arguments["buffer_size"] = min(usual, max(run.budget_env_steps, 2 * run.first_look))
    if "target_update_interval" in accepted:
        arguments["target_update_interval"] = 500
    if run.hindsight:
        arguments["replay_buffer_class"] = HerReplayBuffer
        arguments["learning_starts"] = max(
            accepted["learning_starts"].default, run.max_steps * run.n_envs
        )
        if run.env == APPEND:  # only what an episode ended with is a string
            arguments["replay_buffer_kwargs"] = {"goal_selection_strategy": "final"}
    arguments |= run.kwargs
    if run.updates_per_env_step == 0:
        kind = type(kind.__name__, (kind,), {"train": lambda *_, **__: None})
    return kind(env=env, seed=seed, device=device, **arguments)
