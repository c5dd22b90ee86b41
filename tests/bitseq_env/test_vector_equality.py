"""The vector environment returns what SyncVectorEnv returns, given the same draws and actions."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from hypothesis import given, settings
from hypothesis import strategies as st

from bitseq_env import (
    BitSequenceAppendEnv,
    BitSequenceAppendVectorEnv,
    BitSequenceEnv,
    BitSequenceVectorEnv,
    rules,
)
from bitseq_env.goals import GoalTask
from tests.bitseq_env.common import APPEND, ARGUMENTS, FLIP, actions_of, begun, both, flipped, same


class Script:
    """What chance would decide, read out row by row, by whoever asks for it.

    Both environments begin the episodes of one step in the order of their copies, so that rows
    go to the same copies whether they are asked for together or one by one.
    """

    def __init__(self, seed: int, n: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.n = n

    def rows(self, count: int | None) -> npt.NDArray[np.int8]:
        """Bit strings with a 1 in each: as a XOR, they make any other string."""
        rows = np.zeros((1 if count is None else count, self.n), dtype=np.int8)
        for row in rows:
            row[:] = self.rng.integers(0, 2, size=self.n)
            row[self.rng.integers(self.n)] = 1
        return rows[0] if count is None else rows


class Scripted(GoalTask):
    """Takes its draws from two scripts."""

    starts: Script
    targets: Script

    def _draw_starts(self, count: int | None, targets: Any) -> tuple[Any, Any]:
        states = targets ^ self.starts.rows(count)
        return states, rules.hamming(states, targets)

    def _draw_targets(self, count: int | None, forbidden: Any) -> Any:
        if self.goal_mode == "fixed":  # s, which each single environment draws for itself
            return super()._draw_targets(count, forbidden)
        rows = self.targets.rows(count)
        return rows if forbidden is None else forbidden ^ rows


class ScriptedEnv(Scripted, BitSequenceEnv):
    """One environment with scripted draws."""


class ScriptedVectorEnv(Scripted, BitSequenceVectorEnv):
    """Many environments with scripted draws."""


class ScriptedAppendEnv(Scripted, BitSequenceAppendEnv):
    """One that writes."""


class ScriptedAppendVectorEnv(Scripted, BitSequenceAppendVectorEnv):
    """Many that write."""


SCRIPTED: dict[str, tuple[Any, Any]] = {
    FLIP: (ScriptedEnv, ScriptedVectorEnv),
    APPEND: (ScriptedAppendEnv, ScriptedAppendVectorEnv),
}


def assert_same(ours: Any, theirs: Any) -> None:
    assert same(ours, theirs), f"{ours}\n{theirs}"


@both
@given(st.data(), st.sampled_from(AutoresetMode), st.integers(0, 2**32))
@settings(max_examples=250)
def test_native_is_sync(env_id: str, data: Any, mode: AutoresetMode, script: int) -> None:
    kwargs = data.draw(ARGUMENTS[env_id])
    single, vector = SCRIPTED[env_id]
    rng = np.random.default_rng(script)
    n, num_envs = kwargs["n"], int(rng.integers(1, 5))
    kwargs["render_mode"] = (None, "ansi", "rgb_array")[rng.integers(3)]
    if kwargs["goal_mode"] == "fixed" and "target" not in kwargs:
        kwargs["target_seed"] = script % 10  # or each single one draws an s of its own
    ours = vector(num_envs, **kwargs, autoreset_mode=mode)
    singles = [single(**kwargs) for _ in range(num_envs)]
    theirs = SyncVectorEnv([lambda env=env: env for env in singles], autoreset_mode=mode)  # type: ignore[misc]
    for env in (ours, *singles):
        # each side reads the two scripts from the beginning
        if env is ours or env is singles[0]:
            starts, targets = Script(script, n), Script(script + 1, n)
        env.starts, env.targets = starts, targets
    for name in ("observation_space", "action_space"):
        assert getattr(ours, name) == getattr(theirs, name)
        assert getattr(ours, f"single_{name}") == getattr(theirs, f"single_{name}")
    assert ours.metadata == theirs.metadata

    over = np.zeros(num_envs, dtype=np.bool_)
    for turn in range(rng.integers(1, 16)):
        mask = rng.random(num_envs) < 0.3
        if mode is AutoresetMode.DISABLED:
            mask |= over
        if turn == 0 or mask.any():
            options: dict[str, Any] = {}
            if turn > 0 or rng.random() < 0.5:
                options["reset_mask"] = mask if turn else np.ones(num_envs, dtype=np.bool_)
            if rng.random() < 0.3:
                options["target"] = rng.integers(0, 2, size=n)
            if env_id == APPEND and rng.random() < 0.5:
                options["state"] = begun(rng, n, kwargs["word_size"])
            elif env_id == FLIP and (rng.random() < 0.3 or "target" in options):
                goal = options.get("target", singles[0]._s)
                if goal is None:  # it is drawn, and never the state
                    goal = rng.integers(0, 2, size=n)
                options["state"] = flipped(goal, rng.integers(n))
            some: list[int | None] = [*range(num_envs)]
            seed = (None, 3, some)[rng.integers(3)]
            # SyncVectorEnv takes the mask out of the dictionary that it is given.
            assert_same(
                ours.reset(seed=seed, options=copy.deepcopy(options)),
                theirs.reset(seed=seed, options=copy.deepcopy(options)),
            )
        actions = rng.integers(0, actions_of(ours), size=num_envs)
        returned = ours.step(actions)
        assert_same(returned, theirs.step(actions))
        over = returned[2] | returned[3]
        if ours.render_mode is not None:
            assert_same(ours.render(), theirs.render())
            assert_same(ours.call("render"), theirs.call("render"))
        for name in ("target", "n", "action_space", "observation_space", "max_steps"):
            assert_same(ours.get_attr(name), theirs.get_attr(name))
    goals = rng.integers(0, 2 if env_id == FLIP else 3, size=(2, n))
    assert_same(ours.call("compute_reward", *goals), theirs.call("compute_reward", *goals))
