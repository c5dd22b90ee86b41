"""What figures need of matplotlib, imported whatever backend MPLBACKEND names.

Figures go to files and need no backend. Notebooks export one that other environments lack, and
matplotlib cannot be imported where it is missing.
"""

import contextlib
import os
import sys

__all__ = [
    "Axes",
    "Figure",
    "FuncFormatter",
    "Line2D",
    "LogLocator",
    "NullFormatter",
    "NullLocator",
    "mpl",
]

_fresh, _backend = "matplotlib" not in sys.modules, os.environ.pop("MPLBACKEND", None)
try:
    import matplotlib as mpl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    if _fresh and _backend:  # who draws on a screen as well keeps the backend
        with contextlib.suppress(ValueError):
            mpl.rcParams["backend"] = _backend
finally:
    if _backend is not None:
        os.environ["MPLBACKEND"] = _backend
