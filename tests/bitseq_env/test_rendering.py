"""Pictures show every bit, mark every mismatch, fit where they must, and follow the episode."""

from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
import time
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import DependencyNotInstalled
from hypothesis import given, settings
from hypothesis import strategies as st

from bitseq_env import BitSequenceEnv, BitSequenceVectorEnv
from bitseq_env.rendering import MAX_BITS, MAX_SIDE, Window, render_ansi, render_rgb
from bitseq_env.rules import Bits

ACCENT = (213, 94, 0)


def pair(n: int, seed: int = 0) -> tuple[Bits, Bits]:
    rng = np.random.default_rng([seed, n])
    return rng.integers(0, 2, n, dtype=np.int8), rng.integers(0, 2, n, dtype=np.int8)


@given(st.integers(1, 200), st.integers(0, 1_000))
@settings(max_examples=50)
def test_ansi_says_everything_without_its_colours(n: int, seed: int) -> None:
    state, target = pair(n, seed)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", render_ansi(state, target)).splitlines()
    assert lines[0] == f"distance {np.count_nonzero(state != target)} of {n}"
    for label, row in (("state", state), ("target", target)):
        written = "".join(line[8:].replace(" ", "") for line in lines if line.startswith(label))
        assert written == "".join(map(str, row))
    assert max(map(len, lines)) <= 80
    for top, bottom, carets in zip(lines[1::3], lines[2::3], lines[3::3], strict=True):
        for at in range(8, len(top)):
            assert (top[at] != bottom[at]) == (carets[at : at + 1] == "^")


def test_ansi_colours_mismatches_apart() -> None:
    text = render_ansi([0, 1, 0, 1], [0, 1, 1, 0])
    counts = [text.count(each) for each in ("\x1b[36m0\x1b[0m", "\x1b[1;36m1\x1b[0m", "30;43m")]
    assert counts == [2, 2, 4]


def marked(state: Any, target: Any) -> Any:
    """The pixels of a picture that mark a mismatch."""
    return (render_rgb(state, target) == ACCENT).all(axis=2)


@pytest.mark.parametrize("n", [1, 2, 5, 9, 10, 11, 13, 30, 50, 99, 100, 500, 1_000, 10_000])
def test_rgb_marks_each_mismatch_in_a_frame_that_video_takes(n: int) -> None:
    state, target = pair(n)
    frame = render_rgb(state, target)
    assert frame.dtype == np.uint8
    assert frame.shape[2:] == (3,)
    assert max(frame.shape) <= MAX_SIDE
    assert frame.shape[0] % 16 == frame.shape[1] % 16 == 0
    assert frame.flags.writeable
    assert frame.flags.c_contiguous
    assert render_rgb(target, target).shape == frame.shape == render_rgb(1 - target, target).shape
    assert not marked(target, target).any()
    marks = []
    for bit in {0, n // 2, n - 1}:
        state = target.copy()
        state[bit] ^= 1
        marks.append(marked(state, target).sum())
    assert len(set(marks)) == 1
    assert marks[0] >= 20


def test_rgb_tells_the_four_cases_apart_in_grey() -> None:
    cases = [([0], [0]), ([0], [1]), ([1], [0]), ([1], [1])]
    grey = [render_rgb(*case)[40:].mean(axis=2).round() for case in cases]
    for a in range(4):
        for b in range(a):
            assert np.abs(grey[a] - grey[b]).max() > 80


def test_rgb_shows_the_order_of_bits() -> None:
    target = np.zeros(30, np.int8)
    places = [tuple(map(min, np.nonzero(marked(bit, target)))) for bit in np.eye(30, dtype=int)]
    assert places == sorted(places)
    assert len(set(places)) == 30


def test_rgb_is_fast_enough_for_a_film() -> None:
    state, target = pair(1_000)
    render_rgb(state, target)
    start = time.perf_counter()
    for _ in range(10):
        render_rgb(state, target)
    assert time.perf_counter() - start < 2.0  # 0.06 s where this was written


def test_rgb_says_when_there_is_no_room() -> None:
    bits = np.zeros(MAX_BITS + 1, np.int8)
    assert max(render_rgb(bits[1:], bits[1:]).shape) <= MAX_SIDE
    with pytest.raises(ValueError, match=f"at most {MAX_BITS} bits, got n={MAX_BITS + 1}"):
        render_rgb(bits, bits)


@pytest.mark.parametrize("render", [render_ansi, render_rgb])
def test_any_kind_of_bits_is_welcome_and_nothing_else(render: Any) -> None:
    state, target = pair(12)
    for same in (state.astype(bool), state.astype(float), state.tolist()):
        np.testing.assert_array_equal(render(same, target), render(state, target))
    for wrong in ([[0, 1]], [0, 2], [0]):
        with pytest.raises(ValueError, match=r"target must be .* \(n=2\), got \["):
            render([0, 1], wrong)


def test_importing_needs_neither_pygame_nor_anything_else() -> None:
    code = (
        "import sys\nfor name in ('pygame', 'torch', 'PIL'):\n    sys.modules[name] = None\n"
        "from bitseq_env.rendering import render_ansi, render_rgb\n"
        "render_ansi([0], [1]), render_rgb([0], [1])"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


@pytest.fixture
def pygame(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module, without a screen, in the end without a window."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame = pytest.importorskip("pygame", exc_type=ImportError)
    yield pygame
    pygame.display.quit()


def test_a_window_shows_what_it_is_given(pygame: Any) -> None:
    window = Window(fps=1_000)
    frame = render_rgb(*pair(30))
    window.show(frame)
    shown = pygame.surfarray.array3d(pygame.display.get_surface()).swapaxes(0, 1)
    np.testing.assert_array_equal(shown, frame)
    for _ in range(2):
        window.close()
        assert pygame.display.get_surface() is None
    window.show(render_rgb(*pair(10_000)))
    width, height = pygame.display.get_surface().get_size()
    screen = pygame.display.get_desktop_sizes()[0]
    assert width <= screen[0]
    assert height <= screen[1]


def test_a_window_stays_closed_once_closed_by_hand(pygame: Any) -> None:
    window = Window(fps=1_000)
    frame = render_rgb([0], [1])
    window.show(frame)
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    for _ in range(2):
        window.show(frame)
        assert not pygame.display.get_init()
    window.close()
    window.show(frame)
    assert pygame.display.get_init()


def test_a_window_keeps_the_pace_and_can_be_copied(pygame: Any) -> None:
    window = Window(fps=50)
    frame = render_rgb([0], [1])
    window.show(frame)
    start = time.monotonic()
    for _ in range(4):
        window.show(frame)
    assert time.monotonic() - start >= 3.5 / 50
    for other in (copy.deepcopy(window), pickle.loads(pickle.dumps(window))):
        assert other.fps == 50
        other.show(frame)


def test_a_window_without_pygame_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pygame", None)
    env = gym.make("BitSequence-v0", render_mode="human")
    with pytest.raises(DependencyNotInstalled, match=r'pip install "bitseq-env\[rendering\]"'):
        env.reset()


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What happens to the window, in the place of a window."""
    events: list[Any] = []

    class Recorder:
        def __init__(self, fps: int) -> None:
            events.append(fps)

        def show(self, frame: Any) -> None:
            events.append(frame.tobytes())

        def close(self) -> None:
            events.append("closed")

    monkeypatch.setattr("bitseq_env.rendering.Window", Recorder)
    return events


@pytest.mark.parametrize("vector", [False, True])
def test_the_window_follows_the_episode_of_the_first_copy(vector: bool, events: list[Any]) -> None:
    kwargs: dict[str, Any] = {"n": 3, "target": "111", "render_mode": "human"}
    env: Any = BitSequenceVectorEnv(2, **kwargs) if vector else BitSequenceEnv(**kwargs)
    assert not events
    env.reset(options={"state": [[0, 0, 0], [0, 1, 0]] if vector else "000"})
    env.step([0, 1] if vector else 0)
    assert env.render() == ((None, None) if vector else None)
    env.close()
    env.close()
    seen = [render_rgb(state, [1, 1, 1]).tobytes() for state in ([0, 0, 0], [1, 0, 0], [1, 0, 0])]
    assert events == [BitSequenceEnv.metadata["render_fps"], *seen, "closed"]


def test_pictures_of_all_copies() -> None:
    states = [[0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0]]
    for mode, render in (("ansi", render_ansi), ("rgb_array", render_rgb)):
        env = BitSequenceVectorEnv(3, n=4, target="1111", render_mode=mode)
        env.reset(options={"state": states})
        single = gym.make("BitSequence-v0", n=4, target="1111", render_mode=mode)
        single.reset(options={"state": states[2]})
        frames = env.render()
        assert frames is not None
        np.testing.assert_array_equal(frames, [render(each, [1] * 4) for each in states])
        np.testing.assert_array_equal(frames[2], single.render())


def test_without_a_render_mode_one_warning_names_them() -> None:
    for env in (BitSequenceEnv(n=3), BitSequenceVectorEnv(3, n=3)):
        env.reset()
        with pytest.warns(UserWarning, match="'ansi', 'rgb_array', 'human'") as told:
            assert env.render() is None
        assert len(told) == 1
