"""Transitions as a replay buffer hands them out, made by hand."""

from __future__ import annotations

import numpy as np
import torch as th

from experiments.methods.dqn.replay import Drawn

N, BATCH = 5, 24


def drawn(seed: int = 0, batch: int = BATCH) -> Drawn:
    """Random transitions of N bits under reward r - 1."""
    rng = np.random.default_rng(seed)
    state, goal = (th.as_tensor(rng.integers(0, 2, (batch, N), dtype=np.int8)) for _ in range(2))
    actions = th.as_tensor(rng.integers(N, size=(batch, 1)))
    following = state.scatter(1, actions, 1 - state.gather(1, actions))
    done = (following == goal).all(1, keepdim=True).float()
    return Drawn(
        observations={"observation": state, "desired_goal": goal},
        actions=actions,
        next_observations={"observation": following, "desired_goal": goal},
        dones=done,
        rewards=done - 1,
    )
