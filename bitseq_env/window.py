"""A window that shows frames; the only part of the package that needs pygame."""

from __future__ import annotations

import os
import time
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Window:
    """A window that shows frames at a steady pace.

    Whoever closes it by hand has seen enough: it stays closed until :meth:`close`. It holds no
    handle of pygame's, so that an environment that owns one can be pickled and copied.
    """

    def __init__(self, fps: int) -> None:
        """Check that pygame is there; the window opens at the first frame.

        Args:
            fps: Frames per second, at least 1.

        Raises:
            gymnasium.error.DependencyNotInstalled: If pygame is not installed.
            ValueError: If ``fps`` is below 1.
        """
        if fps < 1:
            raise ValueError(f"fps must be at least 1, got {fps!r}")
        self.fps = fps
        self._dismissed = False
        self._next_frame_at = 0.0
        _pygame()

    def show(self, frame: NDArray[np.uint8]) -> None:
        """Show a frame, not before the one before it had its time.

        Args:
            frame: Pixels, shape (H, W, 3).
        """
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
        surface.blit(
            picture if shrink == 1.0 else pygame.transform.smoothscale(picture, size), (0, 0)
        )
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
    """The module, imported without its greeting and without warnings of its dependencies.

    Raises:
        gymnasium.error.DependencyNotInstalled: If it is not installed.
    """
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it imports the deprecated pkg_resources
            import pygame
    except ImportError as error:
        from gymnasium.error import DependencyNotInstalled

        raise DependencyNotInstalled(
            'render_mode "human" needs pygame: pip install "bitseq-env[rendering]"'
        ) from error
    return pygame
