"""What environments of many copies share: their seeds, their attributes, and the form of infos.

In an info each value is an array with an entry for every copy, and stands beside a mask of the
copies that have it, as `gymnasium.vector.VectorEnv._add_info` has it. All arrays are fresh.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.vector import VectorEnv

from bitseq_env import arguments
from bitseq_env.env import Observation
from bitseq_env.goals import GoalTask
from bitseq_env.rules import Bits

Flags = npt.NDArray[np.bool_]


class Copies(GoalTask, VectorEnv[Observation, npt.NDArray[Any], npt.NDArray[Any]]):
    """Copies that share one generator, and all attributes but their targets and states."""

    def _seed(self, seed: int | Sequence[int | None] | None) -> None:
        """Seed what is random, with one seed or with one for each copy."""
        if not isinstance(seed, Sequence | np.ndarray):
            super().reset(seed=seed)
            if seed is not None:
                self._forget_targets()
            return
        seeds = arguments.seeds(seed, self.num_envs)
        if seeds[0] is not None:
            super().reset(seed=seeds[0])
            self._forget_targets()
            self._settle_target()
        if any(each is not None for each in seeds):
            chance = self.np_random.integers(2**63, size=self.num_envs).tolist()
            words = [new if old is None else old for old, new in zip(seeds, chance, strict=True)]
            self.np_random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))

    def call(self, name: str, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """What each copy's method returns, or its attribute is, as `SyncVectorEnv.call`.

        Raises:
            AttributeError: If a copy has none of that name; `reset`, `step` and `close` are those
                of all copies alone.
        """
        if name in ("reset", "step", "close"):
            raise AttributeError(f"{name}() is one of all copies: call the environment's own")
        if name == "target":
            return tuple(getattr(self, name))
        space = name in ("observation_space", "action_space")
        value = getattr(self, f"single_{name}" if space else name)
        if name == "render":
            return value() or (None,) * self.num_envs
        return tuple(
            value(*args, **kwargs) if callable(value) else value for _ in range(self.num_envs)
        )

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """An attribute of each copy; errors are those of `call`."""
        return self.call(name)

    def set_attr(self, name: str, values: Any) -> None:
        """Set an attribute of all copies, which share it.

        Args:
            name: Which one.
            values: A value, or a list or tuple with it for each copy.

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
                f"{arguments.shown(values)}"
            )
        setattr(self, name, values[0])

    def close_extras(self, **kwargs: Any) -> None:  # noqa: ARG002  (Gymnasium's signature)
        """Close the window, if there is one."""
        self._close_window()


def batched(success: Flags, distance: npt.NDArray[np.int64], mask: Flags) -> dict[str, Any]:
    """Infos of the copies in a mask.

    Args:
        success: Whether s was reached in each copy's episode, shape (num_envs,). This array
            itself is returned; it must be False outside of the mask.
        distance: Each copy's Hamming distance in bits, shape (num_envs,). This array itself is
            returned; it must be 0 outside of the mask.
        mask: Which copies have an info, shape (num_envs,).
    """
    return {
        "is_success": success,
        "_is_success": mask.copy(),
        "hamming_distance": distance,
        "_hamming_distance": mask.copy(),
    }


def final(states: Bits, targets: Bits, info: dict[str, Any], mask: Flags) -> dict[str, Any]:
    """What autoreset mode "SameStep" tells of the episodes that ended.

    Args:
        states: Last states of the copies in the mask, shape (k, n); views of them are returned.
        targets: Their targets, shape (k, n); views of them are returned.
        info: Their last infos, as `batched` returns them.
        mask: Whose episode ended, shape (num_envs,).
    """
    # A dictionary for each is what the format asks for; nothing else here loops over copies.
    last = (
        {"observation": state, "achieved_goal": achieved, "desired_goal": target}
        for state, achieved, target in zip(states, states.copy(), targets, strict=True)
    )
    final_obs = np.full(len(mask), None, dtype=object)
    final_obs[mask] = np.fromiter(last, dtype=object, count=len(states))
    return {
        "final_obs": final_obs,
        "_final_obs": mask.copy(),
        "final_info": info,
        "_final_info": mask.copy(),
    }
