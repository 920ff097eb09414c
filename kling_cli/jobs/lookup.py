"""Lookup of the jobs that a person names: in the journal, then in the account."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from kling_cli.api import Task
from kling_cli.errors import (
    KlingError,
    OutcomeUnknownError,
    StillRunningError,
    UnreachableError,
    UsageError,
)
from kling_cli.jobs.history import (
    SANDBOX_ENDED_HINT,
    last_offset,
    list_command,
    newest_task,
)
from kling_cli.jobs.job import MAY_BE_CHARGED_HINT, Job, new_job
from kling_cli.jobs.session import Session
from kling_cli.jobs.waiting.poller import (
    TASKS_PATH,
    TaskEndpoint,
    is_endpoint_specific,
    is_synchronous,
    task_endpoints,
)
from kling_cli.jobs.waiting.state_machine import initial_state
from kling_cli.settings import Settings
from kling_cli.store import JobRecord, Stage
from kling_cli.tunnels import Identity, identify


class UnknownTaskError(UsageError):
    """Neither the journal nor the account has a task with this id."""


class UnconfirmedError(OutcomeUnknownError):
    """The API does not have a job whose create call was under way when it was cut off.

    The call may arrive late, so a run that waits queries it again.
    """


async def find_jobs(names: Sequence[str], session: Session, command: str) -> list[Job]:
    """Return a job for each id, in order, with the API's answer about it.

    One that cannot be found or queried has its error; it does not affect the others.
    Ids are those of tasks, or external ids; both for one task are one job.
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
    """Query all of these jobs at once; answers and failures are in the jobs."""
    queried = [job for job in jobs if not _fail_if_refused(job, session)]
    if not queried:
        return
    try:
        answers = await session.poller.fetch([job.record for job in queried])
    except KlingError as exc:
        for job in queried:
            job.fail(exc, session.clock.monotonic())
        return
    for job in queried:
        job.queries += 1
        task = answers.get(job.record.key)
        if task is not None:
            job.state = initial_state(task)
            job.record = session.record_task(job.record, task)
        elif job.state is None:
            job.fail(_not_found_error(job, session), session.clock.monotonic())


def has_live_owner(record: JobRecord) -> bool:
    """Return whether another process that still runs works on the job."""
    if record.owner_pid in (None, os.getpid()) or record.owner_started_at is None:
        return False
    return Identity(record.owner_pid, record.owner_started_at).is_alive


def owner_columns() -> dict[str, Any]:
    """Return the columns of a record that name this process as the job's owner."""
    owner = identify(os.getpid())
    return {
        "owner_pid": os.getpid(),
        "owner_started_at": owner.started_at if owner else None,
    }


def _fail_if_refused(job: Job, session: Session) -> bool:
    """Return whether the API has refused the job; it fails then, without a query."""
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


def _not_found_error(job: Job, session: Session) -> KlingError:
    record = job.record
    if record.is_unsubmitted:
        return not_submitted_error(record)
    if record.task_id is not None or record.stage not in (Stage.SENDING, Stage.UNKNOWN):
        return _unknown_task_error(job.name, session.settings)
    if record.stage is Stage.SENDING and has_live_owner(record):
        return StillRunningError(
            f"job {record.external_id} is under way in process {record.owner_pid}",
            hint=f"kling wait {record.external_id}",
        )
    if is_synchronous(record):
        return OutcomeUnknownError(
            f"it is unknown whether job {record.external_id} ({record.product}) was"
            " done: the call was cut off, and the API keeps no record of such calls",
            hint=MAY_BE_CHARGED_HINT,
        )
    return UnconfirmedError(
        f"it is unknown whether job {record.external_id} was accepted: so far the API"
        " does not know it",
        hint=f"kling wait {record.external_id}",
    )


def not_submitted_error(record: JobRecord) -> KlingError:
    """Return the error of a job that certainly became no task."""
    name = record.external_id
    again = f"nothing was created or charged; run its {record.command} command again"
    if record.stage is Stage.ABSENT:
        return UnreachableError(f"job {name} never reached the API", hint=again)
    reason = f": {record.message}" if record.message else ""
    return UnknownTaskError(f"job {name} was not submitted{reason}", hint=again)


async def _job_of_account(name: str, session: Session, command: str) -> Job:
    """Return a job for a task that the journal does not have."""
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
    """Find a task by querying the account's endpoints, the likeliest first.

    An endpoint that refuses says nothing about the others.

    Raises:
        UnknownTaskError: it is at none of them.
        KlingError: no endpoint answered, or all refused.
    """
    refusals: list[KlingError] = []
    queries = _queries_for(name, task_endpoints(is_bulk=session.poller.is_bulk))
    for endpoint, is_external in queries:
        job.queries += 1
        try:
            task = await _query_endpoint(
                endpoint, name, session, is_external=is_external
            )
        except KlingError as exc:
            if not is_endpoint_specific(exc):
                raise
            refusals.append(exc)
            continue
        if task is not None:
            _apply_found(job, task, endpoint)
            return
    if len(refusals) == len(queries):
        raise refusals[0]
    raise _unknown_task_error(name, session.settings)


async def _query_endpoint(
    endpoint: TaskEndpoint, name: str, session: Session, *, is_external: bool
) -> Task | None:
    if not endpoint.is_bulk:
        return await session.client.legacy_task(endpoint.path, name)
    found = await session.client.tasks(
        [name], is_external=is_external, path=endpoint.path
    )
    return next(iter(found.values()), None)


def _apply_found(job: Job, task: Task, endpoint: TaskEndpoint) -> None:
    record = replace(
        job.record,
        external_id=task.external_id or "",
        product=endpoint.product,
        query_path=endpoint.path,
    )
    job.state = initial_state(task)
    job.record = replace(record, task_id=task.id, stage=Stage.of(task.status))


def _queries_for(
    name: str, endpoints: Sequence[TaskEndpoint]
) -> list[tuple[TaskEndpoint, bool]]:
    """Return the queries by which a task may be found, the likeliest first.

    Each is an endpoint, and whether `name` is taken as an external id. A legacy
    endpoint compares with both ids; a bulk one is queried for each, and digits are most
    likely a task id.
    """
    is_external_first = not name.isdecimal()
    queries = [(endpoint, is_external_first) for endpoint in endpoints]
    return queries + [
        (endpoint, not first) for endpoint, first in queries if endpoint.is_bulk
    ]


def _unknown_task_error(name: str, settings: Settings) -> UnknownTaskError:
    if settings.is_sandbox:
        return UnknownTaskError(
            f"this sandbox knows no task {name}",
            hint=f"{SANDBOX_ENDED_HINT}; `{list_command(settings)}` shows what it made",
        )
    return UnknownTaskError(
        f"no task {name} is known to this account",
        hint="`kling list` shows this machine's jobs; --region chooses the account",
    )
