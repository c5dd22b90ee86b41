"""Methods and networks from outside: named, told, judged and controlled as any other's."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from experiments.config import outside
from experiments.config.errors import ConfigError
from experiments.config.run import RunConfig
from experiments.methods.learner import learner_of, load_policy
from experiments.records import run_folders
from experiments.records.files import ResultError
from experiments.sweeps.training import begun_with, train
from tests.command_lines import Command
from tests.made_runs import make_finished_run

SB3S = {"method": "stable_baselines3:DQN", "n": 4, "budget_env_steps": 600, "eval_episodes": 20}


def plugged(**settings: Any) -> Any:
    return RunConfig.of(**{**SB3S, **settings})


def test_a_run_goes_by_its_class_and_its_name_knows_the_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = plugged(algorithm_kwargs='{"gamma": 0.9,   "batch_size": 8}')
    assert run.run_id.startswith("dqn-own-n4-s0-")
    assert run.module_version.startswith("stable_baselines3 2.")
    spelled = plugged(algorithm_kwargs={"batch_size": 8, "gamma": 0.9})
    assert spelled == run
    others = [plugged(), plugged(hindsight=True), plugged(method="tests.plugins:Alike")]
    monkeypatch.setattr(outside, "version", lambda name: "stable_baselines3 9.9.9")
    others.append(plugged(algorithm_kwargs=run.algorithm_kwargs))
    assert len({one.run_id for one in [run, *others]}) == 5


def test_changed_code_is_another_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "changing_code.py"
    file.write_text("from tests.plugins import Idle\n")
    name = "changing_code:Idle"
    before = RunConfig.of(method=name)
    file.write_text("from tests.plugins import Idle\n\n# changed\n")
    assert RunConfig.of(method=name).run_id != before.run_id


def test_reading_of_a_run_imports_nothing_that_it_names() -> None:
    fields = plugged().to_dict() | {"module": "nowhere_to_be_found:DQN"}
    run = RunConfig.from_dict(json.loads(json.dumps(fields)))
    assert run.to_dict() == fields
    assert run.told == "s"
    assert run_folders.run_of(run_folders.settings_row(run)) == run
    with pytest.raises(ResultError, match=r"needs nowhere_to_be_found:DQN.*--trust"):
        load_policy(run, b"", 4, "cpu")
    assert "nowhere_to_be_found" not in sys.modules


@pytest.mark.parametrize(
    "hostile",
    [
        {"method": "../../elsewhere"},
        {"method": "nowhere_to_be_found:DQN"},
        {"network": "nowhere_to_be_found:Net"},
        {"module": "../elsewhere:DQN"},
        {"network_module": "nowhere_to_be_found:Net", "network": "../net"},
        {"recorded": True},
    ],
    ids=str,
)
def test_a_folder_from_elsewhere_names_nothing_that_is_imported_or_leads_out(
    hostile: dict[str, Any],
) -> None:
    for base in (plugged(), RunConfig.of(n=4)):
        with pytest.raises(ConfigError):
            RunConfig.from_dict(base.to_dict() | hostile)
    assert "nowhere_to_be_found" not in sys.modules


def test_the_command_beside_a_row_makes_the_same_run() -> None:
    run = plugged(hindsight=True, algorithm_kwargs={"gamma": 0.9})
    given = run.given()
    assert given["method"] == "stable_baselines3:DQN"
    assert not {"module", "module_version"} & {*given}
    assert RunConfig.of(**given) == run


@pytest.mark.parametrize("withheld", [False, True])
@pytest.mark.parametrize("shown", [False, True])
@pytest.mark.parametrize("reward", ["r", "r-1"])
def test_what_a_learner_from_outside_sees(withheld: bool, shown: bool, reward: str) -> None:
    run = plugged(
        n_envs=3, withhold_reward=withheld, sees_target=shown, learner_reward=reward, start="zeros"
    )
    env = learner_of(run).env
    env.seed(0)
    first = env.reset()
    names = {"observation", "achieved_goal"} | ({"desired_goal"} if shown else set())
    assert set(first) == set(env.observation_space.spaces) == names
    low, high = (0, 0 if withheld else 1) if reward == "r" else (-1, -1 if withheld else 0)
    rng, rewards, told = np.random.default_rng(0), set(), set()
    for _ in range(200):
        _, reward_now, dones, infos = env.step(rng.integers(4, size=3))
        rewards |= set(reward_now.tolist())
        for copy in np.flatnonzero(dones):
            told.add("is_success" in infos[copy])
            assert set(infos[copy]["terminal_observation"]) == names
    assert rewards == {float(low), float(high)}
    assert told == {not withheld}
    if not shown:  # nobody asks there, as hindsight is refused
        return
    goals = np.array([[0, 0, 0, 0], [0, 1, 1, 1]], dtype=np.int8)
    (answers,) = env.env_method("compute_reward", goals, goals[[0, 0]], [{}, {}], indices=[0])
    assert answers.tolist() == [high, low]
    (ends,) = env.env_method("compute_terminated", goals, goals[[0, 0]], [{}, {}], indices=[0])
    assert ends.tolist() == [not withheld, False]


def test_an_sb3_class_learns_with_its_hindsight_and_not_without_reward() -> None:
    settings: dict[str, Any] = {
        "n": 5,
        "hindsight": True,
        "budget_env_steps": 4_000,
        "algorithm_kwargs": {"learning_rate": 0.002, "exploration_fraction": 0.3, "train_freq": 2},
    }
    run = train(plugged(**settings))
    assert run.result["solved"]
    assert run.result["gradient_updates"] > 1_000
    again = train(plugged(**settings))
    assert again.curve[-1]["success_rate"] == run.curve[-1]["success_rate"]
    assert again.policy == run.policy
    null = train(plugged(**settings, withhold_reward=True))
    assert not null.result["solved"]
    assert null.result["rollout_successes"] == 0
    # The weights that were kept act as the learner did, and fit no other n.
    policy = load_policy(run.config, run.policy, 5, "cpu", trust=True)
    states = np.random.default_rng(0).integers(0, 2, (50, 5), dtype=np.int8)
    assert len(set(policy(states, 1 - states).tolist())) > 1
    with pytest.raises(ResultError, match="do not fit its network"):
        load_policy(plugged(n=6), run.policy, 6, "cpu", trust=True)


def test_an_untrained_sb3_class_keeps_its_first_weights() -> None:
    run = plugged(updates_per_env_step=0)
    done = train(run)
    assert done.result["gradient_updates"] == 0
    assert done.result["env_steps"] == 600
    first = learner_of(run)
    states = np.random.default_rng(0).integers(0, 2, (50, 4), dtype=np.int8)
    kept = load_policy(run, done.policy, 4, "cpu", trust=True)
    np.testing.assert_array_equal(kept(states, states), first.act(states, states))


@pytest.mark.parametrize(
    "settings", [{"method": "her"}, {"hindsight": True}], ids=["ours", "plugged"]
)
def test_a_run_goes_on_from_another_ones_weights(settings: dict[str, Any]) -> None:
    base = {"n": 4, "budget_env_steps": 900, "eval_episodes": 50}
    whole = {**({} if "method" in settings else SB3S), **base, **settings}
    parent = train(RunConfig.of(**whole))
    run, weights = begun_with(RunConfig.of(**whole), parent)
    assert run.parent == parent.config.run_id
    assert run.run_id != parent.config.run_id
    learner = learner_of(run, weights)
    states = np.random.default_rng(0).integers(0, 2, (99, 4), dtype=np.int8)
    goals = np.random.default_rng(1).integers(0, 2, (99, 4), dtype=np.int8)
    old = load_policy(parent.config, parent.policy, 4, "cpu", trust=True)
    np.testing.assert_array_equal(learner.act(states, goals), old(states, goals))
    child = train(run, weights=weights)
    assert child.result["parent"] == parent.config.run_id
    assert child.policy != parent.policy
    with pytest.raises(ConfigError, match="goes with the weights"):
        learner_of(run)
    with pytest.raises(ConfigError, match="goes with the weights"):
        learner_of(parent.config, weights)


def test_a_network_from_outside_says_what_it_knows() -> None:
    run = RunConfig.of(network="tests.plugins:Deep", n=4)
    assert (run.network, run.told, run.any_n) == ("deep", "s+symmetry", False)
    assert run.network_version.startswith("sha256 ")
    assert RunConfig.of(**run.given()) == run
    assert RunConfig.from_dict(run.to_dict()) == run
    same, ours = (
        train(run.but(budget_env_steps=400)),
        train(RunConfig.of(n=4, budget_env_steps=400)),
    )
    assert same.curve[-1]["success_rate"] == ours.curve[-1]["success_rate"]
    with pytest.raises(ResultError, match=r"needs tests\.plugins:Deep"):
        load_policy(run, same.policy, 4, "cpu")


def test_a_plug_in_that_fails_is_told_and_the_sweep_goes_on(
    command: Command, tmp_path: Path
) -> None:
    names = ["tests.plugins:Broken", "tests.plugins:Idle"]
    flags = ["--n", "3", "--seeds", "1", "--budget", "60", "--workers", "1", "--out", "out"]
    outcome = command("compare", "--methods", *names, *flags)
    assert outcome.status == 1
    assert "LookupError: enough" in outcome.text
    assert pd.read_csv(tmp_path / "out" / "runs.csv")["method"].tolist() == ["idle"]


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (
            ["--method", "tests.plugins:Broken"],
            ["Broken failed", "LookupError: enough", "plugins.py"],
        ),
        (["--parent", "made"], ["weights of her-mlp-n3-s0-", "do not fit"]),
    ],
    ids=["broken", "misfit"],
)
def test_a_training_that_cannot_be_is_a_line_and_no_row(
    command: Command, tmp_path: Path, flags: list[str], named: list[str]
) -> None:
    run_folders.write_run(tmp_path, make_finished_run()).rename(tmp_path / "made")
    outcome = command("train", "--n", "3", "--out", "out", "--device", "cpu", *flags)
    assert outcome.status == 2
    assert all(word in outcome.text for word in named)
    assert "Traceback" not in outcome.text
    written = [path.name for path in (tmp_path / "out").rglob("*") if not path.is_dir()]
    assert not [
        name for name in written if name != ".lock" and not name.startswith(("events", "progress"))
    ]


def test_ones_own_s_is_the_task_everywhere(command: Command, tmp_path: Path) -> None:
    target = "01101"
    run = RunConfig.of(target=target, budget_env_steps=400)
    assert (run.n, run.max_steps) == (5, 5)
    assert run.run_id != RunConfig.of(n=5, budget_env_steps=400).run_id
    flags = ["--target", target, "--budget", "400", "--out", "out"]
    assert command("train", *flags, "--progress", "False", "--device", "cpu").status == 0
    folder = tmp_path / "out" / "runs" / run.run_id
    assert command("evaluate", folder, "--episodes", "5", "--gif", "a.gif").status == 0
    assert "01101" in json.loads((folder / "config.json").read_text())["target"]
    from experiments.evaluation.greedy import evaluation_env, task_at

    goals = evaluation_env(task_at(run, None), 3).reset(seed=3)[0]["desired_goal"]
    assert (goals == [0, 1, 1, 0, 1]).all()
    assert command("compare", *flags, "--seeds", "2", "--methods", "her", "--dry-run").status == 0
