"""What environments of many copies share: their arguments, spaces, seeds and attributes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from bitseq_env import arguments
from bitseq_env.arguments import integer, shown
from bitseq_env.goals import GoalTask, Observation
from bitseq_env.single import Single


class Copies(GoalTask, VectorEnv[Observation, npt.NDArray[Any], npt.NDArray[Any]]):
    """Copies that share one generator, and all attributes but their targets and states."""

    metadata = {  # noqa: RUF012  (Gymnasium declares it like this)
        **Single.metadata,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def _set_up_copies(self, num_envs: object, autoreset_mode: object) -> None:
        """Before the task is set up: how many, and what follows an end."""
        self.num_envs = integer("num_envs", num_envs, 1)
        if not isinstance(autoreset_mode, AutoresetMode):
            modes = [mode.value for mode in AutoresetMode]
            arguments.choice("autoreset_mode", autoreset_mode, modes)
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {**self.metadata, "autoreset_mode": self.autoreset_mode}

    def _set_up_spaces(self, max_episode_steps: object) -> None:
        """After it is: spaces, and the limit that `gym.make_vec` passes."""
        if max_episode_steps is not None and max_episode_steps != -1:  # -1: as `gym.make` has it
            limit = integer("max_episode_steps", max_episode_steps, 1)
            self.max_steps = min(self.max_steps, limit)
        self.single_observation_space = self._observation_space()
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.single_action_space = spaces.Discrete(self._actions)
        self.action_space = batch_space(self.single_action_space, self.num_envs)

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
