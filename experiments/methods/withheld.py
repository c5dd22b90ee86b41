"""The null: an environment that never says whether s was reached.

Rewards are 0, an arrival is told as a truncation, infos have no ``is_success``, and what hindsight
asks is answered 0 and False; everything else is as it was. What is "learned" behind it is luck.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

_SECRET = ("is_success", "_is_success")


class _Silent:
    """What hindsight asks of an environment, single or many."""

    def compute_reward(self, achieved: Any, desired: Any, info: Any = None) -> Any:
        """0 for every pair of goals."""
        return np.zeros(np.broadcast_shapes(np.shape(achieved), np.shape(desired))[:-1])[()]

    def compute_terminated(self, achieved: Any, desired: Any, info: Any = None) -> Any:
        """False for every pair of goals."""
        return self.compute_reward(achieved, desired) != 0


class WithheldReward(_Silent, gym.Wrapper):
    """One environment, outermost, so that SB3's Monitor is silenced too."""

    def reset(self, **kwargs: Any) -> Any:
        """As the environment's, without success."""
        observation, info = self.env.reset(**kwargs)
        return observation, _without_success(info)

    def step(self, action: Any) -> Any:
        """As the environment's, without reward and success; arrivals are truncations."""
        observation, _, terminated, truncated, info = self.env.step(action)
        info = _without_success(info)
        if "episode" in info:
            info["episode"] = info["episode"] | {"r": 0.0}
        return observation, 0.0, False, terminated or truncated, info


class WithheldRewards(_Silent, gym.vector.VectorWrapper):
    """Many copies."""

    def reset(self, **kwargs: Any) -> Any:
        """As the environment's, without success."""
        observation, info = self.env.reset(**kwargs)
        return observation, _without_success(info)

    def step(self, actions: Any) -> Any:
        """As the environment's, without rewards and success; arrivals are truncations."""
        observation, rewards, terminated, truncated, info = self.env.step(actions)
        info = _without_success(info)
        if "final_info" in info:
            info["final_info"] = _without_success(info["final_info"])
        never = np.zeros_like(terminated)
        return observation, np.zeros_like(rewards), never, terminated | truncated, info


def _without_success(info: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in info.items() if name not in _SECRET}
