"""The progress model: rows of jobs, updated by events; pure.

Times are on the clock's monotonic scale, in seconds. Everything is frozen: the thread
that draws sees one state or the next, never half of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, assert_never

from kling_cli.cli.output.plain_lines import callback_path_text
from kling_cli.cli.output.terminal.text import format_duration, format_estimate
from kling_cli.jobs import events

if TYPE_CHECKING:
    from kling_cli.jobs.events import Event


_MIN_RATE_PERIOD_S = 0.2  # below that a rate is noise


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A running download, with the time and size at which it was first seen."""

    name: str
    done_bytes: int
    total_bytes: int | None
    started_at: float
    start_bytes: int

    def rate(self, now: float) -> float | None:
        """Return bytes a second so far; None while too little time has passed."""
        seconds = now - self.started_at
        if seconds < _MIN_RATE_PERIOD_S or self.done_bytes <= self.start_bytes:
            return None
        return (self.done_bytes - self.start_bytes) / seconds

    def left_s(self, now: float) -> float | None:
        """Return the estimated seconds until the download is complete."""
        rate = self.rate(now)
        if rate is None or self.total_bytes is None:
            return None
        return (self.total_bytes - self.done_bytes) / rate


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """One job. `phase` is its current step, `is_done` that it has ended."""

    external_id: str | None = None
    task_id: str | None = None
    product: str | None = None
    model: str | None = None
    prompt: str | None = None
    cost: str | None = None
    phase: str = "starting"
    started_at: float = 0.0
    submitted_at: float | None = None
    usual_s: float | None = None
    transfers: Mapping[str, Transfer] = field(default_factory=dict)
    is_done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressModel:
    """All jobs of a run and their common state.

    `api_error` is the error of the last request and which attempt it was, until a
    request succeeds.
    """

    rows: tuple[JobRow, ...] = ()
    path: str | None = None
    next_query_at: float | None = None
    api_error: tuple[str, ...] = ()
    activity: str | None = None

    def row(self, name: str | None) -> JobRow | None:
        """Return the row of this task id or external id."""
        for row in self.rows:
            if name is not None and name in (row.task_id, row.external_id):
                return row
        return None

    def with_row(self, name: str | None, now: float, **changes: Any) -> ProgressModel:
        """Return the model with a row changed, or added for an id not seen yet."""
        old = self.row(name)
        if old is None:
            new = replace(JobRow(task_id=name, started_at=now), **changes)
            return replace(self, rows=(*self.rows, new))
        new = replace(old, **changes)
        rows = tuple(new if row is old else row for row in self.rows)
        return replace(self, rows=rows)


def apply_event(progress: ProgressModel, event: Event, now: float) -> ProgressModel:  # noqa: C901, PLR0911, PLR0912 -- one case a line
    """Return the model after `event`."""
    match event:
        case events.Prepared():
            return progress.with_row(
                event.external_id,
                now,
                external_id=event.external_id,
                task_id=None,
                product=event.product,
                model=event.model,
                prompt=event.prompt,
                cost=format_estimate(event.units, event.at_most_units, event.usd),
                usual_s=event.usual_s,
                phase="submitting",
            )
        case events.TunnelOpening():
            return replace(progress, activity=f"opening a tunnel with {event.provider}")
        case events.CallbackPath():
            return replace(progress, activity=None, path=callback_path_text(event))
        case events.WaitingForSlot():
            phase = f"waiting for a slot, attempt {event.attempt}"
            waiting = progress.with_row(event.external_id, now, phase=phase)
            return replace(waiting, next_query_at=now + event.pause_s)
        case events.OutcomeCheck():
            phase = "finding out whether the API took the job"
            return progress.with_row(event.external_id, now, phase=phase)
        case events.SendFailed():
            tries = f"try {event.attempt} of {event.most_attempts}"
            return replace(
                progress.with_row(event.external_id, now, phase="submitting"),
                next_query_at=now + event.retry_s,
                api_error=(event.error.message, tries),
            )
        case events.Submitted():
            return replace(progress, api_error=()).with_row(
                event.external_id if progress.row(event.external_id) else event.task_id,
                now,
                external_id=event.external_id,
                task_id=event.task_id,
                product=event.product,
                model=event.model,
                prompt=event.prompt,
                usual_s=event.usual_s,
                submitted_at=now - event.age_s,
                phase="submitted",
            )
        case events.StatusChanged():
            return progress.with_row(event.task_id, now, phase=event.status.value)
        case events.Querying():
            api_error = progress.api_error if event.failures else ()
            next_query_at = now + event.in_s
            return replace(progress, next_query_at=next_query_at, api_error=api_error)
        case events.QueryFailed():
            return replace(
                progress,
                next_query_at=now + event.retry_s,
                api_error=(event.error.message, f"try {event.attempt}"),
            )
        case events.Downloading():
            return _downloading(progress, event, now)
        case events.DownloadRetry():
            phase = f"saving again in {format_duration(event.retry_s)}"
            return progress.with_row(event.task_id, now, phase=phase)
        case events.Saved():
            return _saved(progress, event, now)
        case events.Finished():
            return _finished(progress, event, now)
        case (
            events.CallbackArrived()
            | events.DownloadResumed()
            | events.Notice()
            | events.Remark()
        ):
            return progress  # a permanent line, or none
        case _:
            assert_never(event)


def _downloading(
    progress: ProgressModel, event: events.Downloading, now: float
) -> ProgressModel:
    row = progress.row(event.task_id)
    transfers = dict(row.transfers if row else {})
    previous = transfers.get(event.name)
    transfers[event.name] = Transfer(
        name=event.name,
        done_bytes=event.done_bytes,
        total_bytes=event.total_bytes,
        started_at=previous.started_at if previous else now,
        start_bytes=previous.start_bytes if previous else event.done_bytes,
    )
    return progress.with_row(
        event.task_id, now, phase="saving", transfers=MappingProxyType(transfers)
    )


def _saved(progress: ProgressModel, event: events.Saved, now: float) -> ProgressModel:
    """Remove the download that has become this file, whatever its final name."""
    row = progress.row(event.task_id)
    remaining = {
        name: transfer
        for name, transfer in (row.transfers if row else {}).items()
        if transfer.name != event.path.name
    }
    return progress.with_row(event.task_id, now, transfers=MappingProxyType(remaining))


def _finished(
    progress: ProgressModel, event: events.Finished, now: float
) -> ProgressModel:
    result = event.result
    name = result.task_id if progress.row(result.task_id) else result.external_id
    if progress.row(name) is None:
        return progress
    return progress.with_row(name, now, phase=result.state.value, is_done=True)
