"""What a command says: as it is, whatever the terminal, and never at the cost of what it did."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import rich.console
from rich.table import Table

_NO_NUMBERS = ("-", "finished")


class Console(rich.console.Console):
    """Prints text as it is: brackets are no markup, and a line is as long as what it says.

    Args:
        options: Rich's.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"markup": False, "emoji": False, "highlight": False} | options)

    def print(self, *objects: Any, **options: Any) -> None:
        """The same as Rich's, but that a line of text is never broken to fit."""
        lines = all(isinstance(each, str) for each in objects)
        super().print(*objects, **{"soft_wrap": lines} | options)

    def table(
        self,
        title: str,
        header: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        whole: str = "",
        style: str = "none",
    ) -> None:
        """A table of texts: words to the left, numbers to the right.

        Args:
            title: Above it.
            header: A name for each column.
            rows: A text for each column.
            whole: The column that is not broken into lines where room is scarce.
            style: Of its lines.
        """
        table = Table(title=title, style=style)
        for place, name in enumerate(header):
            cells = [row[place] for row in rows]
            numbers = all(cell[:1].isdigit() or cell in _NO_NUMBERS for cell in cells)
            table.add_column(
                name,
                justify="right" if numbers else "left",
                no_wrap=name == whole,
                overflow="fold",
            )
        for row in rows:
            table.add_row(*row)
        self.print(table)


class _Stream:
    """A stream of text whose reader may leave and whose disk may be full."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._lost = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        self._try(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        self._try(self._stream.flush)

    def _try(self, call: Callable[..., Any], *arguments: Any) -> None:
        if self._lost:
            return
        try:
            call(*arguments)
        except OSError as error:
            self._lost = True
            # What it still holds goes nowhere, or Python would complain of it at its end.
            with contextlib.suppress(OSError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)
            if error.errno != errno.EPIPE and sys.stderr is not self:
                print(f"warning: could not be printed: {error}", file=sys.stderr)


@contextlib.contextmanager
def unfailing() -> Iterator[None]:
    """While this is open, nothing fails for being told.

    Standard output and errors show characters that they cannot encode by their numbers, and drop
    everything once they are closed or full.
    """
    streams: list[Any] = []
    with contextlib.ExitStack() as stack:
        for stream, redirect in (
            (sys.stdout, contextlib.redirect_stdout),
            (sys.stderr, contextlib.redirect_stderr),
        ):
            if stream is None:  # closed from the start
                stream = stack.enter_context(Path(os.devnull).open("w"))
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
            streams.append(_Stream(stream))
            stack.enter_context(redirect(streams[-1]))
        try:
            yield
        finally:
            for stream in streams:
                stream.flush()
