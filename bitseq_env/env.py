"""BitSequenceEnv: one environment, where bits are flipped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Never

import numpy.typing as npt

from bitseq_env import arguments, rules
from bitseq_env.arguments import Integer
from bitseq_env.flipping import FlipTask
from bitseq_env.rules import Bits
from bitseq_env.single import Single


class BitSequenceEnv(FlipTask, Single):
    """Flip the bits of a string, one a step, until it is a pre-picked string s.

    ## Description

    Fix n and a string s in {0,1}^n, the target. A state is a string of n bits, an action flips
    one of them, and the reward says nothing before the whole string is right. The shortest way to
    s has as many steps as there are bits that differ from it, at most n; a policy that flips bits
    at random meets s about once in 2^n / n episodes. So the task is as easy to state, and as hard
    to explore, as n is large.

    It is the bit-flipping task of Andrychowicz et al. (2017), "Hindsight Experience Replay",
    https://arxiv.org/abs/1707.01495. That paper draws a new target in each episode, counts reward
    as 0 at the target and -1 elsewhere, and does not stop on arriving: `goal_mode="random"`,
    `reward_type="minus_one_zero"`, `continuing_task=True`. The defaults here keep one target for
    the environment's life, pay 1 for arriving, and stop there.

    ## Action Space

    `Discrete(n)`: action i flips bit i. An action is an int, a NumPy integer or a 0-d integer
    array; all else raises `gymnasium.error.InvalidAction`, a ValueError and a TypeError as well.

    ## Observation Space

    A `Dict` in the form of Gymnasium-Robotics' GoalEnv. Each value is `MultiBinary(n)`: an int8
    array of shape (n,), fresh in each observation.

    | key | value |
    |---|---|
    | `observation` | the state |
    | `achieved_goal` | the state again |
    | `desired_goal` | the target |

    ## Starting State

    Uniform over all states other than the target (`start="random"`), or all zeros
    (`start="zeros"`; the target is then any other string). `reset` takes
    `options={"target": ..., "state": ...}`, either or both, as a string or as n values 0/1, for
    that episode alone; a state equal to the target raises a `ValueError`.

    Which s (`goal_mode="fixed"`): `target`, else the string that `target_seed` and n name, else
    one drawn by the first `reset`, kept by each `reset()` and drawn anew by `reset(seed=...)`.
    With `goal_mode="random"` each episode has a target of its own. Those come from `target_seed`
    if there is one, so that it settles the targets and the seed of `reset` the starts;
    `reset(seed=...)` begins with the first of both again.

    Copies that are made apart, and environments for evaluation, agree on s only through `target`
    or `target_seed`: pass one of them whenever there is more than one environment.

    ## Rewards

    | `reward_type` | at s | elsewhere |
    |---|---|---|
    | `"zero_one"` | 1 | 0 |
    | `"minus_one_zero"` | 0 | -1 |
    | `"hamming"` | 0 | -(bits that differ from s) / n |

    `compute_reward`, `compute_terminated` and `compute_truncated` tell the same from goals alone,
    in batches too, for hindsight. The hindsight of other libraries (Stable-Baselines3,
    sb3-contrib, Tianshou) recomputes rewards and not terminal flags: with it choose
    `"minus_one_zero"` and a short target update interval. At n = 10, in 8,000 steps, SB3's DQN
    with it reached s in 99% of episodes, and on the default reward in none.

    ## Episode End

    *Termination*: on arriving at s, also by the last step; never if `continuing_task`.
    *Truncation*: after `max_steps` steps, inside the environment: no `TimeLimit` is needed.
    `TimeAwareObservation` needs one: `gym.make(..., max_episode_steps=n)` puts it around.
    A `step` before the first `reset` or after the end raises `gymnasium.error.ResetNeeded`.

    ## Information

    `reset` and `step` both return

    | key | value |
    |---|---|
    | `is_success` | bool: s was reached in this episode, if only for a while |
    | `hamming_distance` | int: bits in which the state differs from the target |

    ## Arguments

    | argument | values | meaning |
    |---|---|---|
    | `n` | int >= 1, default 10 | bits |
    | `target` | None, `"00110"`, or n values 0/1 | s |
    | `target_seed` | None or int >= 0 | s, or the stream of targets, drawn from this seed and n |
    | `goal_mode` | `"fixed"` (default), `"random"` | one s, or a new one each episode |
    | `start` | `"random"` (default), `"zeros"` | first state |
    | `max_steps` | None (= n) or int >= 1 | horizon |
    | `reward_type` | `"zero_one"` (default), `"minus_one_zero"`, `"hamming"` | see Rewards |
    | `continuing_task` | False (default), True | whether to go on after arriving |
    | `render_mode` | None, `"ansi"`, `"rgb_array"`, `"human"` | text, pixels, a window (pygame) |

    A `TypeError` or a `ValueError` names an argument that is not one of these.

    ```python
    import gymnasium as gym
    import bitseq_env

    env = gym.make("BitSequence-v0", n=30, target_seed=0)
    observation, info = env.reset(seed=0)
    observation, reward, terminated, truncated, info = env.step(7)
    ```

    `gym.make("bitseq_env:BitSequence-v0")` imports the package by itself, also in processes that
    were spawned. `gym.wrappers.FlattenObservation` makes one array of the three, for RLlib and
    for loops like CleanRL's.

    ## Version History

    * v0: first version
    """

    def __init__(
        self,
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
        **unknown: Never,
    ) -> None:
        arguments.refuse_unknown(BitSequenceEnv, unknown)
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
        self._set_up_single()

    def _place(self, target: Bits, state: Bits, distance: int) -> None:
        super()._place(target, state, distance)
        self._differs = bytearray(state ^ target)

    def _move(self, action: int) -> tuple[float, bool]:
        distance = rules.flip_and_distance(self._differs, action, self._distance)
        self._distance = distance
        self._state_view[action] ^= 1
        terminated = False
        if distance == 0:
            self._success = True
            terminated = not self.continuing_task
        return self._reward_list[distance], terminated
