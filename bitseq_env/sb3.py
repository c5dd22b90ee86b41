"""SB3's VecEnv over the batched environment: no loop over copies but for those that ended.

For users of SB3, and never imported by the package itself::

    from bitseq_env.sb3 import make_sb3_vec_env

    model = DQN("MultiInputPolicy", make_sb3_vec_env(1024, n=20, target_seed=0))

SB3 refuses Gymnasium's vector environments. It wants an observation that is already the next
episode's, and what was lost by that in info dictionaries: ``terminal_observation``,
``TimeLimit.truncated``, ``is_success`` and Monitor's ``episode``.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from stable_baselines3.common.vec_env.base_vec_env import (
    VecEnv,
    VecEnvIndices,
    VecEnvObs,
    VecEnvStepReturn,
)


def make_sb3_vec_env(
    num_envs: int, *, env_id: str = "BitSequence-v0", **arguments: Any
) -> BitSequenceVecEnv:
    """Copies of an environment of this package that share one s and are stepped together.

    Args:
        num_envs: How many.
        env_id: "BitSequence-v0" or "BitSequenceAppend-v0".
        **arguments: The environment's.
    """
    return BitSequenceVecEnv(
        gym.make_vec(
            f"bitseq_env:{env_id}", num_envs=num_envs, autoreset_mode="SameStep", **arguments
        )
    )


class BitSequenceVecEnv(VecEnv):
    """A vector environment of this package as SB3 wants it.

    Args:
        env: With autoreset mode "SameStep".

    Raises:
        ValueError: If the autoreset mode is another one.
    """

    def __init__(self, env: gym.vector.VectorEnv) -> None:
        mode = env.metadata["autoreset_mode"]
        if mode != gym.vector.AutoresetMode.SAME_STEP:
            raise ValueError(f"autoreset_mode must be {'SameStep'!r}, got {mode.value!r}")
        self.env = env
        self.render_mode = env.render_mode
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)
        self.actions: npt.NDArray[np.int64] = np.zeros(self.num_envs, dtype=np.int64)
        self.returns = np.zeros(self.num_envs)
        self.lengths = np.zeros(self.num_envs, dtype=np.int64)
        self.started = time.perf_counter()

    def reset(self) -> VecEnvObs:
        """Start all copies; the seed is the one that :meth:`seed` gave to the first of them."""
        observation, _ = self.env.reset(seed=self._seeds[0], options=self._options[0] or None)
        self._reset_seeds()
        self._reset_options()
        self.returns[:] = 0
        self.lengths[:] = 0
        return dict(observation)

    def step_async(self, actions: npt.NDArray[np.int64]) -> None:
        """Keep the (num_envs,) actions for :meth:`step_wait`."""
        self.actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """One step of every copy, and a fresh start for those that ended."""
        observation, rewards, terminated, truncated, batch = self.env.step(self.actions)
        dones = terminated | truncated
        self.returns += rewards
        self.lengths += 1
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        if dones.any():
            elapsed = round(time.perf_counter() - self.started, 6)
            for copy in np.flatnonzero(dones):
                infos[copy] = {
                    **_success(batch["final_info"], copy),
                    "terminal_observation": batch["final_obs"][copy],
                    "TimeLimit.truncated": bool(truncated[copy] and not terminated[copy]),
                    "episode": {
                        "r": float(self.returns[copy]),
                        "l": int(self.lengths[copy]),
                        "t": elapsed,
                    },
                }
            self.returns[dones] = 0
            self.lengths[dones] = 0
        return dict(observation), rewards.astype(np.float32), dones, infos

    def close(self) -> None:
        """Close the environment."""
        self.env.close()

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """The batched environment's attribute, once for each index."""
        return [getattr(self.env, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Refused: the copies share their attributes."""
        raise NotImplementedError(f"cannot set {attr_name!r}: all copies are one environment")

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **kwargs: Any
    ) -> list[Any]:
        """Call the batched environment's method once for each index."""
        method = getattr(self.env, method_name)
        return [method(*method_args, **kwargs) for _ in self._get_indices(indices)]

    def env_is_wrapped(
        self, wrapper_class: type[gym.Wrapper], indices: VecEnvIndices = None
    ) -> list[bool]:
        """Episode statistics are kept, as Monitor's would be; nothing else is wrapped."""
        from stable_baselines3.common.monitor import Monitor

        return [issubclass(Monitor, wrapper_class) for _ in self._get_indices(indices)]

    def get_images(self) -> Sequence[npt.NDArray[np.uint8] | None]:
        """A frame of each copy, in render mode "rgb_array"."""
        frames: Any = self.env.render()
        return frames or [None] * self.num_envs


def _success(info: dict[str, Any], copy: Any) -> dict[str, bool]:
    """Whether an episode reached s, where that is told."""
    return {"is_success": bool(info["is_success"][copy])} if "is_success" in info else {}
