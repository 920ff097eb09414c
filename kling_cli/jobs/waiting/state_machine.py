"""A task's life as this process sees it: events in, the next state and what to do out.

Pure. A callback only makes us ask; an answer of the API is the only thing that changes
a status, and a final status never changes again. So any order, repetition or loss of
callbacks ends in the state that the API's last answer gives.
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
    """What made us ask."""

    CREATE = "create"
    CALLBACK = "callback"
    POLL = "poll"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskState:
    """What is known of one task. `is_due` says that the API should be asked now.

    `claimed` is the status that callbacks have claimed and no answer has confirmed:
    it decides who is credited with the news, never what the status is.
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
    """Return the life of a task as the create call's answer described it."""
    over = Source.CREATE if task.status.is_final else None
    return TaskState(task=task, completed_by=over)


def after_callback(state: TaskState, claimed: TaskStatus) -> TaskState:
    """Return the life after a callback that passed the door and claims a status."""
    counted = replace(state, callbacks=state.callbacks + 1)
    if state.is_over:
        return counted
    return replace(counted, is_due=True, claimed=_later(state.claimed, claimed))


def after_answer(state: TaskState, task: Task) -> TaskState:
    """Return the life after the API's answer.

    The news counts as brought by a callback when one had claimed an end that this
    answer confirms. An answer older than one that came before (a replica that lags)
    changes nothing.
    """
    counted = replace(state, queries=state.queries + 1, is_due=False)
    if state.is_over or _is_older(task, state.task):
        return counted
    if not task.status.is_final:
        return replace(counted, task=task, claimed=None)
    was_told = state.claimed is not None and state.claimed.is_final
    by = Source.CALLBACK if was_told else Source.POLL
    return replace(counted, task=task, completed_by=by)


def after_failed_query(state: TaskState) -> TaskState:
    """Return the life after a question that failed or found no such task."""
    return replace(state, queries=state.queries + 1, is_due=False)


def _later(one: TaskStatus | None, other: TaskStatus) -> TaskStatus:
    return other if one is None else max(one, other, key=_ORDER.index)


def _is_older(task: Task, than: Task) -> bool:
    if task.status is TaskStatus.UNKNOWN:
        return False
    return _ORDER.index(task.status) < _ORDER.index(than.status)
