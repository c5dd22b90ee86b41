"""BitSequenceEnv: one environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Never

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.error import ResetNeeded

from bitseq_env import arguments, rules
from bitseq_env.arguments import Integer
from bitseq_env.goals import GoalTask
from bitseq_env.rules import Bits

Observation = dict[str, Bits]
Action = int | np.integer[Any] | npt.NDArray[np.integer[Any]]


class BitSequenceEnv(GoalTask, gym.Env[Observation, Action]):
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

    metadata = {  # noqa: RUF012  (Gymnasium declares it like this)
        "render_modes": list(arguments.RENDER_MODES),
        "render_fps": 10,
    }

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
        self.observation_space = self._observation_space()
        self.action_space = spaces.Discrete(self.n)
        self._reward_list: list[float] = self._rewards.tolist()
        self._playing = False  # whether an episode is under way
        self._place(np.zeros(self.n, dtype=np.int8), np.zeros(self.n, dtype=np.int8), 0)

    def _place(self, target: Bits, state: Bits, distance: int) -> None:
        self._target = target
        self._state = state
        # Single items of buffers cost a third of an array's; the view writes into the state.
        self._state_view = state.data
        self._differs = bytearray(state ^ target)
        self._distance = distance
        self._elapsed = 0
        self._success = False

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        del state["_state_view"]  # views can be neither copied nor pickled
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._state_view = self._state.data

    @property
    def target(self) -> Bits:
        """The target of this episode, or of the first one: a copy, int8 of shape (n,).

        Raises:
            ResetNeeded: If the first `reset` is yet to draw it; an AttributeError as well.
        """
        return (self._target if self._was_reset else self._known_target()).copy()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode.

        Args:
            seed: If not None, everything random begins anew from it; an s that neither `target`
                nor `target_seed` names is drawn anew too.
            options: None, or a dict with any of "target" and "state" (see the class).

        Returns:
            The observation and the info.

        Raises:
            TypeError: If the options have a wrong type.
            ValueError: If an option is unknown or has a wrong value, or the state is the target.
        """
        target, state, _ = arguments.reset_options(options, self.n)
        super().reset(seed=seed)
        if seed is not None:
            self._forget_targets()
        self._place(*self._begin(None, target, state))
        self._was_reset = self._playing = True
        if self._human:
            self.render()
        return self._observation(), self._info()

    def step(self, action: Action) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Flip a bit.

        Args:
            action: Which one, in [0, n).

        Returns:
            Observation, reward, terminated, truncated, info.

        Raises:
            InvalidAction: If the action is not an integer in [0, n).
            ResetNeeded: If no episode is under way.
        """
        if not self._playing:
            self._need_reset_before("step")
            raise ResetNeeded("step() after the end of an episode: call reset() first")
        if type(action) is not int or not 0 <= action < self.n:
            action = arguments.action(action, self.n)
        distance = rules.flip_and_distance(self._differs, action, self._distance)
        self._distance = distance
        self._state_view[action] ^= 1
        self._elapsed += 1
        terminated = False
        if distance == 0:
            self._success = True
            terminated = not self.continuing_task
        truncated = not terminated and self._elapsed >= self.max_steps
        if terminated or truncated:
            self._playing = False
        if self._human:
            self.render()
        reward = self._reward_list[distance]
        return self._observation(), reward, terminated, truncated, self._info()

    def _observation(self) -> Observation:
        return {
            "observation": self._state.copy(),
            "achieved_goal": self._state.copy(),
            "desired_goal": self._target.copy(),
        }

    def _info(self) -> dict[str, Any]:
        return {"is_success": self._success, "hamming_distance": self._distance}

    def render(self) -> Any:
        """Draw the state and its target.

        Returns:
            A string in render mode "ansi", uint8 pixels of shape (H, W, 3) in "rgb_array". In
            "human", where `reset` and `step` call this by themselves, None; so too with a warning
            if there is no render mode.

        Raises:
            ResetNeeded: Before the first `reset`.
            DependencyNotInstalled: If "human" lacks pygame.
        """
        self._need_reset_before("render")
        return self._render(self._state, self._target)

    def close(self) -> None:
        """Close the window, if there is one."""
        self._close_window()
