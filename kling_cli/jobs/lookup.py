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
from kling_cli.jobs.calls.synchronous import is_synchronous, lost
from kling_cli.jobs.job import Job, with_task
from kling_cli.jobs.poller import TASKS_PATH, TaskEndpoint, families, is_only_here
from kling_cli.jobs.session import Session
from kling_cli.jobs.state_machine import initial_state
from kling_cli.store import FILE_NAME, JobRecord, Journal, Stage
from kling_cli.tunnels.agents.identity import Identity

if TYPE_CHECKING:
    from kling_cli.settings import Settings
    from kling_cli.store import JobRecord

AGAIN = "nothing was created or charged; run the same command again"


class UnknownTaskError(UsageError):
    """Neither the journal nor the account knows this id."""


class UnsettledError(OutcomeUnknownError):
    """The API does not know a job that was on its way when its process ended.

    It may only have arrived late: whoever waits asks again before believing it.
    """


async def find_jobs(names: Sequence[str], session: Session, command: str) -> list[Job]:
    """Return a job for each id, in order, with the API's present answer about it.

    One that cannot be found or asked for has its error noted; the others are not
    disturbed. Ids are those of tasks, or external ids; both for one task are one job.
    `last` and `last~N` name the newest tasks of this machine.
    """
    known = {name: _in_journal(name, session) for name in dict.fromkeys(names)}
    jobs = {
        entry.key: _job(entry, session, command) for entry in known.values() if entry
    }
    await ask_for(list(jobs.values()), session)
    found: dict[str, Job] = {}
    for name, entry in known.items():
        job = jobs[entry.key] if entry else await _stranger(name, session, command)
        found.setdefault(job.entry.key, job)
    return list(found.values())


async def ask_for(jobs: Sequence[Job], session: Session) -> None:
    """Ask once for all of these; note answers and failures in the jobs."""
    asked = [job for job in jobs if not _is_refused(job, session)]
    if not asked:
        return
    try:
        answers = await session.asker.ask([job.entry for job in asked])
    except KlingError as exc:
        for job in asked:
            job.fail(exc, session.clock.monotonic())
        return
    for job in asked:
        job.queries += 1
        task = answers.get(job.entry.key)
        if task is not None:
            record_task(job, task, session)
        elif job.life is None:
            job.fail(_not_found(job), session.clock.monotonic())


def record_task(job: Job, task: Task, session: Session) -> None:
    """Note the API's answer about a job in the job and in the journal."""
    job.life = initial_state(task)
    job.entry = with_task(job.entry, task)
    session.note(session.journal.observe, job.entry.external_id, task)


def is_attended(entry: JobRecord) -> bool:
    """Return whether another process is at work on it."""
    if entry.owner_pid in (None, os.getpid()) or entry.owner_started_at is None:
        return False
    return Identity(entry.owner_pid, entry.owner_started_at).is_alive


def _is_refused(job: Job, session: Session) -> bool:
    """Return whether the API has said no, and nothing need be asked; note it then."""
    is_refused = job.entry.is_unsubmitted and job.entry.stage is Stage.REFUSED
    if is_refused:
        job.fail(unsubmitted(job.entry), session.clock.monotonic())
    return is_refused


def _in_journal(name: str, session: Session) -> JobRecord | None:
    if steps_back(name) is None:
        return session.journal.find(name)
    try:
        return newest_task(session.journal, name, session.settings)
    except UsageError:
        return None


def _not_found(job: Job) -> KlingError:
    entry = job.entry
    if entry.is_unsubmitted:
        return unsubmitted(entry)
    if entry.task_id is not None or entry.stage not in (Stage.SENDING, Stage.UNKNOWN):
        return _unknown(job.name)
    if entry.stage is Stage.SENDING and is_attended(entry):
        return StillRunningError(
            f"job {entry.external_id} is under way in process {entry.owner_pid}",
            hint=f"kling wait {entry.external_id}",
        )
    if is_synchronous(entry):
        return lost(entry)
    return UnsettledError(
        f"it is unknown whether job {entry.external_id} was accepted: so far the API"
        " does not know it",
        hint=f"kling wait {entry.external_id}",
    )


def unsubmitted(entry: JobRecord) -> KlingError:
    """Return the error for a job of which there certainly is no task."""
    name = entry.external_id
    again = f"nothing was created or charged; run its {entry.command} command again"
    if entry.stage is Stage.ABSENT:
        return UnreachableError(f"job {name} never reached the API", hint=again)
    reason = f": {entry.message}" if entry.message else ""
    return UnknownTaskError(f"job {name} was not submitted{reason}", hint=again)


def _job(entry: JobRecord, session: Session, command: str) -> Job:
    return Job(
        command=command,
        entry=entry,
        started_at=session.clock.monotonic(),
        is_lasting=not session.settings.is_sandbox,
    )


async def _stranger(name: str, session: Session, command: str) -> Job:
    """Return a job for a task that this machine's journal does not know."""
    entry = JobRecord(
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
    job = _job(entry, session, command)
    try:
        if steps_back(name) is not None:
            newest_task(session.journal, name, session.settings)
        await _look_up(job, name, session)
    except KlingError as exc:
        job.fail(exc, session.clock.monotonic())
    return job


async def _look_up(job: Job, name: str, session: Session) -> None:
    """Find a stranger's task at the likeliest place first; stop at the first hit.

    A place that refuses says nothing about the others.

    Raises:
        NoSuchTaskError: it is at none of them.
        KlingError: nobody could be asked, or all refused.
    """
    refusals: list[KlingError] = []
    ways = _ways(name, families(is_bulk=session.asker.is_bulk))
    for place, is_external in ways:
        job.queries += 1
        try:
            task = await _ask_at(place, name, session, is_external=is_external)
        except KlingError as exc:
            if not is_only_here(exc):
                raise
            refusals.append(exc)
            continue
        if task is not None:
            _note_found(job, task, place)
            return
    raise refusals[0] if len(refusals) == len(ways) else _unknown(name)


async def _ask_at(
    place: TaskEndpoint, name: str, session: Session, *, is_external: bool
) -> Task | None:
    if not place.is_bulk:
        return await session.client.legacy_task(place.path, name)
    found = await session.client.tasks([name], is_external=is_external, path=place.path)
    return next(iter(found.values()), None)


def _note_found(job: Job, task: Task, place: TaskEndpoint) -> None:
    entry = replace(
        job.entry,
        external_id=task.external_id or "",
        product=place.product,
        query_path=place.path,
    )
    job.life = initial_state(task)
    job.entry = with_task(entry, task)


def _ways(name: str, places: Sequence[TaskEndpoint]) -> list[tuple[TaskEndpoint, bool]]:
    """Return the questions by which a task may be found, the likeliest first.

    A legacy family compares with either id; elsewhere they are asked for apart, and
    digits are most likely an id of the API's.
    """
    is_external_first = not name.isdecimal()
    ways = [(place, is_external_first) for place in places]
    return ways + [(place, not first) for place, first in ways if place.is_bulk]


def _unknown(name: str) -> UnknownTaskError:
    return UnknownTaskError(
        f"no task {name} is known to this account",
        hint="`kling list` shows this machine's jobs; --region chooses the account",
    )


_NAME = re.compile(r"last(?:~([0-9]{1,9}))?")


def steps_back(name: str) -> int | None:
    """Return 0 for `last`, N for `last~N`, and None for an id."""
    found = _NAME.fullmatch(name.strip())
    return None if found is None else int(found[1] or 0)


def newest_task(journal: Journal, name: str, settings: Settings) -> JobRecord:
    """Return the job that `last` or `last~N` names: of this account's host, and sent.

    The sandbox of a single command has another address each time, so there every job
    counts.

    Raises:
        UsageError: there are not so many.
    """
    back = steps_back(name)
    assert back is not None  # noqa: S101 -- the caller has looked
    entries = journal.tasks(
        back + 1,
        api_base=None if settings.is_sandbox else settings.api_base,
        without=catalogue.step_names(),
    )
    if back < len(entries):
        return entries[back]
    count = len(entries)
    known = f"only {count} task{'s' * (count != 1)}" if count else "no task"
    raise UsageError(
        f"{name}: this machine knows {known}"
        f"{'' if settings.is_sandbox else f' of {settings.api_base}'}",
        hint="kling list",
    )


def resolve_last(name: str, settings: Settings) -> str:
    """Return the id that a person means by `name`: itself, or that of a newest task.

    Raises:
        UsageError: there is no such task.
        JournalError: the journal cannot be read.
    """
    if steps_back(name) is None:
        return name
    if not settings.is_sandbox:
        settings.require("api_base", "region")
    if not (settings.state_dir / FILE_NAME).is_file():
        raise UsageError(
            f"{name}: no task has been made on this machine yet", hint="kling list"
        )
    with Journal.open(settings.state_dir) as journal:
        entry = newest_task(journal, name, settings)
    return entry.task_id or entry.external_id
