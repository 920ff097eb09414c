"""The screen of `kling listen`: stdout has events about callbacks, stderr all others.

On a terminal a status line with URL, tunnel state and counts stays below them. If the
listener runs a command, all lines go to stderr, as stdout is the command's. With
`--json` stdout has one object a line and nothing else, and the command's stdout is
joined to stderr.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, TextIO
from urllib.parse import urlsplit

from kling_cli.cli.output.json_document import dumps
from kling_cli.cli.output.listener import lines
from kling_cli.cli.output.reporters import ProgressStyle, progress_style
from kling_cli.cli.output.terminal.capabilities import is_terminal
from kling_cli.cli.output.terminal.streams import print_message, write_line
from kling_cli.clock import Clock
from kling_cli.jobs.events import Notice
from kling_cli.listener import events

if TYPE_CHECKING:
    from kling_cli.cli.options.shared import OutputOptions
    from kling_cli.listener.events import ListenerEvent

EventWriter = Callable[["ListenerEvent"], None]


@contextmanager
def open_screen(
    output_options: OutputOptions, clock: Clock, *, is_beside_command: bool
) -> Iterator[Screen]:
    """Yield the screen for listener events; the terminal is restored at the end."""
    is_quiet, is_json = output_options.is_quiet, output_options.is_json
    write_stderr = partial(print_message, is_colorless=output_options.is_colorless)
    write = write_stderr if is_beside_command else write_line
    if is_json:
        show = _json_writer(clock, write_stderr)
    else:
        show = _text_writer(clock, write, write_stderr, is_quiet=is_quiet)
    is_silent = is_quiet or is_json or is_beside_command
    style = progress_style(
        is_quiet=is_silent, is_terminal=is_terminal(sys.stderr), environ=os.environ
    )
    if style is not ProgressStyle.LIVE:
        yield Screen(show, write_stderr)
        return
    status = StatusLine(sys.stderr)
    try:
        yield StatusScreen(show, write_stderr, status)
    finally:
        status.close()


def _text_writer(
    clock: Clock,
    write: Callable[[str], None],
    write_stderr: Callable[[str], None],
    *,
    is_quiet: bool,
) -> EventWriter:
    """Return the writer of text; a quiet one writes the URL, callbacks and errors."""

    def show(event: ListenerEvent) -> None:
        if isinstance(event, events.Ready):
            if is_quiet:
                write(event.callback_url)
            else:
                write_stderr(lines.ready_text(event))
        elif not is_quiet or lines.is_shown_when_quiet(event):
            text = lines.event_text(event, clock.now())
            (write if lines.is_result(event) else write_stderr)(text)

    return show


def _json_writer(clock: Clock, write_stderr: Callable[[str], None]) -> EventWriter:
    numbers = count(1)

    def show(event: ListenerEvent) -> None:
        if isinstance(event, Notice):
            write_stderr(lines.warning_text(event))
            return
        json_object = lines.event_object(event, seq=next(numbers), now=clock.now())
        write_line(dumps(json_object))

    return show


class Screen:
    """Prints listener events; a subclass draws a status line below them."""

    def __init__(self, show: EventWriter, write_stderr: Callable[[str], None]) -> None:
        self._show = show
        self._write_stderr = write_stderr

    def show(self, event: ListenerEvent) -> None:
        """Print an event."""
        self._show(event)

    def say(self, text: str) -> None:
        """Print the answer to a key."""
        self._write_stderr(text)

    def set_paused(self, *, is_paused: bool) -> None:
        """Update the state when forwarding is paused or resumed."""

    def pause(self) -> AbstractContextManager[None]:
        """Draw nothing while another program has the terminal."""
        return nullcontext()


class StatusScreen(Screen):
    """A screen with a status line."""

    def __init__(
        self, show: EventWriter, write_stderr: Callable[[str], None], status: StatusLine
    ) -> None:
        super().__init__(show, write_stderr)
        self._status = status
        self._state = ListenerState()
        encoding = (getattr(sys.stderr, "encoding", None) or "ascii").lower()
        self._between = " · " if encoding.startswith("utf") else " - "

    def show(self, event: ListenerEvent) -> None:
        with self._status.hidden():
            super().show(event)
        self._state.apply(event)
        self._refresh()

    def say(self, text: str) -> None:
        with self._status.hidden():
            super().say(text)

    def pause(self) -> AbstractContextManager[None]:
        return self._status.pause()

    def set_paused(self, *, is_paused: bool) -> None:
        self._state.is_paused = is_paused
        self._refresh()

    def _refresh(self) -> None:
        self._status.set(self._state.text(self._status.columns, self._between))


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
