"""Sweeps as data: each is a tuple of blocks, and a block is the product of its settings."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from experiments.config.errors import ConfigError
from experiments.config.run import RunConfig
from experiments.config.run_settings import APPEND

Block = Mapping[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Preset:
    """A named sweep."""

    cost: str
    """What it answers, and what it takes on two cores, roughly."""
    blocks: tuple[Block, ...]
    transfer_to: tuple[int, ...] = ()
    """Numbers of bits at which the trained weights are looked at as well."""


def seeds(count: int) -> tuple[int, ...]:
    """Seeds 0, 1, ..."""
    return tuple(range(count))


PAPER_SIZES = (1, 2, 3, 5, 8, 10, 12, 13, 15, 20, 25, 30, 35, 40, 45, 50)

_NOT_TOLD: Block = {"method": ("dqn",), "sees_target": (False,)}

# Not told s; smaller budgets are read off the same curves.
_FRONTIER: Block = {
    **_NOT_TOLD,
    "seed": seeds(5),
    "n_envs": (64,),
    "budget_env_steps": (1_000_000,),
    "updates_per_env_step": (0.0625,),
    "learning_starts": (1_000,),
    "exploration": ("spread",),
    "eval_spacing": (1.1,),
}
_FRONTIER_16: Block = {**_FRONTIER, "n": (16,), "replay": ("rewarded",)}
# One epsilon for all copies, longer than many steps of 4,096.
_DECAY: Block = {"exploration": ("decay",), "exploration_steps": (250_000,)}

_SUCCESS: Block = {
    **_NOT_TOLD,
    "replay": ("rewarded",),
    "exploration": ("spread",),
    "seed": seeds(5),
}

# The same learner, which neither is given a success nor would be told of one.
_NO_SUCCESS: Block = {
    **_NOT_TOLD,
    "exploration": ("spread",),
    "seed": seeds(5),
    "withhold_reward": (True,),
    "n_envs": (64,),
    "updates_per_env_step": (0.0625,),
    "hidden": ((512,),),
    "acting_weights": ("average",),
    "learning_rate": (0.003,),
    "learning_rate_schedule": ("linear",),
}
_NO_SUCCESS_20: Block = {**_NO_SUCCESS, "n": (20,), "budget_env_steps": (80_000,)}
_NO_SUCCESS_40: Block = {**_NO_SUCCESS, "n": (40,), "budget_env_steps": (640_000,)}

_ABLATION: Block = {
    "method": ("her",),
    "n": (10, 20, 30),
    "seed": seeds(5),
    "budget_env_steps": (15_000,),
}

_BEYOND: Block = {"network": ("equivariant",), "n": (8, 50, 200, 1_000), "seed": seeds(10)}

# An evaluation takes a minute there, and a training as many as one can wait for.
_TEN_THOUSAND: Block = {
    "method": ("her",),
    "network": ("equivariant",),
    "n": (10_000,),
    "seed": seeds(3),
    "budget_env_steps": (200_000,),
    "updates_per_env_step": (0.02,),
    "exploration_final_eps": (0.05,),
    "learning_rate_schedule": ("constant",),
    "eval_spacing": (1.5,),
    "late_looks": (3,),
}


def _strings(n: int, count: int, free_bits: int = 0) -> Block:
    """A task where strings are written, and so many of them."""
    return {
        "env": (APPEND,),
        "n": (n,),
        "free_bits": (free_bits,),
        "budget_env_steps": (count * n,),
    }


# A uniform policy meets a right string in nearly all budgets, and mostly in the first third.
_TO_FIND = (
    *(_strings(n, 60_000) for n in (4, 8, 12)),
    _strings(16, 200_000),
    *(_strings(20, 60_000, free_bits) for free_bits in (12, 8)),
    _strings(20, 200_000, 4),
)
# As in Hu et al. (2024), 2^6 of 2^10 strings are right.
_DIVERSE = _strings(10, 200_000, 6)
_UNTOLD_WRITER: Block = {"sees_target": (False,), "seed": seeds(5)}
_DQN_WRITES: Block = {
    **_UNTOLD_WRITER,
    "method": ("dqn",),
    # All starts are alike: copies with small epsilons alone would write one string over and over.
    "exploration": ("spread",),
    "n_envs": (64,),
    "updates_per_env_step": (0.03125,),
}
_PPO: Block = {
    "method": ("stable_baselines3:PPO",),
    "n_envs": (64,),
    # Without a bonus for entropy it has mostly settled on some string before any reward.
    "algorithm_kwargs": (
        '{"n_steps": 32, "batch_size": 512, "n_epochs": 4, "learning_rate": 0.001, '
        '"ent_coef": 0.01}',
    ),
}
_GFLOWNET: Block = {**_UNTOLD_WRITER, "method": ("gflownet",), "seed": seeds(10)}

# Told a goal that is another one each episode; from n = 20 on training has seen few of them.
_TOLD_WRITER: Block = {"goal_mode": ("random",), "seed": seeds(5)}
_GFLOWNET_TOLD: Block = {**_TOLD_WRITER, "method": ("gflownet",), "hindsight": (True,)}
_REPLAYS = ("uniform", "rewarded")
_LOSSES = ("trajectory_balance", "likelihood")
_HER_WRITES: Block = {
    **_TOLD_WRITER,
    "method": ("stable_baselines3:DQN",),
    "hindsight": (True,),
    "n_envs": (32,),
    "algorithm_kwargs": (
        '{"batch_size": 256, "gradient_steps": 2, "learning_rate": 0.001, "train_freq": 1, '
        '"policy_kwargs": {"net_arch": [256, 256]}}',
    ),
}

PRESETS: dict[str, Preset] = {
    "quick": Preset(
        cost=(
            "DQN beside DQN+HER at five sizes, equal budgets, and HER with its reward withheld: 44 "
            "runs, 5 minutes"
        ),
        blocks=(
            {
                "method": ("dqn", "her"),
                "n": (4, 8, 12, 16, 20),
                "seed": seeds(3),
                "budget_env_steps": (20_000,),
                "eval_episodes": (200,),
            },
            {
                "method": ("her",),
                "n": (12, 20),
                "seed": seeds(7),
                "budget_env_steps": (20_000,),
                "eval_episodes": (200,),
                "withhold_reward": (True,),
            },
        ),
    ),
    "paper": Preset(
        cost=(
            "the HER paper's figure with one fixed target and the null of HER, the DQN that is not "
            "told the target, and HER with a goal per episode: 496 runs, 85 minutes"
        ),
        blocks=(
            {"method": ("dqn", "her"), "n": PAPER_SIZES, "seed": seeds(10)},
            {
                "method": ("her",),
                "n": (5, 10, 20, 50),
                "seed": seeds(10),
                "withhold_reward": (True,),
            },
            {**_NOT_TOLD, "n": tuple(n for n in PAPER_SIZES if n <= 20), "seed": seeds(10)},
            # There a target is met by chance in less than 1 of 1,000 runs of this budget.
            {**_NOT_TOLD, "n": (25, 50), "seed": seeds(3)},
            *(
                {
                    "method": ("her",),
                    "goal_mode": ("random",),
                    "n": (n,),
                    "seed": seeds(10),
                    # Solved from 1,600 n steps on, which the second half of the budget has to hold.
                    "budget_env_steps": (4_000 * n,),
                }
                for n in (10, 30, 50)
            ),
        ),
    ),
    "beyond": Preset(
        cost=(
            "DQN and HER with the equivariant network, n = 8 to 10,000, beside their nulls and the "
            "untrained network: 206 runs, 80 minutes"
        ),
        blocks=(
            {**_BEYOND, "method": ("dqn", "her"), "withhold_reward": (False, True)},
            # Without updates both methods have the same network, and do the same.
            {**_BEYOND, "method": ("dqn",), "updates_per_env_step": (0.0,)},
            {**_TEN_THOUSAND, "withhold_reward": (False, True)},
        ),
    ),
    "transfer": Preset(
        cost=(
            "DQN without hindsight at n = 8 and its null, their weights at up to 10,000 bits: 20 "
            "runs, 10 minutes"
        ),
        blocks=(
            {
                "method": ("dqn",),
                "network": ("equivariant",),
                "n": (8,),
                "seed": seeds(10),
                "withhold_reward": (False, True),
            },
        ),
        transfer_to=(8, 20, 50, 100, 300, 1_000, 10_000),
    ),
    "frontier": Preset(
        cost=(
            "how far DQN gets that is not told s, by its replay, with a million steps, beside its "
            "nulls and one setting at a time at n = 16: 145 runs, 70 minutes"
        ),
        blocks=(
            {
                **_FRONTIER,
                "replay": ("uniform", "rewarded", "prioritized"),
                "n": (8, 12, 14, 16, 18, 20),
            },
            # Without rewards there is nothing to keep: rewarded replay is the uniform one.
            {
                **_FRONTIER,
                "replay": ("uniform", "prioritized"),
                "n": (8, 16),
                "withhold_reward": (True,),
            },
            {**_FRONTIER_16, "n_envs": (4_096,)},
            {**_FRONTIER_16, **_DECAY, "n_envs": (1, 64)},
            {**_FRONTIER_16, "replay_share": (0.02, 0.5)},
            {**_FRONTIER_16, "learner_reward": ("r",)},
            {**_FRONTIER_16, **_DECAY, "replay": ("uniform",)},
        ),
    ),
    "search": Preset(
        cost=(
            "DQN that is not told s and searches for it on all cores, n = 16 to 40, beside nulls: "
            "78 runs, 30 minutes"
        ),
        blocks=(
            {**_SUCCESS, "search": (True,), "n": (16, 20, 24, 28, 30), "seed": seeds(10)},
            {**_SUCCESS, "search": (True,), "n": (32, 34, 36)},
            {**_SUCCESS, "search": (True,), "n": (40,), "seed": seeds(3)},
            _NO_SUCCESS_20,
            _NO_SUCCESS_40,
        ),
    ),
    "one-success": Preset(
        cost=(
            "what DQN makes of one success that it is given, n = 20 to 50, beside nulls: 30 runs, "
            "30 minutes"
        ),
        blocks=(
            {**_SUCCESS, "one_success": (True,), "n": (20, 30, 40, 50)},
            _NO_SUCCESS_20,
            _NO_SUCCESS_40,
        ),
    ),
    "generation": Preset(
        cost=(
            "strings that are written from left to right: DQN, PPO and GFlowNets that are told "
            "nothing, HER and GFlowNets that are told s, n = 4 to 100; how rare right strings may "
            "be, and how many a policy writes: 363 runs, 90 minutes"
        ),
        blocks=(
            *({**task, **_GFLOWNET, "replay": _REPLAYS} for task in _TO_FIND),
            *({**task, **_DQN_WRITES, "replay": _REPLAYS} for task in (*_TO_FIND, _DIVERSE)),
            *({**task, **_UNTOLD_WRITER, **_PPO} for task in (*_TO_FIND, _DIVERSE)),
            {**_DIVERSE, **_GFLOWNET, "replay": _REPLAYS, "epsilon": (1e-9,), "seed": seeds(5)},
            # Their nulls, and what has no updates.
            *(
                {**_strings(8, 60_000), **writer, "withhold_reward": (True,)}
                for writer in (_GFLOWNET, _DQN_WRITES, {**_UNTOLD_WRITER, **_PPO})
            ),
            {**_strings(8, 60_000), **_GFLOWNET, "updates_per_env_step": (0.0,)},
            # Larger ones, whose first success is searched for on packed strings.
            *(
                {
                    **_strings(n, 32_000),
                    **_GFLOWNET,
                    "replay": ("rewarded",),
                    "search": (True,),
                    "seed": seeds(count),
                }
                for n, count in ((20, 10), (32, 5), (40, 3))
            ),
            # Told s; and the control that asks for no reward.
            *({**_strings(n, 16_000), **_GFLOWNET_TOLD, "loss": _LOSSES} for n in (20, 50)),
            {**_strings(100, 16_000), **_GFLOWNET_TOLD, "network": ("transformer",)},
            *({**_strings(n, 16_000), **_HER_WRITES} for n in (20, 50)),
            *(
                {**_strings(20, 16_000), **writer, "withhold_reward": (True,)}
                for writer in (_GFLOWNET_TOLD, _HER_WRITES)
            ),
        ),
    ),
    "ablation": Preset(
        cost="one setting at a time away from HER's defaults: 225 runs, 20 minutes",
        blocks=(
            _ABLATION,
            {**_ABLATION, "implementation": ("stock",)},
            {**_ABLATION, "relabel_done": (False,)},
            {**_ABLATION, "learner_reward": ("r",)},
            {**_ABLATION, "relabel_done": (False,), "learner_reward": ("r",)},
            {**_ABLATION, "relabel_share": (1.0,)},
            {**_ABLATION, "goal_strategy": ("final", "episode")},
            {**_ABLATION, "goal_mode": ("random",)},
            {**_ABLATION, "hidden": ((64,), (256,), (512,))},
            # With the mlp's copies, updates, reward and gamma: one setting at a time.
            {
                **_ABLATION,
                "network": ("equivariant",),
                "n_envs": (8,),
                "updates_per_env_step": (0.25,),
                "learner_reward": ("r-1",),
                "gamma": (0.995,),
            },
            {**_ABLATION, "gamma": (0.98,)},
            # Plain r once more, where the values of neighbouring distances are further apart.
            {**_ABLATION, "gamma": (0.9,), "learner_reward": ("r",)},
            {
                **_ABLATION,
                "gamma": (0.9,),
                "learner_reward": ("r",),
                "relabel_done": (False,),
            },
        ),
    ),
}


def plan(blocks: Iterable[Block], overrides: Mapping[str, tuple[Any, ...]]) -> list[RunConfig]:
    """Every run of a sweep, resolved and checked, each once.

    Args:
        blocks: The sweep.
        overrides: Settings that replace a block's own, field by field.

    Raises:
        ConfigError: If a combination cannot make a run, or there is none.
    """
    runs: dict[str, RunConfig] = {}
    for block in blocks:
        axes = {**block, **overrides}
        for values in itertools.product(*axes.values()):
            config = RunConfig.of(**dict(zip(axes, values, strict=True)))
            runs.setdefault(config.run_id, config)
    if not runs:
        raise ConfigError("the sweep has no runs: name at least one n and one seed")
    return list(runs.values())
