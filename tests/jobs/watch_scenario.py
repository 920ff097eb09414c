"""A task watcher with a scripted API, and callbacks at given times."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from itertools import chain, repeat
from typing import Protocol

import anyio

from kling_cli.api.tasks import Task, TaskStatus
from kling_cli.background import background
from kling_cli.errors import KlingError
from kling_cli.jobs.job import Job
from kling_cli.jobs.waiting.notifications import CallbackNotification, Notifications
from kling_cli.jobs.waiting.schedule import PathState
from kling_cli.jobs.waiting.state_machine import TaskState, initial_state
from kling_cli.jobs.waiting.watcher import TaskWatcher, deadline_at
from kling_cli.store.records import JobRecord
from tests.jobs.factories import SUBMITTED, EventLog, a_record, a_task
from tests.support.clock import FakeClock

ScriptedAnswer = TaskStatus | KlingError | None


class Answer(Protocol):
    """How query number `asked` (from 1) is answered; None: no such task."""

    def __call__(self, asked: int) -> Awaitable[Task | None]: ...


def scripted(*script: ScriptedAnswer) -> Answer:
    """Answer by `script`, its last answer for ever."""
    words: Iterator[ScriptedAnswer] = chain(script, repeat(script[-1]))

    async def answer(asked: int) -> Task | None:
        del asked
        said = next(words)
        if isinstance(said, KlingError):
            raise said
        return None if said is None else a_task(status=said)

    return answer


def refusing(error: KlingError) -> Answer:
    return scripted(error)


def hanging(*, times: int, then: TaskStatus = SUBMITTED) -> Answer:
    """Do not answer the first queries."""

    async def answer(asked: int) -> Task | None:
        if asked <= times:
            await anyio.sleep_forever()
        return a_task(status=then)

    return answer


def task_of(job: Job) -> Task:
    assert job.task is not None
    return job.task


class WatchScenario:
    """A watcher of `count` tasks, and what happens to them."""

    def __init__(
        self,
        answer: Answer,
        *,
        path: PathState = PathState.NONE,
        timeout_s: float | None = None,
        count: int = 1,
        first: TaskStatus = SUBMITTED,
    ) -> None:
        self.clock = FakeClock()
        self.event_log = EventLog()
        self.over: list[str] = []
        self.answers: list[TaskStatus] = []
        self.queried_at: list[float] = []
        self.queried_ids: list[list[str]] = []
        self._answer = answer
        self._calls: list[tuple[float, Callable[[], None]]] = []
        records = [a_record(f"e{i}", task_id=f"t{i}") for i in range(1, count + 1)]
        nonces = {record.nonce for record in records if record.nonce}
        self.notifications = Notifications(clock=self.clock, nonces=nonces, path=path)
        self.jobs = [
            Job(
                command="text2video",
                record=record,
                state=initial_state(a_task(record.task_id or "", first)),
            )
            for record in records
        ]
        self.watcher = TaskWatcher(
            poller=self,
            notifications=self.notifications,
            clock=self.clock,
            emit=self.event_log,
            deadline=deadline_at(self.clock, timeout_s),
            on_answer=lambda job: self.answers.append(task_of(job).status),
            on_final=lambda job: self.over.append(task_of(job).id),
            jobs=self.jobs,
        )

    @property
    def state(self) -> TaskState:
        state = self.jobs[0].state
        assert state is not None
        return state

    async def fetch(self, records: Sequence[JobRecord]) -> Mapping[str, Task]:
        """Answer as the API: once for all that are queried together."""
        self.queried_at.append(self.clock.elapsed_s)
        self.queried_ids.append([record.external_id for record in records])
        task = await self._answer(len(self.queried_at))
        if task is None:
            return {}
        return {
            record.external_id: a_task(record.task_id or "", task.status)
            for record in records
        }

    def call(self, claimed: TaskStatus, *, nonce: str = "nonce-e1") -> None:
        """Post a callback."""
        self.notifications.post(
            CallbackNotification(
                nonce=nonce, task_id="t1", claimed=claimed, trust="token"
            )
        )

    def at(self, seconds: float, act: Callable[[], None]) -> None:
        """Call `act` `seconds` from now."""
        self._calls.append((self.clock.elapsed_s + seconds, act))

    async def wait(self) -> None:
        async with background() as group:
            group.start_soon(self._happen)
            await self.watcher.run()

    async def _happen(self) -> None:
        while self._calls:
            self._calls.sort(key=lambda call: call[0])
            due, act = self._calls.pop(0)
            await self.clock.sleep(due - self.clock.elapsed_s)
            act()
