"""The evaluate command's animations: what the format holds, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments.evaluate import save_gif
from tests.command_lines import Command


@pytest.mark.parametrize("fps", [1, 3, 4, 7, 30, 50])
def test_an_animation_is_as_fast_as_asked(tmp_path: Path, fps: int) -> None:
    frames = [np.full((4, 4, 3), 20 * place, np.uint8) for place in range(12)]
    save_gif(frames, tmp_path / "a.gif", fps)
    lasting = []
    with Image.open(tmp_path / "a.gif") as animation:
        for place in range(len(frames)):
            animation.seek(place)
            lasting.append(animation.info["duration"])
    assert lasting.pop() == 2_000
    assert min(lasting) >= 20
    assert np.cumsum(lasting) == pytest.approx(np.arange(1, 12) * 1_000 / fps, abs=5)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("--gif a.mp4", ["--gif", ".gif", "'a.mp4'"]),
        ("--gif a", ["--gif", ".gif", "'a'"]),
        ("--gif a.GIF --fps 51", ["--fps", "at most 50", "51"]),
    ],
)
def test_what_is_no_animation_is_refused(command: Command, line: str, named: list[str]) -> None:
    outcome = command("evaluate", "run", *line.split())
    assert outcome.status == 2
    for words in named:
        assert words in outcome.text
    assert not list(Path.cwd().iterdir())
