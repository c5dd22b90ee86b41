"""Loops of others, recorded: what happened is counted, once, and never half of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pandas as pd
import pytest
import torch as th

import bitseq_env  # noqa: F401  (registers the environment)
from experiments import Recorder
from experiments.config.errors import ConfigError
from experiments.methods.learner import load_policy
from experiments.records import run_folders
from experiments.records.files import ResultError
from experiments.records.run_folders import FinishedRun

N, BUDGET = 4, 200
Array = Any


def flip_what_differs(states: Array, goals: Array) -> Array:
    return (states != goals).argmax(1)


def record(env: Any, out: Path, **further: Any) -> Any:
    settings = {"budget_env_steps": BUDGET, "note": "mine"}
    arguments = {"act": flip_what_differs, "method": "loop", "settings": settings, **further}
    return Recorder(env, out=out, **arguments)


def recorded(out: Path) -> FinishedRun:
    (run,) = run_folders.scan(out)[0].values()
    return run


def one(**arguments: Any) -> Any:
    return gym.make("BitSequence-v0", n=N, **{"target_seed": 0, **arguments})


def play_one(env: Any, steps: int) -> tuple[int, int]:
    """Uniform play; how many episodes ended, and how many of them reached s."""
    rng, ended, reached = np.random.default_rng(0), 0, 0
    env.reset(seed=0)
    for _ in range(steps):
        _, _, terminated, truncated, info = env.step(int(rng.integers(N)))
        if terminated or truncated:
            ended, reached = ended + 1, reached + int(info["is_success"])
            env.reset()
    return ended, reached


def test_a_loop_over_one_environment_leaves_a_run_and_a_row(tmp_path: Path) -> None:
    env = record(one(), tmp_path)
    assert isinstance(env, gym.Wrapper)
    ended, reached = play_one(env, BUDGET)
    run = recorded(tmp_path)
    assert run.result["env_steps"] == BUDGET
    assert run.result["rollout_successes"] == reached > 0
    assert run.result["episodes"] - ended in (0, 1)
    assert run.result["gradient_updates"] is None
    assert run.result["solved"]
    assert (run.result["method"], run.result["network"], run.result["told"]) == ("loop", "own", "s")
    late = [row for row in run.curve if row["env_steps"] > BUDGET / 2]
    assert len(late) >= 20
    assert pd.read_csv(tmp_path / "runs.csv")["run_id"].tolist() == [run.config.run_id]
    # What comes after the budget is not counted, and closing says nothing.
    play_one(env, 50)
    env.close()
    assert recorded(tmp_path).result == run.result


@pytest.mark.parametrize("kind", ["native", "sync"])
@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled"])
def test_a_loop_over_many_copies_counts_every_step_once(
    tmp_path: Path, kind: str, mode: str
) -> None:
    native = {"autoreset_mode": mode}
    sync = {"vectorization_mode": "sync", "vector_kwargs": {"autoreset_mode": mode}}
    env: Any = gym.make_vec(
        "BitSequence-v0", num_envs=3, n=N, target_seed=0, **(native if kind == "native" else sync)
    )
    env = record(env, tmp_path)
    assert isinstance(env, gym.vector.VectorWrapper)
    rng = np.random.default_rng(1)
    steps = ended = reached = 0
    env.reset(seed=0)
    over = np.zeros(3, dtype=bool)
    while steps < BUDGET:
        if mode == "Disabled" and over.any():
            env.reset(options={"reset_mask": over})
        counted = ~over if mode == "NextStep" else np.ones(3, dtype=bool)
        _, rewards, terminated, truncated, _ = env.step(rng.integers(N, size=3))
        over = terminated | truncated
        steps += int(counted.sum())
        ended += int(over.sum())
        reached += int((rewards == 1).sum())
    result = recorded(tmp_path).result
    assert result["env_steps"] == steps
    assert result["rollout_successes"] == reached > 0
    assert ended <= result["episodes"] <= ended + 3
    assert result["n_envs"] == 3


def test_what_a_run_is_follows_from_the_environment(tmp_path: Path) -> None:
    settings = {"seed": 7, "budget_env_steps": 30, "sees_target": False, "hidden": (8, 8)}
    env = one(target="0110", target_seed=None, reward_type="minus_one_zero", max_steps=9)
    run = record(env, tmp_path, settings=settings).record.run
    assert (run.n, run.target, run.seed, run.reward_type) == (4, "0110", 7, "minus_one_zero")
    assert (run.max_steps, run.told, run.hidden) == (9, "nothing", (8, 8))
    seeded = record(one(target_seed=3), tmp_path).record.run
    assert (seeded.seed, seeded.target) == (3, "")
    other_seed = record(one(target_seed=3), tmp_path, settings={"seed": 1}).record.run
    assert other_seed.target == "".join(map(str, one(target_seed=3).unwrapped.target))
    assert record(one(max_episode_steps=2), tmp_path).record.run.max_steps == 2
    random = record(one(goal_mode="random", target_seed=None), tmp_path).record.run
    assert (random.goal_mode, random.seed, random.target) == ("random", 0, "")


def test_weights_are_kept_where_there_are_some_and_missed_where_not(tmp_path: Path) -> None:
    env = record(one(), tmp_path / "without")
    play_one(env, BUDGET)
    run = recorded(tmp_path / "without")
    with pytest.raises(ResultError, match="recorded without weights and a loader"):
        load_policy(run.config, run.policy, N, "cpu")
    kept = {"bias": th.arange(3.0)}
    env = record(
        one(), tmp_path / "with", weights=lambda: kept, loader="tests.sweeps.test_recorder:load"
    )
    play_one(env, BUDGET)
    run = recorded(tmp_path / "with")
    with pytest.raises(ResultError, match=r"needs tests.sweeps.test_recorder:load.*--trust"):
        load_policy(run.config, run.policy, N, "cpu")
    policy = load_policy(run.config, run.policy, N, "cpu", trust=True)
    assert policy(np.zeros((1, N), np.int8), np.zeros((1, N), np.int8)).tolist() == [2]


def load(weights: dict[str, th.Tensor]) -> Any:
    return lambda states, goals: weights["bias"].argmax().expand(len(states)).numpy()


def test_a_loop_that_ends_early_or_is_never_closed_leaves_nothing(tmp_path: Path) -> None:
    env = record(one(), tmp_path / "out")
    play_one(env, BUDGET - 1)
    assert not (tmp_path / "out").exists()
    with pytest.warns(UserWarning, match="is unfinished, and no row: it made 199 of the 200 steps"):
        env.close()
    assert not (tmp_path / "out").exists()


def test_what_is_finished_is_not_recorded_again_unless_by_force(tmp_path: Path) -> None:
    play_one(record(one(), tmp_path), BUDGET)
    with pytest.raises(ResultError, match="is finished; force=True records it again"):
        record(one(), tmp_path)
    play_one(record(one(), tmp_path, force=True), BUDGET)
    assert len(pd.read_csv(tmp_path / "runs.csv")) == 1


@pytest.mark.parametrize(
    ("make", "further", "named"),
    [
        (lambda: gym.make("CartPole-v1"), {}, "Recorder is for BitSequence-v0"),
        (lambda: one(target_seed=None), {}, "target must be known"),
        (one, {"method": "My loop"}, "small letters"),
        (one, {"settings": {"n": 5}}, "settings may not have 'n'"),
        (one, {"settings": {"budget_env_steps": 0}}, "budget_env_steps must be"),
        (one, {"settings": {"what": object()}}, "that JSON can hold"),
        (one, {"loader": "nowhere:load"}, "no module 'nowhere'"),
        (
            lambda: gym.vector.SyncVectorEnv([one, lambda: one(target_seed=1)]),
            {},
            "copies must have one target_seed",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mistake_is_named_before_the_loop_begins(
    tmp_path: Path, make: Any, further: dict[str, Any], named: str
) -> None:
    with pytest.raises(ConfigError, match=named):
        record(make(), tmp_path / "out", **further)
    assert not (tmp_path / "out").exists()


def test_a_policy_that_gives_no_actions_is_named(tmp_path: Path) -> None:
    env = record(one(), tmp_path, act=lambda states, goals: states.mean(1))
    with pytest.raises(ConfigError, match=r"act must give whole numbers of shape \(1000,\)"):
        play_one(env, BUDGET)


@pytest.mark.filterwarnings("default")
def test_a_loop_of_torchrls_leaves_a_row(tmp_path: Path) -> None:
    envs = pytest.importorskip("torchrl.envs", reason="TorchRL is not installed")
    env = envs.GymWrapper(record(one(), tmp_path))
    env.set_seed(0)
    steps = env.rollout(BUDGET, break_when_any_done=False)
    result = recorded(tmp_path).result
    assert result["env_steps"] == BUDGET
    assert result["rollout_successes"] == int(steps["next", "reward"].sum()) > 0
