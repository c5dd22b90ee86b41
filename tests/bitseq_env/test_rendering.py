"""Pictures show every bit, mark every mismatch, fit where they must, and follow the episode."""

from __future__ import annotations

import copy
import pickle
import re
import sys
import time
from typing import Any
from unittest.mock import Mock

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import DependencyNotInstalled
from hypothesis import given, settings
from hypothesis import strategies as st

from bitseq_env import BitSequenceVectorEnv
from bitseq_env.rendering import MAX_BITS, MAX_SIDE, Window, render_ansi, render_rgb
from bitseq_env.rules import Bits
from tests.bitseq_env.common import (
    APPEND,
    CLASSES,
    FLIP,
    single_and_vector_of_both,
)

ACCENT = (213, 94, 0)


def pair(n: int) -> tuple[Bits, Bits]:
    state, target = np.random.default_rng(n).integers(0, 2, (2, n), dtype=np.int8)
    return state, target


@given(st.integers(1, 200))
@settings(max_examples=50)
def test_ansi_says_everything_without_its_colours(n: int) -> None:
    state, target = pair(n)
    first, *lines = re.sub(r"\x1b\[[0-9;]*m", "", render_ansi(state, target)).splitlines()
    assert first == f"distance {np.count_nonzero(state != target)} of {n}"
    assert max(map(len, lines)) <= 80
    for label, each, row in (("state", lines[0::3], state), ("target", lines[1::3], target)):
        assert all(line.startswith(f"{label} ") for line in each)
        assert "".join(line[8:] for line in each).replace(" ", "") == "".join(map(str, row))
    for top, bottom, carets in zip(lines[0::3], lines[1::3], lines[2::3], strict=True):
        for at in range(8, len(top)):
            assert (top[at] != bottom[at]) == (carets[at : at + 1] == "^")


def test_ansi_shows_what_is_open() -> None:
    text = re.sub(r"\x1b\[[0-9;]*m", "", render_ansi([0, 1, 1, 2, 2], [0, 0, 1, 1, 2]))
    assert text == "distance 2 of 4\nstate   011__\ntarget  0011*\n         ^\n"


def test_ansi_colours_mismatches_apart() -> None:
    text = render_ansi([0, 1, 0, 1], [0, 1, 1, 0])
    counts = [text.count(each) for each in ("\x1b[36m0\x1b[0m", "\x1b[1;36m1\x1b[0m", "30;43m")]
    assert counts == [2, 2, 4]


def marked(state: Any, target: Any) -> Any:
    """The pixels of a picture that mark a mismatch."""
    return (render_rgb(state, target) == ACCENT).all(axis=2)


@pytest.mark.parametrize("n", [1, 2, 9, 10, 11, 30, 99, 100, 500, 1_000, 10_000, MAX_BITS])
def test_rgb_marks_each_mismatch_in_a_frame_that_video_takes(n: int) -> None:
    state, target = pair(n)
    frame = render_rgb(state, target)
    assert frame.dtype == np.uint8
    assert frame.shape[2:] == (3,)
    assert max(frame.shape) <= MAX_SIDE
    assert frame.shape[0] % 16 == frame.shape[1] % 16 == 0
    assert frame.flags.writeable
    assert frame.flags.c_contiguous
    assert render_rgb(target, target).shape == frame.shape
    assert not marked(target, target).any()
    area = marked(target ^ (np.arange(n) == 0), target).sum()
    assert area >= (20 if n <= 10_000 else 1)
    for each in (target ^ (np.arange(n) == n - 1), state, 1 - target):
        assert marked(each, target).sum() == area * np.count_nonzero(each != target)


def test_rgb_tells_the_four_cases_apart_in_grey() -> None:
    cases = [([0], [0]), ([0], [1]), ([1], [0]), ([1], [1])]
    grey = [render_rgb(*case)[40:].mean(axis=2).round() for case in cases]
    for a in range(4):
        for b in range(a):
            assert np.abs(grey[a] - grey[b]).max() > 80


@pytest.mark.parametrize("n", [1, 30, 10_000, 100_000])
def test_rgb_shows_what_is_open(n: int) -> None:
    zeros, ones, open_ = (np.full(n, value) for value in (0, 1, 2))
    for bits in (zeros, ones):
        full = render_rgb(bits, bits)
        for state, target in ((open_, bits), (bits, open_)):
            picture = render_rgb(state, target)
            assert picture.shape == full.shape
            assert (picture != full).any(axis=2).sum() > 3 * n
            assert not marked(state, target).any()
    below_the_title = render_rgb(open_, open_)[48:]
    frames = (below_the_title == (70, 70, 70)).all(axis=2).sum()
    assert frames == 0 if n > 10_000 else frames > 10 * n  # where there is room for one


def test_rgb_shows_the_order_of_bits() -> None:
    target = np.zeros(30, np.int8)
    places = [tuple(map(min, np.nonzero(marked(bit, target)))) for bit in np.eye(30, dtype=int)]
    assert places == sorted(places)
    assert len(set(places)) == 30


def test_rgb_says_when_there_is_no_room() -> None:
    bits = np.zeros(MAX_BITS + 1, np.int8)
    with pytest.raises(ValueError, match=f"at most {MAX_BITS} bits, got n={MAX_BITS + 1}"):
        render_rgb(bits, bits)


@pytest.mark.parametrize("render", [render_ansi, render_rgb])
def test_any_kind_of_bits_is_welcome_and_nothing_else(render: Any) -> None:
    state, target = pair(12)
    for same in (state.astype(bool), state.astype(float), state.tolist()):
        np.testing.assert_array_equal(render(same, target), render(state, target))
    for wrong in ([[0, 1]], [0, 3], [0]):
        with pytest.raises(ValueError, match=r"target must be .* \(n=2\), got \["):
            render([0, 1], wrong)


@pytest.fixture
def pygame(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module, without a screen, in the end without a window."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame = pytest.importorskip("pygame", exc_type=ImportError)
    yield pygame
    pygame.display.quit()


FRAME = render_rgb(*pair(30))


def test_a_window_shows_what_it_is_given(pygame: Any) -> None:
    window = Window(fps=1_000)
    window.show(FRAME)
    shown = pygame.surfarray.array3d(pygame.display.get_surface()).swapaxes(0, 1)
    np.testing.assert_array_equal(shown, FRAME)
    for _ in range(2):
        window.close()
        assert pygame.display.get_surface() is None
    window.show(render_rgb(*pair(10_000)))
    size = pygame.display.get_surface().get_size()
    assert np.all(np.less_equal(size, pygame.display.get_desktop_sizes()[0]))


def test_a_window_stays_closed_once_closed_by_hand(pygame: Any) -> None:
    window = Window(fps=1_000)
    window.show(FRAME)
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    for _ in range(2):
        window.show(FRAME)
        assert not pygame.display.get_init()
    window.close()
    window.show(FRAME)
    assert pygame.display.get_init()


def test_a_window_keeps_the_pace_and_can_be_copied(pygame: Any) -> None:
    window = Window(fps=50)
    window.show(FRAME)
    start = time.monotonic()
    for _ in range(4):
        window.show(FRAME)
    assert time.monotonic() - start >= 3.5 / 50
    for other in (copy.deepcopy(window), pickle.loads(pickle.dumps(window))):
        assert other.fps == 50
        other.show(FRAME)


def test_without_pygame_a_window_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pygame", "PIL", "matplotlib"):
        monkeypatch.setitem(sys.modules, name, None)
    for mode in ("ansi", "rgb_array"):
        env = gym.make("BitSequence-v0", render_mode=mode)
        env.reset()
        env.render()
    env = gym.make("BitSequence-v0", render_mode="human")
    with pytest.raises(DependencyNotInstalled, match=r'pip install "bitseq-env\[rendering\]"'):
        env.reset()


# The first copy's states before and after an action of 0, and one for the second to begin in
FRAMES = {FLIP: ("000", "100", "010"), APPEND: ("122", "102", "012")}


@pytest.mark.parametrize("vector", [False, True])
@pytest.mark.parametrize("env_id", CLASSES)
def test_the_window_follows_the_episode_of_the_first_copy(
    env_id: str, vector: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Mock()
    monkeypatch.setattr("bitseq_env.rendering.Window", opened)
    first, then, other = ([int(digit) for digit in state] for state in FRAMES[env_id])
    kwargs: dict[str, Any] = {"n": 3, "target": "111", "render_mode": "human"}
    env = CLASSES[env_id][1](2, **kwargs) if vector else CLASSES[env_id][0](**kwargs)
    env.reset(options={"state": [first, other] if vector else first})
    env.step([0, 1] if vector else 0)
    assert env.render() == ((None, None) if vector else None)
    opened.assert_called_once_with(env.metadata["render_fps"])
    shown = [call.args[0] for call in opened().show.mock_calls]
    np.testing.assert_array_equal(
        shown, [render_rgb(each, [1, 1, 1]) for each in (first, then, then)]
    )
    env.close()
    env.close()
    opened().close.assert_called_once_with()


@pytest.mark.parametrize(("mode", "render"), [("ansi", render_ansi), ("rgb_array", render_rgb)])
def test_pictures_of_all_copies(mode: str, render: Any) -> None:
    states = [[0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0]]
    env: Any = BitSequenceVectorEnv(3, n=4, target="1111", render_mode=mode)
    env.reset(options={"state": states})
    single: Any = gym.make("BitSequence-v0", n=4, target="1111", render_mode=mode)
    single.reset(options={"state": states[2]})
    pictures = [render(each, [1] * 4) for each in states]
    np.testing.assert_array_equal([*env.render(), single.render()], [*pictures, pictures[2]])


@pytest.mark.parametrize(("mode", "render"), [("ansi", render_ansi), ("rgb_array", render_rgb)])
def test_pictures_of_what_is_written_leave_out_bits_that_are_free(mode: str, render: Any) -> None:
    states = [[0, 2, 2, 2], [0, 1, 2, 2], [1, 0, 0, 2]]
    kwargs: dict[str, Any] = {"n": 4, "target": "0111", "free_bits": 2, "render_mode": mode}
    single, vector = CLASSES[APPEND]
    one, many = single(**kwargs), vector(3, **kwargs)
    one.reset(options={"state": states[1]})
    many.reset(options={"state": states})
    pictures = [render(each, [0, 1, 2, 2]) for each in states]
    np.testing.assert_array_equal([*many.render(), one.render()], [*pictures, pictures[1]])


@single_and_vector_of_both
def test_without_a_render_mode_one_warning_names_them(make: Any) -> None:
    env = make(n=3)
    env.reset()
    with pytest.warns(UserWarning, match="'ansi', 'rgb_array', 'human'") as told:
        assert env.render() is None
    assert len(told) == 1
