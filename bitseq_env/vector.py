"""BitSequenceVectorEnv: many environments at once, the same rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Never

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from bitseq_env import arguments, rules
from bitseq_env.arguments import Flags, Integer
from bitseq_env.copies import Copies, last_observations, masked
from bitseq_env.env import BitSequenceEnv, Observation
from bitseq_env.rules import Bits


class BitSequenceVectorEnv(Copies):
    """`num_envs` copies of `BitSequenceEnv`, stepped together with array operations.

    It returns what `gymnasium.vector.SyncVectorEnv` returns for single environments with the same
    starts and actions: observations, rewards, flags, infos with their masks, and `final_obs` and
    `final_info` in autoreset mode "SameStep". The rest is told in `BitSequenceEnv`; what differs:

    * Arguments: `num_envs` (int >= 1), and `autoreset_mode`, an `AutoresetMode` or its string
      value: "NextStep" (default), "SameStep" or "Disabled". In the last, a step while a copy's
      episode is over raises `gymnasium.error.ResetNeeded`. `max_episode_steps` is an upper limit on
      `max_steps`, for `gym.make_vec`; unlike `TimeLimit` it lets an arrival by the last step be
      terminated alone.
    * With `goal_mode="fixed"` all copies have one s. With "random" all draw from one stream of
      targets.
    * `reset(seed=k)` gives the s that a single environment has after `reset(seed=k)`. A list of
      `num_envs` seeds seeds the starts; its first entry alone decides s. A None in it leaves that
      entry to chance, and as its first entry keeps s.
    * `reset(options=...)` takes "target" and "state" of shape (n,) or (num_envs, n), and a
      "reset_mask" (bool, shape (num_envs,)), which says who is to be reset. If that reset has a
      seed too, the others keep their targets until their episodes end.
    * All copies draw from one generator: `np_random` and `np_random_seed` are one, not one for each
      copy, and with a list of seeds each start depends on all of the list, with a "reset_mask" too.
    * `call` and `get_attr` answer for each copy. What `set_attr` sets is shared by all; a new
      `max_steps` counts from each copy's next episode.
    * In render mode "human" the window shows the first copy.
    * TorchRL's `GymWrapper` takes it in autoreset mode "Disabled", and reads these infos, which are
      arrays; those of a single environment are Python's own numbers, which it does not read.

    ```python
    envs = gym.make_vec("BitSequence-v0", num_envs=1024, n=30, target_seed=0)
    ```
    """

    metadata = {  # noqa: RUF012  (Gymnasium declares it like this)
        **BitSequenceEnv.metadata,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        num_envs: Integer = 1,
        n: Integer = 10,
        *,
        target: str | Sequence[int] | npt.NDArray[Any] | None = None,
        target_seed: Integer | None = None,
        goal_mode: str = "fixed",
        start: str = "random",
        max_steps: Integer | None = None,
        reward_type: str = "zero_one",
        continuing_task: bool = False,
        render_mode: str | None = None,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        max_episode_steps: Integer | None = None,
        **unknown: Never,
    ) -> None:
        arguments.refuse_unknown(BitSequenceVectorEnv, unknown)
        self.num_envs = arguments.integer("num_envs", num_envs, 1)
        if not isinstance(autoreset_mode, AutoresetMode):
            modes = [mode.value for mode in AutoresetMode]
            arguments.choice("autoreset_mode", autoreset_mode, modes)
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self._set_up(
            n=n,
            target=target,
            target_seed=target_seed,
            goal_mode=goal_mode,
            start=start,
            max_steps=max_steps,
            reward_type=reward_type,
            continuing_task=continuing_task,
            render_mode=render_mode,
        )
        if max_episode_steps is not None and max_episode_steps != -1:  # -1: as `gym.make` has it
            limit = arguments.integer("max_episode_steps", max_episode_steps, 1)
            self.max_steps = min(self.max_steps, limit)
        self.metadata = {**self.metadata, "autoreset_mode": self.autoreset_mode}
        self.single_observation_space = self._observation_space()
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.single_action_space = spaces.Discrete(self.n)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._targets: Bits = np.zeros((self.num_envs, self.n), dtype=np.int8)
        self._differs: Bits = np.zeros_like(self._targets)  # states, seen from their targets
        self._rows = np.arange(self.num_envs, dtype=np.int64) * self.n  # where each begins, flat
        self._distance = np.zeros(self.num_envs, dtype=np.int64)
        self._success = np.zeros(self.num_envs, dtype=np.bool_)
        # Steps made, and where on this clock each copy's horizon lies: nothing to count per copy
        self._clock = 0
        self._horizon = np.zeros(self.num_envs, dtype=np.int64)
        self._over = np.zeros(self.num_envs, dtype=np.bool_)  # and not yet followed by another
        self._everyone = np.ones(self.num_envs, dtype=np.bool_)

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
            ValueError: If one has a wrong value, or a state is its target.
        """
        target, state, mask = arguments.reset_options(options, self.n, self.num_envs)
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
        which = slice(None) if count == self.num_envs else np.flatnonzero(mask)
        if target is not None and target.ndim == 2:
            target = target[which]
        if state is not None and state.ndim == 2:
            state = state[which]
        target, state, distance = self._begin(count, target, state)
        self._targets[which] = target
        self._differs[which] = state ^ target
        self._distance[which] = distance
        self._horizon[which] = self._clock + self.max_steps
        self._success[which] = False
        self._over[which] = False

    def step(
        self, actions: npt.NDArray[Any]
    ) -> tuple[Observation, npt.NDArray[np.float64], Flags, Flags, dict[str, Any]]:
        """Flip a bit of every copy, or begin its next episode.

        Args:
            actions: Integers of shape (num_envs,) in [0, n). In autoreset mode "NextStep" those
                of copies whose episode is over are checked, and then ignored.

        Returns:
            Observations, rewards, terminated, truncated, infos.

        Raises:
            InvalidAction: If an action is not an integer in [0, n).
            ResetNeeded: Before the first `reset`, or in autoreset mode "Disabled" while an
                episode is over.
        """
        self._need_reset_before("step")
        bits = self._rows + arguments.actions(actions, self.n, self.num_envs)
        over = self._over
        any_over = np.count_nonzero(over)
        if any_over and self.autoreset_mode is AutoresetMode.DISABLED:
            raise ResetNeeded(
                f"step() after the end of the episodes of copies {np.flatnonzero(over).tolist()}: "
                "call reset() first, with them in options['reset_mask']"
            )
        # Those whose next episode begins move too: it costs less than to leave them out, and
        # nothing of it remains.
        distance = rules.flip_and_distance(self._differs.reshape(-1), bits, self._distance)
        self._distance = distance
        self._clock += 1
        arrived = distance == 0
        self._success |= arrived
        rewards = self._rewards.take(distance)
        terminated = np.zeros(self.num_envs, np.bool_) if self.continuing_task else arrived
        self._over = terminated | (self._horizon <= self._clock)
        if any_over:
            self._restart(over)
            rewards[over] = 0.0
            terminated[over] = False
        truncated = self._over ^ terminated
        final: dict[str, Any] = {}
        if self.autoreset_mode is AutoresetMode.SAME_STEP and np.count_nonzero(self._over):
            ended = np.flatnonzero(self._over)
            targets = self._targets[ended]
            states = self._differs[ended] ^ targets
            final = masked(
                self._over,
                final_obs=last_observations(states, targets, self._over),
                final_info=self._info(self._over),
            )
            self._restart(self._over)
        if self._human:
            self.render()
        infos = self._info() | final
        return self._observation(), rewards, terminated, truncated, infos

    def _observation(self) -> Observation:
        states = self._differs ^ self._targets
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

        Results and errors are those of `BitSequenceEnv.render`, with a result for each copy; None,
        with a warning, if there is no render mode.
        """
        self._need_reset_before("render")
        states = self._differs ^ self._targets
        if self.render_mode in ("ansi", "rgb_array"):
            return tuple(map(self._render, states, self._targets))
        # One window has room for one copy, and a missing mode needs one warning.
        self._render(states[0], self._targets[0])
        return (None,) * self.num_envs if self._human else None
