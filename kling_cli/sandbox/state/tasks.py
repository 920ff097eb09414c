"""Tasks: what was asked for, when the status changes, and their repository.

How it stands is a pure function of its times and the moment asked about.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kling_cli.catalogue import Plan
    from kling_cli.sandbox.media.outputs import Output

RISK_CONTROL = "Failure to pass the risk control system"
GENERATION_ERROR = "Internal generation error"


class Phase(StrEnum):
    """Where a task is in its life. Source: API reference, section 2.1."""

    SUBMITTED = "submitted"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        return self in (Phase.SUCCEEDED, Phase.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a task ends, once it does."""

    phase: Phase = Phase.SUCCEEDED
    message: str = ""
    has_outputs: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """When a task changes, in seconds since the epoch; infinity is never."""

    created_at: float
    processing_at: float
    ended_at: float

    def changed_at(self, moment: float) -> float:
        """Return when the last change before `moment` was."""
        past = [at for at in (self.processing_at, self.ended_at) if at <= moment]
        return max([self.created_at, *past])


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxTask:
    """One task of the account, whichever generation it was made with.

    `units` are charged when it succeeds. `has_unknown_words` and `has_hostile_names`
    make its JSON unusual in ways that a client has to accept. `parent_video` is what it
    was made from, as its JSON shows it.
    """

    id: str
    plan: Plan
    times: Times
    outcome: Outcome
    outputs: tuple[Output, ...]
    units: float
    slots: int = 1
    external_id: str | None = None
    callback_url: str | None = None
    has_watermark: bool = False
    has_unknown_words: bool = False
    has_hostile_names: bool = False
    parent_video: Mapping[str, str] | None = None

    @property
    def pack(self) -> str:
        return self.plan.product.pack

    def phase_at(self, moment: float) -> Phase:
        if moment >= self.times.ended_at:
            return self.outcome.phase
        if moment >= self.times.processing_at:
            return Phase.PROCESSING
        return Phase.SUBMITTED

    def charge_at(self, moment: float) -> float:
        """Return the units charged by `moment`: all on success, else none."""
        return self.units if self.phase_at(moment) is Phase.SUCCEEDED else 0.0

    @property
    def changes(self) -> tuple[float, ...]:
        """The moments at which it changes, in order, its creation first."""
        times = self.times
        between = (times.processing_at,) if times.processing_at < times.ended_at else ()
        return (times.created_at, *between, times.ended_at)


def times_from(created_at: float, task_seconds: float) -> Times:
    """Return the times of a task that takes `task_seconds`, a fifth of them queued."""
    return Times(
        created_at=created_at,
        processing_at=created_at + task_seconds / 5,
        ended_at=created_at + task_seconds,
    )


def force_phase(
    task: SandboxTask, phase: Phase, message: str, now: float
) -> SandboxTask:
    """Return `task` put into `phase` at `now`; an unfinished one then stays there."""
    times, outcome = task.times, task.outcome
    begun = min(times.processing_at, now)
    match phase:
        case Phase.SUBMITTED:
            times = replace(times, processing_at=inf, ended_at=inf)
        case Phase.PROCESSING:
            times = replace(times, processing_at=begun, ended_at=inf)
        case Phase.SUCCEEDED | Phase.FAILED:
            times = replace(times, processing_at=begun, ended_at=now)
            outcome = Outcome(phase=phase, message=message)
    return replace(task, times=times, outcome=outcome)


class TaskRepository:
    """Keeps the tasks of the account, by id and by external id."""

    def __init__(self) -> None:
        self._tasks: dict[str, SandboxTask] = {}
        self._by_external_id: dict[str, str] = {}

    def __iter__(self) -> Iterator[SandboxTask]:
        """Yield the tasks, oldest first."""
        return iter(self._tasks.values())

    def put(self, task: SandboxTask) -> None:
        """Add a task, or replace the one of the same id."""
        self._tasks[task.id] = task
        if task.external_id is not None:
            self._by_external_id[task.external_id] = task.id

    def __getitem__(self, task_id: str) -> SandboxTask:
        return self._tasks[task_id]

    def get(self, task_id: str) -> SandboxTask | None:
        return self._tasks.get(task_id)

    def by_external_id(self, external_id: str) -> SandboxTask | None:
        return self._tasks.get(self._by_external_id.get(external_id, ""))
