"""Output of commands that list: lines, ids, or one JSON document."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from kling_cli.cli.output.json_document import listing_document, print_document
from kling_cli.cli.output.terminal.capabilities import is_terminal
from kling_cli.cli.output.terminal.pager import print_lines
from kling_cli.cli.output.terminal.streams import print_message, write_message
from kling_cli.cli.output.terminal.text import one_line

if TYPE_CHECKING:
    from kling_cli.cli.options.shared import OutputOptions
    from kling_cli.errors import KlingError


class EmptyMessage(NamedTuple):
    """The message and the hint where there is nothing to list."""

    message: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The result of a command that lists. `command` is a key of `LISTING_KEYS`.

    `facts` are the values of the keys named there; `lines` are for terminals and pipes,
    `ids` for `--quiet`. `warnings` go to stderr, `notes` to a terminal only; `empty` is
    printed on stderr if there are no lines.
    """

    command: str
    facts: Mapping[str, Any]
    lines: Iterable[str]
    ids: Sequence[str]
    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()
    empty: EmptyMessage | None = None
    error: KlingError | None = None


def print_listing(listing: Listing, output_options: OutputOptions) -> int:
    """Print a listing as text or JSON, and return the exit code."""
    if output_options.is_json:
        print_document(listing_document(listing.command, listing.facts, listing.error))
    else:
        print_lines(
            map(one_line, listing.ids) if output_options.is_quiet else listing.lines
        )
        if not listing.ids and listing.empty is not None:
            print_empty_message(listing.empty, output_options)
    notes = listing.notes if is_terminal(sys.stderr) else ()
    for note in () if output_options.is_quiet else (*notes, *listing.warnings):
        write_message(note)
    if listing.error is None:
        return 0
    from kling_cli.cli.output.plain_lines import error_lines

    for line in error_lines(listing.error):
        print_message(line, is_colorless=output_options.is_colorless)
    return int(listing.error.exit_code)


def print_empty_message(empty: EmptyMessage, output_options: OutputOptions) -> None:
    """Print on stderr that there is nothing to list."""
    if output_options.is_quiet or output_options.is_json:
        return
    print_message(empty.message, is_colorless=output_options.is_colorless)
    print_message(f"hint: {empty.hint}", is_colorless=output_options.is_colorless)


def truncation_note(limit: int) -> str:
    """Return the note that `--limit` has left something out."""
    return f"there are more than these {limit}: --limit 0 shows all"
