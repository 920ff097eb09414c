"""What happens in a run, told as values; a reporter in `cli/` decides how it looks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from kling_cli.api.task import TaskStatus

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from kling_cli.api.exchange import Answer
    from kling_cli.api.task import Output
    from kling_cli.errors import KlingError


class State(StrEnum):
    """How a job stands: the one set of words that people see and type."""

    NOT_SUBMITTED = "not submitted"  # refused, or it never reached the API
    SUBMITTED = "submitted"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"  # nobody knows whether the API has accepted it

    @classmethod
    def of(cls, status: TaskStatus, *, is_unsubmitted: bool) -> Self:
        """Return the state of a job whose task has this status, if there is one."""
        return cls.NOT_SUBMITTED if is_unsubmitted else cls(status.value)

    @property
    def word(self) -> str:
        """The state without a blank, for shells and for columns in a pipe."""
        return self.value.replace(" ", "-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelOpening:
    """A tunnel is being opened; nothing has been sent yet.

    `detail` is why the provider that was tried before it failed.
    """

    provider: str
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackPath:
    """How the state of the way for callbacks has changed.

    `state`: `ready` (a URL was given to the API), `proven` (a callback came), `lost`,
    `back`, `none` (polling only). `detail` says why, and what to do, for a person.
    `via`: a tunnel provider such as `ngrok`, `shared` (another kling's tunnel),
    `loopback`, `url`, or None.
    """

    state: str
    via: str | None = None
    detail: str | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingForSlot:
    """All slots of the account are taken; trying again in `pause_s`."""

    external_id: str
    attempt: int
    pause_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SendFailed:
    """A create call certainly did not arrive; sent again in `retry_s`.

    `attempt` counts such calls from 1, and after `most_attempts` no other is made.
    """

    external_id: str
    error: KlingError
    attempt: int
    most_attempts: int
    retry_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """The create call's outcome is unknown; asking for the external id."""

    external_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChanged:
    """The API says the task stands differently. `by`: `callback` or `poll`."""

    task_id: str
    status: TaskStatus
    message: str | None
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackArrived:
    """A callback passed the door, so we ask. `trust`: `signed` or `token`."""

    task_id: str | None
    status: str
    trust: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """The next question to the API is due in `in_s` at the latest.

    `failures` is how many questions before it have failed in a row.
    """

    task_ids: tuple[str, ...]
    in_s: float
    failures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AskFailed:
    """A question failed, the `attempt`th in a row; asked again in `retry_s`."""

    error: KlingError
    retry_s: float
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloading:
    """Bytes of one output so far; `total_bytes` is None when not announced."""

    task_id: str
    name: str
    done_bytes: int
    total_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadResumed:
    """A download goes on with what an earlier run has left of it."""

    task_id: str
    name: str
    done_bytes: int
    total_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadRetry:
    """A download broke or its link had expired; going on in `retry_s`."""

    task_id: str
    name: str
    reason: str
    retry_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A file stands whole under its name."""

    task_id: str
    path: Path
    total_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something a person should know: a warning that does not end the run."""

    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something worth a line that is no warning: what a step before the job found."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A task has ended, one way or the other; always the last event of its job."""

    result: JobResult


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedOutput:
    """An output and, when it was saved, where."""

    output: Output
    path: Path | None = None
    total_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """Everything known about a job at its end: what `--json` prints.

    `completed_by` says what brought the final state first: `callback` or `poll`.
    `units` were charged, `estimated_units` were to be expected (None: nobody knew).
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
    answer: Answer | None = None
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
        """How the job stands, in the word that people see and type."""
        return State.of(self.status, is_unsubmitted=self.is_unsubmitted)


Event = (  # one name a line
    Prepared
    | TunnelOpening
    | CallbackPath
    | WaitingForSlot
    | SendFailed
    | Settling
    | Submitted
    | StatusChanged
    | CallbackArrived
    | Asking
    | AskFailed
    | Downloading
    | DownloadResumed
    | DownloadRetry
    | Saved
    | Notice
    | Remark
    | Finished
)
