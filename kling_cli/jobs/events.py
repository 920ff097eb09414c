"""The events of a run, and the result of a job; a reporter shows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec import Struct

from kling_cli.api import TaskStatus
from kling_cli.store import SavedOutput, State

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from kling_cli.api import ApiResponse
    from kling_cli.errors import KlingError


class Prepared(Struct, frozen=True, kw_only=True):
    """The request has been checked and written down; nothing has been sent.

    `units` are the estimate; where only a bound is known, `at_most_units` is that.
    `usd` is the list price of the one or the other.
    """

    external_id: str
    product: str
    model: str
    units: float | None
    usual_s: float | None
    at_most_units: float | None = None
    usd: float | None = None
    prompt: str | None = None


class TunnelOpening(Struct, frozen=True, kw_only=True):
    """A tunnel is being opened; nothing has been sent yet.

    `detail` is why the provider that was tried before it failed.
    """

    provider: str
    detail: str | None = None


class CallbackPath(Struct, frozen=True, kw_only=True):
    """The state of the callback path has changed.

    `state`: `ready` (a URL was given to the API), `proven` (a callback came), `lost`,
    `back`, `none` (polling only). `detail` says why, and what to do, for a person.
    `via`: a tunnel provider such as `ngrok`, `shared` (another kling's tunnel),
    `loopback`, `url`, or None.
    """

    state: str
    via: str | None = None
    detail: str | None = None
    hint: str | None = None


class WaitingForSlot(Struct, frozen=True, kw_only=True):
    """All slots of the account are taken; the next attempt is in `pause_s`."""

    external_id: str
    attempt: int
    pause_s: float


class SendFailed(Struct, frozen=True, kw_only=True):
    """A create call certainly did not arrive; it is sent again in `retry_s`.

    `attempt` counts such calls from 1, and after `most_attempts` no other is made.
    """

    external_id: str
    error: KlingError
    attempt: int
    most_attempts: int
    retry_s: float


class OutcomeCheck(Struct, frozen=True, kw_only=True):
    """The create call's outcome is unknown; the external id is queried."""

    external_id: str
    reason: str


class Submitted(Struct, frozen=True, kw_only=True):
    """The API has the task; from here on it is paid for if it succeeds.

    `age_s` is for how long it has had it, `usual_s` how long such a task usually takes.
    """

    external_id: str
    task_id: str
    product: str
    model: str | None
    usual_s: float | None
    prompt: str | None = None
    age_s: float = 0.0


class StatusChanged(Struct, frozen=True, kw_only=True):
    """The task's status has changed. `by`: `callback` or `poll`."""

    task_id: str
    status: TaskStatus
    message: str | None
    by: str


class CallbackArrived(Struct, frozen=True, kw_only=True):
    """A callback was accepted, so the API is queried. `trust`: `signed` or `token`."""

    task_id: str | None
    status: str
    trust: str


class Querying(Struct, frozen=True, kw_only=True):
    """The next query is due in `in_s` at the latest.

    `failures` is how many queries before it have failed in a row.
    """

    task_ids: tuple[str, ...]
    in_s: float
    failures: int = 0


class QueryFailed(Struct, frozen=True, kw_only=True):
    """A query failed, the `attempt`th in a row; the next is in `retry_s`."""

    error: KlingError
    retry_s: float
    attempt: int = 1


class Downloading(Struct, frozen=True, kw_only=True):
    """The progress of one download; `total_bytes` is None when not announced."""

    task_id: str
    name: str
    done_bytes: int
    total_bytes: int | None


class DownloadResumed(Struct, frozen=True, kw_only=True):
    """A download continues the partial file of an earlier run."""

    task_id: str
    name: str
    done_bytes: int
    total_bytes: int | None


class DownloadRetry(Struct, frozen=True, kw_only=True):
    """A download broke or its link had expired; it continues in `retry_s`."""

    task_id: str
    name: str
    reason: str
    retry_s: float


class Saved(Struct, frozen=True, kw_only=True):
    """A file is complete, under its name."""

    task_id: str
    path: Path
    total_bytes: int


class Notice(Struct, frozen=True, kw_only=True):
    """A warning that does not end the run."""

    message: str
    hint: str | None = None


class Remark(Struct, frozen=True, kw_only=True):
    """Information that is no warning, such as what a step before the job found."""

    message: str


class Finished(Struct, frozen=True, kw_only=True):
    """A job has ended; always its last event."""

    result: JobResult


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """The result of a job at its end: what `--json` prints.

    `completed_by` says what brought the final state first: `callback` or `poll`.
    `units` were charged, `estimated_units` expected (None: no estimate).
    `resume` is the command that goes on, when there is something to go on with.
    `answer` is what the API said to the create call, or to a raw one, as it came.
    `session_id` is for jobs that build on a session opened before them. `prompt` is
    the text that the job was made from. `is_unsubmitted`: there is certainly no task.
    """

    command: str
    status: TaskStatus
    task_id: str | None = None
    external_id: str | None = None
    product: str | None = None
    model: str | None = None
    prompt: str | None = None
    status_message: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    elapsed_s: float | None = None
    completed_by: str | None = None
    create_requests: int = 0
    query_requests: int = 0
    callbacks: int = 0
    outputs: tuple[SavedOutput, ...] = ()
    expires_at: datetime | None = None
    units: float | None = None
    estimated_units: float | None = None
    request_id: str | None = None
    resume: str | None = None
    session_id: str | None = None
    error: KlingError | None = None
    answer: ApiResponse | None = field(default=None, repr=False)
    is_unsubmitted: bool = False

    @property
    def task_s(self) -> float | None:
        """How long the task itself took, by the API's clock; None until it is over."""
        if not self.status.is_final or self.created_at is None:
            return None
        ended_at = self.updated_at or self.created_at
        seconds = (ended_at - self.created_at).total_seconds()
        return seconds if seconds > 0 else None

    @property
    def state(self) -> State:
        """The job's state, in the word that people see and type."""
        return State.of(self.status, is_unsubmitted=self.is_unsubmitted)


Event = (  # one name a line
    Prepared
    | TunnelOpening
    | CallbackPath
    | WaitingForSlot
    | SendFailed
    | OutcomeCheck
    | Submitted
    | StatusChanged
    | CallbackArrived
    | Querying
    | QueryFailed
    | Downloading
    | DownloadResumed
    | DownloadRetry
    | Saved
    | Notice
    | Remark
    | Finished
)

EmitEvent = Callable[[Event], None]
"""Reports an event; returns at once."""
