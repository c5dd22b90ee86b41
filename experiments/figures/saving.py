"""Figures to files, in the house's style."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from experiments.figures.matplotlib_alone import Figure, mpl
from experiments.records.tables import TableError

_DPI = 150
_STYLE = {
    # With a salt of its own, matplotlib gives the parts of a file the same names every time.
    "svg.hashsalt": "bitseq",
    # Hundreds of seeds' curves need no more than half a pixel of precision.
    "path.simplify_threshold": 0.5,
}


def save_figures(draws: Mapping[str, Callable[[], Figure | None]], folder: Path) -> list[Path]:
    """Draw in the house's style, and write what was drawn as PNG and SVG.

    Args:
        draws: By the file's name; None is drawn where there is nothing to show.
        folder: Made if it is not there.

    Returns:
        The files written.

    Raises:
        TableError: If the folder cannot be made.
    """
    with mpl.rc_context():
        mpl.rcdefaults()  # or a matplotlibrc would have its say
        mpl.rcParams.update(_STYLE)  # type: ignore[arg-type]
        drawn = {name: figure for name, draw in draws.items() if (figure := draw()) is not None}
        return _save(drawn, folder)


def _save(drawn: Mapping[str, Figure], folder: Path) -> list[Path]:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise TableError(folder, f"cannot be made: {error.strerror}") from error
    paths = []
    for name, figure in drawn.items():
        for suffix, unwanted in (("png", "Software"), ("svg", "Date")):
            path = folder / f"{name}.{suffix}"
            figure.savefig(path, dpi=_DPI, metadata={unwanted: None})
            paths.append(path)
    return paths
