"""BitSequenceAppendVectorEnv: many environments where strings are written at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Never

import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode

from bitseq_env import arguments, rules
from bitseq_env.appending import NOT_TO_CHOOSE, AppendTask
from bitseq_env.arguments import Flags, Integer
from bitseq_env.episodes import ALL, Episodes, Which
from bitseq_env.rules import Bits


class BitSequenceAppendVectorEnv(AppendTask, Episodes):
    """`num_envs` copies of `BitSequenceAppendEnv`, stepped together with array operations.

    It returns what `gymnasium.vector.SyncVectorEnv` returns for single environments with the same
    targets and actions, as `BitSequenceVectorEnv` does, which tells what differs: the arguments
    `num_envs`, `autoreset_mode` and `max_episode_steps`, seeds, options for each copy, and shared
    attributes. The rest is told in `BitSequenceAppendEnv`.

    `max_episode_steps` is an upper limit on the steps of an episode, for `gym.make_vec`; unlike
    `TimeLimit` it lets a string whose last word is written by the last step be terminated alone.

    ```python
    envs = gym.make_vec("BitSequenceAppend-v0", num_envs=1024, n=16, target_seed=0)
    ```
    """

    def __init__(
        self,
        num_envs: Integer = 1,
        n: Integer = 10,
        *,
        word_size: Integer = 1,
        free_bits: Integer = 0,
        target: str | Sequence[int] | npt.NDArray[Any] | None = None,
        target_seed: Integer | None = None,
        goal_mode: str = "fixed",
        reward_type: str = "zero_one",
        render_mode: str | None = None,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        max_episode_steps: Integer | None = None,
        **unknown: Never,
    ) -> None:
        arguments.refuse_unknown(BitSequenceAppendVectorEnv, unknown, NOT_TO_CHOOSE)
        self._set_up_copies(num_envs, autoreset_mode)
        self._set_up(
            n=n,
            word_size=word_size,
            free_bits=free_bits,
            target=target,
            target_seed=target_seed,
            goal_mode=goal_mode,
            reward_type=reward_type,
            render_mode=render_mode,
        )
        self._set_up_spaces(max_episode_steps)
        self._set_up_episodes()
        self._strings: Bits = np.zeros_like(self._targets)
        self._wanted: Bits = np.zeros_like(self._targets)  # targets, open where bits are free
        self._written = np.zeros(self.num_envs, dtype=np.int64)  # bits

    def _place(self, which: Which, target: Bits, state: Bits) -> None:
        self._strings[which] = state
        self._wanted[which] = rules.wanted(target, self.free_bits)
        self._written[which] = self._count_written(state)

    def _states(self, which: Which = ALL) -> Bits:
        return np.array(self._strings[which])

    def _move(self, actions: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.float64], Flags]:
        # Strings that are whole, whose next episode is about to begin, write over their last word.
        at = self._rows + np.minimum(self._written, self.n - self.word_size)
        distance = rules.write_and_distance(
            self._strings.reshape(-1),
            self._wanted.reshape(-1),
            at,
            actions,
            self._distance,
            self.word_size,
        )
        self._distance = distance
        self._written += self.word_size
        whole = self._written >= self.n
        self._success = whole & (distance == 0)
        return self._rewards.take(np.where(whole, distance, self._farthest)), whole
