"""Pictures: they show every bit, mark every mismatch, and fit where they must."""

from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
import time

import numpy as np
import pytest
from gymnasium.error import DependencyNotInstalled
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bitseq_env import rendering
from bitseq_env.rendering import MAX_BITS, MAX_SIDE, Window, render_ansi, render_rgb

ACCENT = (213, 94, 0)
SIZES = (1, 2, 5, 9, 10, 11, 13, 30, 50, 99, 100, 500, 1_000, 10_000)


def pair(n: int, seed: int = 0) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    rng = np.random.default_rng([seed, n])
    return rng.integers(0, 2, n, dtype=np.int8), rng.integers(0, 2, n, dtype=np.int8)


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@given(st.integers(1, 200), st.integers(0, 1_000))
@settings(max_examples=50, deadline=None)
def test_ansi_says_everything_without_its_colours(n: int, seed: int) -> None:
    state, target = pair(n, seed)
    lines = plain(render_ansi(state, target)).splitlines()
    assert lines[0] == f"distance {np.count_nonzero(state != target)} of {n}"
    rows = {
        label: "".join(line[8:].replace(" ", "") for line in lines if line.startswith(label))
        for label in ("state", "target")
    }
    assert rows["state"] == "".join(map(str, state))
    assert rows["target"] == "".join(map(str, target))
    assert max(map(len, lines)) <= 80
    for top, bottom, carets in zip(lines[1::3], lines[2::3], lines[3::3], strict=True):
        for at in range(8, len(top)):
            assert (top[at] != bottom[at]) == (carets[at : at + 1] == "^")


def test_ansi_colours_mismatches_apart() -> None:
    text = render_ansi([0, 1, 0, 1], [0, 1, 1, 0])
    assert text.count("\x1b[36m0\x1b[0m") == 2
    assert text.count("\x1b[1;36m1\x1b[0m") == 2
    assert text.count("30;43m") == 4


@pytest.mark.parametrize("n", SIZES)
def test_rgb_has_a_size_that_video_takes(n: int) -> None:
    frame = render_rgb(*pair(n))
    assert frame.dtype == np.uint8
    assert frame.ndim == 3
    assert frame.shape[2] == 3
    assert max(frame.shape) <= MAX_SIDE
    assert frame.shape[0] % 2 == frame.shape[1] % 2 == 0
    assert frame.flags.writeable
    assert frame.flags.c_contiguous
    same, _ = pair(n)
    assert render_rgb(same, same).shape == frame.shape == render_rgb(1 - same, same).shape


@pytest.mark.parametrize("n", [1, 2, 5, 30, 100, 1_000, 10_000])
def test_rgb_marks_each_mismatch_and_nothing_else(n: int) -> None:
    _, target = pair(n)
    clean = render_rgb(target, target)
    assert not (clean == ACCENT).all(axis=2).any()
    marks = []
    for bit in {0, n // 2, n - 1}:
        state = target.copy()
        state[bit] = 1 - state[bit]
        marks.append(int((render_rgb(state, target) == ACCENT).all(axis=2).sum()))
    assert len(set(marks)) == 1
    assert marks[0] >= 20


def test_rgb_tells_the_four_cases_apart_in_grey() -> None:
    grey = [
        render_rgb([s], [t])[40:].mean(axis=2).round() for s, t in ((0, 0), (0, 1), (1, 0), (1, 1))
    ]
    for a in range(4):
        for b in range(a):
            assert np.abs(grey[a] - grey[b]).max() > 80


def test_rgb_shows_the_order_of_bits() -> None:
    state, target = np.zeros(30, np.int8), np.zeros(30, np.int8)
    places = []
    for bit in range(30):
        state[:] = 0
        state[bit] = 1
        rows, columns = np.nonzero((render_rgb(state, target) == ACCENT).all(axis=2))
        places.append((rows.min(), columns.min()))
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
    bits = np.zeros(MAX_BITS, np.int8)
    assert max(render_rgb(bits, bits).shape) <= MAX_SIDE
    bits = np.zeros(MAX_BITS + 1, np.int8)
    with pytest.raises(ValueError, match=f"at most {MAX_BITS} bits, got n={MAX_BITS + 1}"):
        render_rgb(bits, bits)


@pytest.mark.parametrize("render", [render_ansi, render_rgb])
@pytest.mark.parametrize(
    ("state", "target", "message"),
    [
        ([], [], r"state must have shape \(n,\)"),
        ([[0, 1]], [0, 1], r"got shape \(1, 2\)"),
        ([0, 1], [0, 2], "target must hold 0 and 1 only"),
        ([0, 1], [0], "one length, got 2 and 1"),
    ],
)
def test_what_is_not_bits_is_refused(render, state, target, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        render(state, target)


def test_any_kind_of_bits_is_welcome() -> None:
    state, target = pair(12)
    kinds = (state.astype(bool), state.astype(float), state.astype(np.uint8), state.tolist())
    for same in kinds:
        assert render_ansi(same, target) == render_ansi(state, target)
        np.testing.assert_array_equal(render_rgb(same, target), render_rgb(state, target))


def test_importing_needs_neither_pygame_nor_anything_else() -> None:
    code = (
        "import sys\nfor name in ('pygame', 'torch', 'PIL'):\n    sys.modules[name] = None\n"
        "from bitseq_env.rendering import render_ansi, render_rgb\n"
        "render_ansi([0], [1]), render_rgb([0], [1])"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


@pytest.fixture
def _dummy_display(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pygame", exc_type=ImportError)
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")


@pytest.mark.usefixtures("_dummy_display")
class TestWindow:
    def test_shows_what_it_is_given(self) -> None:
        import pygame

        window = Window(fps=1_000)
        frame = render_rgb(*pair(30))
        window.show(frame)
        shown = pygame.surfarray.array3d(pygame.display.get_surface()).swapaxes(0, 1)
        np.testing.assert_array_equal(shown, frame)
        window.close()
        assert pygame.display.get_surface() is None
        window.close()
        window.show(frame)
        assert pygame.display.get_surface() is not None
        window.close()

    def test_fits_a_large_frame_on_the_screen(self) -> None:
        import pygame

        window = Window(fps=1_000)
        window.show(render_rgb(*pair(10_000)))
        width, height = pygame.display.get_surface().get_size()
        screen = pygame.display.get_desktop_sizes()[0]
        assert width <= screen[0]
        assert height <= screen[1]
        window.close()

    def test_stays_closed_once_closed_by_hand(self) -> None:
        import pygame

        window = Window(fps=1_000)
        frame = render_rgb([0], [1])
        window.show(frame)
        pygame.event.post(pygame.event.Event(pygame.QUIT))
        window.show(frame)
        assert not pygame.display.get_init()
        window.show(frame)
        assert not pygame.display.get_init()
        window.close()
        window.show(frame)
        assert pygame.display.get_init()
        window.close()

    def test_keeps_the_pace(self) -> None:
        window = Window(fps=50)
        frame = render_rgb([0], [1])
        window.show(frame)
        start = time.monotonic()
        for _ in range(4):
            window.show(frame)
        assert time.monotonic() - start >= 3.5 / 50
        window.close()

    def test_can_be_copied_and_pickled_while_open(self) -> None:
        window = Window(fps=7)
        window.show(render_rgb([0], [1]))
        for other in (copy.deepcopy(window), pickle.loads(pickle.dumps(window))):
            assert other.fps == 7
            other.show(render_rgb([0], [1]))
            other.close()

    @pytest.mark.parametrize("fps", [0, -1])
    def test_refuses_a_pace_of_nothing(self, fps: int) -> None:
        with pytest.raises(ValueError, match=f"fps must be at least 1, got {fps}"):
            Window(fps=fps)


def test_a_window_without_pygame_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pygame", None)
    with pytest.raises(DependencyNotInstalled, match=r'pip install "bitseq-env\[rendering\]"'):
        rendering.Window(fps=10)
