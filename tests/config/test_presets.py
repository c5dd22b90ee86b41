"""Sweeps as data: what a preset holds, and what flags make of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.compare import PresetName
from experiments.config.blocks import plan, seeds
from experiments.config.errors import ConfigError
from experiments.config.presets import PRESETS
from experiments.config.run import RunConfig


def test_quick_is_what_was_asked_for() -> None:
    runs = plan(PRESETS["quick"].blocks, {})
    real = [run for run in runs if not run.withhold_reward]
    assert [(run.method, run.n, run.seed) for run in real] == [
        (method, n, seed)
        for method in ("dqn", "her")
        for n in (4, 8, 12, 16, 20)
        for seed in (0, 1, 2)
    ]
    assert {(run.method, run.n) for run in runs if run.withhold_reward} == {
        ("her", 12),
        ("her", 20),
    }
    # Equal budgets, used to the end: in steps of the environment and in updates.
    assert len({(run.budget_env_steps, run.updates_per_env_step) for run in runs}) == 1
    assert all(run.full_budget for run in runs)
    # Between the two methods nothing differs but hindsight.
    for dqn, her in zip(real[:15], real[15:], strict=True):
        ours, theirs = dqn.to_dict(), her.to_dict()
        differing = {name for name in ours if ours[name] != theirs[name]}
        assert differing == {"method", "relabel_done", "relabel_share", "goal_strategy"}


def test_paper_has_both_methods_at_its_sizes() -> None:
    runs = plan(PRESETS["paper"].blocks, {})
    sizes = (1, 2, 3, 5, 8, 10, 12, 13, 15, 20, 25, 30, 35, 40, 45, 50)
    fixed = [run for run in runs if run.sees_target and run.goal_mode == "fixed"]
    assert {run.n for run in fixed if run.withhold_reward} == {5, 10, 20, 50}
    plain = [run for run in fixed if not run.withhold_reward]
    counted = Counter((run.method, run.n) for run in plain)
    assert set(counted) == {(method, n) for method in ("dqn", "her") for n in sizes}
    assert len(set(counted.values())) == 1
    for n in sizes:
        assert len({run.budget_env_steps for run in plain if run.n == n}) == 1


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_preset_resolves(name: str) -> None:
    runs = plan(PRESETS[name].blocks, {})
    assert runs
    assert len({run.run_id for run in runs}) == len(runs)
    # The help says how many they are.
    assert f"{len(runs):,} runs" in PRESETS[name].cost
    # A configuration has the seeds 0, 1, ..., and never fewer than three.
    seeds_of = defaultdict(set)
    for run in runs:
        seeds_of[run.config_id].add(run.seed)
    assert all(seeds == set(range(len(seeds))) for seeds in seeds_of.values())
    assert min(map(len, seeds_of.values())) >= 3


@pytest.mark.parametrize("name", ["search", "one-success"])
def test_nulls_are_of_the_learners_that_begin_with_a_success(name: str) -> None:
    runs = plan(PRESETS[name].blocks, {})
    alike: dict[str, Any] = {
        "seed": 0,
        "search": False,
        "one_success": False,
        "search_budget_env_steps": 0,
    }
    alike |= {"replay": "uniform", "replay_share": 0.0, "withhold_reward": True}
    learners = {run.n: dict(run) | alike for run in runs if run.begins_with != "nothing"}
    nulls = [run for run in runs if run.begins_with == "nothing"]
    assert {run.n for run in nulls} == {20, 40}
    assert all(dict(run) | {"seed": 0} == learners[run.n] for run in nulls)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_weights_that_are_looked_at_elsewhere_fit_there(name: str) -> None:
    preset = PRESETS[name]
    if preset.transfer_to:
        assert {run.network for run in plan(preset.blocks, {})} == {"equivariant"}


def test_the_command_line_knows_every_preset() -> None:
    assert set(get_args(PresetName)) == set(PRESETS)


def test_a_block_is_the_product_of_its_settings_in_order() -> None:
    runs = plan(({"n": (3, 2), "seed": (0, 1)},), {})
    assert [(run.n, run.seed) for run in runs] == [(3, 0), (3, 1), (2, 0), (2, 1)]


def test_overrides_replace_a_setting_and_add_others() -> None:
    runs = plan(PRESETS["quick"].blocks, {"n": (6,), "seed": seeds(1), "gamma": (0.9, 0.95)})
    assert [(run.method, run.n, run.seed, dict(run)["gamma"]) for run in runs] == [
        ("dqn", 6, 0, 0.9),
        ("dqn", 6, 0, 0.95),
        ("her", 6, 0, 0.9),
        ("her", 6, 0, 0.95),
        ("her", 6, 0, 0.9),  # its null
        ("her", 6, 0, 0.95),
    ]
    # What no flag named is the preset's own.
    own = plan(PRESETS["quick"].blocks, {})[0]
    assert {run.budget_env_steps for run in runs} == {own.budget_env_steps}


def test_a_run_that_several_blocks_name_is_run_once() -> None:
    block = {"n": (4, 5), "seed": (0,)}
    once = plan((block,), {})
    assert plan((block, {"n": (5, 4), "seed": (0,)}), {}) == once
    # Also where one leaves to a rule what the other spells out.
    assert plan((block, {"n": (4,), "seed": (0,), "max_steps": (4,)}), {}) == once
    assert plan(({"n": (4, 4, 5), "seed": (0, 0)},), {}) == once
    # An override may make two blocks one.
    pair = ({"gamma": (0.9,), "seed": (0,)}, {"gamma": (0.95,), "seed": (0,)})
    assert len(plan(pair, {})) == 2
    assert len(plan(pair, {"gamma": (0.98,)})) == 1


@given(
    st.lists(st.integers(1, 20), min_size=1, max_size=4),
    st.integers(1, 3),
    st.lists(st.sampled_from(["dqn", "her"]), min_size=1, max_size=3),
)
def test_a_sweep_has_each_combination_once(
    sizes: list[int], count: int, methods: list[str]
) -> None:
    block = {"method": tuple(methods), "n": tuple(sizes), "seed": seeds(count)}
    runs = plan((block,), {})
    combinations = {(m, n, s) for m in methods for n in sizes for s in range(count)}
    assert len(runs) == len(combinations)
    assert {(run.method, run.n, run.seed) for run in runs} == combinations


@pytest.mark.parametrize("blocks", [(), ({"n": ()},), ({"n": (4,), "seed": ()},)])
def test_a_sweep_without_runs_is_refused(blocks: tuple[dict[str, tuple[int, ...]], ...]) -> None:
    with pytest.raises(ConfigError, match="no runs"):
        plan(blocks, {})


def test_a_sweep_with_one_run_that_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"n must be .* got 0"):
        plan(({"n": (4, 0)},), {})
    with pytest.raises(ConfigError, match="sees_target=False"):
        plan(PRESETS["quick"].blocks, {"sees_target": (False,)})


def test_seeds_count_from_zero() -> None:
    assert seeds(3) == (0, 1, 2)
    assert [run.seed for run in plan(({"n": (2,)},), {"seed": seeds(2)})] == [0, 1]
    assert RunConfig.of().seed == 0
