"""BitSequenceAppendEnv: one environment, where the string is written from left to right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Never

import numpy.typing as npt

from bitseq_env import arguments, rules
from bitseq_env.appending import NOT_TO_CHOOSE, AppendTask
from bitseq_env.arguments import Integer
from bitseq_env.rules import Bits
from bitseq_env.single import Single


class BitSequenceAppendEnv(AppendTask, Single):
    """Write a pre-picked string s from left to right, a word of bits at a time.

    ## Description

    Fix n and a string s in {0,1}^n, the target. An episode starts with nothing written; an action
    writes the next `word_size` bits, and when n bits are written the episode is over, with a
    reward if they are s. Nothing that is written can be changed, and nothing is said before the
    end. It is `BitSequenceEnv` as a language model would meet it, token by token, with the same s
    for the same `target_seed` and n.

    A uniform policy writes s once in 2^n episodes, whatever the word, and there is one way to do
    it: a state is what was written, so that the states are a tree. With `free_bits=m` the last m
    bits do not matter, 2^m strings are right, and it is once in 2^(n-m).

    Hu et al. (2024), "Amortizing intractable inference in large language models",
    https://arxiv.org/abs/2310.04363, is this problem at scale: their toy has 101 right numbers
    among a few thousand strings. Malkin et al. (2022), "Trajectory balance",
    https://arxiv.org/abs/2201.13259, write bit strings by words too, to a graded reward.

    ## Action Space

    `Discrete(2^word_size)`: action a writes the word whose binary number is a, the most significant
    bit first. An action is an int, a NumPy integer or a 0-d integer array; all else raises
    `gymnasium.error.InvalidAction`, a ValueError and a TypeError as well.

    ## Observation Space

    A `Dict` in the form of Gymnasium-Robotics' GoalEnv. Each value is `MultiDiscrete([3] * n)`: an
    int8 array of shape (n,), fresh in each observation, with 2 where nothing is written yet.

    | key | value |
    |---|---|
    | `observation` | what is written |
    | `achieved_goal` | the same again |
    | `desired_goal` | the target, without a 2, bits that do not matter included |

    ## Starting State

    Nothing is written. `reset` takes `options={"target": ..., "state": ...}`, either or both, as a
    string or as n values, for that episode alone: a target of 0 and 1, and a state that is whole
    words and then 2s, as it is observed ("01222" at n = 5). Another state, or one that is written
    to its end, raises a `ValueError`; one that cannot lead to s any more is welcome.

    Which s (`goal_mode="fixed"`): `target`, else the string that `target_seed` and n name, else
    one drawn by the first `reset`, kept by each `reset()` and drawn anew by `reset(seed=...)`.
    With `goal_mode="random"` each episode has a target of its own, uniform over all strings. Those
    come from `target_seed` if there is one; `reset(seed=...)` begins with the first again. Nothing
    else is random here.

    Copies that are made apart, and environments for evaluation, agree on s only through `target`
    or `target_seed`: pass one of them whenever there is more than one environment.

    ## Rewards

    | `reward_type` | on writing s to its end | on writing another string | before the end |
    |---|---|---|---|
    | `"zero_one"` | 1 | 0 | 0 |
    | `"minus_one_zero"` | 0 | -1 | -1 |
    | `"hamming"` | 0 | -(wrong bits that count) / (n - `free_bits`) | -1 |

    Before the end it is the lowest of its kind, and never tells how s begins. All episodes from one
    start are of one length, so that this only shifts their returns.

    `compute_reward`, `compute_terminated` and `compute_truncated` tell the same from goals alone,
    in batches too, for hindsight. A pair of goals of which one is not whole has the reward from
    before the end, be the two equal or not, and terminates nothing: with hindsight choose the
    strategy `"final"`, as only what an episode ended with is a string. Where an episode ends does
    not depend on its goal, so that the hindsight of other libraries (Stable-Baselines3,
    sb3-contrib, Tianshou), which recomputes rewards and not terminal flags, is right here.

    ## Episode End

    *Termination*: when n bits are written, whatever they are: after n / `word_size` steps from an
    empty start. `compute_terminated` is thus True for any two whole strings.
    *Truncation*: never, so there is no horizon to choose; the attribute `max_steps` is
    n / `word_size`. `gym.make(..., max_episode_steps=...)` puts a `TimeLimit` around.
    A `step` before the first `reset` or after the end raises `gymnasium.error.ResetNeeded`.

    ## Information

    `reset` and `step` both return

    | key | value |
    |---|---|
    | `is_success` | bool: the string is written to its end, and right in all bits that count |
    | `hamming_distance` | int: bits that count and are wrong, or not written yet |

    So `hamming_distance` is n - `free_bits` at an empty start, and at the end the bits that are
    wrong. Where it is 0 before the end only bits that do not matter are left to write.

    ## Arguments

    | argument | values | meaning |
    |---|---|---|
    | `n` | int >= 1, default 10 | bits |
    | `word_size` | int from 1 (default) to 16 that divides n | bits that an action writes |
    | `free_bits` | int in [0, n), default 0 | how many bits at the end do not matter |
    | `target` | None, `"00110"`, or n values 0/1 | s |
    | `target_seed` | None or int >= 0 | s, or the stream of targets, drawn from this seed and n |
    | `goal_mode` | `"fixed"` (default), `"random"` | one s, or a new one each episode |
    | `reward_type` | `"zero_one"` (default), `"minus_one_zero"`, `"hamming"` | see Rewards |
    | `render_mode` | None, `"ansi"`, `"rgb_array"`, `"human"` | text, pixels, a window (pygame) |

    A `TypeError` or a `ValueError` names an argument that is not one of these.

    Pictures show what is not written yet as `_` or an empty frame, and bits of the target that do
    not matter as `*` or an empty frame.

    ```python
    import gymnasium as gym
    import bitseq_env

    env = gym.make("BitSequenceAppend-v0", n=16, word_size=4, target_seed=0)
    observation, info = env.reset(seed=0)
    observation, reward, terminated, truncated, info = env.step(0b0101)
    ```

    `gym.make("bitseq_env:BitSequenceAppend-v0")` imports the package by itself, also in processes
    that were spawned.

    ## Version History

    * v0: first version
    """

    def __init__(
        self,
        n: Integer = 10,
        *,
        word_size: Integer = 1,
        free_bits: Integer = 0,
        target: str | Sequence[int] | npt.NDArray[Any] | None = None,
        target_seed: Integer | None = None,
        goal_mode: str = "fixed",
        reward_type: str = "zero_one",
        render_mode: str | None = None,
        **unknown: Never,
    ) -> None:
        arguments.refuse_unknown(BitSequenceAppendEnv, unknown, NOT_TO_CHOOSE)
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
        self._set_up_single()

    def _place(self, target: Bits, state: Bits, distance: int) -> None:
        super()._place(target, state, distance)
        self._wanted = rules.wanted(target, self.free_bits).tobytes()
        self._written = self._count_written(state)

    def _move(self, action: int) -> tuple[float, bool]:
        distance = rules.write_and_distance(
            self._state_view, self._wanted, self._written, action, self._distance, self.word_size
        )
        self._distance = distance
        self._written += self.word_size
        if self._written < self.n:
            return self._reward_list[self._farthest], False
        self._success = distance == 0
        return self._reward_list[distance], True
