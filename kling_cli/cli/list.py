"""`kling list`: the tasks of this machine's journal, newest first."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from kling_cli.cli.options import Talk
from kling_cli.cli.outcome import conclude_with
from kling_cli.cli.report.choose import is_terminal
from kling_cli.cli.report.escape import one_line
from kling_cli.errors import UsageError

if TYPE_CHECKING:
    from kling_cli.jobs.entry import Entry
    from kling_cli.jobs.events import JobResult

DEFAULT_LIMIT = 20
_EVERYTHING = sys.maxsize
_STATUSES = ("submitted", "processing", "succeeded", "failed", "unknown")
_AGO = re.compile(r"(\d+)([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_HEADINGS = ("written", "status", "task", "product", "model", "units", "files")


def _known_statuses() -> list[str]:
    return list(_STATUSES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which lines of the journal to show."""

    status: Annotated[
        str | None,
        typer.Option(
            "--status",
            metavar="WORD",
            help=f"Only tasks that are {', '.join(_STATUSES[:-1])} or unknown.",
            autocompletion=_known_statuses,
        ),
    ] = None
    product: Annotated[
        str | None,
        typer.Option(
            "--product", metavar="NAME", help="Only tasks of this product, text2video…"
        ),
    ] = None
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="WHEN",
            help="Only tasks written down since then: 2h, 3d, or 2026-10-04 (UTC).",
        ),
    ] = None
    limit: Annotated[
        int,
        typer.Option(
            "--limit", metavar="N", min=0, help="At most so many tasks; 0: all."
        ),
    ] = DEFAULT_LIMIT


def list_tasks(*, chosen: Filter, talk: Talk) -> int:
    """List the tasks of the journal, newest first; asks the API nothing.

    With --quiet: one task id a line.

    kling list --since 2h --status succeeded
    """
    from kling_cli.cli.runner import load_settings
    from kling_cli.clock import SystemClock
    from kling_cli.jobs.journal import Journal

    with Journal.open(load_settings({}).state_dir) as journal:
        found = select(journal.newest(_EVERYTHING), chosen, SystemClock().now())
    if talk.is_quiet:
        lines = [entry.task_id or entry.external_id for entry in found]
    else:
        lines = list(table(found, is_titled=is_terminal(sys.stdout)))
    results = _results(found) if talk.is_json else []
    return conclude_with(lines, results, command="list", talk=talk, is_many=True)


def _results(entries: Sequence[Entry]) -> list[JobResult]:
    from kling_cli.jobs.job import Job
    from kling_cli.jobs.lifecycle import begin

    return [
        Job(
            command="list",
            entry=entry,
            life=begin(entry.as_task) if entry.as_task else None,
        ).result()
        for entry in entries
    ]


def select(entries: Sequence[Entry], chosen: Filter, now: datetime) -> list[Entry]:
    """Return the entries that pass the filter, in the order given.

    Raises:
        UsageError: the filter has a word that means nothing.
    """
    if chosen.status is not None and chosen.status not in _STATUSES:
        raise UsageError(
            f"--status {chosen.status}: no such status",
            hint=f"one of {', '.join(_STATUSES)}",
        )
    since = None if chosen.since is None else moment_of(chosen.since, now)
    found = [
        entry
        for entry in entries
        if chosen.status in (None, entry.status.value)
        and chosen.product in (None, entry.product)
        and (since is None or entry.written_at >= since)
    ]
    return found[: chosen.limit or None]


def moment_of(text: str, now: datetime, *, option: str = "--since") -> datetime:
    """Return the time that `2h`, `3d` or an ISO date means; without a zone it is UTC.

    `option` is what was typed, for the complaint.

    Raises:
        UsageError: it means none.
    """
    try:
        if ago := _AGO.fullmatch(text.strip().lower()):
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        stated = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError) as exc:
        raise UsageError(
            f"{option} {text}: not a time",
            hint="2h, 3d, 2026-10-04 or 2026-10-04T12:00",
        ) from exc
    return stated if stated.tzinfo is not None else stated.replace(tzinfo=UTC)


def table(entries: Sequence[Entry], *, is_titled: bool) -> Iterator[str]:
    """Yield one line an entry, in columns; nothing is cut."""
    rows = [_cells(entry) for entry in entries]
    if is_titled and rows:
        rows.insert(0, _HEADINGS)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _cells(entry: Entry) -> tuple[str, ...]:
    cells = (
        entry.written_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        entry.stage.value,  # a person may know `refused` and `absent` too
        entry.task_id or entry.external_id,
        entry.product,
        entry.model,
        None if entry.units is None else f"{entry.units:g}",
        " ".join(entry.paths),
    )
    return tuple(one_line(cell) if cell else "-" for cell in cells)
