"""What the environments do with pictures; the pictures themselves are in test_rendering.py."""

from __future__ import annotations

import sys
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import DependencyNotInstalled

from bitseq_env import BitSequenceEnv, BitSequenceVectorEnv


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What happens to the window, in the place of a window."""
    events: list[Any] = []

    class Window:
        def __init__(self, fps: int) -> None:
            events.append(fps)

        def show(self, frame: Any) -> None:
            events.append(frame.tobytes())

        def close(self) -> None:
            events.append("closed")

    monkeypatch.setattr("bitseq_env.rendering.Window", Window)
    return events


def test_pictures() -> None:
    env = gym.make("BitSequence-v0", n=5, target="11111", render_mode="ansi")
    env.reset(options={"state": "00000"})
    assert isinstance(env.render(), str)
    pixels = BitSequenceEnv(n=5, render_mode="rgb_array")
    pixels.reset(seed=0)
    frame = pixels.render()
    assert (frame.dtype, frame.ndim, frame.shape[2]) == (np.uint8, 3, 3)
    silent = BitSequenceEnv(n=5)
    silent.reset()
    with pytest.warns(UserWarning, match="'ansi', 'rgb_array', 'human'"):
        assert silent.render() is None


def test_a_window_needs_pygame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pygame", None)
    env = gym.make("BitSequence-v0", render_mode="human")
    with pytest.raises(DependencyNotInstalled, match="pip install"):
        env.reset()


def test_a_window_follows_the_episode_by_itself(events: list[Any]) -> None:
    env = BitSequenceEnv(n=3, target="111", render_mode="human")
    assert not events
    env.reset(options={"state": "000"})
    env.step(0)
    assert env.render() is None
    env.close()
    env.close()
    fps, *frames, last = events
    assert (fps, last) == (BitSequenceEnv.metadata["render_fps"], "closed")
    assert len(frames) == 3
    assert frames[0] != frames[1] == frames[2]


def test_pictures_of_all_copies() -> None:
    env = BitSequenceVectorEnv(3, n=4, target="1111", render_mode="rgb_array")
    env.reset(options={"state": [[0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0]]})
    frames = env.render()
    assert frames is not None
    assert [(frame.dtype, frame.ndim) for frame in frames] == [(np.uint8, 3)] * 3
    single = BitSequenceEnv(n=4, target="1111", render_mode="rgb_array")
    single.reset(options={"state": "1100"})
    np.testing.assert_array_equal(frames[2], single.render())
    silent = BitSequenceVectorEnv(3, n=4)
    silent.reset()
    with pytest.warns(UserWarning, match="render mode") as told:
        assert silent.render() is None
    assert len(told) == 1


def test_the_window_shows_the_first_copy(events: list[Any]) -> None:
    env = BitSequenceVectorEnv(2, n=3, target="111", render_mode="human")
    env.reset(options={"state": [[0, 0, 0], [0, 1, 0]]})
    env.step(np.array([0, 1]))
    assert env.render() == (None, None)
    env.close()
    env.close()
    single = BitSequenceEnv(n=3, target="111", render_mode="rgb_array")
    single.reset(options={"state": "000"})
    frames = [single.render().tobytes()]
    single.step(0)
    frames += [single.render().tobytes()] * 2
    assert events == [BitSequenceEnv.metadata["render_fps"], *frames, "closed"]
