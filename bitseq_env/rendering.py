"""Pictures of a state and its target, as text and as pixels with numpy alone; and a window.

A 2 (`rules.OPEN`) in a state is a place that is not written yet, and in a target a bit that does
not matter: neither is marked as different, and the second counts for no distance.
"""

from __future__ import annotations

import os
import time
import warnings
from typing import Any

import numpy as np
from gymnasium.error import DependencyNotInstalled
from numpy.typing import ArrayLike, NDArray

from bitseq_env.arguments import BITS_OR_OPEN, bits
from bitseq_env.rules import OPEN

MAX_SIDE = 2_000  # pixels
MAX_BITS = 900_000  # most that a frame has room for, a pixel each

_BLOCK = 16  # video codecs work on blocks of 16 x 16 pixels: such sides are never rescaled
_MARGIN = 16
_HEADER = 32
_COMFORTABLE_SIDE = 640  # frames grow beyond this only when a bit would become too small to read
_READABLE_CELL, _LARGEST_CELL = 16, 48

# What a frame is painted with: the two bits, the mark under them if they differ, paper and ink. An
# open place is paper in a frame of ink.
# The mark is vermillion from the Okabe-Ito palette: safe for the colour-blind, and in grey halfway
# between the light of a 0 and the dark of a 1.
_MARK, _PAPER, _INK = 3, 4, 5
_COLOURS = np.array(
    [
        (232, 236, 240),
        (28, 44, 66),
        (255, 255, 255),
        (213, 94, 0),
        (255, 255, 255),
        (70, 70, 70),
    ],
    np.uint8,
)

# Letters of 3 x 5 pixels: five octal digits, one a row from the top, the high bit on the left.
_LETTERS = "0123456789ACDEFGINORSTV, "
_ROWS = (
    "75557 26227 71747 71717 55711 74717 74757 71111 75757 75717 25755 34443 65556 74647 74644 "
    "34553 72227 57755 25552 65655 34216 72222 55552 00024 00000"
)
_FONT = dict(zip(_LETTERS, _ROWS.split(), strict=True))

# By whether the two differ (then black on yellow, else cyan) and by bit (ones are bold)
_ANSI = (
    ("\x1b[36m0\x1b[0m", "\x1b[1;36m1\x1b[0m"),
    ("\x1b[30;43m0\x1b[0m", "\x1b[1;30;43m1\x1b[0m"),
)
_UNWRITTEN, _FREE = "_", "*"
_ANSI_GROUP, _ANSI_LINE = 10, 60


def _pair(state: ArrayLike, target: ArrayLike) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Both as arrays of shape (n,), or the errors of `bits`; and where both are bits and differ."""
    n = np.size(state)
    s = bits("state", state, n, digits=BITS_OR_OPEN)
    t = bits("target", target, n, digits=BITS_OR_OPEN)
    return s, t, (s != t) & (s != OPEN) & (t != OPEN)


def _distance(state: NDArray[Any], target: NDArray[Any]) -> str:
    """How many bits that count are wrong or not written yet, in words."""
    counts = target != OPEN
    return f"distance {np.count_nonzero(counts & (state != target))} of {np.count_nonzero(counts)}"


def render_ansi(state: ArrayLike, target: ArrayLike) -> str:
    """The state over its target in coloured text, carets under the bits that differ.

    What is not written yet is `_`, and a bit of the target that does not matter `*`. Lines hold at
    most 60 bits in groups of ten, so that nothing is wider than 80 columns. Without its escape
    codes the text says the same.

    Args:
        state: Bits, or 2 where none is written yet, shape (n,).
        target: Bits, or 2 where any is right, shape (n,).

    Returns:
        Lines that end in a newline; the first names the Hamming distance.

    Raises:
        ValueError: If state and target are not bits of one length.
    """
    s, t, differs = _pair(state, target)
    cells = [
        ((*_ANSI[wrong], _UNWRITTEN)[bit], (*_ANSI[wrong], _FREE)[goal], " ^"[wrong])
        for bit, goal, wrong in zip(s.tolist(), t.tolist(), differs.tolist(), strict=True)
    ]
    lines = [f"{_distance(s, t)}\n"]
    for start in range(0, s.size, _ANSI_LINE):
        rows = zip(*cells[start : start + _ANSI_LINE], strict=True)
        for label, row in zip(("state", "target", ""), rows, strict=True):
            groups = range(0, len(row), _ANSI_GROUP)
            bits_of_line = " ".join("".join(row[at : at + _ANSI_GROUP]) for at in groups)
            lines.append(f"{label:8}{bits_of_line}".rstrip() + "\n")
    return "".join(lines)


def render_rgb(state: ArrayLike, target: ArrayLike) -> NDArray[np.uint8]:
    """A picture: each bit of the state over its target's, over an orange bar where they differ.

    Zeros are light and ones dark, with their digit where there is room; what is not written yet,
    or does not matter, is an empty frame. Bits read from left to right, then down, in lines of a
    multiple of ten. The arguments are those of `render_ansi`.

    Returns:
        Pixels of shape (H, W, 3); both sides are multiples of 16 and at most 2,000.

    Raises:
        ValueError: If state and target are not bits of one length, or more than fit in a frame.
    """
    s, t, differs = _pair(state, target)
    if s.size > MAX_BITS:
        raise ValueError(f"a frame has room for at most {MAX_BITS} bits, got n={s.size}")
    columns = s.size if s.size <= 10 else 10 * -(-int(np.sqrt(3 * s.size)) // 10)
    lines = -(-s.size // columns)
    cells = np.full((3, lines * columns), _PAPER)
    cells[:, : s.size] = s, t, np.where(differs, _MARK, _PAPER)
    cells = cells.reshape(3, lines, columns).swapaxes(0, 1).reshape(3 * lines, columns)

    room = MAX_SIDE - MAX_SIDE % _BLOCK - 2 * _MARGIN
    wanted = min(_LARGEST_CELL, max(_READABLE_CELL, _COMFORTABLE_SIDE // columns))
    cell = min(wanted, room // columns, (room - _HEADER) // (3 * lines))
    grid = _tiles(cell)[cells].swapaxes(1, 2).reshape(3 * lines * cell, columns * cell)

    height, width = grid.shape
    ink = _text(f"state over target, {_distance(s, t)}".upper(), max(2, width // 400))
    sides = np.array([_HEADER + height, max(width, ink.shape[1])]) + 2 * _MARGIN
    frame = np.full(-(-sides // _BLOCK) * _BLOCK, _PAPER, np.uint8)
    _middle(frame[_MARGIN : _MARGIN + _HEADER], ink.shape)[ink] = _INK
    _middle(frame[_MARGIN + _HEADER : -_MARGIN], grid.shape)[:] = grid
    return _COLOURS.take(frame, axis=0)


def _tiles(cell: int) -> NDArray[np.uint8]:
    """What is painted for each kind of cell, shape (5, cell, cell)."""
    side = cell - cell // 8  # the rest is a gap
    line = cell // 16 or cell // 8
    tiles = np.full((5, cell, cell), _PAPER, np.uint8)
    tiles[_MARK, : 1 + cell // 5, :side] = _MARK
    tiles[OPEN, :side, :side] = _INK
    tiles[OPEN, line : side - line, line : side - line] = _PAPER
    for bit in (0, 1):
        square = tiles[bit, :side, :side]
        square[:] = bit
        if cell >= 8:
            digit = _text(str(bit), cell // 8)
            _middle(square, digit.shape)[digit] = 1 - bit
    return tiles


def _text(text: str, scale: int) -> NDArray[np.bool_]:
    """Which pixels of a line of text are ink, `scale` for each one of the font."""
    rows = np.array([[int(row, 8) for row in _FONT[letter]] for letter in text])
    letters = (rows.T[..., None] >> np.arange(3, -1, -1)) % 2 == 1  # (5, letters, 4)
    ink: NDArray[np.bool_] = letters.reshape(5, -1)[:, 1:]
    return ink.repeat(scale, axis=0).repeat(scale, axis=1)


def _middle(box: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """The middle of a box of pixels, of that height and width, as a view."""
    top, left = (box.shape[0] - shape[0]) // 2, (box.shape[1] - shape[1]) // 2
    return box[top : top + shape[0], left : left + shape[1]]


class Window:
    """A window that shows frames at a steady pace, from the first one on.

    Whoever closes it by hand has seen enough: it stays closed until `close`. It holds no handle
    of pygame's, so that an environment that owns one can be pickled and copied.

    Args:
        fps: Frames per second.

    Raises:
        DependencyNotInstalled: If pygame is not installed.
    """

    def __init__(self, fps: int) -> None:
        self.fps = fps
        self._dismissed = False
        self._next_frame_at = 0.0
        _pygame()

    def show(self, frame: NDArray[np.uint8]) -> None:
        """Show a frame of shape (H, W, 3), not before the one before it had its time."""
        if self._dismissed:
            return
        pygame = _pygame()
        if not pygame.display.get_init():
            pygame.display.init()
        height, width, _ = frame.shape
        picture = pygame.image.frombuffer(frame.tobytes(), (width, height), "RGB")
        desktop_width, desktop_height = pygame.display.get_desktop_sizes()[0]
        shrink = min(1.0, 0.9 * desktop_width / width, 0.9 * desktop_height / height)
        size = (max(1, int(width * shrink)), max(1, int(height * shrink)))
        surface = pygame.display.get_surface()
        if surface is None or surface.get_size() != size:
            surface = pygame.display.set_mode(size)
            pygame.display.set_caption("BitSequence")
        time.sleep(max(0.0, self._next_frame_at - time.monotonic()))
        self._next_frame_at = time.monotonic() + 1 / self.fps
        surface.blit(pygame.transform.smoothscale(picture, size), (0, 0))
        pygame.display.flip()
        # Without this the system calls the window unresponsive.
        if any(event.type == pygame.QUIT for event in pygame.event.get()):
            self.close()
            self._dismissed = True

    def close(self) -> None:
        """Close the window; closing twice is harmless, and another frame opens it again."""
        self._dismissed = False
        _pygame().display.quit()


def _pygame() -> Any:
    """The module, imported without its greeting and without warnings of its dependencies."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it imports the deprecated pkg_resources
            import pygame
    except ImportError as error:
        raise DependencyNotInstalled(
            'render_mode "human" needs pygame: pip install "bitseq-env[rendering]"'
        ) from error
    return pygame
