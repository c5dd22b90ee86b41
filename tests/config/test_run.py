"""A run's settings: rules fill them, ranges bound them, their hash names the run."""

from __future__ import annotations

import json
import operator
import re
import subprocess
import sys
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from experiments.config.registry import MARKED, METHODS
from experiments.config.run import RunConfig
from experiments.methods.her import HerRun

RUN_ID = re.compile(r"(dqn|her|flip)-(mlp|equivariant)-n[0-9]+-s[0-9]+-[0-9a-f]{10}")
CONFIG_ID = re.compile(r"(dqn|her)-(mlp|equivariant)-n[0-9]+-[0-9a-f]{10}")


@st.composite
def settings(draw: st.DrawFn) -> dict[str, Any]:
    """Settings that make a run, some of them given."""
    method = draw(st.sampled_from(["dqn", "her"]))
    network = draw(st.sampled_from(["mlp", "equivariant"]))
    reward_type = draw(st.sampled_from(["zero_one", "minus_one_zero", "hamming"]))
    stock = draw(st.booleans())
    fields: dict[str, st.SearchStrategy[Any]] = {
        "seed": st.integers(0, 2**32 - 1),
        "goal_mode": st.sampled_from(["fixed", "random"]),
        "start": st.sampled_from(["random", "zeros"]),
        "max_steps": st.integers(1, 1_000),
        "continuing_task": st.booleans(),
        "n_envs": st.integers(1, 64),
        "budget_env_steps": st.integers(10**7, 10**9),
        "updates_per_env_step": st.builds(
            operator.truediv, st.integers(1, 100), st.integers(1, 1_000)
        ),
        "full_budget": st.booleans(),
        "hidden": st.lists(st.integers(1, 512), min_size=1, max_size=3).map(tuple),
        "batch_size": st.integers(1, 1_024),
        "learning_rate": st.floats(1e-6, 1),
        "learning_rate_schedule": st.sampled_from(["constant", "linear"]),
        "gamma": st.floats(0, 1),
        "tau": st.floats(1e-6, 1),
        "exploration_steps": st.integers(0, 10**6),
        "exploration_final_eps": st.floats(0, 1),
        "max_grad_norm": st.floats(1e-3, 1e6) | st.integers(1, 100),
        "eval_episodes": st.integers(1, 10_000),
        "eval_spacing": st.floats(1.001, 100),
        "device": st.sampled_from(["cpu", "cuda"]),
    }
    if method == "dqn" and not stock:
        fields["replay"] = st.sampled_from(["uniform", "rewarded", "prioritized"])
    if method == "her":
        fields["goal_strategy"] = st.sampled_from(["final", "future", "episode"])
        shares = st.sampled_from([0.0, 0.5, 0.75, 0.8]) if stock else st.floats(0, 1)
        fields["relabel_share"] = shares
        if not stock:
            fields["relabel_done"] = st.booleans()
    if not stock:
        fields["learner_reward"] = st.sampled_from(
            ["r", "r-1"] if reward_type == "zero_one" else "r"
        )
        if method == "dqn" and network == "mlp":
            fields["sees_target"] = st.booleans()
    given: dict[str, Any] = draw(st.fixed_dictionaries({}, optional=fields))
    if not stock and given.get("n_envs", 1) > 1:
        given["exploration"] = draw(st.sampled_from(["decay", "spread"]))
    kind = {"method": method, "network": network, "reward_type": reward_type}
    implementation = "stock" if stock else "fast"
    n = draw(st.integers(1, 10_000))
    return {**kind, "implementation": implementation, "n": n, **given}


@given(settings(), st.integers(0, 2**32 - 1))
def test_a_run_is_filled_named_and_survives_json(given: dict[str, Any], seed: int) -> None:
    run = RunConfig.of(**given)
    assert None not in dict(run).values()
    for name, value in given.items():
        assert getattr(run, name) == value
    assert run.but() == run
    back = RunConfig.from_dict(json.loads(json.dumps(run.to_dict(), allow_nan=False)))
    assert back == run
    assert (back.run_id, back.config_id) == (run.run_id, run.config_id)
    # Names are of one form, and safe as file names.
    assert RUN_ID.fullmatch(run.run_id)
    assert CONFIG_ID.fullmatch(run.config_id)
    prefix = f"{run.method}-{run.network}-n{run.n}-"
    assert run.run_id.startswith(f"{prefix}s{run.seed}-")
    assert run.config_id.startswith(prefix)
    # The seed is in the name of the run alone, and no rule looks at it.
    other = RunConfig.of(**{**given, "seed": seed})
    assert other.config_id == run.config_id
    assert (other.run_id == run.run_id) == (seed == run.seed)
    assert other.but(seed=run.seed) == run


OTHER: dict[str, Any] = {
    "method": "her",
    "network": "equivariant",
    "network_module": "somewhere:Mlp",
    "network_version": "deep 1.0",
    "network_traits": "any_n",
    "n": 11,
    "seed": 1,
    "target": "0110110110",
    "parent": "her-mlp-n10-s0-0123456789",
    "goal_mode": "random",
    "start": "zeros",
    "reward_type": "hamming",
    "max_steps": 11,
    "continuing_task": True,
    "n_envs": 7,
    "budget_env_steps": 60_000,
    "updates_per_env_step": 0.5,
    "full_budget": False,
    "withhold_reward": True,
    "late_looks": 30,
    "relabel_done": False,
    "learner_reward": "r",
    "relabel_share": 0.75,
    "goal_strategy": "final",
    "sees_target": False,
    "implementation": "stock",
    "hidden": (256, 256),
    "batch_size": 64,
    "learning_rate": 2e-3,
    "learning_rate_schedule": "linear",
    "gamma": 0.97,
    "tau": 0.02,
    "target_update_interval": 600,
    "buffer_size": 40_000,
    "learning_starts": 500,
    "exploration_steps": 100,
    "exploration_final_eps": 0.1,
    "exploration": "spread",
    "acting_weights": "average",
    "max_grad_norm": 5.0,
    "eval_episodes": 50,
    "eval_spacing": 1.1,
    "device": "cuda",
}
OTHER_DQN: dict[str, Any] = {
    "replay": "prioritized",
    "search": True,
    "one_success": True,
    "replay_share": 0.25,
    "search_budget_env_steps": 1_000,
    "env": "BitSequenceAppend-v0",
    "word_size": 2,
    "free_bits": 3,
}
"""Of DQN."""
OTHER_GFLOWNET: dict[str, Any] = {
    "loss": "likelihood",
    "hindsight": True,
    "epsilon": 1e-3,
    "exploration_eps": 0.1,
    "adam_eps": 1e-5,
    "log_z_learning_rate": 0.5,
}
_GFLOWNET = {"method": "gflownet", "env": "BitSequenceAppend-v0"}
BASES: dict[str, dict[str, Any]] = {
    "method": {"method": "dqn"},
    "sees_target": {"method": "dqn"},
    "target_update_interval": {"implementation": "stock"},
    "search_budget_env_steps": {"method": "dqn", "replay": "rewarded", "search": True},
    "word_size": {"method": "dqn", "env": "BitSequenceAppend-v0"},
    "free_bits": {"method": "dqn", "env": "BitSequenceAppend-v0"},
    **dict.fromkeys(OTHER_GFLOWNET, _GFLOWNET),
    "loss": _GFLOWNET | {"hindsight": True},
}
"""A run in which this one setting can have its other value."""


@pytest.mark.parametrize("field", [*OTHER, *OTHER_DQN, *OTHER_GFLOWNET])
def test_every_setting_is_in_the_name(field: str) -> None:
    base = BASES.get(field, {} if field in OTHER else {"method": "dqn", "replay": "rewarded"})
    value = (OTHER | OTHER_DQN | OTHER_GFLOWNET)[field]
    one, other = RunConfig.of(**base), RunConfig.of(**{**base, field: value})
    assert getattr(one, field) != getattr(other, field) == value
    # The hash alone tells them apart, too.
    assert other.run_id[-10:] != one.run_id[-10:]


def test_every_setting_has_another_value() -> None:
    fields = {name for entry in METHODS.values() for name in entry.settings.model_fields}
    assert fields - MARKED.keys() == (OTHER | OTHER_DQN | OTHER_GFLOWNET).keys()


def test_a_run_of_the_first_version_keeps_its_name() -> None:
    """Results are committed under these."""
    assert RunConfig.of(n=50, full_budget=False).run_id == "her-mlp-n50-s0-cdb8e0f123"
    assert (
        RunConfig.of(method="dqn", n=20, seed=4, full_budget=False).run_id
        == "dqn-mlp-n20-s4-00dd42be7b"
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"eval_spacing": 2}, {"eval_spacing": 2.0}),
        ({"relabel_share": 1}, {"relabel_share": 1.0}),
        ({"relabel_share": -0.0}, {"relabel_share": 0.0}),
        ({"n": 12}, {"n": 12, "max_steps": 12, "relabel_done": True}),
        ({"n": np.int64(12), "gamma": np.float64(0.5)}, {"n": 12, "gamma": 0.5}),
        ({"method": "dqn"}, {"method": "dqn", "relabel_share": 0.0, "goal_strategy": "none"}),
    ],
    ids=str,
)
def test_one_setting_has_one_name(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert RunConfig.of(**one) == RunConfig.of(**other)
    assert RunConfig.of(**one).run_id == RunConfig.of(**other).run_id


@pytest.mark.parametrize("way", ["search", "one_success"])
def test_a_run_that_begins_with_a_success_has_defaults_of_its_own(way: str) -> None:
    usual: Any = RunConfig.of(method="dqn", n=16, replay="rewarded")
    run: Any = RunConfig.of(method="dqn", n=16, replay="rewarded", **{way: True})
    assert (usual.n_envs, usual.hidden, usual.replay_share) == (8, (256,), 0.125)
    assert (run.n_envs, run.hidden, run.replay_share) == (64, (512,), 0.25)
    assert run.search_budget_env_steps == (8 * 2**16 if way == "search" else 0)
    assert usual.search_budget_env_steps == 0
    own: Any = RunConfig.of(method="dqn", n=16, replay="rewarded", n_envs=3, **{way: True})
    assert (own.n_envs, own.hidden) == (3, (512,))
    # Without either all is as it was, whatever the replay.
    names = set(dict(usual)) - {"replay", "replay_share"}
    plain = dict(RunConfig.of(method="dqn", n=16))
    assert {name: dict(usual)[name] for name in names} == {name: plain[name] for name in names}


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
    run = HerRun(n_envs=n_envs, updates_per_env_step=float(ratio))
    vector_steps, updates = run.rollout
    assert vector_steps >= 1
    assert updates >= 1
    assert Fraction(updates, vector_steps * n_envs) == ratio


@pytest.mark.parametrize(
    ("given", "cycle"),
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
    given: dict[str, Any], cycle: tuple[int, int]
) -> None:
    assert HerRun(**given).rollout == cycle


def test_a_replay_buffer_of_long_strings_has_room_in_memory() -> None:
    for n in (1, 50, 1_000, 2_000, 10_000, 100_000):
        run = HerRun(network="equivariant", n=n)
        two_episodes = 2 * run.max_steps * run.n_envs
        assert two_episodes <= run.buffer_size <= max(10**9 // n, two_episodes), n
    assert HerRun(network="equivariant", n=1_000).buffer_size == 20_000


def test_planning_imports_no_torch() -> None:
    code = (
        "import sys\n"
        "from experiments.config import blocks, presets\n"
        "blocks.plan(presets.PRESETS['paper'].blocks, {})\n"
        "print(sorted({'torch', 'stable_baselines3', 'gymnasium', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
