"""Settings that make no run: named with what is allowed, also where a file says them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from experiments.config.errors import ConfigError
from experiments.config.run import RunConfig
from experiments.methods.her import HerRun
from tests.config.test_run import RUN_ID

DQN: dict[str, Any] = {"method": "dqn"}
REWARDED = {**DQN, "replay": "rewarded"}
SEARCH = {**REWARDED, "search": True}

BAD: list[tuple[dict[str, Any], str, str]] = [
    # The settings, how the message shows the value, and what it says is allowed.
    ({"n": 0}, "0", "at least 1"),
    ({"n": -1}, "-1", "at least 1"),
    ({"n": 1.5}, "1.5", "whole number"),
    ({"n": 10.0}, "10.0", "whole number"),
    ({"n": True}, "True", "whole number"),
    ({"n": "8"}, "'8'", "whole number"),
    ({"n": None}, "None", "whole number"),
    ({"n": (4, 8)}, "(4, 8)", "whole number"),
    ({"colour": "red"}, "'colour'", "'method'"),
    ({"seed": -1}, "-1", "at least 0"),
    ({"seed": 0.0}, "0.0", "whole number"),
    ({"seed": False}, "False", "whole number"),
    ({"seed": None}, "None", "whole number"),
    ({"seed": 2**32}, "4294967296", "4,294,967,295"),
    ({"method": "ddqn"}, "'ddqn'", "'dqn', 'flip', 'gflownet', 'her'"),
    ({"method": "HER"}, "'HER'", "'dqn', 'flip', 'gflownet', 'her'"),
    ({"method": ""}, "''", "'dqn', 'flip', 'gflownet', 'her'"),
    ({"method": None}, "None", "'dqn', 'flip', 'gflownet', 'her'"),
    ({"method": "../her"}, "'../her'", "'dqn', 'flip', 'gflownet', 'her'"),
    ({"network": "cnn"}, "'cnn'", "'mlp', 'equivariant'"),
    ({"network": None}, "None", "'mlp', 'equivariant'"),
    ({"network": "mlp/../.."}, "'mlp/../..'", "'mlp', 'equivariant'"),
    ({"device": "gpu"}, "'gpu'", "'cpu', 'cuda'"),
    ({"device": "auto"}, "'auto'", "'cpu', 'cuda'"),
    ({"device": None}, "None", "'cpu', 'cuda'"),
    ({"goal_mode": "many"}, "'many'", "'fixed', 'random'"),
    ({"goal_mode": None}, "None", "'fixed', 'random'"),
    ({"start": "ones"}, "'ones'", "'random', 'zeros'"),
    ({"start": 0}, "0", "'random', 'zeros'"),
    ({"reward_type": "dense"}, "'dense'", "'zero_one', 'minus_one_zero', 'hamming'"),
    ({"learner_reward": "r+1"}, "'r+1'", "'r', 'r-1'"),
    ({"goal_strategy": "random"}, "'random'", "'final', 'future', 'episode'"),
    ({"implementation": "jax"}, "'jax'", "'fast', 'stock'"),
    ({"implementation": None}, "None", "'fast', 'stock'"),
    ({"continuing_task": 1}, "1", "True or False"),
    ({"continuing_task": None}, "None", "True or False"),
    ({"full_budget": "yes"}, "'yes'", "True or False"),
    ({"relabel_done": 0}, "0", "True or False"),
    ({"sees_target": None}, "None", "True or False"),
    ({"max_steps": 0}, "0", "at least 1"),
    ({"max_steps": 2.0}, "2.0", "whole number"),
    ({"n_envs": 0}, "0", "at least 1"),
    ({"n_envs": True}, "True", "whole number"),
    ({"budget_env_steps": 0}, "0", "at least 1"),
    ({"budget_env_steps": 1e5}, "100000.0", "whole number"),
    ({"batch_size": -4}, "-4", "at least 1"),
    ({"eval_episodes": 0}, "0", "at least 1"),
    ({"exploration_steps": -1}, "-1", "at least 0"),
    ({"updates_per_env_step": -1}, "-1", "[0, 100]"),
    ({"updates_per_env_step": float("inf")}, "inf", "[0, 100]"),
    ({"updates_per_env_step": True}, "True", "[0, 100]"),
    ({"updates_per_env_step": 0.0015}, "0.0015", "denominator up to 1,000"),
    ({"budget_env_steps": 80, "n": 10}, "80", "at least 81"),
    ({"learner_reward": "r-1", "reward_type": "hamming"}, "hamming", "zero_one"),
    ({"relabel_share": 1.1}, "1.1", "[0, 1]"),
    ({"learning_rate": 0.0}, "0.0", "[1e-09, 1]"),
    ({"learning_rate": "1e-3"}, "'1e-3'", "[1e-09, 1]"),
    ({"gamma": float("nan")}, "nan", "[0, 1]"),
    ({"gamma": -0.1}, "-0.1", "[0, 1]"),
    ({"exploration_final_eps": None}, "None", "[0, 1]"),
    ({"tau": 2}, "2", "[1e-09, 1]"),
    ({"exploration_final_eps": 1j}, "1j", "[0, 1]"),
    ({"max_grad_norm": 0}, "0", "[1e-09, 1e+09]"),
    ({"eval_spacing": 1}, "1", "[1.001, 100]"),
    ({"hidden": ()}, "()", "width"),
    ({"hidden": (64, 0)}, "0", "at least 1"),
    ({"hidden": (64.0,)}, "64.0", "whole number"),
    ({"hidden": 64}, "64", "width"),
    ({"hidden": [64]}, "[64]", "tuple"),
    ({"hidden": "64"}, "'64'", "width"),
    # Two settings that cannot stand together.
    ({"learning_starts": 79}, "79", "at least 80"),
    ({"learning_starts": 0, "n": 1, "n_envs": 1}, "0", "at least 1"),
    ({"max_steps": 500, "learning_starts": 3_999}, "3999", "at least 4,000"),
    ({"buffer_size": 159}, "159", "at least 160"),
    ({"method": "dqn", "goal_strategy": "future"}, "'future'", "'her'"),
    ({"method": "dqn", "relabel_done": True}, "True", "'her'"),
    ({"method": "dqn", "relabel_share": 0.8}, "0.8", "'her'"),
    ({"method": "her", "goal_strategy": "none"}, "'none'", "'future'"),
    ({"method": "her", "sees_target": False}, "'her'", "without hindsight"),
    (
        {"method": "dqn", "network": "equivariant", "sees_target": False},
        "'equivariant'",
        "'mlp'",
    ),
    ({"target_update_interval": 500}, "500", "must be 0"),
    ({"implementation": "stock", "relabel_done": True}, "True", "relabel_done=False"),
    ({"implementation": "stock", "learner_reward": "r-1"}, "'r-1'", "learner_reward='r'"),
    (
        {"implementation": "stock", "method": "dqn", "sees_target": False},
        "False",
        "sees_target=True",
    ),
    ({"exploration": "noisy"}, "'noisy'", "'decay', 'spread'"),
    ({"exploration": "spread", "n_envs": 1}, "1", "n_envs of at least 2"),
    ({"exploration": "spread", "implementation": "stock"}, "'spread'", "exploration='decay'"),
    ({**DQN, "replay": "ranked"}, "'ranked'", "'uniform', 'rewarded', 'prioritized'"),
    ({**DQN, "replay": "rewarded", "implementation": "stock"}, "'rewarded'", "replay='uniform'"),
    *(({**REWARDED, "replay_share": share}, f"{share:.1f}", "between 0 and 1") for share in (0, 1)),
    ({**REWARDED, "replay_share": 1.5}, "1.5", "[0, 1]"),
    ({**DQN, "replay_share": 0.5}, "0.5", "replay_share must be 0 unless replay is 'rewarded'"),
    ({**REWARDED, "withhold_reward": True}, "replay='rewarded'", "null is that of replay"),
    ({**REWARDED, "search": 1}, "1", "True or False"),
    ({**REWARDED, "search_budget_env_steps": 100}, "100", "0 without a search"),
    ({**SEARCH, "search_budget_env_steps": 0}, "0", "more with one"),
    ({**SEARCH, "search_budget_env_steps": 2**53 + 1}, str(2**53 + 1), "9,007,199,254,740,992"),
    ({**SEARCH, "one_success": True}, "one_success=True", "choose one"),
    *(
        ({**REWARDED, way: True, **other}, shown, allowed)
        for way in ("search", "one_success")
        for other, shown, allowed in (
            ({"n": 65}, "65", "from 1 to 64"),
            ({"replay": "uniform"}, "'uniform'", "replay='rewarded'"),
            ({"goal_mode": "random"}, "'random'", "'fixed'"),
            ({"start": "zeros"}, "'zeros'", "'random' for a packed search"),
            ({"reward_type": "hamming"}, "'hamming'", "reward_type='zero_one'"),
            ({"max_steps": 11}, "11", "max_steps must be 10"),
            ({"continuing_task": True}, "True", "continuing_task must be False"),
            ({"withhold_reward": True}, "replay='rewarded'", "null is that"),
        )
    ),
    *(
        ({"method": "her", **one}, "'her'", f"for method {who} only")
        for one, who in (
            ({"replay": "uniform"}, "'dqn' or 'gflownet'"),
            ({"replay_share": 0.0}, "'dqn' or 'gflownet'"),
            ({"search": False}, "'dqn' or 'gflownet'"),
            ({"search_budget_env_steps": 0}, "'dqn' or 'gflownet'"),
            ({"one_success": True}, "'dqn'"),
        )
    ),
    ({"method": "flip", "exploration": "spread"}, "'flip'", "for method 'dqn' or 'her' only"),
    ({"implementation": "stock", "relabel_share": 0.7}, "0.7", "k/(k+1)"),
    ({"implementation": "stock", "relabel_share": 1}, "1", "k/(k+1)"),
    ({"implementation": "stock", "target_update_interval": 0}, "0", "at least 1"),
]


@pytest.mark.parametrize(("fields", "shown", "allowed"), BAD, ids=[str(row[0]) for row in BAD])
def test_a_bad_setting_is_named_with_what_is_allowed(
    fields: dict[str, Any], shown: str, allowed: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        RunConfig.of(**fields)
    message = str(caught.value)
    assert re.search(rf"(?<![\w.]){re.escape(shown)}(?![\w.])", message), message
    assert allowed in message
    assert any(name in message for name in fields)
    assert "\n" not in message


STORED = RunConfig.of().to_dict()


@pytest.mark.parametrize("field", list(HerRun.model_fields))
def test_a_stored_run_has_every_field(field: str) -> None:
    with pytest.raises(ConfigError, match=field):
        RunConfig.from_dict({**STORED, field: None})
    without = {name: value for name, value in STORED.items() if name != field}
    if without == STORED:  # it came later, and is neutral here
        return
    with pytest.raises(ConfigError, match=f"{field}.*(missing|None)"):
        RunConfig.from_dict(without)


@pytest.mark.parametrize("hidden", [256, "256", [256.0], [True], [[256]], {"256": 1}, [], [0]])
def test_a_stored_run_has_whole_widths(hidden: object) -> None:
    with pytest.raises(ConfigError, match="hidden"):
        RunConfig.from_dict({**STORED, "hidden": hidden})


def test_a_stored_run_has_no_other_field() -> None:
    with pytest.raises(ConfigError, match=r"'colour'.*allowed.*'method'"):
        RunConfig.from_dict({**STORED, "colour": "red"})
    with pytest.raises(
        ConfigError, match=r"relabel_share=0\.8 is for method 'gflownet' or 'her' only"
    ):
        RunConfig.from_dict({**RunConfig.of(method="dqn").to_dict(), "relabel_share": 0.8})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.sampled_from(list(HerRun.model_fields)), json_values)
@example("method", "../../etc")
@example("method", ["her"])
@example("network", "mlp\n")
@example("n", 10**400)
@example("gamma", 10**400)
@example("hidden", [10**400])
def test_whatever_a_file_says_a_name_stays_in_its_folder(field: str, value: Any) -> None:
    try:
        run = RunConfig.from_dict({**STORED, field: value})
    except ConfigError:
        return
    out = Path("/somewhere/out/runs")
    assert (out / run.run_id).parent == out
    assert RUN_ID.fullmatch(run.run_id)
