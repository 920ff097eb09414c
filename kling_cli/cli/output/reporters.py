"""Reporters of a run, and which one a command uses."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, Self

from kling_cli.cli.output.terminal.capabilities import (
    is_colored_on,
    is_dumb,
    is_terminal,
)
from kling_cli.cli.output.terminal.streams import write_message

if TYPE_CHECKING:
    from kling_cli.jobs.events import Event


class Reporter(AbstractContextManager["Reporter"], Protocol):
    """A context manager that is given the events of a run."""

    def handle(self, event: Event) -> None:
        """Show `event`; never raises for a stream that is gone."""

    def pause(self) -> AbstractContextManager[None]:
        """Release the terminal to another program."""


class ProgressStyle(StrEnum):
    """How progress is shown on stderr."""

    SILENT = "silent"
    PLAIN = "plain"
    LIVE = "live"


def progress_style(
    *, is_quiet: bool, is_terminal: bool, environ: Mapping[str, str]
) -> ProgressStyle:
    """Return how progress is shown; a dumb terminal gets plain lines."""
    if is_quiet:
        return ProgressStyle.SILENT
    if is_terminal and not is_dumb(environ):
        return ProgressStyle.LIVE
    return ProgressStyle.PLAIN


def make_reporter(
    *, is_quiet: bool, is_colorless: bool, is_brief: bool = False
) -> Reporter:
    """Return the reporter for this process's stderr; a brief one only warns."""
    on_terminal = is_terminal(sys.stderr)
    wanted = progress_style(
        is_quiet=is_quiet, is_terminal=on_terminal, environ=os.environ
    )
    is_colored = is_colored_on(sys.stderr, is_colorless=is_colorless)
    if wanted is ProgressStyle.SILENT:
        return SilentReporter()
    if wanted is ProgressStyle.LIVE and not is_brief:
        from kling_cli.cli.output.live.display import LiveReporter

        return LiveReporter(is_colored=is_colored)
    return LineReporter(is_colored=is_colored, is_brief=is_brief)


class SilentReporter:
    """A reporter that prints nothing; errors are printed with the results."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing."""

    def handle(self, event: Event) -> None:
        """Ignore the event."""

    def pause(self) -> AbstractContextManager[None]:
        return nullcontext()


class LineReporter(SilentReporter):
    """A reporter that prints plain lines; a brief one prints warnings only."""

    def __init__(self, *, is_colored: bool = False, is_brief: bool = False) -> None:
        self._is_colored = is_colored
        self._is_brief = is_brief

    def handle(self, event: Event) -> None:
        from kling_cli.cli.output.plain_lines import event_line, is_warning
        from kling_cli.cli.output.terminal.capabilities import with_colored_prefix

        if self._is_brief and not is_warning(event):
            return
        text = event_line(event)
        if text is not None:
            write_message(with_colored_prefix(text) if self._is_colored else text)
