"""What the live display knows: rows of jobs, rebuilt from events; pure.

Times are on the clock's monotonic scale, in seconds. Everything is frozen: the thread
that draws sees one board or the next, never half of one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from kling_cli.cli.output.plain_lines import callback_path_text
from kling_cli.cli.output.terminal.text import format_duration, format_estimate
from kling_cli.jobs import events as happened

if TYPE_CHECKING:
    from kling_cli.jobs.events import Event


_MIN_RATE_PERIOD_S = 0.2  # below that a rate is noise


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A download on its way, and when and where we first saw it."""

    name: str
    done_bytes: int
    total_bytes: int | None
    began_at: float
    began_bytes: int

    def rate(self, now: float) -> float | None:
        """Return bytes a second so far; None while that means nothing."""
        seconds = now - self.began_at
        if seconds < _MIN_RATE_PERIOD_S or self.done_bytes <= self.began_bytes:
            return None
        return (self.done_bytes - self.began_bytes) / seconds

    def left_s(self, now: float) -> float | None:
        """Return how long the rest will take at this rate."""
        rate = self.rate(now)
        if rate is None or self.total_bytes is None:
            return None
        return (self.total_bytes - self.done_bytes) / rate


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """One job. `phase` is what is being done about it, `is_done` that it has ended."""

    external_id: str | None = None
    task_id: str | None = None
    product: str | None = None
    model: str | None = None
    prompt: str | None = None
    cost: str | None = None
    phase: str = "starting"
    began_at: float = 0.0
    submitted_at: float | None = None
    usual_s: float | None = None
    transfers: Mapping[str, Transfer] = field(default_factory=dict)
    is_done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressModel:
    """All jobs of a run and what they have in common.

    `trouble` says why the API cannot be reached, and which try that was, as long as
    that is so.
    """

    rows: tuple[JobRow, ...] = ()
    path: str | None = None
    next_ask_at: float | None = None
    trouble: tuple[str, ...] = ()
    doing: str | None = None

    def row(self, name: str | None) -> JobRow | None:
        """Return the row of this task id or external id."""
        for row in self.rows:
            if name is not None and name in (row.task_id, row.external_id):
                return row
        return None

    def with_row(self, name: str | None, now: float, **changes: Any) -> ProgressModel:
        """Return the board with a row changed, or a new one for an id not seen yet."""
        old = self.row(name)
        if old is None:
            new = replace(JobRow(task_id=name, began_at=now), **changes)
            return replace(self, rows=(*self.rows, new))
        new = replace(old, **changes)
        rows = tuple(new if row is old else row for row in self.rows)
        return replace(self, rows=rows)


def apply_event(board: ProgressModel, event: Event, now: float) -> ProgressModel:
    """Return the board once `event` has happened."""
    change = _UPDATES.get(type(event))
    return board if change is None else change(board, event, now)


def _prepared(
    board: ProgressModel, event: happened.Prepared, now: float
) -> ProgressModel:
    return board.with_row(
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


def _tunnel_opening(
    board: ProgressModel, event: happened.TunnelOpening, _: float
) -> ProgressModel:
    return replace(board, doing=f"opening a tunnel with {event.provider}")


def _callback_path(
    board: ProgressModel, event: happened.CallbackPath, _: float
) -> ProgressModel:
    return replace(board, doing=None, path=callback_path_text(event))


def _waiting_for_slot(
    board: ProgressModel, event: happened.WaitingForSlot, now: float
) -> ProgressModel:
    phase = f"waiting for a slot, attempt {event.attempt}"
    board = board.with_row(event.external_id, now, phase=phase)
    return replace(board, next_ask_at=now + event.pause_s)


def _outcome_check(
    board: ProgressModel, event: happened.OutcomeCheck, now: float
) -> ProgressModel:
    return board.with_row(
        event.external_id, now, phase="finding out whether the API took the job"
    )


def _send_failed(
    board: ProgressModel, event: happened.SendFailed, now: float
) -> ProgressModel:
    tries = f"try {event.attempt} of {event.most_attempts}"
    board = board.with_row(event.external_id, now, phase="submitting")
    trouble = (event.error.message, tries)
    return replace(board, next_ask_at=now + event.retry_s, trouble=trouble)


def _submitted(
    board: ProgressModel, event: happened.Submitted, now: float
) -> ProgressModel:
    board = replace(board, trouble=())
    return board.with_row(
        event.external_id if board.row(event.external_id) else event.task_id,
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


def _status_changed(
    board: ProgressModel, event: happened.StatusChanged, now: float
) -> ProgressModel:
    return board.with_row(event.task_id, now, phase=event.status.value)


def _querying(
    board: ProgressModel, event: happened.Querying, now: float
) -> ProgressModel:
    trouble = board.trouble if event.failures else ()
    return replace(board, next_ask_at=now + event.in_s, trouble=trouble)


def _query_failed(
    board: ProgressModel, event: happened.QueryFailed, now: float
) -> ProgressModel:
    trouble = (event.error.message, f"try {event.attempt}")
    return replace(board, next_ask_at=now + event.retry_s, trouble=trouble)


def _downloading(
    board: ProgressModel, event: happened.Downloading, now: float
) -> ProgressModel:
    row = board.row(event.task_id)
    transfers = dict(row.transfers if row else {})
    known = transfers.get(event.name)
    transfers[event.name] = Transfer(
        name=event.name,
        done_bytes=event.done_bytes,
        total_bytes=event.total_bytes,
        began_at=known.began_at if known else now,
        began_bytes=known.began_bytes if known else event.done_bytes,
    )
    return board.with_row(
        event.task_id, now, phase="saving", transfers=MappingProxyType(transfers)
    )


def _download_retry(
    board: ProgressModel, event: happened.DownloadRetry, now: float
) -> ProgressModel:
    pause = format_duration(event.retry_s)
    return board.with_row(event.task_id, now, phase=f"saving again in {pause}")


def _saved(board: ProgressModel, event: happened.Saved, now: float) -> ProgressModel:
    """Take down the download that has become this file, whatever its final name."""
    row = board.row(event.task_id)
    kept = {
        name: transfer
        for name, transfer in (row.transfers if row else {}).items()
        if transfer.name != event.path.name
    }
    return board.with_row(event.task_id, now, transfers=MappingProxyType(kept))


def _finished(
    board: ProgressModel, event: happened.Finished, now: float
) -> ProgressModel:
    result = event.result
    name = result.task_id if board.row(result.task_id) else result.external_id
    if board.row(name) is None:
        return board
    return board.with_row(name, now, phase=result.state.value, is_done=True)


_UPDATES: Mapping[type, Callable[[ProgressModel, Any, float], ProgressModel]] = (
    MappingProxyType(
        {
            happened.Prepared: _prepared,
            happened.TunnelOpening: _tunnel_opening,
            happened.CallbackPath: _callback_path,
            happened.WaitingForSlot: _waiting_for_slot,
            happened.SendFailed: _send_failed,
            happened.OutcomeCheck: _outcome_check,
            happened.Submitted: _submitted,
            happened.StatusChanged: _status_changed,
            happened.Querying: _querying,
            happened.QueryFailed: _query_failed,
            happened.Downloading: _downloading,
            happened.DownloadRetry: _download_retry,
            happened.Saved: _saved,
            happened.Finished: _finished,
        }
    )
)
