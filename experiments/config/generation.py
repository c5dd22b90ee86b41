"""The sweep of strings that are written from left to right, as blocks."""

from __future__ import annotations

from experiments.config.blocks import Block, seeds
from experiments.config.run_settings import APPEND


def _strings(n: int, count: int, free_bits: int = 0) -> Block:
    """A task where strings are written, and so many of them."""
    return {
        "env": (APPEND,),
        "n": (n,),
        "free_bits": (free_bits,),
        "budget_env_steps": (count * n,),
    }


# A uniform policy meets a right string in the first half of 19 budgets in 20; from there on solved
# is what holds.
_FOUND_SOON = (*(_strings(n, 60_000) for n in (4, 8)), _strings(12, 120_000))
_NOT_FOUND = _strings(24, 20_000)
_DENSE = tuple(_strings(20, 60_000, free_bits) for free_bits in (12, 8))
# One string in 2^16 is right.
_RARE = (_strings(16, 400_000), _strings(20, 400_000, 4))
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
# Advantages scaled to 1 are noise until there is a reward, and settle it on some string.
_PPO_KWARGS = (
    '{"n_steps": 32, "batch_size": 512, "n_epochs": 4, "learning_rate": 0.001, '
    '"normalize_advantage": false'
)
_PPO: Block = {
    "method": ("stable_baselines3:PPO",),
    "n_envs": (64,),
    "algorithm_kwargs": (_PPO_KWARGS + ', "ent_coef": 0.01}',),
}
# Its reward alone: a bonus for entropy asks for diversity by itself.
_PPO_NO_BONUS: Block = {**_PPO, "algorithm_kwargs": (_PPO_KWARGS + ', "ent_coef": 0.0}',)}
_GFLOWNET: Block = {**_UNTOLD_WRITER, "method": ("gflownet",), "seed": seeds(10)}

# Told a goal that is another one each episode; from n = 20 on training has seen few of them.
_TOLD_WRITER: Block = {"goal_mode": ("random",), "seed": seeds(5)}
_GFLOWNET_TOLD: Block = {**_TOLD_WRITER, "method": ("gflownet",), "hindsight": (True,)}
_REPLAYS = ("uniform", "rewarded")
_LOSSES = ("trajectory_balance", "likelihood")
_TRANSFORMER: Block = {"network": ("transformer",)}
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

GENERATION: tuple[Block, ...] = (
    *({**task, **_GFLOWNET, "replay": _REPLAYS} for task in (*_FOUND_SOON, _NOT_FOUND)),
    {**_RARE[0], **_GFLOWNET, "replay": ("rewarded",)},
    # Few of the strings that it writes are learned from, but all that are right are kept.
    {
        **_strings(20, 6_000_000),
        **_GFLOWNET,
        "replay": ("rewarded",),
        "n_envs": (4_096,),
        "batch_size": (256,),
    },
    *({**task, **_GFLOWNET, "replay": _REPLAYS, "seed": seeds(5)} for task in (*_DENSE, *_RARE)),
    *(
        {**task, **_DQN_WRITES, "replay": _REPLAYS}
        for task in (*_FOUND_SOON, *_DENSE, _RARE[0], _NOT_FOUND, _DIVERSE)
    ),
    # Each of the rare ones would take it eight minutes, and the second takes DQN five.
    *({**task, **_UNTOLD_WRITER, **_PPO} for task in (*_FOUND_SOON, *_DENSE, _NOT_FOUND, _DIVERSE)),
    {**_DIVERSE, **_UNTOLD_WRITER, **_PPO_NO_BONUS},
    {
        **_DIVERSE,
        **_GFLOWNET,
        "replay": _REPLAYS,
        "epsilon": (1e-9,),
        # Steps that stay as long do not settle: in a trial a seed of five ended on one string.
        "learning_rate_schedule": ("linear",),
        # Without it strings that are hardly written any more are hardly balanced any more.
        "exploration_eps": (0.0, 0.1),
        "seed": seeds(5),
    },
    # Adam's divisor as it usually is.
    {**_strings(12, 120_000), **_GFLOWNET, "adam_eps": (1e-8,)},
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
    # Told s; and the control that asks for no reward, and the one that has no updates.
    *({**_strings(n, 16_000), **_GFLOWNET_TOLD, "loss": _LOSSES} for n in (20, 50)),
    {**_strings(20, 16_000), **_GFLOWNET_TOLD, "updates_per_env_step": (0.0,)},
    # Half of each batch as it was written, and wrong: relabelled ones alone are all right.
    {**_strings(20, 16_000), **_GFLOWNET_TOLD, "relabel_share": (0.5,)},
    *({**_strings(n, 16_000), **_GFLOWNET_TOLD, **_TRANSFORMER} for n in (20, 100)),
    # A run of n = 50 would take 20 minutes.
    *({**_strings(n, 16_000), **_HER_WRITES} for n in (10, 20)),
    *(
        {**_strings(20, 16_000), **writer, "withhold_reward": (True,)}
        for writer in (_GFLOWNET_TOLD, {**_GFLOWNET_TOLD, **_TRANSFORMER}, _HER_WRITES)
    ),
)
