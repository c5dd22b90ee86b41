"""RunConfig: rules fill it, checks bound it, its hash names the run."""

from __future__ import annotations

import dataclasses
import json
import operator
import re
import subprocess
import sys
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from experiments.config import rules
from experiments.config.checks import REALS
from experiments.config.run import RunConfig

RUN_ID = re.compile(r"(dqn|her)-(mlp|equivariant)-n[0-9]+-s[0-9]+-[0-9a-f]{10}")
CONFIG_ID = re.compile(r"(dqn|her)-(mlp|equivariant)-n[0-9]+-[0-9a-f]{10}")


@st.composite
def configs(draw: st.DrawFn) -> RunConfig:
    """Settings that make a run, any of them open."""

    def either(value: st.SearchStrategy[Any]) -> Any:
        return draw(st.none() | value)

    method = draw(st.sampled_from(["dqn", "her"]))
    network = draw(st.sampled_from(["mlp", "equivariant"]))
    n = draw(st.integers(1, 10_000))
    n_envs = either(st.integers(1, 64))
    stock = draw(st.booleans())
    fields: dict[str, Any] = {
        "method": method,
        "network": network,
        "n": n,
        "seed": draw(st.integers(0, 2**32 - 1)),
        "goal_mode": draw(st.sampled_from(["fixed", "random"])),
        "start": draw(st.sampled_from(["random", "zeros"])),
        "reward_type": draw(st.sampled_from(["zero_one", "minus_one_zero", "hamming"])),
        "max_steps": either(st.integers(1, 1_000)),
        "continuing_task": draw(st.booleans()),
        "n_envs": n_envs,
        "budget_env_steps": either(st.integers(10**7, 10**9)),
        "updates_per_env_step": either(
            st.builds(operator.truediv, st.integers(1, 100), st.integers(1, 1_000))
        ),
        "full_budget": draw(st.booleans()),
        "hidden": either(st.lists(st.integers(1, 512), min_size=1, max_size=3).map(tuple)),
        "batch_size": either(st.integers(1, 1_024)),
        "learning_rate": either(st.floats(1e-6, 1)),
        "gamma": either(st.floats(0, 1)),
        "tau": either(st.floats(1e-6, 1)),
        "exploration_steps": either(st.integers(0, 10**6)),
        "exploration_final_eps": draw(st.floats(0, 1)),
        "max_grad_norm": draw(st.floats(1e-3, 1e6) | st.integers(1, 100)),
        "eval_episodes": either(st.integers(1, 10_000)),
        "eval_spacing": draw(st.floats(1.001, 100)),
        "implementation": "stock" if stock else "fast",
        "device": draw(st.sampled_from(["cpu", "cuda"])),
    }
    if method == "her":
        fields["goal_strategy"] = either(st.sampled_from(["final", "future", "episode"]))
        if stock:
            fields["relabel_share"] = either(st.sampled_from([0.0, 0.5, 0.75, 0.8]))
        else:
            fields["relabel_share"] = either(st.floats(0, 1))
            fields["relabel_done"] = either(st.booleans())
    if not stock:
        shifts = ["r", "r-1"] if fields["reward_type"] == "zero_one" else ["r"]
        fields["learner_reward"] = either(st.sampled_from(shifts))
        fields["sees_target"] = method == "her" or network != "mlp" or draw(st.booleans())
    return RunConfig(**fields)


@given(configs())
def test_resolving_fills_every_field_once_and_for_all(config: RunConfig) -> None:
    resolved = config.resolved()
    assert None not in dataclasses.asdict(resolved).values()
    assert resolved.resolved() == resolved
    for name, value in vars(config).items():
        if value is not None:
            assert getattr(resolved, name) == value


@given(configs())
def test_a_run_survives_json_and_keeps_its_name(config: RunConfig) -> None:
    text = json.dumps(config.resolved().to_dict(), allow_nan=False)
    back = RunConfig.from_dict(json.loads(text))
    assert back == config.resolved()
    assert hash(back) == hash(config.resolved())
    assert back.run_id == config.run_id == config.resolved().run_id
    assert back.config_id == config.config_id


@given(configs())
def test_names_are_of_one_form_and_safe_as_file_names(config: RunConfig) -> None:
    assert RUN_ID.fullmatch(config.run_id)
    assert CONFIG_ID.fullmatch(config.config_id)
    prefix = f"{config.method}-{config.network}-n{config.n}-"
    assert config.run_id.startswith(f"{prefix}s{config.seed}-")
    assert config.config_id.startswith(prefix)


@given(configs(), st.integers(0, 2**32 - 1))
def test_the_seed_is_in_the_name_of_the_run_alone(config: RunConfig, seed: int) -> None:
    other = dataclasses.replace(config, seed=seed)
    assert other.config_id == config.config_id
    assert (other.run_id == config.run_id) == (seed == config.seed)
    # No rule looks at the seed.
    assert dataclasses.replace(other.resolved(), seed=config.seed) == config.resolved()


OTHER: dict[str, Any] = {
    "method": "her",
    "network": "equivariant",
    "n": 11,
    "seed": 1,
    "goal_mode": "random",
    "start": "zeros",
    "reward_type": "hamming",
    "max_steps": 11,
    "continuing_task": True,
    "n_envs": 7,
    "budget_env_steps": 60_000,
    "updates_per_env_step": 0.5,
    "full_budget": True,
    "relabel_done": False,
    "learner_reward": "r",
    "relabel_share": 0.75,
    "goal_strategy": "final",
    "sees_target": False,
    "implementation": "stock",
    "hidden": (256, 256),
    "batch_size": 64,
    "learning_rate": 2e-3,
    "gamma": 0.97,
    "tau": 0.02,
    "target_update_interval": 600,
    "buffer_size": 40_000,
    "learning_starts": 500,
    "exploration_steps": 100,
    "exploration_final_eps": 0.1,
    "max_grad_norm": 5.0,
    "eval_episodes": 50,
    "eval_spacing": 1.1,
    "device": "cuda",
}


def base_of(field: str) -> RunConfig:
    """A run in which this one field can have its other value."""
    if field in ("method", "sees_target"):
        return RunConfig(method="dqn")
    if field == "target_update_interval":
        return RunConfig(implementation="stock")
    return RunConfig()


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(RunConfig)])
def test_every_field_is_in_the_name(field: str) -> None:
    base = base_of(field)
    other = dataclasses.replace(base, **{field: OTHER[field]})
    assert getattr(base.resolved(), field) != OTHER[field]
    assert getattr(other.resolved(), field) == OTHER[field]
    assert other.run_id != base.run_id
    # The hash alone tells them apart, too.
    assert other.run_id[-10:] != base.run_id[-10:]


@pytest.mark.parametrize("field", sorted(REALS))
def test_one_and_one_point_zero_are_one_setting(field: str) -> None:
    value: Any = 2 if field == "eval_spacing" else 1
    whole = dataclasses.replace(RunConfig(), **{field: value})
    as_float: Any = float(value)
    real = dataclasses.replace(RunConfig(), **{field: as_float})
    assert whole.run_id == real.run_id
    assert isinstance(getattr(whole.resolved(), field), float)


def test_zero_has_one_name_whatever_its_sign() -> None:
    assert RunConfig(relabel_share=-0.0).run_id == RunConfig(relabel_share=0.0).run_id


def test_an_open_field_and_its_filled_one_are_one_run() -> None:
    assert RunConfig(n=12).run_id == RunConfig(n=12, max_steps=12, relabel_done=True).run_id


def test_every_rule_fills_a_field_that_is_open_by_default() -> None:
    open_fields = {f.name for f in dataclasses.fields(RunConfig) if f.default is None}
    assert open_fields == set(rules.RULES)


@given(st.integers(1, 1_000), st.integers(1, 100_000), st.integers(1, 64))
@example(1, 1, 1)
@example(1000, 1, 64)
@example(3, 1, 8)
def test_a_cycle_has_the_exact_ratio_of_updates_to_steps(
    denominator: int, numerator: int, n_envs: int
) -> None:
    ratio = Fraction(numerator, denominator)
    if not Fraction(1, 1000) <= ratio <= 100:
        ratio = Fraction(1, denominator)
    config = RunConfig(n_envs=n_envs, updates_per_env_step=float(ratio))
    vector_steps, updates = config.rollout
    assert vector_steps >= 1
    assert updates >= 1
    assert Fraction(updates, vector_steps * n_envs) == ratio


@pytest.mark.parametrize(
    ("settings", "cycle"),
    [
        ({"n": 30, "n_envs": 8, "updates_per_env_step": 0.25}, (4, 8)),
        ({"n": 30, "n_envs": 1, "updates_per_env_step": 1.0}, (7, 7)),
        ({"n": 30, "n_envs": 1, "updates_per_env_step": 0.25}, (4, 1)),
        ({"n": 100, "n_envs": 1, "updates_per_env_step": 0.25}, (24, 6)),
        ({"n": 30, "n_envs": 64, "updates_per_env_step": 0.25}, (1, 16)),
        ({"n": 2, "n_envs": 1, "updates_per_env_step": 0.25}, (4, 1)),
        ({"n": 30, "n_envs": 8, "updates_per_env_step": 0.25, "implementation": "stock"}, (1, 2)),
    ],
)
def test_updates_come_eight_together_within_a_quarter_of_an_episode(
    settings: dict[str, Any], cycle: tuple[int, int]
) -> None:
    assert RunConfig(**settings).rollout == cycle


def test_planning_imports_no_torch() -> None:
    code = (
        "import sys, experiments.config.presets as p\n"
        "p.plan(p.PRESETS['paper'].blocks, {})\n"
        "print(sorted({'torch', 'stable_baselines3', 'gymnasium', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_replay_buffer_of_long_strings_has_room_in_memory() -> None:
    for n in (1, 50, 1_000, 2_000, 10_000, 100_000):
        config = RunConfig(network="equivariant", n=n).resolved()
        two_episodes = 2 * (config.max_steps or 0) * (config.n_envs or 0)
        most = max(10**9 // n, two_episodes)
        assert two_episodes <= (config.buffer_size or 0) <= most, n
    assert RunConfig(network="equivariant", n=1_000).resolved().buffer_size == 100_000
