"""Where a listener's lines go: stdout for what is about callbacks, stderr for the rest.

Beside a command all of it goes to stderr, as stdout is the command's. With `--json`
stdout has one object a line and nothing else, and the command's stdout joins stderr.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING

from kling_cli.cli.report import listen_lines
from kling_cli.cli.report.choose import has_color, is_terminal
from kling_cli.cli.report.listen_json import document, dumps
from kling_cli.cli.report.plain import colored
from kling_cli.cli.report.streams import write_line, write_note
from kling_cli.clock import Clock
from kling_cli.listen.lines import Line, Notice, Ready, Stopped

if TYPE_CHECKING:
    from kling_cli.cli.options import Talk

Show = Callable[[Line], None]


def shower(talk: Talk, clock: Clock, *, is_beside_command: bool) -> Show:
    """Return what shows lines as it was asked for."""
    note = _noter(is_colorless=talk.is_colorless)
    if talk.is_json:
        return _as_json(clock, note)
    write = note if is_beside_command else write_line
    if talk.is_quiet:
        return _as_few(clock, write, note)

    def show(line: Line) -> None:
        if isinstance(line, Ready):
            note(listen_lines.ready_text(line))
        elif listen_lines.is_result(line):
            write(listen_lines.text(line, clock.now()))
        else:
            note(listen_lines.text(line, clock.now()))

    return show


def _as_json(clock: Clock, note: Callable[[str], None]) -> Show:
    numbers = count(1)

    def show(line: Line) -> None:
        if isinstance(line, Notice):
            note(listen_lines.warning_text(line))
            return
        made = document(line, seq=next(numbers), now=clock.now())
        write_line(dumps(made))

    return show


def _as_few(
    clock: Clock, write: Callable[[str], None], note: Callable[[str], None]
) -> Show:
    """Show the URL alone, then callbacks and what went wrong."""

    def show(line: Line) -> None:
        if isinstance(line, Ready):
            write(line.callback_url)
        elif listen_lines.is_quiet(line) and not isinstance(line, Stopped):
            is_result = listen_lines.is_result(line)
            (write if is_result else note)(listen_lines.text(line, clock.now()))

    return show


def _noter(*, is_colorless: bool) -> Callable[[str], None]:
    """Return what writes to stderr, in colours where they are wanted."""
    is_colored = has_color(
        is_colorless=is_colorless,
        is_terminal=is_terminal(sys.stderr),
        environ=os.environ,
    )
    return lambda text: write_note(colored(text) if is_colored else text)
