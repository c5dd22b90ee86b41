"""BitSequenceVectorEnv: many environments where bits are flipped at once, the same rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Never

import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode

from bitseq_env import arguments, rules
from bitseq_env.arguments import Flags, Integer
from bitseq_env.episodes import ALL, Episodes, Which
from bitseq_env.flipping import FlipTask
from bitseq_env.rules import Bits


class BitSequenceVectorEnv(FlipTask, Episodes):
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
        self._set_up_copies(num_envs, autoreset_mode)
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
        self._set_up_spaces(max_episode_steps)
        self._set_up_episodes()
        self._differs: Bits = np.zeros_like(self._targets)  # states, seen from their targets

    def _place(self, which: Which, target: Bits, state: Bits) -> None:
        self._differs[which] = state ^ target

    def _states(self, which: Which = ALL) -> Bits:
        return self._differs[which] ^ self._targets[which]

    def _move(self, actions: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.float64], Flags]:
        flipped = self._rows + actions
        distance = rules.flip_and_distance(self._differs.reshape(-1), flipped, self._distance)
        self._distance = distance
        arrived = distance == 0
        self._success |= arrived
        terminated = np.zeros(self.num_envs, np.bool_) if self.continuing_task else arrived
        return self._rewards.take(distance), terminated
