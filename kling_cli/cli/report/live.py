"""The live display on a terminal: the board redrawn in place, news above it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any, Self, cast

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from kling_cli.cli.report import plain
from kling_cli.cli.report.board import Board, after
from kling_cli.cli.report.choose import is_terminal
from kling_cli.cli.report.drawing import ASCII, UNICODE, Canvas, draw
from kling_cli.clock import Clock, SystemClock
from kling_cli.jobs import events as happened

if TYPE_CHECKING:
    from kling_cli.jobs.events import Event

FRAMES_A_SECOND = 6

# What stays on the screen; everything else shows in the display while it is true.
_NEWS = (
    happened.Prepared,
    happened.Submitted,
    happened.Settling,
    happened.Saved,
    happened.DownloadResumed,
    happened.DownloadRetry,
    happened.Notice,
    happened.Remark,
    happened.Finished,
)


class LiveReporter:
    """Draws on stderr until it is left; the cursor is then where it should be."""

    def __init__(
        self,
        *,
        is_colored: bool,
        console: Console | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._console = console or terminal_console(is_colored=is_colored)
        self._clock = clock or SystemClock()
        self._board = Board()
        encoding = (self._console.encoding or "ascii").lower()
        self._marks = UNICODE if encoding.startswith("utf") else ASCII
        self._live = self._new_live()

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def tell(self, event: Event) -> None:
        """Draw what has changed; news stays above the display."""
        self._board = after(self._board, event, self._clock.monotonic())
        for line in news(event):
            self._console.print(line)

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Take the display away while somebody else has the terminal."""
        self._live.stop()
        try:
            yield
        finally:
            # the old one would erase as many lines as it drew, whatever they are now
            self._live = self._new_live()
            self._live.start()

    def _new_live(self) -> Live:
        return Live(
            console=self._console,
            get_renderable=self._picture,
            refresh_per_second=FRAMES_A_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def _picture(self) -> Group:
        width, height = self._console.size
        canvas = Canvas(width, height, self._clock.monotonic(), self._marks)
        return Group(*draw(self._board, canvas))


def news(event: Event) -> list[Text]:
    """Return the lines about `event` that stay on the screen."""
    if not _is_news(event):
        return []
    text = plain.line(event) or ""
    if isinstance(event, happened.Finished) and event.result.error is None:
        return [Text.assemble(("done: ", "bold green"), text)]
    return [_styled(text)]


def _is_news(event: Event) -> bool:
    if isinstance(event, happened.Saved):
        return not is_terminal(sys.stdout)  # where the path will stand in any case
    if isinstance(event, happened.AskFailed | happened.SendFailed):
        return event.attempt == 1  # the display has it as long as it lasts
    if isinstance(event, happened.CallbackPath):
        return event.state in ("lost", "back") or bool(event.detail)
    return isinstance(event, _NEWS)


def _styled(text: str) -> Text:
    line = Text(text)
    if text.startswith("warning:"):
        line.stylize("yellow", 0, len("warning:"))
    return line


def terminal_console(*, is_colored: bool) -> Console:
    """Return a console on stderr that no lost terminal can make raise."""
    return Console(
        file=cast("IO[str]", Steady(sys.stderr)),
        force_terminal=True,
        no_color=not is_colored,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )


class Steady:
    """A stream that swallows what can go wrong when its terminal goes away."""

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
