"""Attaching to tasks that exist already: to wait for them, look at them, fetch them."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from kling_cli.api import Task, TaskStatus
from kling_cli.background import background
from kling_cli.clock import Clock
from kling_cli.errors import KlingError, NotSavedError, OutcomeUnknownError
from kling_cli.jobs.calls.synchronous import is_synchronous
from kling_cli.jobs.events import EmitEvent, JobResult, Notice, QueryFailed, Submitted
from kling_cli.jobs.job import (
    RETENTION_DAYS,
    Job,
    RunOptions,
    report_result,
    task_error,
)
from kling_cli.jobs.lookup import (
    UnconfirmedError,
    UnknownTaskError,
    find_jobs,
    has_live_owner,
    not_submitted_error,
    query_jobs,
)
from kling_cli.jobs.outputs.destination import check_output
from kling_cli.jobs.session import Session, open_session
from kling_cli.jobs.signals import until_signal
from kling_cli.jobs.waiting.notifications import Notifications, follow_stored_callbacks
from kling_cli.jobs.waiting.schedule import retry_s
from kling_cli.jobs.waiting.state_machine import initial_state
from kling_cli.jobs.waiting.watcher import complete_job, deadline_at, wait_for_jobs
from kling_cli.settings import Settings
from kling_cli.store import JobRecord, Stage
from kling_cli.tunnels.process_identity import identify

CONFIRMING_QUERIES = 3
MAX_CREATE_AGE = timedelta(minutes=10)  # no create call is on its way for longer


@dataclass(slots=True, kw_only=True)
class AttachedJobs:
    """A run over tasks that exist. `jobs` grows as they are found."""

    names: Sequence[str]
    options: RunOptions
    settings: Settings
    clock: Clock
    emit: EmitEvent
    jobs: list[Job] = field(default_factory=list)

    async def look(self) -> None:
        """Ask once how the tasks stand."""
        async with open_session(self.settings, self.clock, self.emit) as session:
            await self._find(session)
            for job in self.jobs:
                if job.task is not None:
                    job.error = task_error(job.task)

    async def fetch(self) -> None:
        """Save the files of those that have succeeded."""
        async with open_session(self.settings, self.clock, self.emit) as session:
            await self._find(session)
            for job in self.jobs:
                if job.task is None:
                    continue
                if job.task.status.is_final:
                    record = replace(job.record, is_downloading=True)
                    if "" not in record.paths:  # wholly saved: saved once more
                        record = replace(record, paths=())
                    job.record = self._as_asked(record)
                    await complete_job(job, session, is_download_command=True)
                else:
                    job.fail(_not_ready_error(job), self.clock.monotonic())

    async def wait(self) -> None:
        """See the tasks through to their ends.

        Raises:
            KlingError: waiting ended early.
        """
        deadline = deadline_at(self.clock, self.options.timeout_s)
        async with open_session(self.settings, self.clock, self.emit) as session:
            if self.names:
                await self._find(session)
            else:
                self.jobs += self._unfinished(session)
                await query_jobs(self.jobs, session)
            absent = {job.name for job in self.jobs if job.record.is_unsubmitted}
            await self._settle(session, deadline)
            for job in self.jobs:
                self._write_off(job, session)
            if not self.names:
                self._drop_denied(absent)
            running = [job for job in self.jobs if job.task is not None]
            for job in running:
                self._adopt(job, session)
            notifications = Notifications(clock=self.clock)
            notifications.nonces |= {
                job.record.nonce for job in running if job.record.nonce
            }
            async with background() as group:
                group.start_soon(follow_stored_callbacks, session, notifications)
                await wait_for_jobs(running, session, notifications, deadline=deadline)

    async def _find(self, session: Session) -> None:
        self.jobs += await find_jobs(self.names, session, self.options.command)

    def _unfinished(self, session: Session) -> list[Job]:
        """Return what the journal says is open and nobody is at work on.

        With what was not there lately: its create call may have arrived since.
        """
        return [
            Job(
                command=self.options.command,
                record=record,
                started_at=self.clock.monotonic(),
                is_resumable=not self.settings.is_sandbox,
            )
            for record in session.journal.unfinished_jobs(
                absent_since=self.clock.now() - MAX_CREATE_AGE
            )
            if record.api_base == self.settings.api_base and not has_live_owner(record)
        ]

    async def _settle(self, session: Session, deadline: float) -> None:
        """Find out what became of jobs without a task id, or that were not reached."""
        attempt = 0
        while unsettled := [
            job for job in self.jobs if self._is_unsettled(job, attempt)
        ]:
            attempt += 1
            pause_s = retry_s(attempt)
            if self.clock.monotonic() + pause_s > deadline:
                return
            self._emit_failure(unsettled, pause_s, attempt)
            await self.clock.sleep(pause_s)
            for job in unsettled:
                await self._ask_anew(job, session)

    def _emit_failure(
        self, unsettled: Sequence[Job], pause_s: float, attempt: int
    ) -> None:
        """Say why nobody answers, if that is why these jobs are not settled."""
        errors = [job.error for job in unsettled if job.error is not None]
        failure = next((each for each in errors if each.is_retryable), None)
        if failure is not None:
            self.emit(QueryFailed(error=failure, retry_s=pause_s, attempt=attempt))

    def _is_unsettled(self, job: Job, attempt: int) -> bool:
        if job.state is not None:
            return False
        if isinstance(job.error, UnconfirmedError):
            return attempt < CONFIRMING_QUERIES
        if job.record.is_unsubmitted:
            return False
        return job.error is None or job.error.is_retryable

    async def _ask_anew(self, job: Job, session: Session) -> None:
        """Ask once more; a task the journal knows is waited for even if that fails."""
        if (task := job.record.as_task) is not None:
            job.state, job.error, job.ended_at = initial_state(task), None, None
            return
        [fresh] = await find_jobs([job.name], session, job.command)
        job.record, job.state = fresh.record, fresh.state
        job.error, job.ended_at = fresh.error, fresh.ended_at
        job.queries += fresh.queries

    def _drop_denied(self, absent: Collection[str]) -> None:
        """Leave out what the API does not know, and say so unless it is `absent`."""
        for job in list(self.jobs):
            if job.record.is_unsubmitted:
                denial = f"{job.error}; nothing was created or charged"
            elif _is_unknown_to_account(job):
                denial = _unknown_to_account(job.record)
            else:
                continue
            self.jobs.remove(job)
            if job.name not in absent:
                self.emit(Notice(message=denial))

    def _write_off(self, job: Job, session: Session) -> None:
        """Note what has been found out for good of jobs that nobody knows."""
        record = job.record
        age = self.clock.now() - record.written_at
        if (
            isinstance(job.error, UnconfirmedError)
            and job.queries >= CONFIRMING_QUERIES
        ):
            job.record = record.at(Stage.ABSENT, None)
            job.error = not_submitted_error(job.record)
        elif isinstance(job.error, OutcomeUnknownError) and is_synchronous(record):
            job.record = record.at(Stage.UNKNOWN, job.error.message)
        elif (
            _is_unknown_to_account(job)
            and record.route
            and age > timedelta(days=RETENTION_DAYS)
        ):
            job.record = record.at(Stage.ABSENT, None)
        if job.record is not record:
            session.note(
                session.journal.update_job,
                record.external_id,
                stage=job.record.stage,
                message=job.record.message,
            )

    def _adopt(self, job: Job, session: Session) -> None:
        """Make the job ours: its owner is gone, or the person named it."""
        job.record = self._as_asked(job.record)
        if not self.options.is_embedded:
            owner = identify(os.getpid())
            session.note(
                session.journal.update_job,
                job.record.external_id,
                owner_pid=os.getpid(),
                owner_started_at=owner.started_at if owner else None,
            )
        if job.task is not None and not job.task.status.is_final:
            self.emit(
                Submitted(
                    external_id=job.record.external_id,
                    task_id=job.task.id,
                    product=job.record.product,
                    model=job.record.model,
                    usual_s=job.record.usual_s,
                    prompt=job.record.prompt,
                    age_s=self._age_s(job.task),
                )
            )

    def _age_s(self, task: Task) -> float:
        """Return for how long the API has had a task, by the clocks of both."""
        if task.created_at is None:
            return 0.0
        return max(0.0, (self.clock.now() - task.created_at).total_seconds())

    def _as_asked(self, record: JobRecord) -> JobRecord:
        """Return the entry with what was said now in place of what was said then."""
        if self.options.output is not None:
            record = replace(
                record, output=self.options.output, paths=(), is_downloading=True
            )
        if self.options.is_forced:
            record = replace(record, is_forced=True, paths=())
        if not self.options.is_downloading:
            record = replace(record, is_downloading=False)
        return record


def _is_unknown_to_account(job: Job) -> bool:
    """Return whether the account does not know a task that the journal knows."""
    is_unknown = isinstance(job.error, UnknownTaskError)
    return is_unknown and job.state is None and not job.record.is_unsubmitted


def _unknown_to_account(record: JobRecord) -> str:
    return (
        f"task {record.task_id} is not known to this account: it was made with another"
        f" key, or deleted, as all are after {RETENTION_DAYS} days"
    )


def _not_ready_error(job: Job) -> NotSavedError:
    status = job.task.status if job.task else TaskStatus.UNKNOWN
    return NotSavedError(
        f"task {job.name} is {status}: there is nothing to save yet",
        hint=f"kling wait {job.name}",
    )


async def wait_for_tasks(
    names: Sequence[str],
    options: RunOptions,
    *,
    settings: Settings,
    emit: EmitEvent,
    clock: Clock,
) -> list[JobResult]:
    """See tasks through as the generating command would have; by default all open.

    Raises:
        KlingError: nothing could be begun.
    """
    _check_output_option(options, settings)
    run = AttachedJobs(
        names=names, options=options, settings=settings, clock=clock, emit=emit
    )
    return await _run_attached(run, run.wait)


async def query_tasks(
    names: Sequence[str],
    options: RunOptions,
    *,
    settings: Settings,
    emit: EmitEvent,
    clock: Clock,
) -> list[JobResult]:
    """Ask once how tasks stand.

    Raises:
        KlingError: nothing could be begun.
    """
    run = AttachedJobs(
        names=names, options=options, settings=settings, clock=clock, emit=emit
    )
    return await _run_attached(run, run.look)


async def download_tasks(
    names: Sequence[str],
    options: RunOptions,
    *,
    settings: Settings,
    emit: EmitEvent,
    clock: Clock,
) -> list[JobResult]:
    """Save the files of finished tasks, again if need be.

    Raises:
        KlingError: nothing could be begun.
    """
    _check_output_option(options, settings)
    run = AttachedJobs(
        names=names, options=options, settings=settings, clock=clock, emit=emit
    )
    return await _run_attached(run, run.fetch)


def _check_output_option(options: RunOptions, settings: Settings) -> None:
    """Check an output given now; one of the journal is that of another command.

    Raises:
        UsageError: it could not be written.
    """
    if options.output:
        check_output(options, settings.output_dir or Path())


async def _run_attached(
    run: AttachedJobs, step: Callable[[], Awaitable[None]]
) -> list[JobResult]:
    try:
        await until_signal(step, is_embedded=run.options.is_embedded)
    except KlingError as exc:
        if not run.jobs:
            raise
        for job in run.jobs:
            if job.ended_at is None:
                job.fail(exc, run.clock.monotonic())
    return [report_result(job, run.emit) for job in run.jobs]
