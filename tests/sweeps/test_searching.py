"""A run that begins with a success: what is counted, what is not, and that it is learned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from experiments.config.errors import ConfigError
from experiments.config.run import RunConfig
from experiments.config.task import Task
from experiments.evaluation.looks import Looks
from experiments.evaluation.solved import judge
from experiments.methods.first_success import unpacked
from experiments.methods.learner import learner_of
from experiments.records import run_folders
from experiments.records.run_folders import FinishedRun
from experiments.search.search import Progress, search
from experiments.search.task import Game
from experiments.sweeps.searching import Means, begin, in_words
from experiments.sweeps.training import train
from tests.command_lines import Command
from tests.methods.test_learning import without_clocks

REWARDED: dict[str, Any] = {
    "method": "dqn",
    "sees_target": False,
    "replay": "rewarded",
    "exploration": "spread",
}
WRITTEN: dict[str, Any] = {"method": "gflownet", "env": "BitSequenceAppend-v0", "search": True}
WRITTEN |= {"replay": "rewarded", "sees_target": False, "eval_spacing": 1.5, "late_looks": 5}
SMALL = REWARDED | {"n": 6, "n_envs": 4, "budget_env_steps": 3_000, "eval_episodes": 20}
SMALL |= {"eval_spacing": 1.5, "late_looks": 5, "updates_per_env_step": 0.25}


def searched(means: Means | None = None, **settings: Any) -> FinishedRun:
    return train(RunConfig.of(**SMALL | {"search": True} | settings), means=means)


def read_back(run: FinishedRun, out: Path) -> FinishedRun:
    return run_folders.read_run(run_folders.write_run(out, run))


def test_a_search_is_counted_once_and_the_learning_from_there_on(tmp_path: Path) -> None:
    run = searched(seed=3)
    result, alone = run.result, search(Game(6), 3)
    assert result["search_env_steps"] == alone.env_steps > 0
    assert result["env_steps_to_first_reward"] == alone.env_steps
    own = run.curve[-1]
    assert 3_000 <= own["env_steps"] < 3_004
    assert result["env_steps"] == own["env_steps"] + alone.env_steps
    assert result["episodes"] == own["episodes"] + alone.episodes
    assert result["train_seconds"] == own["train_seconds"] + result["search_seconds"]
    verdict = judge(run.curve, 3_000)
    for name, row in (("solve", verdict.since), ("first_pass", verdict.first_pass)):
        assert result[f"env_steps_to_{name}"] == (row and row["env_steps"] + alone.env_steps)
    assert verdict.first_pass
    assert run.provenance["search"].keys() == {"backend", "threads", "rate", "surplus_env_steps"}
    assert result["rollout_successes"] > 1
    assert read_back(run, tmp_path).result == result


def test_threads_change_nothing_but_clocks() -> None:
    one, two = (searched(Means(threads=threads)) for threads in (1, 2))
    assert without_clocks(one.result) == without_clocks(two.result)
    assert one.policy == two.policy
    assert [run.provenance["search"]["threads"] for run in (one, two)] == [1, 2]


def test_a_search_that_finds_nothing_ends_its_run_unsolved(tmp_path: Path) -> None:
    run = searched(n=30, search_budget_env_steps=90)
    result = run.result
    assert (result["env_steps"], result["search_env_steps"]) == (90, 90)
    assert (result["episodes"], result["gradient_updates"]) == (3, 0)
    assert result["env_steps_to_first_reward"] is None
    assert (result["rollout_successes"], result["solved"]) == (0, False)
    assert [row["env_steps"] for row in run.curve] == [0]
    assert read_back(run, tmp_path).result == result


def test_a_killed_search_begins_anew_and_counts_nothing_twice() -> None:
    told: list[Progress] = []

    def kill(so_far: Progress) -> None:
        told.append(so_far)
        raise KeyboardInterrupt

    run = RunConfig.of(**SMALL | {"search": True, "n": 40, "search_budget_env_steps": 2**40})
    with pytest.raises(KeyboardInterrupt):
        train(run, means=Means(on_progress=kill))
    assert 0 < told[0].env_steps < 2**40
    assert "of 2^40" in in_words(told[0])
    string = Progress(Game(9, True, 3, 2), 1, 32, 96, 1.0, 96.0)
    assert in_words(string) == "search 96 steps/s, 25% of 2^7, 22% to be done by now"
    again = searched(seed=1)
    assert without_clocks(again.result) == without_clocks(searched(seed=1).result)
    assert again.result["search_env_steps"] == search(Game(6), 1).env_steps


def test_more_than_a_day_is_refused(command: Command) -> None:
    with pytest.raises(ConfigError, match=r"n = 60: .* days"):
        searched(n=60)
    flags = "train --method dqn --n 60 --search --replay rewarded --device cpu --progress False"
    outcome = command(*flags.split())
    assert outcome.status == 2
    assert "days" in outcome.text


def test_one_success_is_given_and_nothing_is_searched() -> None:
    run = train(RunConfig.of(**SMALL | {"one_success": True}))
    result = run.result
    assert result["told"] == "one success"
    assert (result["search_env_steps"], result["search_seconds"]) == (0, 0)
    assert result["env_steps_to_first_reward"] == 0
    assert "search" not in run.provenance


@pytest.mark.parametrize("share", [0.25, 1e-4])
def test_one_success_is_enough_if_it_is_replayed(share: float) -> None:
    """At so small a share no minibatch has a transition of it, and the rest never meets s."""
    settings = REWARDED | {"n": 18, "one_success": True, "replay_share": share}
    settings |= {"budget_env_steps": 40_000, "eval_episodes": 100, "eval_spacing": 1.3}
    assert train(RunConfig.of(**settings)).result["solved"] == (share > 1e-3)


@pytest.mark.parametrize("further", [{}, {"word_size": 4}, {"sees_target": True}], ids=str)
def test_a_string_that_was_searched_for_is_learned(further: dict[str, Any]) -> None:
    settings = WRITTEN | {"n": 20} | further
    steps = 20 // settings.get("word_size", 1)
    run = train(RunConfig.of(**settings, budget_env_steps=6_400 * steps))
    result, alone = run.result, search(Game(20, True, 20 // steps), 0)
    assert result["success_rate"] > 0.95
    assert result["solved"]
    assert result["search_env_steps"] == alone.episodes * steps == alone.env_steps
    assert result["env_steps"] == alone.env_steps + 6_400 * steps
    assert result["episodes"] == alone.episodes + 6_400


def test_without_its_search_the_same_writer_stays_uniform() -> None:
    settings = WRITTEN | {"n": 20, "search": False, "budget_env_steps": 6_400 * 20}
    run = train(RunConfig.of(**settings))
    assert run.result["success_rate"] < 1e-5


def test_dqn_is_given_a_string_too() -> None:
    settings = {**WRITTEN, "method": "dqn", "n": 8, "word_size": 2, "free_bits": 1}
    settings |= {"n_envs": 8, "eval_episodes": 1, "hidden": (32,), "seed": 2}
    run = RunConfig.of(**settings, budget_env_steps=400)
    learner = learner_of(run)
    looks = Looks(run, learner.act)
    ended = begin(run, learner, looks, Means())
    assert ended is not None
    assert ended.episode is not None
    assert (looks.search_env_steps, looks.search_episodes) == (ended.env_steps, ended.episodes)
    buffer = learner.model.replay_buffer
    assert buffer.kept == 4
    kept = buffer.bits[-buffer.kept_size :][:4].cpu().numpy()
    target = Task.of(run).single_env().unwrapped.target  # type: ignore[attr-defined]
    string = target ^ unpacked(ended.episode.start, 8)
    assert kept[-1, 8:16].tolist() == string.tolist()
    assert string[:7].tolist() == target[:7].tolist()
    assert kept[0, :8].tolist() == [2] * 8
    assert buffer.facts[-buffer.kept_size :][:4, 1].tolist() == [0, 0, 0, 1]
