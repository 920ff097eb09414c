"""What commands print that list things: lines, ids, or one JSON object."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kling_cli.cli.report.choose import is_terminal
from kling_cli.cli.report.document import dumps, of_listing
from kling_cli.cli.report.escape import one_line
from kling_cli.cli.report.streams import write_note, write_result

if TYPE_CHECKING:
    from kling_cli.cli.options import Talk
    from kling_cli.errors import KlingError


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The answer of a command that lists. `command` is a key of `document.LISTINGS`.

    `facts` are what its JSON has under the keys named there; `lines` are for people
    and pipes, `ids` for `--quiet`. `warnings` go to stderr, `notes` to a terminal only.
    """

    command: str
    facts: Mapping[str, Any]
    lines: Iterable[str]
    ids: Sequence[str]
    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()
    error: KlingError | None = None


def print_listing(listing: Listing, talk: Talk) -> int:
    """Print a listing in the manner asked for, and return the exit code."""
    if talk.is_json:
        write_result(dumps(of_listing(listing.command, listing.facts, listing.error)))
    else:
        for line in map(one_line, listing.ids) if talk.is_quiet else listing.lines:
            write_result(line)
    notes = listing.notes if is_terminal(sys.stderr) else ()
    for note in () if talk.is_quiet else (*notes, *listing.warnings):
        write_note(note)
    if listing.error is None:
        return 0
    from kling_cli.cli.outcome import say
    from kling_cli.cli.report.plain import error_lines

    for line in error_lines(listing.error):
        say(line, is_colorless=talk.is_colorless)
    return int(listing.error.exit_code)


def more_note(limit: int) -> str:
    """Return what to say when `--limit` has left something out."""
    return f"there are more than these {limit}: --limit 0 shows all"
