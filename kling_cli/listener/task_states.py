"""The states of recently seen tasks, to detect duplicates and stale callbacks.

Bounded: the least recently used tasks are dropped.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from kling_cli.api import Task, TaskStatus, created_at_from_wire, task_from_wire
from kling_cli.callbacks import MalformedPayloadError, ReceivedCallback, parse_object
from kling_cli.errors import UnreachableError
from kling_cli.store import JobRecord

MAX_TASKS: Final = 4096
MAX_BODIES_PER_TASK: Final = 64
_RANKS: Final = {
    TaskStatus.UNKNOWN: -1,
    TaskStatus.SUBMITTED: 0,
    TaskStatus.PROCESSING: 1,
    TaskStatus.SUCCEEDED: 2,
    TaskStatus.FAILED: 2,
}


def rank(status: TaskStatus) -> int:
    """Return how far along a status is; -1 for an unknown one."""
    return _RANKS[status]


def claimed_task(raw: bytes) -> Task | None:
    """Return the task as a callback's body describes it, unverified."""
    try:
        return task_from_wire(parse_object(raw))
    except (MalformedPayloadError, UnreachableError):
        return None


@dataclass(slots=True, kw_only=True)
class TaskState:
    """The state of one task: the furthest status claimed, and the bodies received.

    `api_status` is the furthest status that the API itself has reported.
    `job` is the journal's record, where the task was created on this machine.
    `synthetic_id` is the number of the callback that replaced a missed final one.
    """

    job: JobRecord | None = None
    claimed_status: TaskStatus = TaskStatus.UNKNOWN
    api_status: TaskStatus = TaskStatus.UNKNOWN
    synthetic_id: int | None = None
    created_at: datetime | None = None
    _bodies: OrderedDict[bytes, int] = field(default_factory=OrderedDict)

    @property
    def product(self) -> str | None:
        return self.job.product or None if self.job else None

    def record_body(self, raw: bytes, number: int) -> int | None:
        """Record a body; return the number of an earlier callback with the same."""
        digest = hashlib.blake2b(raw, digest_size=16).digest()
        first = self._bodies.get(digest)
        if first is None:
            self._bodies[digest] = number
            if len(self._bodies) > MAX_BODIES_PER_TASK:
                self._bodies.popitem(last=False)
        return first

    def is_behind(self, status: TaskStatus) -> bool:
        return status is not TaskStatus.UNKNOWN and rank(status) < rank(self.furthest)

    @property
    def furthest(self) -> TaskStatus:
        return max(self.api_status, self.claimed_status, key=rank)

    def record_claim(self, status: TaskStatus) -> None:
        """Record the status that a callback claims."""
        self.claimed_status = max(self.claimed_status, status, key=rank)

    def record_api_status(self, status: TaskStatus) -> None:
        """Record the status that the API reports."""
        self.api_status = max(self.api_status, status, key=rank)


class TaskStates:
    """The states of recent tasks. `find_job` looks a task up in the journal."""

    def __init__(self, find_job: Callable[[str], JobRecord | None]) -> None:
        self._find_job = find_job
        self._tasks: OrderedDict[str, TaskState] = OrderedDict()

    def state_of(self, task_id: str) -> TaskState:
        """Return the state of a task; it is looked up in the journal the first time."""
        state = self._tasks.get(task_id)
        if state is None:
            state = self._tasks[task_id] = self._new_state(task_id)
            if len(self._tasks) > MAX_TASKS:
                self._tasks.popitem(last=False)
        else:
            self._tasks.move_to_end(task_id)
            if state.job is None:  # the first callback may precede the record
                state.job = self._find_job(task_id)
        return state

    def open_task_ids(self) -> list[str]:
        """Return the tasks seen whose final callback was not received."""
        return [
            task_id
            for task_id, state in self._tasks.items()
            if state.claimed_status in (TaskStatus.SUBMITTED, TaskStatus.PROCESSING)
        ]

    def _new_state(self, task_id: str) -> TaskState:
        job = self._find_job(task_id)
        return TaskState(job=job, created_at=job.created_at if job else None)


def since_submit_s(received: ReceivedCallback, state: TaskState) -> float | None:
    """Return the seconds from the task's creation to the callback, if both are known.

    Prefers the journal's time of creation to the one that the callback claims.
    """
    if state.created_at is None and received.payload is not None:
        state.created_at = created_at_from_wire(received.payload.document)
    if state.created_at is None:
        return None
    seconds = (received.received_at - state.created_at).total_seconds()
    return seconds if seconds >= 0 else None
