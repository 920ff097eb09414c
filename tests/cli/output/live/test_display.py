from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from kling_cli.api.tasks import TaskStatus
from kling_cli.cli.output.live.display import (
    FaultTolerantStream,
    LiveReporter,
    permanent_lines,
    terminal_console,
)
from kling_cli.errors import TaskFailedError
from kling_cli.jobs import events
from kling_cli.jobs.events import Event
from tests.cli.output.examples import TASK_ID, a_result, one_of_each, prepared
from tests.support.clock import FakeClock

HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"
CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Paper(io.StringIO):
    """A terminal that records everything written to it."""

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__()
        self._named = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]  # -- a constant in typeshed
        return self._named

    def isatty(self) -> bool:
        return True


def a_console(paper: Any, width: int = 80) -> Console:
    return Console(
        file=paper, force_terminal=True, width=width, height=24, legacy_windows=False
    )


def shown(history: list[Event], *, width: int = 80, encoding: str = "utf-8") -> str:
    """Return everything written to a terminal in a run with these events."""
    paper = Paper(encoding)
    reporter = LiveReporter(
        is_colored=True, console=a_console(paper, width), clock=FakeClock()
    )
    with reporter:
        for event in history:
            reporter.handle(event)
    return paper.getvalue()


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_display_never_leaves_the_width_of_the_terminal(width: int) -> None:
    text = CODES.sub("", shown(one_of_each(), width=width))

    assert max(cell_len(line) for line in re.split(r"[\r\n]+", text)) <= width


def test_the_cursor_comes_back_even_when_the_run_raises() -> None:
    paper = Paper()
    reporter = LiveReporter(
        is_colored=True, console=a_console(paper), clock=FakeClock()
    )

    with pytest.raises(ZeroDivisionError), reporter:
        _ = 1 / 0

    text = paper.getvalue()
    assert HIDE in text
    assert text.rindex(SHOW) > text.rindex(HIDE)


def test_a_terminal_that_knows_no_unicode_gets_none() -> None:
    assert shown(one_of_each(), encoding="ascii").isascii()


@pytest.mark.parametrize(
    ("event", "lines"),
    [
        pytest.param(
            events.CallbackPath(state="ready", via="ngrok"), [], id="all is well"
        ),
        pytest.param(
            events.CallbackPath(state="lost"),
            ["the way for callbacks is lost; polling more"],
            id="lost",
        ),
        pytest.param(
            events.CallbackPath(state="none", detail="no token"),
            ["no callbacks; polling: no token"],
            id="a reason",
        ),
        pytest.param(
            prepared(),
            ["text2video with kling-3.0-turbo, about 4 units, $0.56 (kling-01f7)"],
            id="the cost",
        ),
        pytest.param(
            events.Notice(message="careful"), ["warning: careful"], id="notice"
        ),
        pytest.param(
            events.Finished(result=a_result()),
            [f"done: {TASK_ID} succeeded, took 1m 32s, 4 units, notified by callback"],
            id="well ended",
        ),
        pytest.param(
            events.Finished(
                result=a_result(
                    status=TaskStatus.FAILED,
                    units=0.0,
                    completed_by="poll",
                    error=TaskFailedError("no"),
                )
            ),
            [f"{TASK_ID} failed, took 1m 32s, 0 units, found by polling"],
            id="badly ended",
        ),
        pytest.param(events.Querying(task_ids=("1",), in_s=3.0), [], id="a question"),
        pytest.param(
            events.QueryFailed(error=TaskFailedError("down"), retry_s=1.0),
            ["could not ask: down; again in 1s"],
            id="the first failure",
        ),
        pytest.param(
            events.QueryFailed(error=TaskFailedError("down"), retry_s=1.0, attempt=2),
            [],
            id="the next failure, which the display shows",
        ),
    ],
)
def test_only_what_matters_later_stays_on_the_screen(
    event: Event, lines: list[str]
) -> None:
    assert [line.plain for line in permanent_lines(event)] == lines


class Gone(io.StringIO):
    """A terminal whose other end has hung up."""

    n_tried = 0

    def write(self, _: str, /) -> int:
        self.n_tried += 1
        raise OSError(5, "Input/output error")

    def flush(self) -> None:
        raise OSError(5, "Input/output error")


def test_a_terminal_that_hangs_up_does_not_end_the_run() -> None:
    gone = Gone()
    reporter = LiveReporter(
        is_colored=False,
        console=a_console(FaultTolerantStream(gone)),
        clock=FakeClock(),
    )

    with reporter:
        for event in one_of_each():
            reporter.handle(event)

    assert gone.n_tried > 0


def test_colours_can_be_had_without() -> None:
    console = terminal_console(is_colored=False)

    assert console.no_color
    assert console.is_terminal
