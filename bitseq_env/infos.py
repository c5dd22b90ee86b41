"""Infos of many environments in the form that Gymnasium gives them.

Each value is an array with an entry for every copy, and stands beside a mask of the copies that
have it, as `gymnasium.vector.VectorEnv._add_info` has it. All arrays are fresh.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bitseq_env.rules import Bits

Flags = npt.NDArray[np.bool_]


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
