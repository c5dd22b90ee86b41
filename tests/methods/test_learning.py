"""What is learned, and that it is learned the same way twice.

These runs take seconds, and each fails when hindsight, the terminal flags or the network breaks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch as th
from stable_baselines3.common.logger import Logger

from experiments.config.run import RunConfig
from experiments.config.streams import Stream, derived_seed, generator
from experiments.config.task import Task
from experiments.evaluation import greedy
from experiments.methods.dqn.algorithm import BitDQN, spread_epsilons
from experiments.methods.dqn.updates import Minibatch
from experiments.methods.learner import learner_of, load_policy
from experiments.methods.networks.base import greedy_actions
from experiments.methods.sb3 import training_env
from experiments.records.schema import CLOCK_COLUMNS
from experiments.sweeps.training import train

FEW_LOOKS: dict[str, Any] = {"eval_episodes": 100, "eval_spacing": 1.3}


def without_clocks(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in CLOCK_COLUMNS}


def test_her_solves_ten_bits_from_its_defaults() -> None:
    result = train(RunConfig.of(n=10)).result
    assert result["solved"]
    # Two thousand steps suffice; a uniform policy would see its first reward after about 1,100.
    assert result["env_steps_to_solve"] < 6_000


def test_her_solves_fifteen_bits() -> None:
    assert train(RunConfig.of(n=15, budget_env_steps=12_000)).result["solved"]


def test_equivariant_solves_a_hundred_bits() -> None:
    result = train(
        RunConfig.of(n=100, network="equivariant", budget_env_steps=3_000, **FEW_LOOKS)
    ).result
    assert result["solved"]
    assert result["episodes_to_solve"] <= 50


def test_transfer_from_eight_bits_to_three_hundred() -> None:
    run = train(
        RunConfig.of(method="dqn", network="equivariant", n=8, budget_env_steps=3_000, **FEW_LOOKS)
    )
    policy = load_policy(run.config, run.policy, 300, "cpu")
    assert greedy.evaluate(policy, greedy.task_at(run.config, 300), seed=0).success_rate == 1.0


def test_dqn_does_not_find_fifteen_bits() -> None:
    assert not train(RunConfig.of(n=15, budget_env_steps=12_000, method="dqn")).result["solved"]


@pytest.mark.parametrize("relabel_done", [True, False])
def test_plain_rewards_are_learned_with_the_right_terminal_flags_alone(relabel_done: bool) -> None:
    """With SB3's flags a relabelled arrival bootstraps on, and hovering beats finishing (#627).

    Under r-1 that only slows learning down (see the ablation). Under r, with a gamma at which the
    values of neighbouring distances are far enough apart, it is the difference.
    """
    config = RunConfig.of(
        n=8, learner_reward="r", gamma=0.9, relabel_done=relabel_done, budget_env_steps=8_000
    )
    result = train(config).result
    assert result["solved"] == relabel_done
    assert result["success_rate"] > (0.99 if relabel_done else 0.0)


@pytest.mark.parametrize("settings", [{}, {"method": "dqn"}, {"network": "equivariant"}], ids=str)
def test_same_seed_same_numbers(settings: dict[str, Any]) -> None:
    config = RunConfig.of(n=6, budget_env_steps=800, **FEW_LOOKS, **settings)
    np.random.seed(1)  # noqa: NPY002  (nobody else's stream may matter)
    one = train(config)
    th.rand(3)
    two = train(config)
    assert without_clocks(one.result) == without_clocks(two.result)
    assert [without_clocks(row) for row in one.curve] == [without_clocks(row) for row in two.curve]
    assert one.policy == two.policy
    other = train(config.but(seed=1))
    assert other.policy != one.policy


def test_the_budget_is_used_whole_unless_asked_otherwise() -> None:
    whole = train(RunConfig.of(n=4, budget_env_steps=2_000)).result
    assert whole["env_steps"] >= 2_000
    assert whole["env_steps_to_solve"] < 2_000
    assert not whole["stopped_early"]
    stopped = train(RunConfig.of(n=4, budget_env_steps=2_000, full_budget=False)).result
    assert stopped["env_steps"] < 2_000
    assert stopped["stopped_early"]


def test_counts_agree() -> None:
    run = train(
        RunConfig.of(n=5, budget_env_steps=800, full_budget=True, updates_per_env_step=0.25)
    )
    result = run.result
    learned = result["env_steps"] - run.config.first_look
    assert result["gradient_updates"] == pytest.approx(learned * 0.25, abs=2)
    assert run.curve[-1]["env_steps"] == result["env_steps"]
    assert result["train_seconds"] < result["wall_seconds"]
    steps = [row["env_steps"] for row in run.curve]
    assert steps == sorted(set(steps))
    assert all(0 <= row["rollout_success_rate"] <= 1 for row in run.curve)


@pytest.mark.parametrize("n", [1, 2])
def test_tiny_sizes(n: int) -> None:
    result = train(RunConfig.of(n=n, budget_env_steps=2_000)).result
    assert result["solved"]
    assert result["episodes_to_solve"] >= 8  # every copy has ended one before the first update


@pytest.mark.parametrize("implementation", ["fast", "stock"])
def test_copies_with_a_goal_per_episode_have_their_own(implementation: Any) -> None:
    config = RunConfig.of(n=20, goal_mode="random", implementation=implementation)
    env = training_env(config)
    env.seed(0)
    observation: Any = env.reset()
    assert len({goal.tobytes() for goal in observation["desired_goal"]}) == 8


def test_streams_of_one_seed_have_nothing_in_common() -> None:
    draws = [generator(7, stream).integers(2**62, size=4).tolist() for stream in Stream]
    draws.append(np.random.default_rng(7).integers(2**62, size=4).tolist())
    assert len({number for draw in draws for number in draw}) == 4 * len(draws)
    model, env = agent(n_envs=8)
    env.seed(0)
    exploring = model.exploration_rng.bit_generator.state["state"]
    assert model.replay_buffer is not None
    replaying = model.replay_buffer.rng.bit_generator.state["state"]  # type: ignore[attr-defined]
    env.reset()
    starting = env.env.np_random.bit_generator.state["state"]
    increments = {state["inc"] for state in (exploring, replaying, starting)}
    assert len(increments) == 3


@pytest.mark.parametrize("network", ["mlp", "equivariant"])
@pytest.mark.parametrize("method", ["dqn", "her"])
def test_stock_stays_selectable(method: Any, network: Any) -> None:
    config = RunConfig.of(
        method=method,
        network=network,
        n=4,
        implementation="stock",
        budget_env_steps=600,
        full_budget=True,
        n_envs=2,
    )
    run = train(config)
    assert run.result["learner_reward"] == "r"
    assert not run.result["relabel_done"]
    policy = load_policy(run.config, run.policy, 4, "cpu")
    seed = derived_seed(run.config.seed, Stream.FINAL_EVALUATION)
    again = greedy.evaluate(policy, Task.of(run.config), seed)
    assert again.success_rate == run.result["success_rate"]


def agent(**settings: Any) -> tuple[BitDQN, Any]:
    learner = learner_of(RunConfig.of(**{"n": 5, **settings}))
    assert isinstance(learner.model, BitDQN)
    return learner.model, learner.model.get_env()


def test_sb3_saves_and_loads(tmp_path: Path) -> None:
    model, env = agent()
    model.learn(400)
    model.save(tmp_path / "model.zip")
    model.save_replay_buffer(tmp_path / "buffer.pkl")
    loaded = BitDQN.load(tmp_path / "model.zip", env=env)
    with pytest.warns(UserWarning, match="copies of the loaded replay buffer"):
        loaded.load_replay_buffer(tmp_path / "buffer.pkl")
    observation = env.reset()
    ours, _ = model.predict(observation, deterministic=True)
    theirs, _ = loaded.predict(observation, deterministic=True)
    np.testing.assert_array_equal(ours, theirs)
    assert len(loaded.replay_buffer.sample(500).rewards) == 500  # type: ignore[union-attr]
    before = [weight.clone() for weight in loaded.q_net.parameters()]
    loaded.learn(200, reset_num_timesteps=False)
    for old, new in zip(before, loaded.q_net.parameters(), strict=True):
        assert (old != new).any()


def test_each_copy_explores_on_its_own() -> None:
    model, env = agent(n_envs=200)
    model._last_obs = env.reset()
    model.exploration_rate, model.num_timesteps = 0.5, 10**6
    last = model._last_obs
    greedy = greedy_actions(model.q_net, last["observation"], last["desired_goal"])
    actions, _ = model._sample_action(0, n_envs=200)
    # Half are greedy, and one in five of the others is by chance.
    assert 0.45 < (actions == greedy).mean() < 0.75


def test_epsilon_does_not_know_the_budget() -> None:
    rates = []
    for budget in (500, 5_000):
        model, _ = agent(exploration_steps=1_000, budget_env_steps=budget)
        model.learn(400)
        rates.append(model.exploration_rate)
        assert rates[-1] == pytest.approx(1 - 0.95 * model.num_timesteps / 1_000)
    assert rates[0] == rates[1]


@pytest.mark.parametrize("recorded", [False, True])
def test_a_linear_step_size_falls_to_nothing_with_the_budget(recorded: bool) -> None:
    model, _ = agent(learning_rate_schedule="linear", learning_rate=0.01)
    (group,) = model.policy.optimizer.param_groups
    kept = group["lr"] = th.tensor(0.01) if recorded else 0.01
    for left in (1.0, 0.25, 0.0):
        model._current_progress_remaining = left
        model._logger = Logger(None, [])
        model._update_learning_rate(model.policy.optimizer)
        assert float(group["lr"]) == pytest.approx(0.01 * left)
    # A recording reads the tensor that it knows.
    assert not recorded or group["lr"] is kept


def test_spread_copies_keep_an_epsilon_each() -> None:
    assert spread_epsilons(2).tolist() == [0, 1]
    assert spread_epsilons(8).tolist() == [0, 0.25, 0.5, 0.75, 1, 1, 1, 1]
    assert spread_epsilons(5).tolist() == [0, 0.5, 1, 1, 1]
    model, env = agent(n_envs=6, exploration="spread", exploration_final_eps=0.5)
    model._last_obs = env.reset()
    model.num_timesteps = 10**6
    last = model._last_obs
    greedy = greedy_actions(model.q_net, last["observation"], last["desired_goal"])
    draws = np.array([model._sample_action(0, n_envs=6)[0] for _ in range(3_000)])
    # One in five of the uniform actions is the greedy one, by chance.
    shares = 1 - np.array([0, 1 / 3, 2 / 3, 1, 1, 1]) * 0.8
    np.testing.assert_allclose((draws == greedy).mean(axis=0), shares, atol=0.04)
    model.learn(60)
    assert model.exploration_rate == pytest.approx(4 / 6)


def test_target_network_follows_each_update() -> None:
    model, _ = agent(tau=0.5)
    model.learn(200)
    before = [weight.clone() for weight in model.q_net_target.parameters()]
    model.train(1, 16)
    for old, new, online in zip(
        before, model.q_net_target.parameters(), model.q_net.parameters(), strict=True
    ):
        th.testing.assert_close(new, (old + online) / 2)


def test_minibatches_share_relabelled_rows_evenly() -> None:
    model, _ = agent()
    model.learn(400)
    assert model.replay_buffer is not None
    drawn: Any = model.replay_buffer.sample(60)
    parts = Minibatch.deal(drawn, 3)
    assert [len(part.rewards) for part in parts] == [20, 20, 20]
    goals = th.cat([part.goal for part in parts])
    assert sorted(goals.tolist()) == sorted(drawn.observations["desired_goal"].tolist())
    target = drawn.observations["desired_goal"][-1]
    for part in parts:
        # The last fifth of the draw has the real goal, and so has a fifth of each part.
        assert (part.goal[-4:] == target).all()
