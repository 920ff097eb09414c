"""`kling list`: the tasks of this machine's journal, or of the account."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from kling_cli.cli import completion
from kling_cli.cli.options import Account, Talk, settings_options
from kling_cli.cli.outcome import conclude_with
from kling_cli.cli.report.choose import is_terminal
from kling_cli.cli.report.columns import columns
from kling_cli.cli.report.escape import one_line
from kling_cli.cli.report.streams import write_note
from kling_cli.errors import UsageError

if TYPE_CHECKING:
    from kling_cli.api.paging import Listed
    from kling_cli.jobs.entry import Entry
    from kling_cli.jobs.events import JobResult
    from kling_cli.jobs.remote import Wanted
    from kling_cli.settings import Settings

DEFAULT_LIMIT = 20
_EVERYTHING = sys.maxsize
_STATUSES = ("submitted", "processing", "succeeded", "failed", "unknown")
_AGO = re.compile(r"(\d+)([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_HEADINGS = ("written", "status", "task", "product", "model", "units", "files")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which lines of the journal to show."""

    status: Annotated[
        str | None,
        typer.Option(
            "--status",
            metavar="WORD",
            help=f"Only tasks that are {', '.join(_STATUSES[:-1])} or unknown.",
            autocompletion=completion.words(*_STATUSES),
        ),
    ] = None
    product: Annotated[
        str | None,
        typer.Option(
            "--product",
            metavar="NAME",
            help="Only tasks of this product, text2video…",
            autocompletion=completion.products,
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
    is_remote: Annotated[
        bool,
        typer.Option(
            "--remote",
            help="What the account has, of every machine, as the API says it now; with "
            "an API key the last 30 days, unless --since says more.",
        ),
    ] = False
    kind: Annotated[
        Literal["video", "image", "try-on"] | None,
        typer.Option(
            "--kind",
            help="With --remote: only tasks of this kind, as the API tells them apart.",
        ),
    ] = None


def list_tasks(*, chosen: Filter, talk: Talk, account: Account) -> int:
    """List the tasks of the journal, newest first; asks the API nothing.

    With --remote: those of the account. With --quiet: one task id a line.

    kling list --remote --since 3d
    """
    from kling_cli.cli.runner import load_settings
    from kling_cli.clock import SystemClock

    if chosen.kind is not None and not chosen.is_remote:
        raise UsageError(
            "--kind: the journal knows products, not kinds",
            hint="add --remote, or say --product",
        )
    settings, now = load_settings(settings_options(account)), SystemClock().now()
    read = _from_account if chosen.is_remote else _from_journal
    found = read(settings, chosen, talk, now)
    if talk.is_quiet:
        lines = [entry.task_id or entry.external_id for entry in found]
    else:
        lines = list(table(found, is_titled=is_terminal(sys.stdout)))
    results = _results(found, settings) if talk.is_json else []
    return conclude_with(lines, results, command="list", talk=talk, is_many=True)


def _from_journal(
    settings: Settings, chosen: Filter, _talk: Talk, now: datetime
) -> Sequence[Entry]:
    from kling_cli.jobs.journal import Journal

    with Journal.open(settings.state_dir) as journal:
        return select(journal.newest(_EVERYTHING), chosen, now)


def _from_account(
    settings: Settings, chosen: Filter, talk: Talk, now: datetime
) -> Sequence[Entry]:
    from kling_cli.cli.report.listing import more_note
    from kling_cli.cli.runner import Surroundings, run
    from kling_cli.jobs.run import account_tasks

    wanted = wanted_of(chosen, now)

    async def work(around: Surroundings) -> tuple[Listed[Entry], Sequence[str]]:
        return await account_tasks(wanted, **around.as_keywords)

    found, notes = run(work, settings=settings, talk=talk, is_brief=True)
    more = [more_note(chosen.limit)] if found.has_more and chosen.limit else []
    for note in () if talk.is_quiet else (*notes, *more):
        write_note(one_line(note))
    return found.items


def wanted_of(chosen: Filter, now: datetime) -> Wanted:
    """Return what to look for in the account.

    Raises:
        UsageError: the filter has a word that means nothing.
    """
    from kling_cli.api.task import TaskStatus
    from kling_cli.jobs.remote import Wanted

    _check_status(chosen.status)
    return Wanted(
        status=TaskStatus(chosen.status) if chosen.status else None,
        product=chosen.product,
        kind=chosen.kind and chosen.kind.replace("-", "_"),
        since=None if chosen.since is None else moment_of(chosen.since, now),
        limit=chosen.limit,
    )


def _results(entries: Sequence[Entry], settings: Settings) -> list[JobResult]:
    from kling_cli.jobs.job import Job
    from kling_cli.jobs.lifecycle import begin

    return [
        Job(
            command="list",
            entry=entry,
            life=begin(entry.as_task) if entry.as_task else None,
            is_lasting=not settings.is_sandbox,
        ).result()
        for entry in entries
    ]


def select(entries: Sequence[Entry], chosen: Filter, now: datetime) -> list[Entry]:
    """Return the entries that pass the filter, in the order given.

    Raises:
        UsageError: the filter has a word that means nothing.
    """
    _check_status(chosen.status)
    since = None if chosen.since is None else moment_of(chosen.since, now)
    found = [
        entry
        for entry in entries
        if chosen.status in (None, entry.status.value)
        and chosen.product in (None, entry.product)
        and (since is None or entry.written_at >= since)
    ]
    return found[: chosen.limit or None]


def _check_status(word: str | None) -> None:
    if word is not None and word not in _STATUSES:
        raise UsageError(
            f"--status {word}: no such status", hint=f"one of {', '.join(_STATUSES)}"
        )


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
    return columns(rows, headings=_HEADINGS if is_titled else ())


def _cells(entry: Entry) -> tuple[str | None, ...]:
    return (
        entry.written_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        entry.stage.value,  # a person may know `refused` and `absent` too
        entry.task_id or entry.external_id,
        entry.product,
        entry.model,
        None if entry.units is None else f"{entry.units:g}",
        " ".join(filter(None, entry.paths)),
    )
