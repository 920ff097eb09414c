"""What happens on a terminal besides lines: previews, notifications, opened files."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kling_cli.cli.output import terminal
from kling_cli.cli.output.styles import is_terminal
from kling_cli.errors import KlingError, StoppedError

if TYPE_CHECKING:
    from kling_cli.cli.options import Showing, Talk
    from kling_cli.jobs.events import JobResult
    from kling_cli.settings.settings import Settings

LONG_S: Final = 60.0  # after so long nobody looks at the terminal any more
_MOST_PREVIEWS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """What is wanted; None leaves it to the terminal and to how long it took."""

    is_opening: bool = False
    is_previewing: bool | None = None
    is_notifying: bool | None = None

    @classmethod
    def of(cls, showing: Showing, settings: Settings) -> Presentation:
        """Return what was typed, or else is the setting."""
        preview, notify = showing.is_previewing, showing.is_notifying
        return cls(
            is_opening=showing.is_opening,
            is_previewing=settings.is_previewing if preview is None else preview,
            is_notifying=settings.is_notifying if notify is None else notify,
        )

    def show(self, results: Sequence[JobResult], talk: Talk) -> None:
        """Draw small pictures of what was saved, where the terminal can show them."""
        how = terminal.pictures(os.environ)
        if how is None or not self._is_drawing(talk):
            return
        from kling_cli.cli.output.preview import preview

        for path in list(_saved(results))[:_MOST_PREVIEWS]:
            picture = preview(path, how)
            if picture is not None:
                _write(picture)

    def _is_drawing(self, talk: Talk) -> bool:
        if self.is_previewing is False or not is_terminal(sys.stderr):
            return False
        is_person_there = is_terminal(sys.stdout) and not (
            talk.is_quiet or talk.is_json
        )
        return bool(self.is_previewing) or is_person_there

    def end(self, results: Sequence[JobResult], talk: Talk) -> None:
        """Notify the person that a long job has ended, and open its files."""
        if is_terminal(sys.stderr) and self.is_news(results):
            _write(terminal.notification(notice(results), os.environ))
        if not self.is_opening:
            return
        from kling_cli.cli.opener import open_file
        from kling_cli.cli.outcome import say

        for path in _saved(results):
            try:
                open_file(path)
            except KlingError as exc:
                say(f"warning: {exc.message}", is_colorless=talk.is_colorless)
                return

    def is_news(self, results: Sequence[JobResult]) -> bool:
        """Return whether something ended that nobody was waiting at the keys for."""
        if any(isinstance(result.error, StoppedError) for result in results):
            return False
        longest_s = max((result.elapsed_s or 0.0 for result in results), default=0.0)
        is_long = longest_s >= LONG_S and self.is_notifying is None
        return bool(results) and (is_long or bool(self.is_notifying))


def notice(results: Sequence[JobResult]) -> str:
    """Return what a notification says: how it ended, and of what prompt."""
    from kling_cli.cli.outcome import total

    if len(results) != 1:
        return total(results)
    [result] = results
    what = result.product or result.task_id or result.command
    words = f"{what} {result.state.value}"
    return f"{words}: {result.prompt}" if result.prompt else words


def _saved(results: Sequence[JobResult]) -> Iterator[Path]:
    for result in results:
        yield from (one.path for one in result.outputs if one.path is not None)


def _write(text: str) -> None:
    """Write to the terminal without a line break of our own."""
    if not text or sys.stderr is None:
        return
    with suppress(OSError, ValueError):
        sys.stderr.write(text)
        sys.stderr.flush()
