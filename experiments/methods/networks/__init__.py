"""Networks over a state and a goal of n bits; what each knows beforehand.

* ``mlp``, the HER paper's kind, knows nothing: it has to learn for every bit anew that a bit
  which differs from its goal wants flipping.
* ``equivariant`` knows that bits are interchangeable: renaming them renames the Q-values and
  changes nothing else (Zaheer et al., 2017, "Deep Sets"), and that one bit of n changes little.
  That is most of this problem, so a comparison is fair only when both are shown. It does *not*
  know that a bit matters only through whether it equals its goal: flipping the same bit of state
  and goal may change its Q-values.
* ``transformer`` writes strings and has no Q-values. It knows that the same place of goal and
  string may have to do with each other, and not how.
"""

from __future__ import annotations

from typing import Any

from experiments.config import registry
from experiments.config.registry import Filled, Network, Rule
from experiments.config.run_settings import FLIP


def _budget(run: Filled) -> int:
    return int(max(6_000, 20 * run["n"], 20 * run["max_steps"] * run["n_envs"]))


def _large(run: Filled) -> bool:
    """Whether steps are many, and large batches seldom learn as well as small ones often."""
    return bool(run["n"] >= 500)


def _relabels(run: Filled) -> bool:
    """Whether the method has hindsight."""
    return "relabel_share" in registry.method_of(run).settings.model_fields


def _long(run: Filled) -> bool:
    """Whether right and wrong actions differ by so little that what was learned may drift."""
    return bool(run["n"] >= 200)


def _multiply_adds(run: Any) -> int:
    first, *further = run.hidden
    body = further or [first]
    # Two inputs a bit; then their mean, and each bit's features beside it.
    return int(
        2 * first + registry.products(first, *body, 1) + registry.products(2 * first, *body, 1)
    )


registry.register(
    Network(
        name="mlp",
        module="experiments.methods.networks.mlp:MlpQNetwork",
        writer="experiments.methods.networks.writers:MlpWriter",
        sb3s=True,
    )
)
registry.register(
    Network(
        name="equivariant",
        module="experiments.methods.networks.equivariant:EquivariantQNetwork",
        rules=registry.rules(
            Rule("n_envs", "1", lambda _: 1),
            Rule("budget_env_steps", "6,000, and at least 20 episodes of each copy", _budget),
            Rule(
                "updates_per_env_step",
                "1, as an update costs little more than a step; 0.25 from n = 500",
                lambda run: 0.25 if _large(run) else 1.0,
            ),
            Rule("hidden", "64 64", lambda _: (64, 64)),
            Rule(
                "learner_reward",
                "r with hindsight, as values from 0 to 1 are learned soon",
                lambda _: "r",
                _relabels,
            ),
            Rule(
                "gamma",
                "1 - 5/n beyond n = 1,000 (not for stock runs), or it could not look so far",
                lambda run: 1 - 5 / run["n"],
                lambda run: bool(run["n"] > 1_000 and run["implementation"] != "stock"),
            ),
            Rule("batch_size", "128; 512 from n = 500", lambda run: 512 if _large(run) else 128),
            Rule("exploration_steps", "10 n", lambda run: 10 * run["n"]),
            Rule(
                "exploration_final_eps",
                "0.5 from n = 200, or a policy that is right sees nothing wrong for long",
                lambda _: 0.5,
                _long,
            ),
            Rule(
                "learning_rate_schedule",
                "linear from n = 200 (constant for stock runs)",
                lambda run: "constant" if run["implementation"] == "stock" else "linear",
                _long,
            ),
            Rule(
                "acting_weights",
                "average (online for stock runs), as its values differ by less than updates do",
                lambda run: "online" if run["implementation"] == "stock" else "average",
            ),
        ),
        multiply_adds=_multiply_adds,
        any_n=True,
        knows_symmetry=True,
        needs_goal=True,
        env=FLIP,
        because="as places are not interchangeable where a string is written",
    )
)
registry.register(
    Network(
        name="transformer",
        writer="experiments.methods.networks.writers:TransformerWriter",
        rules=registry.rules(
            Rule("hidden", "256 256", lambda _: (256, 256)),
            Rule("learning_rate", "2e-3", lambda _: 2e-3),
            Rule(
                "updates_per_env_step",
                "one update for each string of all copies",
                lambda run: 1 / (run["n_envs"] * run["max_steps"]),
            ),
        ),
        # Of a token, 64 wide: attention's four products, and a perceptron, in each layer.
        multiply_adds=lambda run: 64 * sum(4 * 64 + 2 * width for width in run.hidden),
    )
)
registry.register(Network(name=registry.OWN, any_n=True))
