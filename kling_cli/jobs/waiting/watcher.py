"""Waiting for tasks: wake on news or when a question is due, ask, decide, tell."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import anyio
from anyio.abc import TaskGroup

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
from kling_cli.jobs.job import Job, failure_of, surprise_of, with_task
from kling_cli.jobs.outputs.partial_file import (
    JournalRecords,
    NoRecords,
    PartialRecords,
)
from kling_cli.jobs.outputs.save_lock import saving
from kling_cli.jobs.outputs.saver import OutputRequest, Saver
from kling_cli.jobs.session import Session
from kling_cli.jobs.waiting.notifications import Notifications
from kling_cli.jobs.waiting.poller import STAYING_REFUSALS, is_refusal
from kling_cli.jobs.waiting.schedule import PathState, next_ask_s, retry_s
from kling_cli.jobs.waiting.state_machine import (
    Source,
    TaskState,
    after_answer,
    after_callback,
    after_failed_query,
)
from kling_cli.store import JobRecord, OutputKey

TOGETHER_S = 1.0  # questions due this soon ride along with one that is due now
ASK_MOST_S = 45.0
FOREVER_S = 10 * 365 * 86400.0


class QueryTasks(Protocol):
    """Whoever asks the API how tasks stand."""

    async def ask(self, records: Sequence[JobRecord]) -> Mapping[str, Task]: ...


@dataclass(slots=True, kw_only=True)
class WatchedTask:
    """One task that is being waited for. Times are on the clock's monotonic scale.

    `since` is when it was submitted, as far as we know; `claimed_at` when a callback
    last said that it is over.
    """

    record: JobRecord
    state: TaskState
    since: float
    next_ask_at: float = 0.0
    claimed_at: float | None = None


@dataclass(slots=True, kw_only=True)
class Waiter:
    """Waits for a set of tasks until each is over or the deadline has come.

    `on_answer` is given every answer, `on_over` each task once, when it is over; it
    starts what follows and returns soon.
    """

    poller: QueryTasks
    notifications: Notifications
    clock: Clock
    emit: EmitEvent
    deadline: float
    on_answer: Callable[[WatchedTask], None]
    on_over: Callable[[WatchedTask], None]
    watched: list[WatchedTask] = field(default_factory=list)
    _failures: int = 0
    _refusals: int = 0
    _path: PathState = PathState.NONE

    async def run(self) -> None:
        """Return when all are over.

        Raises:
            StillRunningError: the deadline came first.
            CredentialsError, AccountError: they stayed; the tasks go on.
        """
        self._path = self.notifications.path
        for one in self.watched:
            one.next_ask_at = self._next(one)
            if one.state.is_over:
                self.on_over(one)
        while running := self._running():
            await self._wait_for_reason(running)
            await self._ask_due(running)

    def _running(self) -> list[WatchedTask]:
        return [one for one in self.watched if not one.state.is_over]

    async def _wait_for_reason(self, running: list[WatchedTask]) -> None:
        """Return when there is something to ask; take in what came before we waited."""
        self._hear(running)
        while (now := self.clock.monotonic()) < self.deadline:
            if self._is_due(running, now):
                return
            due_in_s = min(one.next_ask_at for one in running) - now
            ids = tuple(one.state.task.id for one in running)
            self.emit(
                Querying(task_ids=ids, in_s=max(0.0, due_in_s), failures=self._failures)
            )
            await self.notifications.wait(max(0.0, min(due_in_s, self.deadline - now)))
            self._hear(running)
        raise _still_running(running)

    def _is_due(self, running: list[WatchedTask], now: float) -> bool:
        return any(one.state.is_due or one.next_ask_at <= now for one in running)

    def _hear(self, running: list[WatchedTask]) -> None:
        """Take callbacks and changes of the path into account."""
        by_nonce = {one.record.nonce: one for one in self.watched}
        for hint in self.notifications.take():
            self.emit(
                CallbackArrived(
                    task_id=hint.task_id, status=hint.claimed.value, trust=hint.trust
                )
            )
            if (one := by_nonce.get(hint.nonce)) is not None:
                one.state = after_callback(one.state, hint.claimed)
                if hint.claimed.is_final:
                    one.claimed_at = self.clock.monotonic()
        if self.notifications.path is not self._path:
            self._path = self.notifications.path
            if self._path is PathState.PROVEN:
                self.emit(CallbackPath(state="proven"))
            for one in running:
                is_lost = self._path is PathState.LOST
                one.next_ask_at = self.clock.monotonic() if is_lost else self._next(one)

    async def _ask_due(self, running: list[WatchedTask]) -> None:
        now = self.clock.monotonic()
        due = [
            one
            for one in running
            if one.state.is_due or one.next_ask_at <= now + TOGETHER_S
        ]
        most_s = min(ASK_MOST_S, self.deadline - now)
        try:
            tasks = await within(
                self.clock, most_s, lambda: self.poller.ask([one.record for one in due])
            )
        except TimeoutError:
            self._failed(due, UnreachableError(f"no answer within {most_s:.0f} s"))
        except KlingError as exc:
            self._failed(due, exc)
        else:
            self._failures = self._refusals = 0
            for one in due:
                self._apply(one, tasks.get(one.record.key))

    def _apply(self, one: WatchedTask, task: Task | None) -> None:
        before = one.state
        one.next_ask_at = self._next(one)
        if task is None:  # not there yet, or not ours to see: ask again
            one.state = after_failed_query(before)
            return
        one.state = after_answer(before, task)
        why = Source.CALLBACK if before.is_due else Source.POLL
        if one.state.task != before.task:
            self.on_answer(one)
        if one.state.task.status is not before.task.status:
            self._emit_status(one, why)
        if one.state.is_over:
            self.on_over(one)

    def _emit_status(self, one: WatchedTask, why: Source) -> None:
        task = one.state.task
        by = (one.state.completed_by or why).value
        self.emit(
            StatusChanged(
                task_id=task.id, status=task.status, message=task.message, by=by
            )
        )

    def _failed(self, due: list[WatchedTask], error: KlingError) -> None:
        """Ask again later; only refusals that stay end the wait."""
        self._failures += 1
        self._refusals = self._refusals + 1 if is_refusal(error) else 0
        if self._refusals >= STAYING_REFUSALS:
            raise error
        pause_s = retry_s(self._failures, spread=_spread())
        self.emit(QueryFailed(error=error, retry_s=pause_s, attempt=self._failures))
        for one in due:
            one.next_ask_at = self.clock.monotonic() + pause_s
            one.state = after_failed_query(one.state)

    def _next(self, one: WatchedTask) -> float:
        now = self.clock.monotonic()
        return now + next_ask_s(
            self.notifications.path,
            waited_s=now - one.since,
            since_lost_s=self.notifications.since_lost_s,
            since_claim_s=None if one.claimed_at is None else now - one.claimed_at,
            spread=_spread(),
        )


def _still_running(running: list[WatchedTask]) -> StillRunningError:
    names = " ".join(one.state.task.id for one in running)
    return StillRunningError(
        f"stopped waiting; still running: {names}", hint=f"kling wait {names}"
    )


def deadline_at(clock: Clock, timeout_s: float | None) -> float:
    """Return when to stop, on the clock's monotonic scale; None waits for ever."""
    return clock.monotonic() + (FOREVER_S if timeout_s is None else timeout_s)


def _spread() -> float:
    return random.random()  # noqa: S311 -- jitter, not a secret


_HERE = Path()


@dataclass(slots=True, kw_only=True)
class TaskWatcher:
    """Waits for jobs and saves what they make; each ends with a `Finished` event.

    What another process saves meanwhile is not saved again, unless `is_fetching`: the
    person has asked for the files themselves.
    """

    session: Session
    notifications: Notifications
    deadline: float
    is_fetching: bool = False

    async def see_through(self, jobs: list[Job]) -> None:
        """Return when every job has ended; failures are noted in the jobs.

        Raises:
            StillRunningError, CredentialsError, AccountError: waiting ended early;
                saving of what had succeeded was completed all the same.
        """
        failure: KlingError | None = None
        async with anyio.create_task_group() as group:
            try:
                await self._wait(_Hands(self, group, jobs))
            except KlingError as exc:
                failure = exc
        if failure is not None:
            raise failure

    async def _wait(self, hands: _Hands) -> None:
        watched = hands.watched(since=self.session.clock.monotonic())
        waiter = Waiter(
            poller=self.session.poller,
            notifications=self.notifications,
            clock=self.session.clock,
            emit=self.session.emit,
            deadline=self.deadline,
            on_answer=hands.note,
            on_over=hands.begin_end,
            watched=watched,
        )
        try:
            await waiter.run()
        finally:
            hands.keep_lives(watched)

    async def end(self, job: Job) -> None:
        """Do what is left to do for a job whose task is over, and tell its result."""
        task = job.task
        if task is not None and (error := failure_of(task)) is not None:
            job.error = error
        elif task is not None and task.status is TaskStatus.SUCCEEDED:
            await self._save(job, task)
            if (surprise := surprise_of(job)) is not None:
                self.session.emit(Notice(message=surprise))
        job.ended_at = self.session.clock.monotonic()
        job.is_reported = True
        self.session.emit(Finished(result=job.result()))

    async def _save(self, job: Job, task: Task) -> None:
        if not job.record.is_downloading:
            return
        state_dir, clock = self.session.settings.state_dir, self.session.clock
        async with saving(state_dir, job.record.key, clock):
            await self._save_alone(job, task, self._saved_by_others(job))

    def _saved_by_others(self, job: Job) -> tuple[str, ...]:
        """Return the paths that another process has noted since our run began."""
        record = job.record
        if self.is_fetching or record.is_forced:
            return ()
        try:
            fresh = self.session.journal.find_job(record.external_id)
        except KlingError:
            return ()
        is_news = fresh is not None and fresh.paths != record.paths
        return fresh.paths if fresh is not None and is_news else ()

    async def _save_alone(self, job: Job, task: Task, others: tuple[str, ...]) -> None:
        saver = Saver(
            http=self.session.http,
            clock=self.session.clock,
            emit=self.session.emit,
            record=job.record,
            folder=self.session.settings.output_dir or _HERE,
            ask_again=lambda: self._ask_again(job),
            others=others,
            note=lambda paths: self._note(job, paths=_absolute(paths)),
            records_of=lambda wish: self._records(job, wish),
        )
        try:
            await saver.save(task)
        except KlingError as exc:
            job.error = exc
        job.saved = tuple(saver.saved)

    def _records(self, job: Job, wish: OutputRequest) -> PartialRecords:
        """Return where partial files are written down; nowhere if the task ends too."""
        if not job.is_resumable:
            return NoRecords()
        return JournalRecords(
            session=self.session,
            place=OutputKey(
                api_base=job.record.api_base,
                task_id=job.name,
                file_index=wish.index,
                is_watermark=wish.is_watermark,
            ),
        )

    def _note(self, job: Job, **columns: Any) -> None:
        """Write down what was saved as it is: whatever comes next may be the end."""
        job.record = replace(job.record, **columns)
        self.session.note(
            self.session.journal.update_job, job.record.external_id, **columns
        )

    async def _ask_again(self, job: Job) -> Task | None:
        """Return the task as it stands now, for fresh links; None if nobody says."""
        job.queries += 1
        try:
            answers = await self.session.poller.ask([job.record])
        except KlingError:
            return None
        fresh = answers.get(job.record.key)
        if fresh is not None and job.state is not None:
            job.state = replace(job.state, task=fresh)
        return fresh


def _absolute(paths: Iterable[str]) -> tuple[str, ...]:
    """Return the paths as they can be found from any folder; `""` stays so."""
    return tuple(str(Path(path).absolute()) if path else "" for path in paths)


class _Hands:
    """Carry each answer to its job, and begin the ends of jobs beside the waiting."""

    def __init__(self, watcher: TaskWatcher, group: TaskGroup, jobs: list[Job]) -> None:
        self._watcher = watcher
        self._group = group
        self._jobs = {job.record.key: job for job in jobs}

    def watched(self, *, since: float) -> list[WatchedTask]:
        return [
            WatchedTask(record=job.record, state=job.state, since=since)
            for job in self._jobs.values()
            if job.state is not None
        ]

    def note(self, one: WatchedTask) -> None:
        """Keep what the API said, in the journal and in the job."""
        job = self._jobs[one.record.key]
        job.state = one.state
        job.record = one.record = with_task(one.record, one.state.task)
        session = self._watcher.session
        session.note(
            session.journal.record_task, job.record.external_id, one.state.task
        )

    def begin_end(self, one: WatchedTask) -> None:
        self._group.start_soon(self._watcher.end, self._jobs[one.record.key])

    def keep_lives(self, watched: list[WatchedTask]) -> None:
        """Let jobs whose waiting was cut short know what was asked and heard."""
        for one in watched:
            if not one.state.is_over:
                self._jobs[one.record.key].state = one.state
