"""Episodes of many copies: their beginnings and ends, autoreset modes, and the form of infos.

In an info a value is an array with an entry for every copy, and stands beside a mask of the copies
that have it, as `gymnasium.vector.VectorEnv._add_info` has it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode

from bitseq_env import arguments
from bitseq_env.arguments import Flags
from bitseq_env.copies import Copies
from bitseq_env.goals import Observation
from bitseq_env.rules import Bits

Which = slice | npt.NDArray[np.int64]  # of the copies: all, or these
ALL = slice(None)


class Episodes(Copies):
    """Many copies in time; what a step does to states is the matter of those derived from it."""

    def _set_up_episodes(self) -> None:
        """After all else is set up: what there is of each copy."""
        self._targets: Bits = np.zeros((self.num_envs, self.n), dtype=np.int8)
        self._rows = np.arange(self.num_envs, dtype=np.int64) * self.n  # where each begins, flat
        self._distance = np.zeros(self.num_envs, dtype=np.int64)
        self._success = np.zeros(self.num_envs, dtype=np.bool_)
        # Steps made, and where on this clock each copy's horizon lies: nothing to count per copy
        self._clock = 0
        self._horizon = np.zeros(self.num_envs, dtype=np.int64)
        self._over = np.zeros(self.num_envs, dtype=np.bool_)  # and not yet followed by another
        self._everyone = np.ones(self.num_envs, dtype=np.bool_)

    @abstractmethod
    def _place(self, which: Which, target: Bits, state: Bits) -> None:
        """Begin the episodes of some copies; their targets are already in `_targets`."""

    @abstractmethod
    def _move(self, actions: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.float64], Flags]:
        """Do what actions in [0, _actions) do, and say the rewards and who ends; fresh arrays.

        Those whose next episode is about to begin move too: it costs less than to leave them out,
        and nothing of it remains.
        """

    @abstractmethod
    def _states(self, which: Which = ALL) -> Bits:
        """The states of some copies, a fresh array."""

    @property
    def target(self) -> Bits:
        """The targets of the current episodes: a copy, int8 of shape (num_envs, n).

        Raises:
            ResetNeeded: If the first `reset` is yet to come; an AttributeError as well.
        """
        if self._was_reset:
            return self._targets.copy()
        return np.tile(self._known_target(), (self.num_envs, 1))

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin episodes: of all copies, or of those in `options["reset_mask"]`.

        Args:
            seed: None, an int, or one of these for each copy (see the class).
            options: None, or a dict with any of "target", "state" and "reset_mask" (see the class).

        Returns:
            Observations of all copies, and infos of those that were reset.

        Raises:
            ResetNeeded: If the first reset leaves copies out.
            TypeError: If an option or a seed has a wrong type.
            ValueError: If one has a wrong value, or no episode can begin in a state.
        """
        target, state, mask = arguments.reset_options(options, self.n, self.num_envs, self._digits)
        mask = self._everyone if mask is None else mask
        if not (self._was_reset or mask.all()):
            raise ResetNeeded("the first reset() must be one of all copies, without a reset_mask")
        self._seed(seed)
        self._restart(mask, target, state)
        self._was_reset = True
        if self._human:
            self.render()
        return self._observation(), self._info(mask)

    def _restart(self, mask: Flags, target: Bits | None = None, state: Bits | None = None) -> None:
        """Begin new episodes for the copies in `mask`."""
        count = int(np.count_nonzero(mask))
        # All at once is what happens most, and a slice is several times faster than indices.
        which: Which = ALL if count == self.num_envs else np.flatnonzero(mask)
        if target is not None and target.ndim == 2:
            target = target[which]
        if state is not None and state.ndim == 2:
            state = state[which]
        target, state, distance = self._begin(count, target, state)
        self._targets[which] = target
        self._place(which, target, state)
        self._distance[which] = distance
        self._horizon[which] = self._clock + self.max_steps
        self._success[which] = False
        self._over[which] = False

    def step(
        self, actions: npt.NDArray[Any]
    ) -> tuple[Observation, npt.NDArray[np.float64], Flags, Flags, dict[str, Any]]:
        """Do what its action says in every copy, or begin its next episode.

        Args:
            actions: Integers of shape (num_envs,), each of the action space of one copy. In
                autoreset mode "NextStep" those of copies whose episode is over are checked, and
                then ignored.

        Returns:
            Observations, rewards, terminated, truncated, infos.

        Raises:
            InvalidAction: If one is not an integer, or none of the action space.
            ResetNeeded: Before the first `reset`, or in autoreset mode "Disabled" while an
                episode is over.
        """
        self._need_reset_before("step")
        chosen = arguments.actions(actions, self._actions, self._action_is, self.num_envs)
        over = self._over
        any_over = np.count_nonzero(over)
        if any_over and self.autoreset_mode is AutoresetMode.DISABLED:
            raise ResetNeeded(
                f"step() after the end of the episodes of copies {np.flatnonzero(over).tolist()}: "
                "call reset() first, with them in options['reset_mask']"
            )
        rewards, terminated = self._move(chosen)
        self._clock += 1
        self._over = terminated | (self._horizon <= self._clock)
        if any_over:
            self._restart(over)
            rewards[over] = 0.0
            terminated[over] = False
        truncated = self._over ^ terminated
        final: dict[str, Any] = {}
        if self.autoreset_mode is AutoresetMode.SAME_STEP and np.count_nonzero(self._over):
            ended = np.flatnonzero(self._over)
            final = masked(
                self._over,
                final_obs=last_observations(self._states(ended), self._targets[ended], self._over),
                final_info=self._info(self._over),
            )
            self._restart(self._over)
        if self._human:
            self.render()
        infos = self._info() | final
        return self._observation(), rewards, terminated, truncated, infos

    def _observation(self) -> Observation:
        states = self._states()
        return {
            "observation": states,
            "achieved_goal": states.copy(),
            "desired_goal": self._targets.copy(),
        }

    def _info(self, mask: Flags | None = None) -> dict[str, Any]:
        success, distance = self._success.copy(), self._distance.copy()
        if mask is None:
            mask = self._everyone
        else:
            success &= mask
            distance *= mask
        return masked(mask, is_success=success, hamming_distance=distance)

    def render(self) -> tuple[Any, ...] | None:
        """Draw the states and their targets.

        Results and errors are those of a single environment's `render`, with a result for each
        copy; None, with a warning, if there is no render mode.
        """
        self._need_reset_before("render")
        states = self._states()
        if self.render_mode in ("ansi", "rgb_array"):
            return tuple(map(self._render, states, self._targets))
        # One window has room for one copy, and a missing mode needs one warning.
        self._render(states[0], self._targets[0])
        return (None,) * self.num_envs if self._human else None


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
