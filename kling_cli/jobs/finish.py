"""Attaching to tasks that exist already: to wait for them, look at them, fetch them."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from kling_cli.api.task import Task, TaskStatus
from kling_cli.background import background
from kling_cli.clock import Clock
from kling_cli.errors import NotSavedError, OutcomeUnknownError
from kling_cli.jobs.attend import Attendant
from kling_cli.jobs.direct import is_direct
from kling_cli.jobs.entry import Entry, Stage
from kling_cli.jobs.events import AskFailed, Event, Notice, Submitted
from kling_cli.jobs.find import (
    NoSuchTaskError,
    UnsettledError,
    ask_for,
    find_jobs,
    is_attended,
    unsubmitted,
)
from kling_cli.jobs.job import KEPT_DAYS, Job, failure_of
from kling_cli.jobs.lifecycle import begin
from kling_cli.jobs.news import News
from kling_cli.jobs.options import RunOptions
from kling_cli.jobs.schedule import retry_s
from kling_cli.jobs.session import Session, open_session
from kling_cli.jobs.shared import follow_callbacks
from kling_cli.jobs.wait import deadline_at
from kling_cli.settings import Settings
from kling_cli.tunnels import identify

SETTLE_ASKS = 3
LATE_AFTER = timedelta(minutes=10)  # no create call is on its way for longer


@dataclass(slots=True, kw_only=True)
class Finishing:
    """A run over tasks that exist. `jobs` grows as they are found."""

    names: Sequence[str]
    options: RunOptions
    settings: Settings
    clock: Clock
    tell: Callable[[Event], None]
    jobs: list[Job] = field(default_factory=list)

    async def look(self) -> None:
        """Ask once how the tasks stand."""
        async with open_session(self.settings, self.clock, self.tell) as session:
            await self._find(session)
            for job in self.jobs:
                if job.task is not None:
                    job.error = failure_of(job.task)

    async def fetch(self) -> None:
        """Save the files of those that have succeeded."""
        async with open_session(self.settings, self.clock, self.tell) as session:
            await self._find(session)
            news = News(clock=self.clock)
            attendant = Attendant(
                session=session, news=news, deadline=0.0, is_fetching=True
            )
            for job in self.jobs:
                if job.task is None:
                    continue
                if job.task.status.is_final:
                    entry = replace(job.entry, is_downloading=True)
                    if "" not in entry.paths:  # wholly saved: saved once more
                        entry = replace(entry, paths=())
                    job.entry = self._as_asked(entry)
                    await attendant.end(job)
                else:
                    job.fail(_not_ready(job), self.clock.monotonic())

    async def wait(self) -> None:
        """See the tasks through to their ends.

        Raises:
            KlingError: waiting ended early.
        """
        deadline = deadline_at(self.clock, self.options.timeout_s)
        async with open_session(self.settings, self.clock, self.tell) as session:
            if self.names:
                await self._find(session)
            else:
                self.jobs += self._unfinished(session)
                await ask_for(self.jobs, session)
            absent = {job.name for job in self.jobs if job.entry.is_unsubmitted}
            await self._settle(session, deadline)
            for job in self.jobs:
                self._write_off(job, session)
            if not self.names:
                self._drop_denied(absent)
            running = [job for job in self.jobs if job.task is not None]
            for job in running:
                self._adopt(job, session)
            news = News(clock=self.clock)
            news.nonces |= {job.entry.nonce for job in running if job.entry.nonce}
            attendant = Attendant(session=session, news=news, deadline=deadline)
            async with background() as group:
                group.start_soon(follow_callbacks, session, news)
                await attendant.see_through(running)

    async def _find(self, session: Session) -> None:
        self.jobs += await find_jobs(self.names, session, self.options.command)

    def _unfinished(self, session: Session) -> list[Job]:
        """Return what the journal says is open and nobody is at work on.

        With what was not there lately: its create call may have arrived since.
        """
        return [
            Job(
                command=self.options.command,
                entry=entry,
                started_at=self.clock.monotonic(),
                is_lasting=not self.settings.is_sandbox,
            )
            for entry in session.journal.unfinished(
                absent_since=self.clock.now() - LATE_AFTER
            )
            if entry.api_base == self.settings.api_base and not is_attended(entry)
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
            self._tell_failure(unsettled, pause_s, attempt)
            await self.clock.sleep(pause_s)
            for job in unsettled:
                await self._ask_anew(job, session)

    def _tell_failure(
        self, unsettled: Sequence[Job], pause_s: float, attempt: int
    ) -> None:
        """Say why nobody answers, if that is why these jobs are not settled."""
        errors = [job.error for job in unsettled if job.error is not None]
        failure = next((each for each in errors if each.is_retryable), None)
        if failure is not None:
            self.tell(AskFailed(error=failure, retry_s=pause_s, attempt=attempt))

    def _is_unsettled(self, job: Job, attempt: int) -> bool:
        if job.life is not None:
            return False
        if isinstance(job.error, UnsettledError):
            return attempt < SETTLE_ASKS
        if job.entry.is_unsubmitted:
            return False
        return job.error is None or job.error.is_retryable

    async def _ask_anew(self, job: Job, session: Session) -> None:
        """Ask once more; a task the journal knows is waited for even if that fails."""
        if (task := job.entry.as_task) is not None:
            job.life, job.error, job.ended_at = begin(task), None, None
            return
        [fresh] = await find_jobs([job.name], session, job.command)
        job.entry, job.life = fresh.entry, fresh.life
        job.error, job.ended_at = fresh.error, fresh.ended_at
        job.queries += fresh.queries

    def _drop_denied(self, absent: Collection[str]) -> None:
        """Leave out what the API does not know, and say so unless it is `absent`."""
        for job in list(self.jobs):
            if job.entry.is_unsubmitted:
                denial = f"{job.error}; nothing was created or charged"
            elif _is_denied(job):
                denial = _denial(job.entry)
            else:
                continue
            self.jobs.remove(job)
            if job.name not in absent:
                self.tell(Notice(message=denial))

    def _write_off(self, job: Job, session: Session) -> None:
        """Note what has been found out for good of jobs that nobody knows."""
        entry = job.entry
        age = self.clock.now() - entry.written_at
        if isinstance(job.error, UnsettledError) and job.queries >= SETTLE_ASKS:
            job.entry = entry.at(Stage.ABSENT, None)
            job.error = unsubmitted(job.entry)
        elif isinstance(job.error, OutcomeUnknownError) and is_direct(entry):
            job.entry = entry.at(Stage.UNKNOWN, job.error.message)
        elif _is_denied(job) and entry.route and age > timedelta(days=KEPT_DAYS):
            job.entry = entry.at(Stage.ABSENT, None)
        if job.entry is not entry:
            session.note(
                session.journal.change,
                entry.external_id,
                stage=job.entry.stage,
                message=job.entry.message,
            )

    def _adopt(self, job: Job, session: Session) -> None:
        """Make the job ours: its owner is gone, or the person named it."""
        owner = identify(os.getpid())
        job.entry = self._as_asked(job.entry)
        session.note(
            session.journal.change,
            job.entry.external_id,
            owner_pid=os.getpid(),
            owner_started_at=owner.started_at if owner else None,
        )
        if job.task is not None and not job.task.status.is_final:
            self.tell(
                Submitted(
                    external_id=job.entry.external_id,
                    task_id=job.task.id,
                    product=job.entry.product,
                    model=job.entry.model,
                    usual_s=job.entry.usual_s,
                    prompt=job.entry.prompt,
                    age_s=self._age_s(job.task),
                )
            )

    def _age_s(self, task: Task) -> float:
        """Return for how long the API has had a task, by the clocks of both."""
        if task.created_at is None:
            return 0.0
        return max(0.0, (self.clock.now() - task.created_at).total_seconds())

    def _as_asked(self, entry: Entry) -> Entry:
        """Return the entry with what was said now in place of what was said then."""
        if self.options.output is not None:
            entry = replace(entry, output=self.options.output, paths=())
        if self.options.is_forced:
            entry = replace(entry, is_forced=True, paths=())
        if not self.options.is_downloading:
            entry = replace(entry, is_downloading=False)
        return entry


def _is_denied(job: Job) -> bool:
    """Return whether the account does not know a task that the journal knows."""
    is_unknown = isinstance(job.error, NoSuchTaskError)
    return is_unknown and job.life is None and not job.entry.is_unsubmitted


def _denial(entry: Entry) -> str:
    return (
        f"task {entry.task_id} is not known to this account: it was made with another"
        f" key, or deleted, as all are after {KEPT_DAYS} days"
    )


def _not_ready(job: Job) -> NotSavedError:
    status = job.task.status if job.task else TaskStatus.UNKNOWN
    return NotSavedError(
        f"task {job.name} is {status}: there is nothing to save yet",
        hint=f"kling wait {job.name}",
    )
