"""The settings of every run, whatever its method: their help, their ranges, and what fills them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import field_validator

from experiments.config.errors import ConfigError
from experiments.config.registry import Filled, Rule
from experiments.config.settings import Settings, Widths, setting

FLIP, APPEND = "BitSequence-v0", "BitSequenceAppend-v0"
"""The environments: one edits a string, the other writes it."""
SOLVED_FROM = {FLIP: 0.99, APPEND: 0.95}
"""Success rate from which on a look is good; of what is written it is the policy's own chance."""
STEPS = 10**12
_STORED = 10**9
BITS = 10**9
"""Most bits of all copies, or of all episodes of an evaluation, together. Limits are far more than
anyone has run, and little enough that a slip of the hand does not ask for all memory."""


def _budget(run: Filled) -> int:
    usual = 200_000 if run["goal_mode"] == "random" else 30_000
    return int(max(usual, 20 * run["max_steps"] * run["n_envs"]))


def eval_episodes(n: int, start: str = "random", goal_mode: str = "fixed") -> int:
    """Greedy episodes of one evaluation, where nobody says how many."""
    if start != "random" and goal_mode == "fixed":
        return 1  # they are all one and the same
    return 100 if n >= 500 else 1_000


class RunSettings(Settings):
    """What is not given is filled by a rule, which never looks at the seed."""

    method: str = setting("How it is learned; package.module:Name for a class of your own.", "her")
    network: str = setting("What it is learned with; package.module:Name likewise.", "mlp")
    module: str = setting(
        "Of a method from outside: its package.module:Name.", "", neutral="", flag=False
    )
    recorded: bool = setting(
        "Whether a loop from outside was recorded.", False, neutral=False, flag=False
    )
    network_module: str = setting(
        "Of a network from outside: its package.module:Name.", "", neutral="", flag=False
    )
    network_version: str = setting("Which code that is.", "", neutral="", flag=False)
    network_traits: str = setting("What that says of itself.", "", neutral="", flag=False)
    n: int = setting("Bits.", 10, low=1, high=10**6)
    env: Literal["BitSequence-v0", "BitSequenceAppend-v0"] = setting(
        "BitSequence-v0: bits of a string are flipped; BitSequenceAppend-v0: it is written from "
        "left to right.",
        FLIP,
        neutral=FLIP,
    )
    word_size: int = setting("Bits that an action writes.", 1, low=1, high=16, neutral=1)
    free_bits: int = setting(
        "Bits at the end of a written string that do not matter.", 0, low=0, neutral=0, high=10**6
    )
    # SB3 and PyTorch seed NumPy's old generator, which takes 32 bits.
    seed: int = setting(
        "Fixes the target, the network's first weights, the exploration and the replay.",
        0,
        low=0,
        high=2**32 - 1,
    )
    goal_mode: Literal["fixed", "random"] = setting(
        "fixed: one target for the whole run; random: a new one each episode (the HER paper).",
        "fixed",
    )
    target: str = setting(
        "One's own s, 0110...; n follows from it. Empty: s is drawn from the seed.", "", neutral=""
    )
    start: Literal["random", "zeros", "empty"] = setting(
        "First state of an episode.",
        rule=Rule(
            "start",
            "random; empty where a string is written",
            lambda run: "empty" if run["env"] == APPEND else "random",
        ),
    )
    reward_type: Literal["zero_one", "minus_one_zero", "hamming"] = setting(
        "The environment's reward, and that of every reported figure.", "zero_one"
    )
    max_steps: int = setting(
        "Horizon of an episode in steps.",
        rule=Rule(
            "max_steps",
            "n, enough to reach any target; n / word_size where it is written",
            lambda run: max(1, run["n"] // run["word_size"]),
        ),
        low=1,
        high=10**9,
    )
    continuing_task: bool = setting(
        "Episodes run to the horizon even after the target is reached.", False
    )
    implementation: Literal["fast", "stock"] = setting(
        "stock: SB3's own DQN, HerReplayBuffer and DummyVecEnv, with this run's settings.", "fast"
    )
    n_envs: int = setting(
        "Parallel copies of the environment.",
        rule=Rule("n_envs", "8", lambda _: 8),
        low=1,
        high=10**6,
    )
    budget_env_steps: int = setting(
        "Environment steps after which a run ends, counted over all copies.",
        rule=Rule(
            "budget_env_steps",
            "30,000, or 200,000 with a goal per episode, and at least 20 episodes of each copy",
            _budget,
        ),
        low=1,
        high=STEPS,
    )
    updates_per_env_step: float = setting(
        "Gradient updates for each environment step, whatever the number of copies.",
        rule=Rule("updates_per_env_step", "0.25, as an update costs several steps", lambda _: 0.25),
        low=0,
        high=100,
    )
    full_budget: bool = setting(
        "Use the whole budget; False is --stop-when-solved, and no result of record.", True
    )
    withhold_reward: bool = setting(
        "A control: the environment's reward is 0 wherever the learner reads it, hindsight "
        "included; an arrival is told as a truncation, and no success.",
        False,
        neutral=False,
    )
    learner_reward: Literal["r", "r-1"] = setting(
        "r-1: the learner subtracts 1 from each reward; where episodes end at the target that "
        "rescales all values and keeps every policy's rank.",
        rule=Rule(
            "learner_reward",
            "r-1 where flips are paid 1/0, r elsewhere and for stock runs",
            lambda run: (
                "r-1"
                if run["reward_type"] == "zero_one"
                and run["implementation"] != "stock"
                and run["env"] == FLIP
                else "r"
            ),
        ),
    )
    sees_target: bool = setting("False: the learner is not shown the goal.", True)
    hidden: Widths = setting(
        "Widths of the hidden layers.",
        rule=Rule(
            "hidden",
            "256, the HER paper's; 512 beyond n = 20",
            lambda run: (256,) if run["n"] <= 20 else (512,),
        ),
    )
    eval_episodes: int = setting(
        "Greedy episodes of one evaluation.",
        rule=Rule(
            "eval_episodes",
            "1,000; 100 from n = 500; 1 where all are alike (zeros or empty, one target)",
            lambda run: eval_episodes(run["n"], run["start"], run["goal_mode"]),
        ),
        low=1,
        high=10**7,
    )
    eval_spacing: float = setting(
        "Environment steps at an evaluation over those at the one before.",
        1.05,
        low=1.001,
        high=100,
    )
    late_looks: int = setting(
        "Evaluations in the second half of the budget, where steps of all copies allow.",
        20,
        low=1,
        high=10**4,
        neutral=20,
    )
    device: Literal["cpu", "cuda"] = setting("Where the network lives.", "cpu")
    parent: str = setting(
        "Name of the run whose weights it began with.", "", neutral="", flag=False
    )

    @field_validator("*")
    @classmethod
    def _one_zero(cls, value: Any) -> Any:
        """0.0 and -0.0 are one setting: they must have one name."""
        return value + 0.0 if isinstance(value, float) else value

    @field_validator("n_envs")
    @classmethod
    def _has_room(cls, copies: int, info: Any) -> int:
        longest = info.data.get("max_steps", 0) * copies
        if longest > _STORED // 2:
            raise ConfigError(
                f"max_steps times n_envs must be at most {_STORED // 2:,}, as a replay buffer "
                "holds two episodes of each copy, got "
                f"{info.data['max_steps']:,} times {copies:,}"
            )
        return copies
