"""Writers of listener events: stdout for events about callbacks, stderr for others.

On a terminal a status line stays below them. If the listener runs a command, all lines
go to stderr, as stdout is the command's. With `--json` stdout has one object a line and
nothing else, and the command's stdout is joined to stderr.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from kling_cli.cli.output.json_document import dumps
from kling_cli.cli.output.listener import lines
from kling_cli.cli.output.listener.lines import event_object
from kling_cli.cli.output.listener.status_line import ListenerState, StatusLine
from kling_cli.cli.output.reporters import ProgressStyle, progress_style
from kling_cli.cli.output.terminal.capabilities import is_terminal
from kling_cli.cli.output.terminal.streams import print_message, write_line
from kling_cli.clock import Clock
from kling_cli.jobs.events import Notice
from kling_cli.listener.events import ListenerEvent, Ready, Stopped

if TYPE_CHECKING:
    from kling_cli.cli.options.shared import OutputOptions

EventWriter = Callable[[ListenerEvent], None]


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


@contextmanager
def open_screen(
    output_options: OutputOptions, clock: Clock, *, is_beside_command: bool
) -> Iterator[Screen]:
    """Yield the screen for listener events; the terminal is restored at the end."""
    show = event_writer(output_options, clock, is_beside_command=is_beside_command)
    write_stderr = partial(print_message, is_colorless=output_options.is_colorless)
    is_silent = output_options.is_quiet or output_options.is_json or is_beside_command
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


def event_writer(
    output_options: OutputOptions, clock: Clock, *, is_beside_command: bool
) -> EventWriter:
    """Return the writer of events in the requested format."""
    write_stderr = partial(print_message, is_colorless=output_options.is_colorless)
    if output_options.is_json:
        return _json_writer(clock, write_stderr)
    write = write_stderr if is_beside_command else write_line
    if output_options.is_quiet:
        return _quiet_writer(clock, write, write_stderr)

    def show(event: ListenerEvent) -> None:
        if isinstance(event, Ready):
            write_stderr(lines.ready_text(event))
        elif lines.is_result(event):
            write(lines.event_text(event, clock.now()))
        else:
            write_stderr(lines.event_text(event, clock.now()))

    return show


def _json_writer(clock: Clock, write_stderr: Callable[[str], None]) -> EventWriter:
    numbers = count(1)

    def show(event: ListenerEvent) -> None:
        if isinstance(event, Notice):
            write_stderr(lines.warning_text(event))
            return
        json_object = event_object(event, seq=next(numbers), now=clock.now())
        write_line(dumps(json_object))

    return show


def _quiet_writer(
    clock: Clock, write: Callable[[str], None], write_stderr: Callable[[str], None]
) -> EventWriter:
    """Write the URL alone, then callbacks and errors."""

    def show(event: ListenerEvent) -> None:
        if isinstance(event, Ready):
            write(event.callback_url)
        elif lines.is_shown_when_quiet(event) and not isinstance(event, Stopped):
            is_result = lines.is_result(event)
            (write if is_result else write_stderr)(lines.event_text(event, clock.now()))

    return show
