"""Reconciliation with the API after an outage or a sleep: finds out what was missed.

Callbacks are not certain to be sent again, so the API is queried about all open tasks.
The end of a task that was missed is forwarded once, as a synthetic callback that has a
header to say so.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

import anyio

from kling_cli.api import Task, TaskStatus
from kling_cli.clock import Clock
from kling_cli.errors import AccountError, CredentialsError, KlingError
from kling_cli.jobs.events import Notice
from kling_cli.listener.events import Polled, Reconciled
from kling_cli.listener.forwarding.headers import RECONCILED_HEADER, RECONCILED_TRUST
from kling_cli.listener.task_source import TaskQuery, query_retry_delay_s
from kling_cli.listener.task_states import TaskStates, rank
from kling_cli.store import JobRecord, StoredCallback

CHECK_INTERVAL_S: Final = 1.0
SLEEP_THRESHOLD_S: Final = 15.0  # of wall time beyond the time waited


async def detect_sleep(clock: Clock, on_wake: Callable[[str], None]) -> None:
    """Call `on_wake` with a reason after each sleep of the machine, until cancelled.

    It slept if the wall clock has advanced by more than the time waited.
    """
    now = clock.now()
    while True:
        await clock.sleep(CHECK_INTERVAL_S)
        before, now = now, clock.now()
        slept_s = (now - before).total_seconds() - CHECK_INTERVAL_S
        if slept_s > SLEEP_THRESHOLD_S:
            on_wake(f"the machine slept for {slept_s / 60:.0f} min")


class Reconciler:
    """Queries the API about open tasks whenever callbacks may have been missed.

    `open_jobs` returns the unfinished jobs of the journal and of this session;
    `store_synthetic` stores and forwards the synthetic callback for a missed end and
    returns its number; `record_answer` is given each answer.
    """

    def __init__(  # noqa: PLR0913 -- collaborators, by name
        self,
        query: TaskQuery | None,
        task_states: TaskStates,
        *,
        clock: Clock,
        emit: Callable[[Polled | Reconciled | Notice], None],
        open_jobs: Callable[[], Sequence[JobRecord]],
        store_synthetic: Callable[[StoredCallback], Awaitable[int | None]],
        record_answer: Callable[[Task], None],
    ) -> None:
        self._query = query
        self._task_states = task_states
        self._clock = clock
        self._emit = emit
        self._open_jobs = open_jobs
        self._store_synthetic = store_synthetic
        self._record_answer = record_answer
        self._reason: str | None = None
        self._wakeup = anyio.Event()

    def request_query(self, reason: str) -> None:
        """Request a query about everything that is open, now."""
        self._reason = self._reason or reason
        self._wakeup.set()

    async def run(self) -> None:
        """Query whenever it is requested, until cancelled."""
        while True:
            await self._wakeup.wait()
            self._wakeup = anyio.Event()
            reason, self._reason = self._reason, None
            if reason is not None:
                await self._reconcile(reason)

    async def _reconcile(self, reason: str) -> None:
        if self._query is None:
            self._emit(
                Notice(
                    message=f"{reason}; without credentials nobody can say what was"
                    " missed",
                    hint="kling auth login",
                )
            )
            return
        jobs = {job.key: job for job in self._open_jobs()}
        if not jobs:
            return
        answers = await self._query_until_answered(self._query, list(jobs.values()))
        if answers is None:
            return
        ids = tuple(one.task_id or one.external_id for one in jobs.values())
        self._emit(Polled(task_ids=ids, reason=reason))
        for key, task in answers.items():
            await self._reconcile_task(jobs[key], task)

    async def _query_until_answered(
        self, query: TaskQuery, jobs: Sequence[JobRecord]
    ) -> Mapping[str, Task] | None:
        """Return the API's answers once it can be reached; None if refused."""
        failures = 0
        while True:
            try:
                return await query.fetch(jobs)
            except (CredentialsError, AccountError) as exc:
                self._emit(
                    Notice(
                        message=f"could not ask what was missed: {exc.message}",
                        hint=exc.hint,
                    )
                )
                return None
            except KlingError:
                failures += 1
                await self._clock.sleep(query_retry_delay_s(failures))

    async def _reconcile_task(self, job: JobRecord, task: Task) -> None:
        state = self._task_states.state_of(task.id)
        is_missed = task.status.is_final and not state.claimed_status.is_final
        if not is_missed and rank(task.status) <= rank(state.claimed_status):
            return
        number: int | None = None
        if is_missed:
            number = await self._store_synthetic(
                synthetic_callback(task, job, self._clock.now())
            )
        self._emit(
            Reconciled(
                task_id=task.id,
                status=task.status.value,
                is_missed=is_missed,
                number=number,
            )
        )
        self._record_answer(task)


def synthetic_callback(task: Task, job: JobRecord, now: datetime) -> StoredCallback:
    """Return the callback that was missed, in the legacy shape. Pure.

    Source: API reference 4.3, read 2026-10-04.
    """
    return StoredCallback(
        id=0,
        received_at=now,
        product=job.product or None,
        nonce=None,
        task_id=task.id,
        external_id=task.external_id,
        status=task.status.value,
        trust=RECONCILED_TRUST,
        headers=(
            ("content-type", "application/json"),
            (RECONCILED_HEADER.lower(), "1"),
        ),
        raw=json.dumps(_legacy_body(task)).encode(),
    )


def _legacy_body(task: Task) -> dict[str, object]:
    is_done = task.status is TaskStatus.SUCCEEDED
    body: dict[str, object] = {
        "task_id": task.id,
        "task_status": "succeed" if is_done else task.status.value,
        "task_status_msg": task.message or "",
        "task_info": {"external_task_id": task.external_id},
    }
    for name, moment in (
        ("created_at", task.created_at),
        ("updated_at", task.updated_at),
    ):
        if moment is not None:
            body[name] = int(moment.timestamp() * 1000)
    if is_done:
        body["task_result"] = _results(task)
    return body


def _results(task: Task) -> dict[str, list[dict[str, object]]]:
    results: dict[str, list[dict[str, object]]] = {}
    for output in task.outputs:
        item: dict[str, object] = {"id": output.id, "url": output.url}
        if output.duration_s is not None:
            item["duration"] = f"{output.duration_s:g}"
        results.setdefault(f"{output.type}s", []).append(item)
    return results
