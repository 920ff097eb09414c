"""`kling list`: the tasks of this machine's journal, or of the account."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from kling_cli.cli.options import completion
from kling_cli.cli.options.shared import AccountOptions, OutputOptions, settings_options
from kling_cli.cli.options.values import parse_time
from kling_cli.cli.output.job_results import print_json
from kling_cli.cli.output.listing import EmptyMessage, print_empty_message
from kling_cli.cli.output.terminal.pager import print_lines
from kling_cli.cli.output.terminal.streams import write_message
from kling_cli.cli.output.terminal.text import one_line
from kling_cli.errors import UsageError

if TYPE_CHECKING:
    from kling_cli.api import PagedItems
    from kling_cli.jobs.account_tasks import TaskFilter
    from kling_cli.jobs.events import JobResult
    from kling_cli.settings import Settings
    from kling_cli.store import JobRecord

DEFAULT_LIMIT = 20
_NO_FILTER = sys.maxsize
STATES = (
    *("not-submitted", "submitted", "processing", "succeeded", "failed", "unknown"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOptions:
    """Filters of tasks."""

    status: Annotated[
        str | None,
        typer.Option(
            "--status",
            metavar="STATE",
            help=f"Only tasks in this state: {', '.join(STATES[:-1])} or unknown.",
            autocompletion=completion.word_completer(*STATES),
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
            autocompletion=completion.complete_products,
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
        """Whether any filter but the limit is set."""
        filters = (self.status, self.search, self.product, self.since)
        return any(each is not None for each in filters)


def list_tasks(
    *,
    list_options: ListOptions,
    output_options: OutputOptions,
    account_options: AccountOptions,
) -> int:
    """List the tasks of the journal, newest first; asks the API nothing.

    With --remote: those of the account. With --quiet: one task id a line.

    kling list --remote --since 3d

    kling list --search boat --status failed
    """
    from kling_cli.cli.runner import load_settings
    from kling_cli.clock import SystemClock

    if list_options.kind is not None and not list_options.is_remote:
        raise UsageError(
            "--kind: the journal knows products, not kinds",
            hint="add --remote, or say --product",
        )
    settings, now = (
        load_settings(settings_options(account_options)),
        SystemClock().now(),
    )
    read = _from_account if list_options.is_remote else _from_journal
    found = read(settings, list_options, output_options, now)
    if output_options.is_json:
        print_json(_job_results(found, settings), command="list", is_many=True)
    else:
        print_lines(_result_lines(found, output_options, now))
    if not found:
        print_empty_message(_empty_message(list_options, settings), output_options)
    return 0


def _empty_message(list_options: ListOptions, settings: Settings) -> EmptyMessage:
    """Return the message when no task is listed."""
    if list_options.is_remote:
        return EmptyMessage(
            "the account has no such task",
            "--since 30d looks as far back as the API remembers; kling list shows"
            " what was made on this machine",
        )
    remote = "" if settings.is_sandbox else "; kling list --remote asks the account"
    if list_options.is_narrow:
        from kling_cli.jobs.history import list_command

        return EmptyMessage(
            "no task of this machine matches",
            f"{list_command(settings)} shows all{remote}",
        )
    return EmptyMessage(
        "no task was made on this machine yet",
        'kling text2video "A paper boat on a rainy street" --sandbox tries one for'
        f" free{remote}",
    )


def _result_lines(
    found: Sequence[JobRecord], output_options: OutputOptions, now: datetime
) -> Sequence[str] | Iterator[str]:
    if output_options.is_quiet:
        return [job.task_id or job.external_id for job in found]
    from kling_cli.cli.output.views.jobs import job_lines

    return job_lines(found, now, is_colorless=output_options.is_colorless)


def _from_journal(
    settings: Settings,
    list_options: ListOptions,
    output_options: OutputOptions,
    now: datetime,
) -> Sequence[JobRecord]:
    from kling_cli.cli.output.listing import truncation_note
    from kling_cli.store import Journal

    with Journal.open(settings.state_dir) as journal:
        found = filter_jobs(
            journal.newest_jobs(_NO_FILTER), replace(list_options, limit=0), now
        )
    if (
        list_options.limit
        and len(found) > list_options.limit
        and not output_options.is_quiet
    ):
        write_message(truncation_note(list_options.limit))
    return found[: list_options.limit or None]


def _from_account(
    settings: Settings,
    list_options: ListOptions,
    output_options: OutputOptions,
    now: datetime,
) -> Sequence[JobRecord]:
    from kling_cli.cli.output.listing import truncation_note
    from kling_cli.cli.runner import RunContext, run
    from kling_cli.jobs.account_tasks import list_account_tasks

    wanted = parse_remote_filter(list_options, now)

    async def work(context: RunContext) -> tuple[PagedItems[JobRecord], Sequence[str]]:
        return await list_account_tasks(wanted, **context.as_keywords)

    found, notes = run(
        work, settings=settings, output_options=output_options, is_brief=True
    )
    items = [job for job in found.items if contains_text(job, list_options.search)]
    more = (
        [truncation_note(list_options.limit)]
        if found.has_more and list_options.limit
        else []
    )
    for note in () if output_options.is_quiet else (*notes, *more):
        write_message(one_line(note))
    return items


def parse_remote_filter(list_options: ListOptions, now: datetime) -> TaskFilter:
    """Return the filter of the account's tasks.

    Raises:
        UsageError: the filter has a word that means nothing.
    """
    from kling_cli.api import TaskStatus
    from kling_cli.jobs.account_tasks import TaskFilter

    state = parse_state(list_options.status)
    if state == "not submitted":
        raise UsageError(
            "--status not-submitted: the account has only what was submitted",
            hint="leave out --remote",
        )
    return TaskFilter(
        status=TaskStatus(state) if state else None,
        product=list_options.product,
        kind=list_options.kind and list_options.kind.replace("-", "_"),
        since=None
        if list_options.since is None
        else parse_time(list_options.since, now),
        limit=list_options.limit,
    )


def _job_results(jobs: Sequence[JobRecord], settings: Settings) -> list[JobResult]:
    from kling_cli.jobs.job import Job
    from kling_cli.jobs.waiting.state_machine import initial_state

    return [
        Job(
            command="list",
            record=job,
            state=initial_state(job.as_task) if job.as_task else None,
            is_resumable=not settings.is_sandbox,
        ).result()
        for job in jobs
    ]


def filter_jobs(
    jobs: Sequence[JobRecord], list_options: ListOptions, now: datetime
) -> list[JobRecord]:
    """Return the jobs that pass the filter, in the order given.

    Raises:
        UsageError: the filter has a word that means nothing.
    """
    state = parse_state(list_options.status)
    since = None if list_options.since is None else parse_time(list_options.since, now)
    found = [
        job
        for job in jobs
        if state in (None, job.state.value)
        and list_options.product in (None, job.product)
        and (since is None or job.written_at >= since)
        and contains_text(job, list_options.search)
    ]
    return found[: list_options.limit or None]


def parse_state(word: str | None) -> str | None:
    """Return the state that was typed, with a blank or a hyphen in it.

    Raises:
        UsageError: there is none of that name.
    """
    if word is None:
        return None
    normalized = "-".join(word.strip().lower().replace("_", " ").split())
    if normalized not in STATES:
        raise UsageError(
            f"--status {word}: no such state", hint=f"one of {', '.join(STATES)}"
        )
    return normalized.replace("-", " ")


def contains_text(job: JobRecord, text: str | None) -> bool:
    """Return whether a job has `text` in its prompt, ids, model, product or files."""
    if not text:
        return True
    facts = (job.prompt, job.task_id, job.external_id, job.model)
    names = (job.product, *(PurePath(path).name for path in job.paths))
    return any(text.casefold() in each.casefold() for each in (*facts, *names) if each)
