"""From the ids a person types to jobs: what the journal knows, what the API knows."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from kling_cli import catalogue
from kling_cli.api import Task
from kling_cli.errors import (
    KlingError,
    OutcomeUnknownError,
    StillRunningError,
    UnreachableError,
    UsageError,
)
from kling_cli.jobs.calls.synchronous import is_synchronous, lost_call_error
from kling_cli.jobs.job import Job, new_job
from kling_cli.jobs.session import Session
from kling_cli.jobs.waiting.poller import (
    TASKS_PATH,
    TaskEndpoint,
    is_endpoint_specific,
    task_endpoints,
)
from kling_cli.jobs.waiting.state_machine import initial_state
from kling_cli.store import FILE_NAME, JobRecord, Journal, Stage
from kling_cli.tunnels.process_identity import Identity

if TYPE_CHECKING:
    from kling_cli.settings import Settings
    from kling_cli.store import JobRecord


class UnknownTaskError(UsageError):
    """Neither the journal nor the account knows this id."""


class UnconfirmedError(OutcomeUnknownError):
    """The API does not know a job that was on its way when its process ended.

    It may only have arrived late: whoever waits asks again before believing it.
    """


async def find_jobs(names: Sequence[str], session: Session, command: str) -> list[Job]:
    """Return a job for each id, in order, with the API's present answer about it.

    One that cannot be found or asked for has its error noted; the others are not
    disturbed. Ids are those of tasks, or external ids; both for one task are one job.
    `last` and `last~N` name the newest tasks of this machine.
    """
    known = {name: _find_in_journal(name, session) for name in dict.fromkeys(names)}
    jobs = {
        record.key: new_job(record, session, command)
        for record in known.values()
        if record
    }
    await query_jobs(list(jobs.values()), session)
    found: dict[str, Job] = {}
    for name, record in known.items():
        job = (
            jobs[record.key]
            if record
            else await _job_of_account(name, session, command)
        )
        found.setdefault(job.record.key, job)
    return list(found.values())


async def query_jobs(jobs: Sequence[Job], session: Session) -> None:
    """Ask once for all of these; note answers and failures in the jobs."""
    asked = [job for job in jobs if not _fail_if_refused(job, session)]
    if not asked:
        return
    try:
        answers = await session.poller.ask([job.record for job in asked])
    except KlingError as exc:
        for job in asked:
            job.fail(exc, session.clock.monotonic())
        return
    for job in asked:
        job.queries += 1
        task = answers.get(job.record.key)
        if task is not None:
            job.state = initial_state(task)
            job.record = session.record_task(job.record, task)
        elif job.state is None:
            job.fail(_not_found_error(job), session.clock.monotonic())


def has_live_owner(record: JobRecord) -> bool:
    """Return whether another process is at work on it."""
    if record.owner_pid in (None, os.getpid()) or record.owner_started_at is None:
        return False
    return Identity(record.owner_pid, record.owner_started_at).is_alive


def _fail_if_refused(job: Job, session: Session) -> bool:
    """Return whether the API has said no, and nothing need be asked; note it then."""
    is_refused = job.record.is_unsubmitted and job.record.stage is Stage.REFUSED
    if is_refused:
        job.fail(not_submitted_error(job.record), session.clock.monotonic())
    return is_refused


def _find_in_journal(name: str, session: Session) -> JobRecord | None:
    if last_offset(name) is None:
        return session.journal.find_job(name)
    try:
        return newest_task(session.journal, name, session.settings)
    except UsageError:
        return None


def _not_found_error(job: Job) -> KlingError:
    record = job.record
    if record.is_unsubmitted:
        return not_submitted_error(record)
    if record.task_id is not None or record.stage not in (Stage.SENDING, Stage.UNKNOWN):
        return _unknown_task_error(job.name)
    if record.stage is Stage.SENDING and has_live_owner(record):
        return StillRunningError(
            f"job {record.external_id} is under way in process {record.owner_pid}",
            hint=f"kling wait {record.external_id}",
        )
    if is_synchronous(record):
        return lost_call_error(record)
    return UnconfirmedError(
        f"it is unknown whether job {record.external_id} was accepted: so far the API"
        " does not know it",
        hint=f"kling wait {record.external_id}",
    )


def not_submitted_error(record: JobRecord) -> KlingError:
    """Return the error for a job of which there certainly is no task."""
    name = record.external_id
    again = f"nothing was created or charged; run its {record.command} command again"
    if record.stage is Stage.ABSENT:
        return UnreachableError(f"job {name} never reached the API", hint=again)
    reason = f": {record.message}" if record.message else ""
    return UnknownTaskError(f"job {name} was not submitted{reason}", hint=again)


async def _job_of_account(name: str, session: Session, command: str) -> Job:
    """Return a job for a task that this machine's journal does not know."""
    record = JobRecord(
        external_id=name,
        command=command,
        product="",
        model=None,
        route="",
        query_path=TASKS_PATH,
        api_base=session.settings.api_base,
        request="{}",
        written_at=session.clock.now(),
    )
    job = new_job(record, session, command)
    try:
        if last_offset(name) is not None:
            newest_task(session.journal, name, session.settings)
        await _find_in_account(job, name, session)
    except KlingError as exc:
        job.fail(exc, session.clock.monotonic())
    return job


async def _find_in_account(job: Job, name: str, session: Session) -> None:
    """Find a stranger's task at the likeliest place first; stop at the first hit.

    A place that refuses says nothing about the others.

    Raises:
        NoSuchTaskError: it is at none of them.
        KlingError: nobody could be asked, or all refused.
    """
    refusals: list[KlingError] = []
    ways = _queries_for(name, task_endpoints(is_bulk=session.poller.is_bulk))
    for place, is_external in ways:
        job.queries += 1
        try:
            task = await _query_endpoint(place, name, session, is_external=is_external)
        except KlingError as exc:
            if not is_endpoint_specific(exc):
                raise
            refusals.append(exc)
            continue
        if task is not None:
            _apply_found(job, task, place)
            return
    raise refusals[0] if len(refusals) == len(ways) else _unknown_task_error(name)


async def _query_endpoint(
    place: TaskEndpoint, name: str, session: Session, *, is_external: bool
) -> Task | None:
    if not place.is_bulk:
        return await session.client.legacy_task(place.path, name)
    found = await session.client.tasks([name], is_external=is_external, path=place.path)
    return next(iter(found.values()), None)


def _apply_found(job: Job, task: Task, place: TaskEndpoint) -> None:
    record = replace(
        job.record,
        external_id=task.external_id or "",
        product=place.product,
        query_path=place.path,
    )
    job.state = initial_state(task)
    job.record = replace(record, task_id=task.id, stage=Stage.of(task.status))


def _queries_for(
    name: str, places: Sequence[TaskEndpoint]
) -> list[tuple[TaskEndpoint, bool]]:
    """Return the questions by which a task may be found, the likeliest first.

    A legacy family compares with either id; elsewhere they are asked for apart, and
    digits are most likely an id of the API's.
    """
    is_external_first = not name.isdecimal()
    ways = [(place, is_external_first) for place in places]
    return ways + [(place, not first) for place, first in ways if place.is_bulk]


def _unknown_task_error(name: str) -> UnknownTaskError:
    return UnknownTaskError(
        f"no task {name} is known to this account",
        hint="`kling list` shows this machine's jobs; --region chooses the account",
    )


_LAST_NAME = re.compile(r"last(?:~([0-9]{1,9}))?")


def last_offset(name: str) -> int | None:
    """Return 0 for `last`, N for `last~N`, and None for an id."""
    found = _LAST_NAME.fullmatch(name.strip())
    return None if found is None else int(found[1] or 0)


def newest_task(journal: Journal, name: str, settings: Settings) -> JobRecord:
    """Return the job that `last` or `last~N` names: of this account's host, and sent.

    The sandbox of a single command has another address each time, so there every job
    counts.

    Raises:
        UsageError: there are not so many.
    """
    back = last_offset(name)
    assert back is not None  # noqa: S101 -- the caller has looked
    records = journal.submitted_jobs(
        back + 1,
        api_base=None if settings.is_sandbox else settings.api_base,
        without=catalogue.step_names(),
    )
    if back < len(records):
        return records[back]
    count = len(records)
    known = f"only {count} task{'s' * (count != 1)}" if count else "no task"
    raise UsageError(
        f"{name}: this machine knows {known}"
        f"{'' if settings.is_sandbox else f' of {settings.api_base}'}",
        hint="kling list",
    )


def resolve_task_name(name: str, settings: Settings) -> str:
    """Return the id that a person means by `name`: itself, or that of a newest task.

    Raises:
        UsageError: there is no such task.
        JournalError: the journal cannot be read.
    """
    if last_offset(name) is None:
        return name
    if not settings.is_sandbox:
        settings.require("api_base", "region")
    if not (settings.state_dir / FILE_NAME).is_file():
        raise UsageError(
            f"{name}: no task has been made on this machine yet", hint="kling list"
        )
    with Journal.open(settings.state_dir) as journal:
        record = newest_task(journal, name, settings)
    return record.task_id or record.external_id
