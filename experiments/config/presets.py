"""Sweeps as data: each is a tuple of blocks."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.config.blocks import Block, seeds
from experiments.config.generation import GENERATION


@dataclass(frozen=True)
class Preset:
    """A named sweep."""

    cost: str
    """What it answers, and what it takes on two cores, roughly."""
    blocks: tuple[Block, ...]
    transfer_to: tuple[int, ...] = ()
    """Numbers of bits at which the trained weights are looked at as well."""


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
    "seed": seeds(10),
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


def _goal_an_episode(n: int, count: int) -> Block:
    return {
        "method": ("her",),
        "goal_mode": ("random",),
        "n": (n,),
        "seed": seeds(count),
        # Solved from 1,600 n steps on, which the second half of the budget has to hold.
        "budget_env_steps": (4_000 * n,),
    }


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
            "the HER paper's figure with one fixed target, the DQN that is not told the target, "
            "HER with a goal per episode, and the nulls of HER: 502 runs, 90 minutes"
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
            *(_goal_an_episode(n, 10) for n in (10, 30, 50)),
            *({**_goal_an_episode(n, 3), "withhold_reward": (True,)} for n in (10, 50)),
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
            "88 runs, 30 minutes"
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
            "what DQN makes of one success that it is given, n = 20 to 50, beside nulls: 40 runs, "
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
            "be, and how many a policy writes: 398 runs, three and a half hours"
        ),
        blocks=GENERATION,
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
