"""The run over tasks that exist: waits for them, queries or downloads them.

What only waiting and downloading need is imported there: `kling status` starts quickly.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from kling_cli.api import Task, TaskStatus
from kling_cli.clock import Clock
from kling_cli.errors import KlingError, NotSavedError, OutcomeUnknownError
from kling_cli.jobs.events import EmitEvent, JobResult, Notice, QueryFailed
from kling_cli.jobs.job import (
    RETENTION_DAYS,
    Job,
    RunOptions,
    new_job,
    report_result,
    task_error,
)
from kling_cli.jobs.lookup import (
    UnconfirmedError,
    UnknownTaskError,
    find_jobs,
    has_live_owner,
    not_submitted_error,
    owner_columns,
    query_jobs,
)
from kling_cli.jobs.session import Session, open_session
from kling_cli.jobs.signals import until_signal
from kling_cli.jobs.waiting.poller import is_synchronous
from kling_cli.jobs.waiting.state_machine import initial_state
from kling_cli.settings import Settings
from kling_cli.store import JobRecord, Stage

CONFIRMING_QUERIES = 3  # before "no such task" is believed of a job in doubt
MAX_CREATE_AGE = timedelta(minutes=10)  # no create call is on its way for longer


@dataclass(slots=True, kw_only=True)
class AttachedRun:
    """The run over tasks that exist; without names, over the unfinished ones.

    `jobs` grows as they are found.
    """

    names: Sequence[str]
    options: RunOptions
    settings: Settings
    clock: Clock
    emit: EmitEvent
    jobs: list[Job] = field(default_factory=list)

    async def wait(self) -> list[JobResult]:
        """Wait for the tasks and save their outputs; without names, those unfinished.

        Raises:
            KlingError: no task could be found or queried.
        """
        self._check_output()
        return await self._results_of(self._wait)

    async def query(self) -> list[JobResult]:
        """Query the tasks once.

        Raises:
            KlingError: no task could be found or queried.
        """
        return await self._results_of(self._query)

    async def download(self) -> list[JobResult]:
        """Save the outputs of finished tasks, again if they were saved before.

        Raises:
            KlingError: no task could be found or queried.
        """
        self._check_output()
        return await self._results_of(self._download)

    def _check_output(self) -> None:
        """Check an output given now; one in the journal is that of another command.

        Raises:
            UsageError: it could not be written.
        """
        from kling_cli.jobs.outputs.destination import check_output

        if self.options.output:
            check_output(self.options, self.settings.output_dir or Path())

    async def _results_of(self, step: Callable[[], Awaitable[None]]) -> list[JobResult]:
        """Await a step, and return what became of each job."""
        try:
            await until_signal(step, is_embedded=self.options.is_embedded)
        except KlingError as exc:
            if not self.jobs:
                raise
            for job in self.jobs:
                if job.ended_at is None:
                    job.fail(exc, self.clock.monotonic())
        return [report_result(job, self.emit) for job in self.jobs]

    async def _query(self) -> None:
        async with open_session(self.settings, self.clock, self.emit) as session:
            await self._find(session)
            for job in self.jobs:
                if job.task is not None:
                    job.error = task_error(job.task)

    async def _download(self) -> None:
        from kling_cli.jobs.waiting.watcher import complete_job

        async with open_session(self.settings, self.clock, self.emit) as session:
            await self._find(session)
            for job in self.jobs:
                if job.task is None:
                    continue
                if job.task.status.is_final:
                    record = replace(job.record, is_downloading=True)
                    if "" not in record.paths:  # wholly saved: saved once more
                        record = replace(record, paths=())
                    job.record = self._with_options(record)
                    await complete_job(job, session, is_download_command=True)
                else:
                    job.fail(_not_ready_error(job), self.clock.monotonic())

    async def _wait(self) -> None:
        from kling_cli.background import background
        from kling_cli.jobs.waiting.notifications import (
            Notifications,
            follow_stored_callbacks,
        )
        from kling_cli.jobs.waiting.watcher import deadline_at, wait_for_jobs

        deadline = deadline_at(self.clock, self.options.timeout_s)
        async with open_session(self.settings, self.clock, self.emit) as session:
            if self.names:
                await self._find(session)
            else:
                self.jobs += self._unfinished(session)
                await query_jobs(self.jobs, session)
            absent = {job.name for job in self.jobs if job.record.is_unsubmitted}
            await self._query_unconfirmed(session, deadline)
            for job in self.jobs:
                self._record_unknown(job, session)
            if not self.names:
                self._drop_unknown(absent)
            running = [job for job in self.jobs if job.task is not None]
            for job in running:
                self._adopt(job, session)
            nonces = {job.record.nonce for job in running if job.record.nonce}
            notifications = Notifications(clock=self.clock, nonces=nonces)
            async with background() as group:
                group.start_soon(follow_stored_callbacks, session, notifications)
                await wait_for_jobs(running, session, notifications, deadline=deadline)

    async def _find(self, session: Session) -> None:
        self.jobs += await find_jobs(self.names, session, self.options.command)

    def _unfinished(self, session: Session) -> list[Job]:
        """Return the unfinished jobs of the journal that no other process works on.

        Those that were absent at the last query are among them while their create call
        may still arrive.
        """
        return [
            new_job(record, session, self.options.command)
            for record in session.journal.unfinished_jobs(
                absent_since=self.clock.now() - MAX_CREATE_AGE
            )
            if record.api_base == self.settings.api_base and not has_live_owner(record)
        ]

    async def _query_unconfirmed(self, session: Session, deadline: float) -> None:
        """Query jobs without a task id, and those that could not be queried, again."""
        from kling_cli.jobs.waiting.schedule import retry_s

        attempt = 0
        while unconfirmed := [
            job for job in self.jobs if self._is_unconfirmed(job, attempt)
        ]:
            attempt += 1
            pause_s = retry_s(attempt)
            if self.clock.monotonic() + pause_s > deadline:
                return
            self._emit_failure(unconfirmed, pause_s, attempt)
            await self.clock.sleep(pause_s)
            for job in unconfirmed:
                await self._query_again(job, session)

    def _emit_failure(self, jobs: Sequence[Job], pause_s: float, attempt: int) -> None:
        """Report the failure that keeps these jobs unconfirmed, if it is one."""
        errors = [job.error for job in jobs if job.error is not None]
        failure = next((each for each in errors if each.is_retryable), None)
        if failure is not None:
            self.emit(QueryFailed(error=failure, retry_s=pause_s, attempt=attempt))

    def _is_unconfirmed(self, job: Job, attempt: int) -> bool:
        if job.state is not None:
            return False
        if isinstance(job.error, UnconfirmedError):
            return attempt < CONFIRMING_QUERIES
        if job.record.is_unsubmitted:
            return False
        return job.error is None or job.error.is_retryable

    async def _query_again(self, job: Job, session: Session) -> None:
        """Query once more; a task in the journal is waited for even if that fails."""
        if (task := job.record.as_task) is not None:
            job.state, job.error, job.ended_at = initial_state(task), None, None
            return
        [fresh] = await find_jobs([job.name], session, job.command)
        job.record, job.state = fresh.record, fresh.state
        job.error, job.ended_at = fresh.error, fresh.ended_at
        job.queries += fresh.queries

    def _drop_unknown(self, absent: Collection[str]) -> None:
        """Drop jobs that the API does not know; report those that are not `absent`."""
        for job in list(self.jobs):
            if job.record.is_unsubmitted:
                message = f"{job.error}; nothing was created or charged"
            elif _is_unknown_to_account(job):
                message = _unknown_to_account(job.record)
            else:
                continue
            self.jobs.remove(job)
            if job.name not in absent:
                self.emit(Notice(message=message))

    def _record_unknown(self, job: Job, session: Session) -> None:
        """Record what is certain by now of a job that the API does not know."""
        record = job.record
        is_confirmed = job.queries >= CONFIRMING_QUERIES
        is_expired = self.clock.now() - record.written_at > timedelta(
            days=RETENTION_DAYS
        )
        if isinstance(job.error, UnconfirmedError) and is_confirmed:
            job.record = session.update_job(record, stage=Stage.ABSENT, message=None)
            job.error = not_submitted_error(job.record)
        elif isinstance(job.error, OutcomeUnknownError) and is_synchronous(record):
            job.record = session.update_job(
                record, stage=Stage.UNKNOWN, message=job.error.message
            )
        elif _is_unknown_to_account(job) and record.route and is_expired:
            job.record = session.update_job(record, stage=Stage.ABSENT, message=None)

    def _adopt(self, job: Job, session: Session) -> None:
        """Make this process the job's owner: its own has ended, or it was named."""
        job.record = self._with_options(job.record)
        if not self.options.is_embedded:
            job.record = session.update_job(job.record, **owner_columns())
        if job.task is not None and not job.task.status.is_final:
            self.emit(job.submitted(job.task, age_s=self._age_s(job.task)))

    def _age_s(self, task: Task) -> float:
        """Return for how long the API has had a task, by the clocks of both."""
        if task.created_at is None:
            return 0.0
        return max(0.0, (self.clock.now() - task.created_at).total_seconds())

    def _with_options(self, record: JobRecord) -> JobRecord:
        """Return the record with the options given now in place of the stored ones."""
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
