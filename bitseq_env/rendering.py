"""Pictures of a state and its target, as text and as pixels with numpy alone; and a window."""

from __future__ import annotations

import functools
import os
import time
import warnings
from typing import Any

import numpy as np
from gymnasium.error import DependencyNotInstalled
from numpy.typing import ArrayLike, NDArray

from bitseq_env.arguments import bits

MAX_SIDE = 2_000
"""Longest side of a frame in pixels."""
MAX_BITS = 900_000
"""Most bits that a frame has room for, a pixel each."""

_BLOCK = 16  # video codecs work on blocks of 16 x 16 pixels: such sides are never rescaled
_MARGIN = 16
_LARGEST_CELL = 48
_COMFORTABLE_SIDE = 640  # frames grow beyond this only when a bit would become too small to read
_READABLE_CELL = 16  # room for a digit of 6 x 10 pixels

# The accent is vermillion from the Okabe-Ito palette: safe for the colour-blind, and in grey
# halfway between the light of a 0 and the dark of a 1.
_PAGE = np.array([255, 255, 255], np.uint8)
_INK = np.array([70, 70, 70], np.uint8)
_BITS = np.array([[232, 236, 240], [28, 44, 66]], np.uint8)
_ACCENT = np.array([213, 94, 0], np.uint8)

# Letters of 3 x 5 pixels: five octal digits, one a row from the top, the high bit on the left.
_FONT = dict(zip("01234", (0o75557, 0o26227, 0o71747, 0o71717, 0o55711), strict=True))
_FONT |= dict(zip("56789", (0o74717, 0o74757, 0o71111, 0o75757, 0o75717), strict=True))
_FONT |= dict(
    zip("ACDEFGI", (0o25755, 0o34443, 0o65556, 0o74647, 0o74644, 0o34553, 0o72227), strict=True)
)
_FONT |= dict(
    zip("NORSTV ", (0o57755, 0o25552, 0o65655, 0o34216, 0o72222, 0o55552, 0), strict=True)
)

# By (mismatch, bit): cyan where state and target agree, black on yellow where they do not.
# Ones are bold.
_ANSI = tuple(
    f"\x1b[{code}m{bit}\x1b[0m"
    for code, bit in (("36", 0), ("1;36", 1), ("30;43", 0), ("1;30;43", 1))
)
_ANSI_GROUP, _ANSI_LINE = 10, 60


def _pair(state: ArrayLike, target: ArrayLike) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Both as arrays of shape (n,), or the errors of `bits`."""
    n = np.size(state)
    return bits("state", state, n), bits("target", target, n)


def render_ansi(state: ArrayLike, target: ArrayLike) -> str:
    """The state over its target in coloured text, carets under the bits that differ.

    Lines hold at most 60 bits in groups of ten, so that nothing is wider than 80 columns.
    Without its escape codes the text says the same.

    Args:
        state: Bits, shape (n,).
        target: Bits, shape (n,).

    Returns:
        Lines that end in a newline; the first names the Hamming distance.

    Raises:
        ValueError: If state and target are not bits of one length.
    """
    s, t = _pair(state, target)
    differ = (s != t).astype(np.int8)
    lines = [f"distance {np.count_nonzero(differ)} of {s.size}\n"]
    for start in range(0, s.size, _ANSI_LINE):
        part = slice(start, start + _ANSI_LINE)
        for label, row in (("state ", s[part]), ("target", t[part])):
            codes = (2 * differ[part] + row).tolist()
            lines.append(f"{label}  {_grouped([_ANSI[code] for code in codes])}\n")
        carets = _grouped([" ^"[mark] for mark in differ[part].tolist()])
        lines.append(f"        {carets}".rstrip() + "\n")
    return "".join(lines)


def _grouped(cells: list[str]) -> str:
    groups = range(0, len(cells), _ANSI_GROUP)
    return " ".join("".join(cells[at : at + _ANSI_GROUP]) for at in groups)


def render_rgb(state: ArrayLike, target: ArrayLike) -> NDArray[np.uint8]:
    """A picture: each bit of the state over its target's, framed in orange where they differ.

    Zeros are light and ones dark, with their digit where there is room. Bits read from left to
    right, then down, in lines of a multiple of ten.

    Args:
        state: Bits, shape (n,).
        target: Bits, shape (n,).

    Returns:
        Pixels of shape (H, W, 3); both sides are multiples of 16 and at most 2,000.

    Raises:
        ValueError: If state and target are not bits of one length, or more than fit in a frame.
    """
    s, t = _pair(state, target)
    columns, cell = _layout(s.size)
    lines = -(-s.size // columns)
    kinds = np.full(lines * columns, 4, np.intp)  # 4 is the empty place at the end of a line
    kinds[: s.size] = 2 * s + t
    tiles = _tiles(cell)[kinds.reshape(lines, columns)]  # (lines, columns, height, width, 3)
    grid = tiles.transpose(0, 2, 1, 3, 4).reshape(lines * tiles.shape[2], columns * cell, 3)
    grid = grid[: grid.shape[0] - _line_gap(cell)]
    scale = 2 + (grid.shape[1] >= 400) + (grid.shape[1] >= 960)
    header = _header(int(np.count_nonzero(s != t)), s.size, scale)
    width = _rounded(max(grid.shape[1], header.shape[1]) + 2 * _MARGIN)
    content = header.shape[0] + grid.shape[0]
    height = _rounded(content + 2 * _MARGIN)
    frame = np.broadcast_to(_PAGE, (height, width, 3)).copy()
    _paste(frame, header, (height - content) // 2)
    _paste(frame, grid, (height - content) // 2 + header.shape[0])
    return frame


def _rounded(side: int) -> int:
    return -(-side // _BLOCK) * _BLOCK


def _paste(frame: NDArray[np.uint8], picture: NDArray[np.uint8], top: int) -> None:
    """Put a picture into the middle of the frame, ``top`` pixels down."""
    height, width, _ = picture.shape
    left = (frame.shape[1] - width) // 2
    frame[top : top + height, left : left + width] = picture


@functools.lru_cache(maxsize=64)
def _layout(n: int) -> tuple[int, int]:
    """Columns of the grid and width of a cell in pixels: about as high as wide, within 2,000."""
    if n > MAX_BITS:
        raise ValueError(f"a frame has room for at most {MAX_BITS} bits, got n={n}")
    room = MAX_SIDE - MAX_SIDE % _BLOCK - 2 * _MARGIN
    columns = n if n <= 10 else 10 * -(-int(np.sqrt(2.4 * n)) // 10)
    wanted = max(_READABLE_CELL, _COMFORTABLE_SIDE // columns)
    lines = -(-n // columns)
    cell = min(wanted, _LARGEST_CELL)
    while columns * cell > room or lines * _tile_height(cell) > room - 16 * 4:  # the header
        cell -= 1
    return columns, cell


def _geometry(cell: int) -> tuple[int, int, int]:
    """Pixels of the gap between neighbours, of the frame around a pair, and of a bit's square."""
    gap = int(cell >= 5)  # without it, two framed neighbours would look like one
    frame = 0 if cell < 4 else max(1, cell // 8)
    return gap, frame, cell - gap - 2 * frame


def _tile_height(cell: int) -> int:
    _, frame, size = _geometry(cell)
    return 2 * size + 3 * frame + _line_gap(cell)


def _line_gap(cell: int) -> int:
    return (cell + 1) // 2


@functools.lru_cache(maxsize=16)
def _tiles(cell: int) -> NDArray[np.uint8]:
    """Pictures of one bit of the state over its target's, shape (5, height, cell, 3).

    Ordered 00, 01, 10, 11 as (state, target), then the empty place.
    """
    _, frame, size = _geometry(cell)
    tiles = np.broadcast_to(_PAGE, (5, _tile_height(cell), cell, 3)).copy()
    for kind in range(4):
        state, target = divmod(kind, 2)
        pair = tiles[kind, : 2 * size + 3 * frame, : size + 2 * frame]
        if state != target:
            pair[:] = _ACCENT
        for top, bit in ((frame, state), (size + 2 * frame, target)):
            square = pair[top : top + size, frame : frame + size]
            square[:] = _BITS[bit]
            if size >= 7:
                _write(square, str(bit), size // 7, _BITS[1 - bit])
    return tiles


def _write(box: NDArray[np.uint8], text: str, scale: int, ink: NDArray[np.uint8]) -> None:
    """Write text into the middle of a box of pixels, in place."""
    mask = _text(text).repeat(scale, axis=0).repeat(scale, axis=1)
    top, left = (box.shape[0] - mask.shape[0]) // 2, (box.shape[1] - mask.shape[1]) // 2
    box[top : top + mask.shape[0], left : left + mask.shape[1]][mask] = ink


def _text(text: str) -> NDArray[np.bool_]:
    """Which pixels of a line of text are ink, shape (5, 4 * letters - 1)."""
    codes = np.array([_FONT[letter] for letter in text])
    places = np.arange(14, -1, -1).reshape(5, 1, 3)
    letters = (codes[:, None] >> places & 1).astype(bool)  # (5, letters, 3)
    return np.pad(letters, ((0, 0), (0, 0), (0, 1))).reshape(5, -1)[:, :-1]


def _header(distance: int, n: int, scale: int) -> NDArray[np.uint8]:
    """Two lines that say which row is which, and the distance."""
    lines = ("STATE OVER TARGET", f"DISTANCE {distance} OF {n}")
    width = max(4 * len(line) for line in lines) * scale
    box = np.broadcast_to(_PAGE, (16 * scale, width, 3)).copy()
    for row, line in enumerate(lines):
        at = 7 * scale * row
        _write(box[at : at + 5 * scale], line, scale, _INK)
    return box


class Window:
    """A window that shows frames at a steady pace.

    Whoever closes it by hand has seen enough: it stays closed until `close`. It holds no handle
    of pygame's, so that an environment that owns one can be pickled and copied.

    Args:
        fps: Frames per second.

    Raises:
        DependencyNotInstalled: If pygame is not installed. The window opens at the first frame.
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
        if shrink < 1.0:
            picture = pygame.transform.smoothscale(picture, size)
        surface.blit(picture, (0, 0))
        pygame.display.flip()
        # Without this the system calls the window unresponsive.
        if any(event.type == pygame.QUIT for event in pygame.event.get()):
            self.close()
            self._dismissed = True

    def close(self) -> None:
        """Close the window; closing twice is harmless, and another frame opens it again."""
        self._dismissed = False
        pygame = _pygame()
        if pygame.display.get_init():
            pygame.display.quit()


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
