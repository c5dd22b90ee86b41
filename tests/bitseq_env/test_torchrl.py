"""TorchRL takes the environment as it is, one or many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import pytest

import bitseq_env  # noqa: F401  (registers the environment)

pytestmark = pytest.mark.filterwarnings("default")  # TorchRL's own are none of our business
envs: Any = pytest.importorskip("torchrl.envs", reason="TorchRL is not installed")


def one(**kwargs: Any) -> Any:
    return envs.GymEnv("bitseq_env:BitSequence-v0", n=5, target_seed=0, **kwargs)


def native() -> Any:
    arguments: dict[str, Any] = {"num_envs": 2, "n": 5, "autoreset_mode": "Disabled"}
    return envs.GymWrapper(gym.make_vec("BitSequence-v0", **arguments))


MAKERS: dict[str, Any] = {
    "GymEnv": one,
    "GymWrapper": lambda: envs.GymWrapper(gym.make("BitSequence-v0", n=5)),
    "ParallelEnv": lambda: envs.ParallelEnv(2, one),
    "vector": native,
    "vector, infos": lambda: native().auto_register_info_dict(),
}


@pytest.fixture(params=MAKERS)
def env(request: pytest.FixtureRequest) -> Iterator[Any]:
    made = MAKERS[request.param]()
    yield made
    made.close(raise_if_closed=False)


def test_specifications_and_rollout(env: Any, request: pytest.FixtureRequest) -> None:
    envs.check_env_specs(env)
    env.set_seed(0)
    steps = env.rollout(30, break_when_any_done=False)
    assert steps.batch_size == (*env.batch_size, 30)
    assert steps["next", "done"].any()
    flipped = (steps["next", "observation"] != steps["observation"]).sum(-1, keepdim=True)
    assert (flipped == 1).all()
    arrived = (steps["next", "observation"] == steps["desired_goal"]).all(-1, keepdim=True)
    assert (steps["next", "terminated"] == arrived).all()
    assert (steps["next", "reward"] == arrived).all()
    if "infos" in request.node.name:
        assert (steps["next", "is_success"].reshape(arrived.shape) == arrived).all()


def test_an_argument_that_is_wrong_is_still_named() -> None:
    with pytest.raises(TypeError, match="'horizon' with value 5; it has n, target"):
        one(horizon=5)
