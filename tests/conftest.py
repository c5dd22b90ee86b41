"""What every test stands on: no window, no figure on a screen, one thread."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from experiments.results import FinishedRun

# Before anything imports torch, pygame or matplotlib, and for every subprocess of a test.
os.environ["SDL_VIDEODRIVER"] = "dummy"
os.environ["PYGAME_HIDE_SUPPORT_PROMPT"] = "1"
os.environ["MPLBACKEND"] = "Agg"
os.environ["OMP_NUM_THREADS"] = "1"

# Two test processes share two cores: a slow example is no finding.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


@pytest.fixture
def finished_run() -> Callable[..., FinishedRun]:
    """A finished run made by hand; keywords as in ``tests.made_runs``."""
    # Imported here: the environment's tests stand without torch.
    from tests.made_runs import make_finished_run

    return make_finished_run
