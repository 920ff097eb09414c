"""One line at the bottom of a terminal that stays below whatever is printed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

_ERASE_BELOW = "\r\x1b[J"
_UP = "\x1b[{}A"
_DEFAULT_COLUMNS = 80


class StatusLine:
    """Draws on `stream`, a terminal; one that goes away is no failure.

    Every write to the terminal by somebody else belongs into `hidden()`.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._text = ""
        self._n_drawn = 0  # characters that stand there
        self._is_paused = False

    def set(self, text: str) -> None:
        """Show `text`, one line of printable characters, from now on."""
        if text != self._text:
            self._text = text
            self._write(self._erased() + self._drawn())

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Take the line away meanwhile."""
        self._write(self._erased())
        try:
            yield
        finally:
            self._write(self._drawn())

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Draw nothing meanwhile: the terminal is somebody else's."""
        self._write(self._erased())
        self._is_paused = True
        try:
            yield
        finally:
            self._is_paused = False
            self._write(self._drawn())

    def close(self) -> None:
        """Take the line away for good."""
        self._write(self._erased())
        self._text = ""

    @property
    def columns(self) -> int:
        """How wide the terminal is now."""
        try:
            columns = os.get_terminal_size(self._stream.fileno()).columns
        except (OSError, ValueError):
            columns = 0  # which a terminal also says that does not know
        return columns or _DEFAULT_COLUMNS

    def _drawn(self) -> str:
        """Return the line, cut so that it never wraps."""
        shown = "" if self._is_paused else self._text[: max(self.columns - 1, 0)]
        self._n_drawn = len(shown)
        return f"\x1b[2m{shown}\x1b[0m" if shown else ""

    def _erased(self) -> str:
        """Return what erases the line, even one that a narrower terminal wrapped."""
        if not self._n_drawn:
            return ""
        rows_above = (self._n_drawn - 1) // max(self.columns, 1)
        self._n_drawn = 0
        return (_UP.format(rows_above) if rows_above else "") + _ERASE_BELOW

    def _write(self, text: str) -> None:
        if not text:
            return
        with suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()
