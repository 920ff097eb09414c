"""The status line of `kling listen`: URL, tunnel state and counts."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO
from urllib.parse import urlsplit

from kling_cli.listener import events

if TYPE_CHECKING:
    from kling_cli.listener.events import ListenerEvent

_MASK = "****"


@dataclass(slots=True)
class ListenerState:
    """The state of a listener, updated by its events. URLs are stored masked."""

    url: str = ""
    is_local: bool = False
    is_forwarding: bool = False
    is_paused: bool = False
    tunnel: str = "up"
    counts: Counter[str] = field(default_factory=Counter)
    refused: dict[str, int] = field(default_factory=dict)  # by reason

    def apply(self, event: ListenerEvent) -> None:
        """Update the state by an event."""
        match event:
            case events.Ready():
                self.url = masked_url(event.callback_url)
                self.is_local = event.callback_url == event.local_url
                self.is_forwarding = bool(event.forward_to)
            case events.CallbackReceived():
                self.counts["received"] += 1
            case events.Forwarded():
                name = events.count_category(event)
                self.counts[
                    "failed" if name == "forward_failures" else "forwarded"
                ] += 1
            case events.Rejected():
                self.refused[event.reason] = event.count
            case events.TunnelChanged():
                self._tunnel_changed(event)
            case _:
                pass

    def text(self, columns: int, between: str) -> str:
        """Return the line; the URL is left out first where the terminal is narrow."""
        if not self.url:
            return ""
        facts = between.join(self._facts())
        room = columns - 1 - len(facts) - len(between)
        split = urlsplit(self.url)
        for url in (self.url, split.netloc):
            if len(url) <= room:
                return f"{url}{between}{facts}"
        return facts

    def _facts(self) -> Iterator[str]:
        yield "local only" if self.is_local else f"tunnel {self.tunnel}"
        yield f"{self.counts['received']} received"
        if self.is_forwarding:
            yield f"{self.counts['forwarded']} forwarded"
            yield f"{self.counts['failed']} failed"
        if n_refused := sum(self.refused.values()):
            yield f"{n_refused} refused"
        if self.is_paused:
            yield "paused"

    def _tunnel_changed(self, event: events.TunnelChanged) -> None:
        if event.state in ("up", "moved", events.CHECKED):
            self.tunnel = "up"
        else:
            self.tunnel = "down"
        if event.callback_url:
            self.url = masked_url(event.callback_url)


def masked_url(url: str) -> str:
    """Return a callback URL without its secret: the last path segment, or the query."""
    split = urlsplit(url)
    base = f"{split.scheme}://{split.netloc.rpartition('@')[2]}"
    path, slash, _ = split.path.rpartition("/")
    is_bare = path == "" and not split.query  # `/callback`: nothing to hide
    return f"{base}{split.path}" if is_bare else f"{base}{path}{slash}{_MASK}"


_ERASE_BELOW = "\r\x1b[J"
_UP = "\x1b[{}A"
_DEFAULT_COLUMNS = 80


class StatusLine:
    """A line at the bottom of a terminal `stream`; write errors are ignored.

    Other output to the terminal is written within `hidden()`.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._text = ""
        self._n_visible = 0  # characters on the screen
        self._is_paused = False

    def set(self, text: str) -> None:
        """Show `text`, one line of printable characters."""
        if text != self._text:
            self._text = text
            self._write(self._erase_sequence() + self._visible_text())

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Hide the line while other output is written."""
        self._write(self._erase_sequence())
        try:
            yield
        finally:
            self._write(self._visible_text())

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Hide the line while another program has the terminal."""
        self._write(self._erase_sequence())
        self._is_paused = True
        try:
            yield
        finally:
            self._is_paused = False
            self._write(self._visible_text())

    def close(self) -> None:
        """Remove the line."""
        self._write(self._erase_sequence())
        self._text = ""

    @property
    def columns(self) -> int:
        """The current width of the terminal."""
        try:
            columns = os.get_terminal_size(self._stream.fileno()).columns
        except (OSError, ValueError):
            columns = 0  # as terminals report that do not know
        return columns or _DEFAULT_COLUMNS

    def _visible_text(self) -> str:
        """Return the line, cut so that it never wraps."""
        visible = "" if self._is_paused else self._text[: max(self.columns - 1, 0)]
        self._n_visible = len(visible)
        return f"\x1b[2m{visible}\x1b[0m" if visible else ""

    def _erase_sequence(self) -> str:
        """Return what erases the line, even one that a narrower terminal wrapped."""
        if not self._n_visible:
            return ""
        rows_above = (self._n_visible - 1) // max(self.columns, 1)
        self._n_visible = 0
        return (_UP.format(rows_above) if rows_above else "") + _ERASE_BELOW

    def _write(self, text: str) -> None:
        if not text:
            return
        with suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()
