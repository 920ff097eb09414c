"""Verifies callbacks: compares what they claim with the task at the API."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import urlsplit

import anyio

from kling_cli.api import Task, TaskStatus
from kling_cli.clock import Clock
from kling_cli.errors import AccountError, CredentialsError, KlingError
from kling_cli.jobs.events import Notice
from kling_cli.listener.events import Mismatch, Verified
from kling_cli.listener.task_source import TaskQuery, query_retry_delay_s
from kling_cli.listener.task_states import claimed_task, rank
from kling_cli.store import JobRecord, StoredCallback

BATCH_WINDOW_S: Final = 0.5  # callbacks within it share a query
MAX_BATCH: Final = 20  # ids of one query. Source: API reference 2.3
MAX_QUEUED_TASKS: Final = 1000  # beyond it the oldest go unverified


def mismatches(claim: Task, actual: Task | None) -> tuple[Mismatch, ...]:
    """Return the fields in which a callback's claim differs from the API. Pure.

    A callback that is behind the API is stale, not wrong.
    """
    if actual is None:
        return (Mismatch("task_id", claim.id, None),)
    return tuple(_differences(claim, actual))


def _differences(claim: Task, actual: Task) -> Iterator[Mismatch]:
    is_ahead = rank(claim.status) > rank(actual.status)
    is_other_end = claim.status.is_final and claim.status is not actual.status
    if claim.status is not TaskStatus.UNKNOWN and (is_ahead or is_other_end):
        yield Mismatch("status", claim.status.value, actual.status.value)
    claimed_id, actual_id = claim.external_id, actual.external_id
    if claimed_id and actual_id and claimed_id != actual_id:
        yield Mismatch("external_id", claimed_id, actual_id)
    if actual.status is TaskStatus.SUCCEEDED:
        yield from _unmatched_urls(claim, actual)


def _unmatched_urls(claim: Task, actual: Task) -> Iterator[Mismatch]:
    links = [_without_signature(output.url) for output in actual.outputs]
    for index, output in enumerate(claim.outputs):
        link = _without_signature(output.url)
        if link is not None and link not in links:
            actual_link = links[index] if index < len(links) else None
            yield Mismatch(f"outputs[{index}].url", link, actual_link)


def _without_signature(url: str | None) -> str | None:
    """Return a link without its signature, which is a secret and changes."""
    if url is None:
        return None
    try:
        split = urlsplit(url)
    except ValueError:
        return "not a URL"
    host = split.netloc.rpartition("@")[2]
    return f"{split.scheme}://{host}{split.path}"


class Verifier:
    """Queries the API about the tasks of callbacks; emits `Verified` for each callback.

    `job_for_query` returns the record to query a task with, None if these credentials
    cannot query it. `record_answer` is given each answer of the API.
    """

    def __init__(
        self,
        query: TaskQuery,
        job_for_query: Callable[[str], JobRecord | None],
        *,
        clock: Clock,
        emit: Callable[[Verified | Notice], None],
        record_answer: Callable[[Task], None],
    ) -> None:
        self._query = query
        self._job_for_query = job_for_query
        self._clock = clock
        self._emit = emit
        self._record_answer = record_answer
        self._queued: OrderedDict[str, list[StoredCallback]] = OrderedDict()
        self._wakeup = anyio.Event()
        self._is_disabled = False

    def submit(self, callback: StoredCallback) -> bool:
        """Queue a callback for verification; return whether it can be verified."""
        task_id = callback.task_id
        if self._is_disabled or task_id is None or self._job_for_query(task_id) is None:
            return False
        self._queued.setdefault(task_id, []).append(callback)
        if len(self._queued) > MAX_QUEUED_TASKS:
            self._queued.popitem(last=False)
        self._wakeup.set()
        return True

    async def run(self) -> None:
        """Verify what is queued until cancelled, or until credentials are refused."""
        failures = 0
        while not self._is_disabled:
            await self._wakeup.wait()
            self._wakeup = anyio.Event()
            delay_s = query_retry_delay_s(failures) if failures else BATCH_WINDOW_S
            await self._clock.sleep(delay_s)
            is_answered = await self._verify_batch()
            failures = 0 if is_answered else failures + 1
            if self._queued:
                self._wakeup.set()

    async def _verify_batch(self) -> bool:
        """Query the API about the oldest tasks in the queue; return success."""
        ids = list(self._queued)[:MAX_BATCH]
        jobs = {task_id: self._job_for_query(task_id) for task_id in ids}
        try:
            answers = await self._query.fetch([one for one in jobs.values() if one])
        except (CredentialsError, AccountError) as exc:
            self._is_disabled = True
            self._emit(
                Notice(message=f"callbacks go unverified: {exc.message}", hint=exc.hint)
            )
            return False
        except KlingError:
            return False  # retried; forwarding and showing go on
        for task_id, job in jobs.items():
            actual = answers.get(job.key) if job else None
            self._emit_results(task_id, actual)
        return True

    def _emit_results(self, task_id: str, actual: Task | None) -> None:
        if actual is not None:
            self._record_answer(actual)
        for callback in self._queued.pop(task_id, ()):
            claim = claimed_task(callback.raw)
            if claim is None:
                continue
            found = mismatches(claim, actual)
            self._emit(
                Verified(
                    number=callback.id,
                    task_id=task_id,
                    is_true=not found,
                    actual=actual.status.value if actual is not None else None,
                    mismatches=found,
                )
            )
