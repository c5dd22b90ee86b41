"""BitSequenceAppend-v0 in the experiments: which runs there are, and that they learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from experiments.config.errors import ConfigError
from experiments.config.run import RunConfig
from experiments.config.run_settings import APPEND
from experiments.methods.learner import load_policy
from experiments.records import run_folders
from experiments.sweeps.training import train

DQN: dict[str, Any] = {"method": "dqn", "env": APPEND, "n": 4, "sees_target": False}


def test_its_defaults_follow_from_the_environment() -> None:
    run = RunConfig.of(**DQN | {"n": 12, "word_size": 3})
    assert (run.start, run.max_steps, run.eval_episodes) == ("empty", 4, 1)
    assert (run.learner_reward, run.solved_from) == ("r", 0.95)
    assert RunConfig.of(**DQN | {"goal_mode": "random", "sees_target": True}).eval_episodes == 1_000


def test_it_is_part_of_a_name_and_the_flip_environment_is_none() -> None:
    flip = RunConfig.of(method="dqn", n=4)
    assert not {"env", "word_size", "free_bits"} & set(flip.to_dict())
    names = {
        RunConfig.of(**DQN | further).run_id
        for further in ({}, {"word_size": 2}, {"free_bits": 1}, {"sees_target": True})
    }
    assert len(names) == 4
    run = RunConfig.of(**DQN | {"word_size": 2, "free_bits": 1})
    row = run_folders.settings_row(run)
    assert row["env"] == APPEND
    assert run_folders.run_of(row) == run


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"n": 10, "word_size": 3}, "word_size must divide n = 10, got 3"),
        ({"word_size": 17}, "word_size must be .* at most 16, got 17"),
        ({"free_bits": 4}, "free_bits must be at most 3, got 4"),
        ({"max_steps": 7}, "max_steps must be 4, n / word_size in BitSequenceAppend-v0, got 7"),
        ({"start": "zeros"}, "start must be 'empty' in BitSequenceAppend-v0, got 'zeros'"),
        ({"continuing_task": True}, "continuing_task must be False .* got True"),
        ({"implementation": "stock"}, "implementation must be 'fast' .* got 'stock'"),
        ({"env": "BitSequence-v0", "word_size": 2}, "word_size must be 1 in BitSequence-v0, got 2"),
        ({"env": "BitSequence-v0", "free_bits": 2}, "free_bits must be 0 in BitSequence-v0, got 2"),
        ({"env": "BitSequence-v0", "start": "empty"}, "one of 'random', 'zeros' .* got 'empty'"),
        ({"env": "BitSequence-v1"}, "env must be one of .* got 'BitSequence-v1'"),
        ({"method": "her", "sees_target": True}, "env must be 'BitSequence-v0' for 'her', as"),
        ({"method": "flip", "sees_target": True}, "env must be 'BitSequence-v0' for 'flip', as"),
        ({"network": "equivariant", "sees_target": True}, "for 'equivariant', as places"),
        ({"one_success": True, "replay": "rewarded"}, "needs env='BitSequence-v0', got 'BitSeq"),
        ({"search": True, "replay": "rewarded", "n": 65}, "n must be from 1 to 64 .* got 65"),
        ({"target": "01012"}, "0 and 1|'01012'"),
    ],
)
def test_what_cannot_be_is_refused_by_name(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        RunConfig.of(**DQN | given)


def test_dqn_writes_four_bits_that_it_is_not_told_and_its_null_does_not() -> None:
    settings = DQN | {"replay": "rewarded", "budget_env_steps": 3_000}
    run = train(RunConfig.of(**settings))
    assert run.result["solved"]
    assert run.result["env_steps_to_first_reward"]
    policy = load_policy(run.config, run.policy, 4, "cpu")
    empty = np.full((1, 4), 2, dtype=np.int8)
    assert policy(empty, np.zeros((1, 4), dtype=np.int8)).shape == (1,)
    null = train(
        RunConfig.of(**DQN | {"budget_env_steps": 3_000, "withhold_reward": True, "seed": 1})
    )
    assert null.result["rollout_successes"] == 0


def test_sb3s_hindsight_learns_to_write_what_it_is_told() -> None:
    run = RunConfig.of(
        method="stable_baselines3:DQN",
        env=APPEND,
        n=4,
        word_size=2,
        hindsight=True,
        budget_env_steps=4_000,
    )
    assert train(run).result["success_rate"] == 1


def test_a_stochastic_policy_is_judged_by_its_own_chance() -> None:
    run = train(
        RunConfig.of(
            method="stable_baselines3:PPO",
            env=APPEND,
            n=3,
            sees_target=False,
            n_envs=4,
            budget_env_steps=600,
            algorithm_kwargs={"n_steps": 32, "batch_size": 32, "n_epochs": 2},
        )
    )
    rates = [row["success_rate"] for row in run.curve]
    assert all(0 < rate < 1 for rate in rates)
    assert rates[0] == pytest.approx(1 / 8, rel=0.5)
    # Four times 128 steps, each in two passes over four minibatches.
    assert run.result["gradient_updates"] == 4 * 2 * 4
