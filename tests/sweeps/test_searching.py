"""A run that begins with a success: what is counted, what is not, and that it is learned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from experiments.config.errors import ConfigError
from experiments.config.run import RunConfig
from experiments.evaluation.solved import judge
from experiments.records import run_folders
from experiments.records.run_folders import FinishedRun
from experiments.search.search import Progress, search
from experiments.sweeps.searching import Means, in_words
from experiments.sweeps.training import train
from tests.command_lines import Command
from tests.methods.test_learning import without_clocks

REWARDED: dict[str, Any] = {
    "method": "dqn",
    "sees_target": False,
    "replay": "rewarded",
    "exploration": "spread",
}
SMALL = REWARDED | {"n": 6, "n_envs": 4, "budget_env_steps": 3_000, "eval_episodes": 20}
SMALL |= {"eval_spacing": 1.5, "late_looks": 5, "updates_per_env_step": 0.25}


def searched(means: Means | None = None, **settings: Any) -> FinishedRun:
    return train(RunConfig.of(**SMALL | {"search": True} | settings), means=means)


def read_back(run: FinishedRun, out: Path) -> FinishedRun:
    return run_folders.read_run(run_folders.write_run(out, run))


def test_a_search_is_counted_once_and_the_learning_from_there_on(tmp_path: Path) -> None:
    run = searched(seed=3)
    result, alone = run.result, search(6, 3)
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
    again = searched(seed=1)
    assert without_clocks(again.result) == without_clocks(searched(seed=1).result)
    assert again.result["search_env_steps"] == search(6, 1).env_steps


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
