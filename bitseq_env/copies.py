"""What environments of many copies share: their seeds, their attributes, and the form of infos.

In an info a value is an array with an entry for every copy, and stands beside a mask of the copies
that have it, as `gymnasium.vector.VectorEnv._add_info` has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.vector import VectorEnv

from bitseq_env.arguments import Flags, integer, shown
from bitseq_env.env import Observation
from bitseq_env.goals import GoalTask
from bitseq_env.rules import Bits


class Copies(GoalTask, VectorEnv[Observation, npt.NDArray[Any], npt.NDArray[Any]]):
    """Copies that share one generator, and all attributes but their targets and states."""

    def _seed(self, seed: int | Sequence[int | None] | None) -> None:
        """Seed what is random, with one seed or with one for each copy."""
        seeds: list[int | None] = []
        if isinstance(seed, Sequence | np.ndarray):
            if len(seed) != self.num_envs:
                wanted = f"num_envs={self.num_envs} entries"
                raise ValueError(f"a sequence of seeds must have {wanted}, got {len(seed)}")
            for index, each in enumerate(seed):
                seeds.append(None if each is None else integer(f"seed[{index}]", each, 0))
            seed = seeds[0]
        super().reset(seed=seed)
        if seed is not None:
            self._forget_targets()
        if any(each is not None for each in seeds):
            self._settle_target()
            chance = self.np_random.integers(2**63, size=self.num_envs).tolist()
            words = [new if old is None else old for old, new in zip(seeds, chance, strict=True)]
            self.np_random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))

    def call(self, name: str, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """What each copy's method returns, or its attribute is, as `SyncVectorEnv.call`.

        Raises:
            AttributeError: If a copy has none; `reset`, `step` and `close` are of all copies alone.
        """
        if name in ("reset", "step", "close"):
            raise AttributeError(f"{name}() is one of all copies: call the environment's own")
        if name == "target":
            return tuple(getattr(self, name))
        one = f"single_{name}" if name in ("observation_space", "action_space") else name
        value = getattr(self, one)
        if name == "render":
            return value() or (None,) * self.num_envs
        if callable(value):
            return tuple(value(*args, **kwargs) for _ in range(self.num_envs))
        return (value,) * self.num_envs

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """An attribute of each copy; errors are those of `call`."""
        return self.call(name)

    def set_attr(self, name: str, values: Any) -> None:
        """Set an attribute that all copies share, to a value or to a list or tuple of it for each.

        Raises:
            ValueError: If there are not num_envs values, or they are not the same.
        """
        if not isinstance(values, list | tuple):
            values = [values] * self.num_envs
        if len(values) != self.num_envs or not all(
            np.array_equal(value, values[0]) for value in values
        ):
            raise ValueError(
                f"the copies share {name}: one value, or the same one {self.num_envs} times, got "
                f"{shown(values)}"
            )
        setattr(self, name, values[0])

    def close_extras(self, **kwargs: Any) -> None:  # noqa: ARG002  (Gymnasium's signature)
        """Close the window, if there is one."""
        self._close_window()


def masked(mask: Flags, **values: Any) -> dict[str, Any]:
    """An info of these values, each with an entry for every copy; those in the mask have one."""
    info: dict[str, Any] = {}
    for name, value in values.items():
        info[name] = value
        info[f"_{name}"] = mask.copy()
    return info


def last_observations(states: Bits, targets: Bits, mask: Flags) -> npt.NDArray[np.object_]:
    """Of the copies in the mask, whose episodes ended: arrays of shape (k, n) to one a copy."""
    # A dictionary for each is what the format asks for; nothing else here loops over copies.
    each = (
        {"observation": state, "achieved_goal": achieved, "desired_goal": target}
        for state, achieved, target in zip(states, states.copy(), targets, strict=True)
    )
    observations = np.full(len(mask), None, dtype=object)
    observations[mask] = np.fromiter(each, dtype=object, count=len(states))
    return observations
