"""TorchRL takes the environments as they are, one or many."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import gymnasium as gym
import pytest

import bitseq_env  # noqa: F401  (registers the environments)
from bitseq_env.rules import OPEN

pytestmark = pytest.mark.filterwarnings("default")  # TorchRL's own are none of our business
envs: Any = pytest.importorskip("torchrl.envs", reason="TorchRL is not installed")


_CATEGORIES = {"categorical_action_encoding": True}  # as they are, observations too, not one-hot


def one(name: str = "BitSequence-v0", **kwargs: Any) -> Any:
    return envs.GymEnv(f"bitseq_env:{name}", n=5, target_seed=0, **_CATEGORIES, **kwargs)


def native(name: str) -> Any:
    arguments: dict[str, Any] = {"num_envs": 2, "n": 5, "autoreset_mode": "Disabled"}
    return envs.GymWrapper(gym.make_vec(name, **arguments))


@contextmanager
def closing(env: Any) -> Iterator[Any]:
    yield env
    env.close(raise_if_closed=False)


MAKERS: dict[str, Any] = {
    "GymEnv": one,
    "GymWrapper": lambda name: envs.GymWrapper(gym.make(name, n=5), **_CATEGORIES),
    "ParallelEnv": lambda name: envs.ParallelEnv(2, partial(one, name)),
    "vector": native,
    "vector, infos": lambda name: native(name).auto_register_info_dict(),
}


@pytest.mark.parametrize("name", ["BitSequence-v0", "BitSequenceAppend-v0"])
@pytest.mark.parametrize("maker", MAKERS)
def test_specifications_and_rollout(name: str, maker: str) -> None:
    with closing(MAKERS[maker](name)) as env:
        envs.check_env_specs(env)
        env.set_seed(0)
        steps = env.rollout(30, break_when_any_done=False)
        assert steps.batch_size == (*env.batch_size, 30)
    assert steps["next", "done"].any()
    changed = (steps["next", "observation"] != steps["observation"]).sum(-1, keepdim=True)
    assert (changed == 1).all()
    arrived = (steps["next", "observation"] == steps["desired_goal"]).all(-1, keepdim=True)
    written = (steps["next", "observation"] != OPEN).all(-1, keepdim=True)
    ends = arrived if name == "BitSequence-v0" else written
    assert (steps["next", "terminated"] == ends).all()
    assert (steps["next", "reward"] == arrived).all()
    if "infos" in maker:
        assert (steps["next", "is_success"].reshape(arrived.shape) == arrived).all()


def test_an_argument_that_is_wrong_is_still_named() -> None:
    with pytest.raises(TypeError, match="'horizon' with value 5; it has n, target"):
        one(horizon=5)
