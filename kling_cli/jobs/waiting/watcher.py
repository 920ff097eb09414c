"""Waiting for jobs: watch their tasks, and save what each has made when it is over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import anyio

from kling_cli.api import Task, TaskStatus
from kling_cli.clock import Clock, within
from kling_cli.errors import KlingError, StillRunningError, UnreachableError
from kling_cli.jobs.events import (
    CallbackArrived,
    CallbackPath,
    EmitEvent,
    Finished,
    Notice,
    QueryFailed,
    Querying,
    StatusChanged,
)
from kling_cli.jobs.job import Job, cost_difference, task_error
from kling_cli.jobs.outputs.saver import save_job
from kling_cli.jobs.session import Session
from kling_cli.jobs.waiting.notifications import Notifications
from kling_cli.jobs.waiting.poller import MAX_REFUSALS, is_refusal
from kling_cli.jobs.waiting.schedule import (
    PathState,
    next_query_s,
    random_jitter,
    retry_s,
)
from kling_cli.jobs.waiting.state_machine import (
    Source,
    TaskState,
    after_answer,
    after_callback,
    after_failed_query,
)
from kling_cli.store import JobRecord

BATCH_WINDOW_S = 1.0  # queries due this soon are sent with one that is due now
QUERY_TIMEOUT_S = 45.0
NO_TIMEOUT_S = 10 * 365 * 86400.0


class QueryTasks(Protocol):
    """The part of the poller that watching needs."""

    async def fetch(self, records: Sequence[JobRecord]) -> Mapping[str, Task]: ...


@dataclass(slots=True, kw_only=True)
class WatchedJob:
    """A job whose task is waited for. Times are on the clock's monotonic scale.

    `since` is when waiting began, `next_query_at` when the API is asked at the latest,
    `claimed_at` when a callback last claimed that the task is over.
    """

    job: Job
    since: float
    next_query_at: float = 0.0
    claimed_at: float | None = None

    @property
    def state(self) -> TaskState:
        """The state of the job's task."""
        assert self.job.state is not None  # noqa: S101 -- only such jobs are watched
        return self.job.state

    @state.setter
    def state(self, state: TaskState) -> None:
        self.job.state = state


@dataclass(slots=True, kw_only=True)
class TaskWatcher:
    """Watches the tasks of jobs until each is over or the deadline has come.

    It queries the API when a callback has come and when a query is due by the schedule;
    what callbacks and answers say is in each job's `state`. `on_answer` is called when
    an answer has changed a job's task, `on_final` once for each job, when its task is
    over. Both return at once.
    """

    poller: QueryTasks
    notifications: Notifications
    clock: Clock
    emit: EmitEvent
    deadline: float
    on_answer: Callable[[Job], None]
    on_final: Callable[[Job], None]
    jobs: Sequence[Job]
    _watched: list[WatchedJob] = field(default_factory=list)
    _failures: int = 0
    _refusals: int = 0
    _path: PathState = PathState.NONE

    async def run(self) -> None:
        """Return when all are over.

        Raises:
            StillRunningError: the deadline came first.
            CredentialsError, AccountError: queries were refused for good; the tasks go
                on.
        """
        self._path, now = self.notifications.path, self.clock.monotonic()
        self._watched = [
            WatchedJob(job=job, since=now) for job in self.jobs if job.state is not None
        ]
        for one in self._watched:
            one.next_query_at = self._next_query_at(one)
            if one.state.is_over:
                self.on_final(one.job)
        while running := self._running():
            await self._wait_until_due(running)
            await self._query_due(running)

    def _running(self) -> list[WatchedJob]:
        return [one for one in self._watched if not one.state.is_over]

    async def _wait_until_due(self, running: list[WatchedJob]) -> None:
        """Return when a query is due; callbacks from before the wait count too.

        Raises:
            StillRunningError: the deadline came first.
        """
        self._apply_notifications(running)
        while (now := self.clock.monotonic()) < self.deadline:
            if self._is_due(running, now):
                return
            due_in_s = min(one.next_query_at for one in running) - now
            ids = tuple(one.state.task.id for one in running)
            self.emit(
                Querying(task_ids=ids, in_s=max(0.0, due_in_s), failures=self._failures)
            )
            await self.notifications.wait(max(0.0, min(due_in_s, self.deadline - now)))
            self._apply_notifications(running)
        raise _still_running(running)

    def _is_due(self, running: list[WatchedJob], now: float) -> bool:
        return any(one.state.is_due or one.next_query_at <= now for one in running)

    def _apply_notifications(self, running: list[WatchedJob]) -> None:
        """Take callbacks and changes of the callback path into account."""
        by_nonce = {one.job.record.nonce: one for one in self._watched}
        for callback in self.notifications.take():
            self.emit(
                CallbackArrived(
                    task_id=callback.task_id,
                    status=callback.claimed.value,
                    trust=callback.trust,
                )
            )
            if (one := by_nonce.get(callback.nonce)) is not None:
                one.state = after_callback(one.state, callback.claimed)
                if callback.claimed.is_final:
                    one.claimed_at = self.clock.monotonic()
        if self.notifications.path is not self._path:
            self._path = self.notifications.path
            if self._path is PathState.PROVEN:
                self.emit(CallbackPath(state="proven"))
            for one in running:
                is_lost = self._path is PathState.LOST
                one.next_query_at = (
                    self.clock.monotonic() if is_lost else self._next_query_at(one)
                )

    async def _query_due(self, running: list[WatchedJob]) -> None:
        now = self.clock.monotonic()
        due = [
            one
            for one in running
            if one.state.is_due or one.next_query_at <= now + BATCH_WINDOW_S
        ]
        timeout_s = min(QUERY_TIMEOUT_S, self.deadline - now)
        try:
            tasks = await within(
                self.clock,
                timeout_s,
                lambda: self.poller.fetch([one.job.record for one in due]),
            )
        except TimeoutError:
            self._query_failed(
                due, UnreachableError(f"no answer within {timeout_s:.0f} s")
            )
        except KlingError as exc:
            self._query_failed(due, exc)
        else:
            self._failures = self._refusals = 0
            for one in due:
                self._apply(one, tasks.get(one.job.record.key))

    def _apply(self, one: WatchedJob, task: Task | None) -> None:
        before = one.state
        one.next_query_at = self._next_query_at(one)
        if task is None:  # not there yet, or not visible: query again
            one.state = after_failed_query(before)
            return
        one.state = after_answer(before, task)
        why = Source.CALLBACK if before.is_due else Source.POLL
        if one.state.task != before.task:
            self.on_answer(one.job)
        if one.state.task.status is not before.task.status:
            self._emit_status(one, why)
        if one.state.is_over:
            self.on_final(one.job)

    def _emit_status(self, one: WatchedJob, why: Source) -> None:
        task = one.state.task
        by = (one.state.completed_by or why).value
        self.emit(
            StatusChanged(
                task_id=task.id, status=task.status, message=task.message, by=by
            )
        )

    def _query_failed(self, due: list[WatchedJob], error: KlingError) -> None:
        """Schedule another query; only refusals that stay end the wait."""
        self._failures += 1
        self._refusals = self._refusals + 1 if is_refusal(error) else 0
        if self._refusals >= MAX_REFUSALS:
            raise error
        pause_s = retry_s(self._failures, jitter=random_jitter())
        self.emit(QueryFailed(error=error, retry_s=pause_s, attempt=self._failures))
        for one in due:
            one.next_query_at = self.clock.monotonic() + pause_s
            one.state = after_failed_query(one.state)

    def _next_query_at(self, one: WatchedJob) -> float:
        now = self.clock.monotonic()
        return now + next_query_s(
            self.notifications.path,
            waited_s=now - one.since,
            since_lost_s=self.notifications.since_lost_s,
            since_claim_s=None if one.claimed_at is None else now - one.claimed_at,
            jitter=random_jitter(),
        )


def _still_running(running: list[WatchedJob]) -> StillRunningError:
    names = " ".join(one.state.task.id for one in running)
    return StillRunningError(
        f"stopped waiting; still running: {names}", hint=f"kling wait {names}"
    )


def deadline_at(clock: Clock, timeout_s: float | None) -> float:
    """Return the deadline on the clock's monotonic scale; None is no timeout."""
    return clock.monotonic() + (NO_TIMEOUT_S if timeout_s is None else timeout_s)


async def wait_for_jobs(
    jobs: Sequence[Job],
    session: Session,
    notifications: Notifications,
    *,
    deadline: float,
) -> None:
    """Wait until every job has ended and its outputs are saved.

    Each ends with a `Finished` event. Outputs are saved while other tasks are still
    waited for; failures are in the jobs.

    Raises:
        StillRunningError, CredentialsError, AccountError: waiting ended early;
            saving of what had succeeded was completed all the same.
    """

    def record_answer(job: Job) -> None:
        if job.task is not None:
            job.record = session.record_task(job.record, job.task)

    def start_completion(job: Job) -> None:
        group.start_soon(complete_job, job, session)

    failure: KlingError | None = None
    async with anyio.create_task_group() as group:
        watcher = TaskWatcher(
            poller=session.poller,
            notifications=notifications,
            clock=session.clock,
            emit=session.emit,
            deadline=deadline,
            on_answer=record_answer,
            on_final=start_completion,
            jobs=jobs,
        )
        try:
            await watcher.run()
        except KlingError as exc:
            failure = exc
    if failure is not None:
        raise failure


async def complete_job(
    job: Job, session: Session, *, is_download_command: bool = False
) -> None:
    """Save what a job's task has made, if it succeeded, and report the job's result.

    Outputs that another process saves meanwhile are not saved again, unless for a
    download command, which was asked for the files themselves.
    """
    task = job.task
    if task is not None and (error := task_error(task)) is not None:
        job.error = error
    elif task is not None and task.status is TaskStatus.SUCCEEDED:
        if job.record.is_downloading:
            is_always = is_download_command or job.record.is_forced
            await save_job(job, task, session, is_always=is_always)
        if (difference := cost_difference(job)) is not None:
            session.emit(Notice(message=difference))
    job.ended_at = session.clock.monotonic()
    job.is_reported = True
    session.emit(Finished(result=job.result()))
