"""One frozen dataclass describes one run; the hash of its canonical JSON names the run.

Nothing here imports torch, so that a grid can be planned, named and checked in milliseconds.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.config import rules
from experiments.config.checks import (
    REALS,
    ConfigError,
    Device,
    GoalMode,
    GoalStrategy,
    Implementation,
    LearnerReward,
    Method,
    Network,
    RewardType,
    Start,
    as_fraction,
    check_choices,
    check_numbers,
    check_together,
    check_whole,
    is_whole,
)

_UPDATES_TOGETHER = 8
"""Updates of one cycle, where episodes are long: what is done once a cycle costs little then."""


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """One run, whole. A field that is None is filled by a rule of n when the run is resolved.

    The rules stand in :mod:`experiments.config.rules`; none of them looks at the seed.
    """

    method: Method = "her"
    """dqn: SB3's DQN with plain replay; her: the same DQN with hindsight replay."""
    network: Network = "mlp"
    """mlp: the paper's kind; equivariant: knows that bits are interchangeable."""
    n: int = 10
    """Bits."""
    seed: int = 0
    """Fixes the target, the network's first weights, the exploration and the replay."""

    goal_mode: GoalMode = "fixed"
    """fixed: one target for the whole run; random: a new one each episode (the HER paper)."""
    start: Start = "random"
    """First state of an episode."""
    reward_type: RewardType = "zero_one"
    """The environment's reward, and that of every reported figure."""
    max_steps: int | None = None
    """Horizon of an episode in steps (rule: n)."""
    continuing_task: bool = False
    """Episodes run to the horizon even after the target is reached."""

    n_envs: int | None = None
    """Parallel copies of the environment."""
    budget_env_steps: int | None = None
    """Environment steps after which a run ends, counted over all copies."""
    updates_per_env_step: float | None = None
    """Gradient updates for each environment step, whatever the number of copies."""
    full_budget: bool = False
    """Go on to the budget after the run has solved its task."""

    relabel_done: bool | None = None
    """Terminal flags recomputed for relabelled goals (her; False is SB3's, issue #627)."""
    learner_reward: LearnerReward | None = None
    """r-1: the learner subtracts 1 from each reward; where episodes end at the target that
    rescales all values and keeps every policy's rank."""
    relabel_share: float | None = None
    """Share of each minibatch whose goals are relabelled (her; 0.8 is 4 for each real one)."""
    goal_strategy: GoalStrategy | None = None
    """Where hindsight goals come from (her: final, future or episode)."""
    sees_target: bool = True
    """False: only `observation` reaches the network (dqn with mlp)."""
    implementation: Implementation = "fast"
    """stock: SB3's own DQN, HerReplayBuffer and DummyVecEnv, with this run's settings."""

    hidden: tuple[int, ...] | None = None
    """Widths of the hidden layers."""
    batch_size: int | None = None
    """Transitions in a minibatch."""
    learning_rate: float | None = None
    """Adam's step size."""
    gamma: float | None = None
    """Discount for each step."""
    tau: float | None = None
    """Share of the online network mixed into the target network at each target update."""
    target_update_interval: int | None = None
    """Environment steps between target updates; 0: one with each gradient update."""
    buffer_size: int | None = None
    """Capacity of the replay buffer in transitions (rule: the budget, but no more than 3 GB)."""
    learning_starts: int | None = None
    """Environment steps before the first update; at least one whole episode a copy."""
    exploration_steps: int | None = None
    """Environment steps over which epsilon falls from 1, independent of the budget (stock: at
    most the budget)."""
    exploration_final_eps: float = 0.05
    """Epsilon from there on."""
    max_grad_norm: float = 10.0
    """Gradients are clipped to this norm."""

    eval_episodes: int | None = None
    """Greedy episodes of one evaluation (rule: 1,000; 100 from n = 500; 20 from n = 10,000)."""
    eval_spacing: float = 1.05
    """Environment steps at an evaluation over those at the one before."""

    device: Device = "cpu"
    """Where the network lives."""

    def resolved(self) -> RunConfig:
        """The run with every field filled and checked.

        Returns:
            A configuration without None; resolving it again changes nothing.

        Raises:
            ConfigError: If a value, or two values together, cannot make a run.
        """
        check_choices(self)
        check_whole("n", self.n)
        check_whole("seed", self.seed)
        filled: dict[str, Any] = {}
        for name, rule in rules.RULES.items():
            # Rules may look at what was filled before them, so they run in their order.
            if getattr(self, name) is None:
                filled[name] = rule(dataclasses.replace(self, **filled))
        config = dataclasses.replace(self, **filled)
        check_numbers(config)
        check_together(config)
        # 1 and 1.0 are one setting, and so are 0.0 and -0.0: they must have one name.
        reals: dict[str, Any] = {name: float(getattr(config, name)) + 0.0 for name in REALS}
        return dataclasses.replace(config, **reals)

    def to_dict(self) -> dict[str, Any]:
        """Every field, in JSON's types."""
        fields = dataclasses.asdict(self)
        fields["hidden"] = None if self.hidden is None else list(self.hidden)
        return fields

    @property
    def run_id(self) -> str:
        """``<method>-<network>-n<n>-s<seed>-<hash>`` of the resolved run."""
        fields = self.resolved().to_dict()
        return f"{self.method}-{self.network}-n{self.n}-s{self.seed}-{_digest(fields)}"

    @property
    def config_id(self) -> str:
        """``<method>-<network>-n<n>-<hash>``: the resolved run without its seed."""
        fields = self.resolved().to_dict()
        del fields["seed"]
        return f"{self.method}-{self.network}-n{self.n}-{_digest(fields)}"

    @property
    def rollout(self) -> tuple[int, int]:
        """Vector steps and gradient updates of one collect-then-train cycle.

        The smallest cycle with a whole number of updates at ``updates_per_env_step``; and, as
        minibatches are drawn together, as many of it as make eight updates, if that takes no more
        than a quarter of an episode. Stock runs take the smallest.
        """
        config = self.resolved()
        ratio = as_fraction(config.updates_per_env_step or 0.0)
        vector_steps, updates = (ratio * (config.n_envs or 1)).as_integer_ratio()[::-1]
        if config.implementation == "stock":
            return vector_steps, updates
        room = (config.max_steps or 1) // 4
        cycles = min(-(-_UPDATES_TOGETHER // updates), room // vector_steps)
        return vector_steps * max(1, cycles), updates * max(1, cycles)

    @property
    def cost(self) -> float:
        """What the run takes at most, in multiply-adds of its updates: to order runs by."""
        config = self.resolved()
        updates = (config.budget_env_steps or 0) * (config.updates_per_env_step or 0)
        return updates * (config.batch_size or 0) * config.least_weights

    @property
    def least_weights(self) -> int:
        """Weights that the network has at the least, as far as its layers' widths tell."""
        config = self.resolved()
        first, *further = config.hidden or (1,)
        if config.network == "equivariant":
            # Two inputs a bit; then each bit's features beside their mean.
            return 2 * first + _products(2 * first, *(further or [first]), 1)
        return _products(config.n, first, *further, config.n)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> RunConfig:
        """A run from the dictionary that :meth:`to_dict` made, checked.

        Raises:
            ConfigError: If a field is missing, unknown, or has a value no run can have.
        """
        names = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(set(fields) - names):
            raise ConfigError(f"unknown field {unknown[0]!r}; allowed are {sorted(names)}")
        if missing := sorted(names - set(fields)):
            raise ConfigError(f"field {missing[0]!r} is missing")
        values = dict(fields)
        hidden = values["hidden"]
        if not isinstance(hidden, list | tuple) or not all(is_whole(width) for width in hidden):
            raise ConfigError(f"hidden must be a list of whole numbers, got {hidden!r}")
        values["hidden"] = tuple(hidden)
        for name, value in values.items():
            if value is None:
                raise ConfigError(f"field {name!r} is empty")
        return cls(**values).resolved()


def _products(*widths: int) -> int:
    return sum(below * above for below, above in itertools.pairwise(widths))


def _digest(fields: Mapping[str, Any]) -> str:
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:10]
