"""The live display: a block redrawn in place, with permanent lines above it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any, Self, cast

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from kling_cli.cli.output import plain_lines
from kling_cli.cli.output.live.progress import ProgressModel, apply_event
from kling_cli.cli.output.live.renderer import ASCII, UNICODE, RenderOptions, render
from kling_cli.cli.output.terminal.capabilities import is_terminal
from kling_cli.clock import Clock, SystemClock
from kling_cli.jobs import events

if TYPE_CHECKING:
    from kling_cli.jobs.events import Event

FRAMES_PER_SECOND = 6

# Events with a permanent line; all others only change the display.
_PERMANENT_EVENTS = (
    events.Prepared,
    events.Submitted,
    events.OutcomeCheck,
    events.Saved,
    events.DownloadResumed,
    events.DownloadRetry,
    events.Notice,
    events.Remark,
    events.Finished,
)


class LiveReporter:
    """A reporter that draws on stderr; the cursor is restored at the end."""

    def __init__(
        self,
        *,
        is_colored: bool,
        console: Console | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._console = console or terminal_console(is_colored=is_colored)
        self._clock = clock or SystemClock()
        self._board = ProgressModel()
        encoding = (self._console.encoding or "ascii").lower()
        self._marks = UNICODE if encoding.startswith("utf") else ASCII
        self._live = self._new_live()

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def handle(self, event: Event) -> None:
        """Update the display; permanent lines are printed above it."""
        self._board = apply_event(self._board, event, self._clock.monotonic())
        for line in permanent_lines(event):
            self._console.print(line)

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Remove the display while another program has the terminal."""
        self._live.stop()
        try:
            yield
        finally:
            # the old one would erase the lines it drew, whatever is there now
            self._live = self._new_live()
            self._live.start()

    def _new_live(self) -> Live:
        return Live(
            console=self._console,
            get_renderable=self._picture,
            refresh_per_second=FRAMES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def _picture(self) -> Group:
        width, height = self._console.size
        options = RenderOptions(width, height, self._clock.monotonic(), self._marks)
        return Group(*render(self._board, options))


def permanent_lines(event: Event) -> list[Text]:
    """Return the lines about `event` that stay on the screen."""
    if not _is_permanent(event):
        return []
    text = plain_lines.event_line(event) or ""
    if isinstance(event, events.Finished) and event.result.error is None:
        return [Text.assemble(("done: ", "bold green"), text)]
    return [_styled(text)]


def _is_permanent(event: Event) -> bool:
    if isinstance(event, events.Saved):
        return not is_terminal(sys.stdout)  # where the path is printed in any case
    if isinstance(event, events.QueryFailed | events.SendFailed):
        return event.attempt == 1  # the display shows it as long as it lasts
    if isinstance(event, events.CallbackPath):
        return event.state in ("lost", "back") or bool(event.detail)
    return isinstance(event, _PERMANENT_EVENTS)


def _styled(text: str) -> Text:
    line = Text(text)
    if text.startswith("warning:"):
        line.stylize("yellow", 0, len("warning:"))
    return line


def terminal_console(*, is_colored: bool) -> Console:
    """Return a console on stderr that does not raise when the terminal goes away."""
    return Console(
        file=cast("IO[str]", FaultTolerantStream(sys.stderr)),
        force_terminal=True,
        no_color=not is_colored,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )


class FaultTolerantStream:
    """A stream that ignores errors of a terminal that has gone away."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            return self._stream.write(text)
        return 0

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
