"""GFlowNets that write strings: what they learn, what they are told, what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch as th

from experiments.config.errors import ConfigError
from experiments.config.run import RunConfig
from experiments.config.run_settings import APPEND
from experiments.evaluation.looks import Looks
from experiments.evaluation.written import SAMPLES
from experiments.methods.first_success import Episode
from experiments.methods.gflownet.learner import GFlowNetLearner
from experiments.methods.gflownet.memory import Kept, Latest
from experiments.methods.learner import load_policy
from experiments.records.schema import CLOCK_COLUMNS
from experiments.sweeps.training import learn, train

FLOW: dict[str, Any] = {"method": "gflownet", "env": APPEND, "n": 4, "hidden": (32, 32)}
BLIND = FLOW | {"sees_target": False}
SEARCH: dict[str, Any] = {"search": True, "replay": "rewarded"}
TOLD = FLOW | {"hindsight": True, "goal_mode": "random"}


def of(settings: dict[str, Any], **further: Any) -> Any:
    return RunConfig.of(**{**settings, **further})


@pytest.mark.parametrize("further", [{}, {"word_size": 2}], ids=str)
def test_it_finds_and_learns_a_string_that_it_is_not_told(further: dict[str, Any]) -> None:
    run, learner = learn(of(BLIND, n=6, n_envs=32, budget_env_steps=60_000, **further))
    assert run.result["solved"]
    assert run.result["told"] == "nothing"
    # The optimum: 64 strings, of which all but one have 2^-6 / 10,000.
    assert run.result["success_rate"] == pytest.approx(1 - 1e-4, abs=1e-3)
    assert isinstance(learner, GFlowNetLearner)
    assert learner.flow.log_z.item() == pytest.approx(1e-4, abs=0.05)
    empty = np.full((1, 6), 2, dtype=np.int8)
    policy: Any = load_policy(run.config, run.policy, 6, "cpu")
    goal = learner.kept.sample(1)[0] if learner.kept else np.zeros((1, 6), dtype=np.int8)
    assert policy(empty, goal).shape == (1,)


@pytest.mark.parametrize("network", ["mlp", "transformer"])
@pytest.mark.parametrize("loss", ["trajectory_balance", "likelihood"])
def test_with_hindsight_it_writes_what_it_is_told(network: str, loss: str) -> None:
    settings = TOLD | {"network": network, "loss": loss, "hidden": (64, 64)}
    run, learner = learn(of(settings, budget_env_steps=9_600, updates_per_env_step=1 / 32))
    assert run.result["solved"]
    assert run.result["told"] == "s"
    asked = 0 if loss == "likelihood" else run.result["env_steps"] // 4 * (1 + 4 * 2)
    assert isinstance(learner, GFlowNetLearner)
    assert run.result["reward_queries"] == learner.reward_queries()
    assert run.result["reward_queries"] == pytest.approx(asked, rel=0.01)


def test_it_writes_all_right_strings_alike() -> None:
    settings = BLIND | {"n": 5, "free_bits": 2, "epsilon": 1e-6, "replay": "rewarded"}
    run, learner = learn(of(settings, n_envs=32, budget_env_steps=80_000, target="01100"))
    assert run.result["solved"]
    assert isinstance(learner, GFlowNetLearner)
    assert run.result["samples"] == SAMPLES
    assert run.result["right_strings"] == 4
    assert run.result["wrong_samples"] == pytest.approx(0, abs=SAMPLES / 1_000)
    assert run.result["kl_to_uniform"] < 0.01
    assert learner.flow.log_z.item() == pytest.approx(2 * math.log(2), abs=0.05)


@pytest.mark.parametrize("settings", [BLIND, TOLD], ids=["blind", "told"])
def test_a_null_learns_nothing_and_counts_no_reward(settings: dict[str, Any]) -> None:
    result = train(of(settings, withhold_reward=True, budget_env_steps=12_000)).result
    assert result["rollout_successes"] == 0
    assert result["gradient_updates"] > 0
    assert result["success_rate"] < 0.1


def test_without_updates_it_stays_uniform() -> None:
    result = train(of(BLIND, updates_per_env_step=0, budget_env_steps=2_000)).result
    assert (result["gradient_updates"], result["success_rate"]) == (0, pytest.approx(2**-4))


def test_before_a_reward_nothing_is_learned_and_counts_agree() -> None:
    """A uniform policy is balanced where every string is wrong."""
    settings = BLIND | {"n": 40, "n_envs": 16, "budget_env_steps": 16 * 40 * 5}
    run = train(of(settings))
    assert run.result["success_rate"] == pytest.approx(2**-40)
    assert (run.result["gradient_updates"], run.result["env_steps"]) == (5, 16 * 40 * 5)
    assert max(row["loss"] or 0.0 for row in run.curve) < 1e-6


def test_rewards_are_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    learner = GFlowNetLearner(of(TOLD, n=6, free_bits=3, relabel_share=0.5))
    looks = Looks(learner.run, learner.act)
    looks.begin()
    observation, _ = learner.env.reset(seed=0)
    written, _, _ = learner._write(observation, looks)
    assert written is not None
    assert written.goals is not None
    right = (written.strings[:, :3] == written.goals[:, :3]).all(1)
    assert written.rewards.tolist() == right.astype(float).tolist()
    learner._keep(written)
    batch = learner._batch(written)
    assert batch.goals is not None
    relabelled = batch.goals[:32]
    assert (batch.strings[:32, :3] == relabelled[:, :3]).all()
    assert (batch.strings[:32, 3:] != relabelled[:, 3:]).any()
    assert batch.rewards[:32].all()
    monkeypatch.setattr(learner.env, "compute_reward", lambda *_: np.zeros(32))
    assert not learner._batch(written).rewards[:32].any()


def test_same_seed_same_numbers() -> None:
    one, two = (train(of(TOLD, budget_env_steps=3_000)) for _ in range(2))
    assert one.policy == two.policy
    for first, second in zip(one.curve, two.curve, strict=True):
        assert {n: v for n, v in first.items() if n not in CLOCK_COLUMNS} == {
            n: v for n, v in second.items() if n not in CLOCK_COLUMNS
        }


@pytest.mark.parametrize("uniform_share", [0.0, 0.5])
def test_words_are_drawn_as_the_policy_has_them(uniform_share: float) -> None:
    learner = GFlowNetLearner(of(BLIND, word_size=2, exploration_eps=uniform_share))
    shares = th.tensor([0.5, 0.3, 0.2, 0.0])
    words = learner._drawn(shares.log().expand(40_000, 4))
    expected = (1 - uniform_share) * shares + uniform_share / 4
    found = th.bincount(words, minlength=4) / 40_000
    assert found.tolist() == pytest.approx(expected.tolist(), abs=0.01)


def test_what_is_kept() -> None:
    rng = np.random.default_rng(0)
    kept, strings = Kept(rng, capacity=3), np.eye(5, dtype=np.int8)
    for string in (*strings[:2], *strings[:2]):
        kept.add(string, None)
    assert len(kept) == 2
    for string in strings:
        kept.add(string, string)
    found, _ = kept.sample(200)
    assert len(kept) == len(np.unique(found, axis=0)) == 3
    latest = Latest(5, rng, capacity=3)
    latest.add(strings[:2])
    assert len(np.unique(latest.sample(100), axis=0)) == 2
    latest.add(strings[2:])
    assert {int(row.argmax()) for row in latest.sample(100)} == {2, 3, 4}


@pytest.mark.parametrize("n", [4, 5_000])
def test_the_reward_of_a_wrong_string_is_a_logarithm_at_any_n(n: int) -> None:
    run = of(BLIND, n=n)
    assert run.log_epsilon == pytest.approx(-n * math.log(2) - math.log(10_000))
    assert run.first_log_z == pytest.approx(-math.log(10_000))
    assert of(TOLD, n=n, free_bits=3).first_log_z == pytest.approx(3 * math.log(2), abs=2e-5)
    assert of(BLIND, n=n, epsilon=1).log_epsilon == 0
    assert of(TOLD, n=n, epsilon=1).first_log_z == pytest.approx(n * math.log(2))
    null = of(TOLD, n=n, free_bits=3, withhold_reward=True)
    assert null.first_log_z == of(BLIND, n=n).first_log_z


def test_the_null_of_a_writer_that_is_told_stays_uniform() -> None:
    null = of(TOLD, withhold_reward=True, budget_env_steps=9_600, updates_per_env_step=1 / 32)
    assert train(null).result["success_rate"] == pytest.approx(1 / 16, rel=0.02)


def test_with_hindsight_fresh_strings_may_be_wrong_and_rewarded_ones_are_kept() -> None:
    run, learner = learn(of(TOLD, relabel_share=0.5, budget_env_steps=9_600))
    assert isinstance(learner, GFlowNetLearner)
    assert run.result["success_rate"] > 1 / 16
    assert learner.run.shares == (32, 0)
    both = of(TOLD, replay="rewarded")
    assert (both.relabel_share, both.replay_share) == (0.75, 0.25)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"env": "BitSequence-v0", "start": "random"}, "env must be 'BitSequenceAppend-v0' for 'g"),
        ({"epsilon": 0}, "epsilon must be above 0 and at most 1, .* got 0"),
        ({"epsilon": -1e-3}, "epsilon must be above 0 and at most 1, .* got -0.001"),
        ({"epsilon": 1.5}, "epsilon must be above 0 and at most 1, .* got 1.5"),
        ({"epsilon": float("nan")}, "epsilon must be above 0 and at most 1, .* got nan"),
        ({"gamma": 0.9}, "gamma=0.9 is for method 'dqn' or 'her' only, got 'gflownet'"),
        ({"goal_strategy": "final"}, "goal_strategy='final' is for method 'her' only"),
        ({"replay": "prioritized"}, "replay must be one of 'uniform', 'rewarded', got 'prior"),
        ({"replay": "rewarded", "withhold_reward": True}, "needs rewards"),
        ({"replay": "rewarded", "replay_share": 0}, "replay_share must be above 0 with"),
        ({"search": True}, "search=True needs replay='rewarded', got 'uniform'"),
        ({**SEARCH, "withhold_reward": True}, "replay='rewarded' needs rewards"),
        ({**SEARCH, "n": 65}, "n must be from 1 to 64 for a packed search, got 65"),
        ({**SEARCH, "goal_mode": "random"}, "goal_mode must be 'fixed' for a packed search"),
        ({**SEARCH, "search_budget_env_steps": 0}, "search_budget_env_steps must be 0 without a"),
        ({"search_budget_env_steps": 9}, "search_budget_env_steps must be 0 without a .* got 9"),
        ({**SEARCH, "free_bits": 4}, "free_bits must be at most 3, got 4"),
        ({"one_success": True}, "one_success=True is for method 'dqn' only, got 'gflownet'"),
        ({"replay": "rewarded", "replay_share": 1}, "must leave a string of a batch of .* got 1.0"),
        (
            {"replay": "rewarded", "replay_share": 0.999, "batch_size": 128},
            "replay_share must leave a string of a batch of 128 to others, got 0.999",
        ),
        ({"replay": "rewarded", "batch_size": 1}, "a string or more of a batch of 1, got 0.25"),
        (
            {"hindsight": True, "sees_target": True, "replay": "rewarded", "relabel_share": 1},
            "must be at most a batch of .* together, got 1.0 and 0.25",
        ),
        ({"replay": "rewarded", "goal_mode": "random"}, "needs sees_target=True where goal_mode"),
        ({"n_envs": 8, "budget_env_steps": 31}, "budget_env_steps must be at least 32, got 31"),
        ({"replay_share": 0.5}, "replay_share must be 0 without replay='rewarded', got 0.5"),
        ({"relabel_share": 0.5}, "relabel_share must be 0 without hindsight, got 0.5"),
        ({"network": "equivariant", "sees_target": True}, "for 'equivariant', as places are not"),
        ({"network": "own"}, "network must be one of 'mlp', 'transformer' for method .* 'own'"),
        ({"hindsight": True}, "hindsight=True needs a writer that is told"),
        ({"loss": "likelihood"}, "learns from relabelled strings alone"),
        ({"loss": "squared"}, "loss must be one of 'trajectory_balance', 'likelihood'"),
        ({"learner_reward": "r-1"}, "learner_reward must be 'r' for 'gflownet', got 'r-1'"),
        ({"reward_type": "hamming"}, "reward_type must be 'zero_one' for 'gflownet', got 'hamm"),
        (
            {"n_envs": 8, "batch_size": 9},
            "at least 9, the fresh strings of a batch_size of 9, got 8",
        ),
        ({"updates_per_env_step": 0.3, "n_envs": 8}, "a whole number of updates for each 8 x 4"),
        ({"method": "dqn", "log_z_learning_rate": 1.0}, "is for method 'gflownet' only, got 'dqn'"),
        ({"method": "dqn", "network": "transformer"}, "one of 'mlp', 'equivariant' for .* 'trans"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_by_name(given: dict[str, Any], said: str) -> None:
    settings = {n: v for n, v in BLIND.items() if n != "hidden"}
    with pytest.raises(ConfigError, match=said):
        RunConfig.of(**{**settings, **given})


def test_a_run_that_begins_with_a_string_has_defaults_of_its_own() -> None:
    written = {n: v for n, v in BLIND.items() if n != "hidden"} | {"n": 24, "word_size": 4}
    usual = of(written, replay="rewarded")
    run = of(written, **SEARCH, free_bits=6)
    assert (usual.budget_env_steps, run.budget_env_steps) == (400_000 * 6, 32_000 * 6)
    assert (usual.search_budget_env_steps, usual.searched) == (0, 0)
    assert (run.search_budget_env_steps, run.searched) == (8 * 2**18 * 6, 2 * 2**18)
    assert of(BLIND, **SEARCH, n=64).search_budget_env_steps == 2**53
    # Without a search all is as it was, its name too.
    assert not {"search", "search_budget_env_steps"} & usual.to_dict().keys()
    assert of(written, **SEARCH).config_id != usual.config_id


def test_a_given_string_is_kept_with_its_goal_where_that_is_shown() -> None:
    states = np.array([[2, 2, 2, 2], [0, 1, 1, 0]], dtype=np.int8)
    goal, one = np.array([0, 1, 1, 1], dtype=np.int8), np.ones(1, dtype=np.float32)
    episode = Episode(states, goal, np.array([6]), one, one > 0)
    for told in (False, True):
        settings = SEARCH | {"sees_target": told, "free_bits": 1, "word_size": 4}
        learner = GFlowNetLearner(of(FLOW, **settings))
        learner.given(episode)
        strings, goals = learner.kept.sample(2)
        assert strings.tolist() == [[0, 1, 1, 0]] * 2
        assert (goals is None) != told
        assert goals is None or goals.tolist() == [[0, 1, 1, 1]] * 2


@pytest.mark.parametrize(("name", "value"), [("epsilon", 0.5), ("log_z_learning_rate", 0.1)])
def test_what_asks_for_no_reward_has_no_settings_of_rewards(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"{name} must be .* with loss='likelihood', .* {value}"):
        of(TOLD, loss="likelihood", **{name: value})


def test_what_asks_for_no_reward_has_no_null() -> None:
    with pytest.raises(ConfigError, match="asks for no reward, so that it has no null"):
        of(TOLD, loss="likelihood", withhold_reward=True)
