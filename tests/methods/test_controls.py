"""The controls: what a null is told, an untrained network, and flipping what differs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from experiments.config.errors import ConfigError
from experiments.config.run import RunConfig
from experiments.methods.learner import load_policy
from experiments.methods.sb3 import training_env
from experiments.methods.wrappers import learner_env
from experiments.sweeps.training import train

N = 3


def played(implementation: str, withhold: bool, steps: int = 400) -> list[Any]:
    """What a learner is told of uniform random play."""
    run = RunConfig.of(
        n=N, n_envs=4, implementation=implementation, withhold_reward=withhold, seed=1
    )
    env = training_env(run)
    env.seed(5)
    rng = np.random.default_rng(0)
    told: list[Any] = [env.reset()]
    for _ in range(steps):
        told.append(env.step(rng.integers(N, size=4)))
    goals = np.array([[0, 0, 0], [1, 1, 1]], dtype=np.int8)
    for ask in ("compute_reward", "compute_terminated"):
        told.append(env.env_method(ask, goals, goals, [{}, {}], indices=[0])[0])
        told.append(env.env_method(ask, goals[:0], goals[:0], [], indices=[0])[0])
    return told


@pytest.mark.parametrize("implementation", ["fast", "stock"])
def test_a_null_is_told_everything_but_the_reward(implementation: str) -> None:
    shown, hidden = (played(implementation, withhold) for withhold in (False, True))
    arrivals = 0
    for (observation, rewards, dones, infos), (same, nothing, ends, silent) in zip(
        shown[1:-4], hidden[1:-4], strict=True
    ):
        for key in observation:
            np.testing.assert_array_equal(observation[key], same[key])
        np.testing.assert_array_equal(dones, ends)
        assert not nothing.any()
        for copy in np.flatnonzero(dones):
            arrivals += int(rewards[copy])
            assert silent[copy]["TimeLimit.truncated"]
            assert not {"is_success", "hamming_distance"} & silent[copy].keys()
            assert silent[copy]["episode"]["r"] == 0
            assert silent[copy]["episode"]["l"] == infos[copy]["episode"]["l"]
            np.testing.assert_array_equal(
                silent[copy]["terminal_observation"]["achieved_goal"],
                infos[copy]["terminal_observation"]["achieved_goal"],
            )
    assert arrivals > 20
    for answer, silence in zip(shown[-4:], hidden[-4:], strict=True):
        assert np.shape(answer) == np.shape(silence)
        assert np.asarray(silence).dtype == np.asarray(answer).dtype
        assert not np.any(silence)
    assert np.all(shown[-4])
    assert np.all(shown[-2])


def test_where_the_goal_is_hidden_so_is_the_distance_to_it() -> None:
    run = RunConfig.of(method="dqn", n=2, n_envs=4, learner_reward="r", sees_target=False)
    env = learner_env(run)
    told = [env.reset(seed=0)[1]]
    rng = np.random.default_rng(0)
    for _ in range(20):
        *_, info = env.step(rng.integers(2, size=4))
        told += [info, *([info["final_info"]] if "final_info" in info else [])]
    assert all("hamming_distance" not in info for info in told)
    assert any(np.any(info.get("is_success", False)) for info in told)


@pytest.mark.parametrize("method", ["dqn", "her"])
@pytest.mark.parametrize("network", ["mlp", "equivariant"])
def test_a_null_counts_no_reward_and_is_not_solved(method: str, network: str) -> None:
    # With 12 bits, and with few steps, as luck has it where there are few strings.
    settings = {"method": method, "network": network, "n": 12, "budget_env_steps": 2_000}
    result = train(RunConfig.of(**settings, withhold_reward=True, eval_episodes=50)).result
    assert (result["rollout_successes"], result["env_steps_to_first_reward"]) == (0, None)
    assert not result["solved"]


def test_an_untrained_network_is_looked_at_and_never_updated() -> None:
    run = train(RunConfig.of(n=10, updates_per_env_step=0, budget_env_steps=800))
    assert run.result["gradient_updates"] == 0
    assert run.result["env_steps"] >= 800
    assert not run.result["solved"]
    assert len(run.curve) == 2


@pytest.mark.parametrize("n", [1, 30, 2_000])
def test_flipping_what_differs_solves_it_without_a_step(n: int) -> None:
    run = train(RunConfig.of(method="flip", n=n))
    assert run.result["solved"]
    assert (run.result["env_steps"], run.result["told"], run.result["network"]) == (0, "s", "own")
    state, goal = np.zeros((1, n), dtype=np.int8), np.zeros((1, n), dtype=np.int8)
    goal[0, n - 1] = 1
    assert load_policy(run.config, run.policy, n, "cpu")(state, goal).tolist() == [n - 1]


@pytest.mark.parametrize("settings", [{"sees_target": False}, {"withhold_reward": True}], ids=str)
def test_flipping_what_differs_needs_s_alone(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="method 'flip' is told s and asks for no reward"):
        RunConfig.of(method="flip", **settings)


def test_a_network_of_ones_own_is_for_methods_that_bring_one() -> None:
    with pytest.raises(ConfigError, match="network must be 'own' for method 'flip', got 'mlp'"):
        RunConfig.of(method="flip", network="mlp")
    with pytest.raises(ConfigError, match="network must be one of 'mlp', 'equivariant' for method"):
        RunConfig.of(method="her", network="own")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "s"),
        ({"method": "dqn", "sees_target": False}, "nothing"),
        ({"network": "equivariant"}, "s+symmetry"),
        ({"method": "flip"}, "s"),
    ],
    ids=str,
)
def test_what_a_learner_is_told(settings: dict[str, Any], told: str) -> None:
    assert RunConfig.of(**settings).told == told
