"""The state machine of a task: an event and a state in, the next state out.

Pure. A callback only makes a query due; the API's answers alone change a status, and a
final status never changes again. So any order, repetition or loss of callbacks ends in
the state that the API's last answer gives.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from kling_cli.api import Task, TaskStatus

_ORDER = (
    TaskStatus.UNKNOWN,
    TaskStatus.SUBMITTED,
    TaskStatus.PROCESSING,
    TaskStatus.FAILED,
    TaskStatus.SUCCEEDED,
)


class Source(StrEnum):
    """What brought a status first."""

    CREATE = "create"
    CALLBACK = "callback"
    POLL = "poll"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskState:
    """The state of one task. `is_due`: the API should be queried now.

    `claimed` is the status that callbacks have claimed and no answer has confirmed: it
    decides whether a callback or a poll completed the task, never its status.
    """

    task: Task
    is_due: bool = False
    claimed: TaskStatus | None = None
    callbacks: int = 0
    queries: int = 0
    completed_by: Source | None = None

    @property
    def is_over(self) -> bool:
        return self.task.status.is_final


def initial_state(task: Task) -> TaskState:
    """Return the state of a task as the create call's answer has it."""
    completed_by = Source.CREATE if task.status.is_final else None
    return TaskState(task=task, completed_by=completed_by)


def after_callback(state: TaskState, claimed: TaskStatus) -> TaskState:
    """Return the state after an accepted callback that claims a status."""
    counted = replace(state, callbacks=state.callbacks + 1)
    if state.is_over:
        return counted
    return replace(counted, is_due=True, claimed=_later(state.claimed, claimed))


def after_answer(state: TaskState, task: Task) -> TaskState:
    """Return the state after the API's answer to a query.

    A callback completed the task if one had claimed a final status before this answer.
    An answer older than one that came before (a replica that lags) changes nothing.
    """
    counted = replace(state, queries=state.queries + 1, is_due=False)
    if state.is_over or _is_older(task, state.task):
        return counted
    if not task.status.is_final:
        return replace(counted, task=task, claimed=None)
    is_claimed_final = state.claimed is not None and state.claimed.is_final
    by = Source.CALLBACK if is_claimed_final else Source.POLL
    return replace(counted, task=task, completed_by=by)


def after_failed_query(state: TaskState) -> TaskState:
    """Return the state after a query that failed or found no such task."""
    return replace(state, queries=state.queries + 1, is_due=False)


def _later(one: TaskStatus | None, other: TaskStatus) -> TaskStatus:
    return other if one is None else max(one, other, key=_ORDER.index)


def _is_older(task: Task, than: Task) -> bool:
    if task.status is TaskStatus.UNKNOWN:
        return False
    return _ORDER.index(task.status) < _ORDER.index(than.status)
