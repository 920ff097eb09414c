"""From the ids a person types to jobs: what the journal knows, what the API knows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from kling_cli.api.task import Task
from kling_cli.errors import (
    KlingError,
    OutcomeUnknownError,
    StillRunningError,
    UnreachableError,
    UsageError,
)
from kling_cli.jobs.ask import TASKS_PATH
from kling_cli.jobs.direct import is_direct, lost
from kling_cli.jobs.entry import Entry, Stage
from kling_cli.jobs.job import Job, with_task
from kling_cli.jobs.lifecycle import begin
from kling_cli.jobs.newest import newest_task, steps_back
from kling_cli.jobs.places import Place, families, is_only_here
from kling_cli.jobs.session import Session
from kling_cli.tunnels import Identity

AGAIN = "nothing was created or charged; run the same command again"


class NoSuchTaskError(UsageError):
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
            learn(job, task, session)
        elif job.life is None:
            job.fail(_not_found(job), session.clock.monotonic())


def learn(job: Job, task: Task, session: Session) -> None:
    """Note the API's answer about a job in the job and in the journal."""
    job.life = begin(task)
    job.entry = with_task(job.entry, task)
    session.note(session.journal.observe, job.entry.external_id, task)


def is_attended(entry: Entry) -> bool:
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


def _in_journal(name: str, session: Session) -> Entry | None:
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
    if is_direct(entry):
        return lost(entry)
    return UnsettledError(
        f"it is unknown whether job {entry.external_id} was accepted: so far the API"
        " does not know it",
        hint=f"kling wait {entry.external_id}",
    )


def unsubmitted(entry: Entry) -> KlingError:
    """Return the error for a job of which there certainly is no task."""
    name = entry.external_id
    again = f"nothing was created or charged; run its {entry.command} command again"
    if entry.stage is Stage.ABSENT:
        return UnreachableError(f"job {name} never reached the API", hint=again)
    reason = f": {entry.message}" if entry.message else ""
    return NoSuchTaskError(f"job {name} was not submitted{reason}", hint=again)


def _job(entry: Entry, session: Session, command: str) -> Job:
    return Job(
        command=command,
        entry=entry,
        started_at=session.clock.monotonic(),
        is_lasting=not session.settings.is_sandbox,
    )


async def _stranger(name: str, session: Session, command: str) -> Job:
    """Return a job for a task that this machine's journal does not know."""
    entry = Entry(
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
    place: Place, name: str, session: Session, *, is_external: bool
) -> Task | None:
    if not place.is_bulk:
        return await session.client.legacy_task(place.path, name)
    found = await session.client.tasks([name], is_external=is_external, path=place.path)
    return next(iter(found.values()), None)


def _note_found(job: Job, task: Task, place: Place) -> None:
    entry = replace(
        job.entry,
        external_id=task.external_id or "",
        product=place.product,
        query_path=place.path,
    )
    job.life = begin(task)
    job.entry = with_task(entry, task)


def _ways(name: str, places: Sequence[Place]) -> list[tuple[Place, bool]]:
    """Return the questions by which a task may be found, the likeliest first.

    A legacy family compares with either id; elsewhere they are asked for apart, and
    digits are most likely an id of the API's.
    """
    is_external_first = not name.isdecimal()
    ways = [(place, is_external_first) for place in places]
    return ways + [(place, not first) for place, first in ways if place.is_bulk]


def _unknown(name: str) -> NoSuchTaskError:
    return NoSuchTaskError(
        f"no task {name} is known to this account",
        hint="`kling list` shows this machine's jobs; --region chooses the account",
    )
