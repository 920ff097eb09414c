"""What is known of tasks while listening: enough to see repetition and lateness.

Bounded: of many tasks the ones heard of last are remembered.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from kling_cli.api import Task, TaskStatus, created_from_wire, task_from_wire
from kling_cli.callbacks import MalformedPayloadError, ReceivedCallback, parse_object
from kling_cli.errors import UnreachableError
from kling_cli.store import JobRecord

MAX_TASKS: Final = 4096
MAX_BODIES_PER_TASK: Final = 64  # of one task
_RANKS: Final = {
    TaskStatus.UNKNOWN: -1,
    TaskStatus.SUBMITTED: 0,
    TaskStatus.PROCESSING: 1,
    TaskStatus.SUCCEEDED: 2,
    TaskStatus.FAILED: 2,
}


def rank(status: TaskStatus) -> int:
    """Return how far along a status is; -1 says nothing."""
    return _RANKS[status]


def claimed_task(raw: bytes) -> Task | None:
    """Return the task as a callback's body describes it: a stranger's word."""
    try:
        return task_from_wire(parse_object(raw))
    except (MalformedPayloadError, UnreachableError):
        return None


@dataclass(slots=True, kw_only=True)
class TaskState:
    """A task that was heard of: the furthest status claimed, the bodies seen.

    `actual` is the furthest that the API itself has said.
    `entry` is the journal's line about it, where it was made on this machine.
    `made_up` is the number of the callback that stood in for a missed end.
    """

    entry: JobRecord | None = None
    status: TaskStatus = TaskStatus.UNKNOWN
    actual: TaskStatus = TaskStatus.UNKNOWN
    made_up: int | None = None
    created_at: datetime | None = None
    _bodies: OrderedDict[bytes, int] = field(default_factory=OrderedDict)

    @property
    def product(self) -> str | None:
        return self.entry.product or None if self.entry else None

    def first_with(self, raw: bytes, number: int) -> int | None:
        """Return the number of the same body when it has come before; remember it."""
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
        return max(self.actual, self.status, key=rank)

    def learn(self, status: TaskStatus) -> None:
        """Note what a callback claimed."""
        self.status = max(self.status, status, key=rank)

    def confirm(self, status: TaskStatus) -> None:
        """Note what the API said."""
        self.actual = max(self.actual, status, key=rank)


class TaskStates:
    """The tasks that were heard of. `find` looks into the journal."""

    def __init__(self, find: Callable[[str], JobRecord | None]) -> None:
        self._find = find
        self._tasks: OrderedDict[str, TaskState] = OrderedDict()

    def task(self, task_id: str) -> TaskState:
        """Return what is known of a task, after looking it up the first time."""
        known = self._tasks.get(task_id)
        if known is None:
            known = self._tasks[task_id] = self._begin(task_id)
            if len(self._tasks) > MAX_TASKS:
                self._tasks.popitem(last=False)
        else:
            self._tasks.move_to_end(task_id)
            if known.entry is None:  # the first callback may come before the journal
                known.entry = self._find(task_id)
        return known

    def open_ids(self) -> list[str]:
        """Return the tasks that were heard of and have not been heard to end."""
        return [
            task_id
            for task_id, known in self._tasks.items()
            if known.status in (TaskStatus.SUBMITTED, TaskStatus.PROCESSING)
        ]

    def _begin(self, task_id: str) -> TaskState:
        entry = self._find(task_id)
        return TaskState(entry=entry, created_at=entry.created_at if entry else None)


def since_submit_s(received: ReceivedCallback, known: TaskState) -> float | None:
    """Return the seconds from the task's creation to the callback, if both are known.

    Goes by the journal where it can, by the callback's own word otherwise.
    """
    if known.created_at is None and received.hint is not None:
        known.created_at = created_from_wire(received.hint.document)
    if known.created_at is None:
        return None
    seconds = (received.received_at - known.created_at).total_seconds()
    return seconds if seconds >= 0 else None
