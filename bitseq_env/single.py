"""What environments of one state share: episodes, their time, and the form of what they return."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.error import ResetNeeded

from bitseq_env import arguments
from bitseq_env.goals import GoalTask, Observation
from bitseq_env.rules import Bits

Action = int | np.integer[Any] | npt.NDArray[np.integer[Any]]


class Single(GoalTask, gym.Env[Observation, Action]):
    """One environment; what a step does to its state is the matter of those derived from it."""

    metadata = {  # noqa: RUF012  (Gymnasium declares it like this)
        "render_modes": list(arguments.RENDER_MODES),
        "render_fps": 10,
    }

    def _set_up_single(self) -> None:
        """After the task is set up: spaces, and an episode that nobody sees."""
        self.observation_space = self._observation_space()
        self.action_space = spaces.Discrete(self._actions)
        self._reward_list: list[float] = self._rewards.tolist()
        self._playing = False  # whether an episode is under way
        self._place(np.zeros(self.n, dtype=np.int8), np.zeros(self.n, dtype=np.int8), 0)

    def _place(self, target: Bits, state: Bits, distance: int) -> None:
        """Begin an episode; the state is the environment's own from here on."""
        self._target = target
        self._state = state
        # Single items of buffers cost a third of an array's; the view writes into the state.
        self._state_view = state.data
        self._distance = distance
        self._elapsed = 0
        self._success = False

    @abstractmethod
    def _move(self, action: int) -> tuple[float, bool]:
        """Do what an action in [0, _actions) does, and say the reward and whether it ends."""

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
            ValueError: If an option is unknown or has a wrong value, or no episode can begin in
                that state.
        """
        target, state, _ = arguments.reset_options(options, self.n, digits=self._digits)
        super().reset(seed=seed)
        if seed is not None:
            self._forget_targets()
        self._place(*self._begin(None, target, state))
        self._was_reset = self._playing = True
        if self._human:
            self.render()
        return self._seen()

    def step(self, action: Action) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Do what an action says.

        Args:
            action: An integer of the action space (see the class).

        Returns:
            Observation, reward, terminated, truncated, info.

        Raises:
            InvalidAction: If it is not an integer, or none of the action space.
            ResetNeeded: If no episode is under way.
        """
        if not self._playing:
            self._need_reset_before("step")
            raise ResetNeeded("step() after the end of an episode: call reset() first")
        if type(action) is not int or not 0 <= action < self._actions:
            action = arguments.action(action, self._actions, self._action_is)
        reward, terminated = self._move(action)
        self._elapsed += 1
        truncated = not terminated and self._elapsed >= self.max_steps
        if terminated or truncated:
            self._playing = False
        if self._human:
            self.render()
        observation, info = self._seen()
        return observation, reward, terminated, truncated, info

    def _seen(self) -> tuple[Observation, dict[str, Any]]:
        """The observation and the info: together, as a call costs what an array's copy does."""
        observation = {
            "observation": self._state.copy(),
            "achieved_goal": self._state.copy(),
            "desired_goal": self._target.copy(),
        }
        return observation, {"is_success": self._success, "hamming_distance": self._distance}

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
