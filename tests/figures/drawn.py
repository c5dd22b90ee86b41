"""Where a figure keeps what it shows."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray


def labels(figure: Figure | None) -> list[str]:
    """The legend's."""
    assert figure is not None
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def panels(figure: Figure | None) -> list[Axes]:
    assert figure is not None
    return list(figure.subfigs[0].axes)


def lines(axes: Axes) -> dict[str, Any]:
    """By their labels."""
    return {str(line.get_label()): line for line in axes.lines}


def heights(line: Any) -> NDArray[np.float64]:
    return np.asarray(line.get_ydata(), dtype=np.float64)


def marked(axes: Axes, marker: str, along: str = "y") -> list[list[float]]:
    """Where the lines with a marker have their points."""
    some = [line for line in axes.lines if line.get_marker() == marker]
    return [np.asarray(getattr(line, f"get_{along}data")(), float).tolist() for line in some]


def page_rows(text: str | None) -> dict[str, list[str]]:
    """The rows of a page's tables by their first cells, their headers included."""
    assert text is not None
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows}
