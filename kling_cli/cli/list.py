"""`kling list`: the tasks of this machine's journal, or of the account."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from kling_cli.cli import completion
from kling_cli.cli.options import Account, Talk, settings_options
from kling_cli.cli.outcome import print_documents
from kling_cli.cli.report.choose import is_terminal
from kling_cli.cli.report.columns import columns
from kling_cli.cli.report.escape import one_line
from kling_cli.cli.report.listing import Empty, say_empty
from kling_cli.cli.report.pager import print_lines
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
STATES = (
    *("not-submitted", "submitted", "processing", "succeeded", "failed", "unknown"),
)
_AGO = re.compile(r"(\d+)([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which lines of the journal to show."""

    status: Annotated[
        str | None,
        typer.Option(
            "--status",
            metavar="STATE",
            help=f"Only tasks in this state: {', '.join(STATES[:-1])} or unknown.",
            autocompletion=completion.words(*STATES),
        ),
    ] = None
    search: Annotated[
        str | None,
        typer.Option(
            "--search",
            metavar="TEXT",
            help="Only tasks with this text in their prompt, ids, model, product or "
            "file names; large and small letters are the same.",
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

    @property
    def is_narrow(self) -> bool:
        """Whether anything but the number of tasks is limited."""
        said = (self.status, self.search, self.product, self.since)
        return any(each is not None for each in said)


def list_tasks(*, chosen: Filter, talk: Talk, account: Account) -> int:
    """List the tasks of the journal, newest first; asks the API nothing.

    With --remote: those of the account. With --quiet: one task id a line.

    kling list --remote --since 3d

    kling list --search boat --status failed
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
    if talk.is_json:
        print_documents(_results(found, settings), command="list", is_many=True)
    else:
        print_lines(_lines(found, talk, now))
    if not found:
        say_empty(_empty(chosen, settings), talk)
    return 0


def _empty(chosen: Filter, settings: Settings) -> Empty:
    """Return what to say where no task is listed."""
    sandbox = " --sandbox" if settings.is_sandbox else ""
    if chosen.is_remote:
        return Empty(
            "the account has no such task",
            "--since 30d looks as far back as the API remembers; kling list shows"
            " what was made on this machine",
        )
    if chosen.is_narrow:
        return Empty(
            "no task of this machine matches",
            f"kling list{sandbox} shows all; kling list --remote asks the account",
        )
    return Empty(
        "no task was made on this machine yet",
        'kling text2video "A paper boat on a rainy street" --sandbox tries one for'
        " free; kling list --remote asks the account",
    )


def _lines(
    found: Sequence[Entry], talk: Talk, now: datetime
) -> Sequence[str] | Iterator[str]:
    if talk.is_quiet:
        return [entry.task_id or entry.external_id for entry in found]
    if is_terminal(sys.stdout):
        from kling_cli.cli.report.tasks import drawn

        return drawn(found, now, is_colorless=talk.is_colorless)
    return table(found)


def _from_journal(
    settings: Settings, chosen: Filter, talk: Talk, now: datetime
) -> Sequence[Entry]:
    from kling_cli.cli.report.listing import more_note
    from kling_cli.jobs.journal import Journal

    with Journal.open(settings.state_dir) as journal:
        found = select(journal.newest(_EVERYTHING), replace(chosen, limit=0), now)
    if chosen.limit and len(found) > chosen.limit and not talk.is_quiet:
        write_note(more_note(chosen.limit))
    return found[: chosen.limit or None]


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
    items = [entry for entry in found.items if has_text(entry, chosen.search)]
    more = [more_note(chosen.limit)] if found.has_more and chosen.limit else []
    for note in () if talk.is_quiet else (*notes, *more):
        write_note(one_line(note))
    return items


def wanted_of(chosen: Filter, now: datetime) -> Wanted:
    """Return what to look for in the account.

    Raises:
        UsageError: the filter has a word that means nothing.
    """
    from kling_cli.api.task import TaskStatus
    from kling_cli.jobs.remote import Wanted

    state = state_of(chosen.status)
    if state == "not submitted":
        raise UsageError(
            "--status not-submitted: the account has only what was submitted",
            hint="leave out --remote",
        )
    return Wanted(
        status=TaskStatus(state) if state else None,
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
    state = state_of(chosen.status)
    since = None if chosen.since is None else moment_of(chosen.since, now)
    found = [
        entry
        for entry in entries
        if state in (None, entry.state.value)
        and chosen.product in (None, entry.product)
        and (since is None or entry.written_at >= since)
        and has_text(entry, chosen.search)
    ]
    return found[: chosen.limit or None]


def state_of(word: str | None) -> str | None:
    """Return the state that was typed, with a blank or a hyphen in it.

    Raises:
        UsageError: there is none of that name.
    """
    if word is None:
        return None
    said = "-".join(word.strip().lower().replace("_", " ").split())
    if said not in STATES:
        raise UsageError(
            f"--status {word}: no such state", hint=f"one of {', '.join(STATES)}"
        )
    return said.replace("-", " ")


def has_text(entry: Entry, text: str | None) -> bool:
    """Return whether a task has `text` in its prompt, ids, model, product or files."""
    if not text:
        return True
    facts = (entry.prompt, entry.task_id, entry.external_id, entry.model)
    names = (entry.product, *(PurePath(path).name for path in entry.paths))
    return any(text.casefold() in each.casefold() for each in (*facts, *names) if each)


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


def table(entries: Sequence[Entry]) -> Iterator[str]:
    """Yield one line an entry for a pipe, in columns; nothing is cut.

    The prompt, which has blanks, is last.
    """
    return columns([_cells(entry) for entry in entries])


def _cells(entry: Entry) -> tuple[str | None, ...]:
    from kling_cli.jobs.naming import from_here

    return (
        entry.written_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        entry.state.word,
        entry.task_id or entry.external_id,
        entry.product,
        entry.model,
        None if entry.units is None else f"{entry.units:g}",
        " ".join(from_here(path) for path in entry.paths if path),
        entry.prompt,
    )
