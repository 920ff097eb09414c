"""Records of the journal: jobs, partial files, callbacks, forwards; their encoding."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from kling_cli.api import Output, Task, TaskStatus
from kling_cli.store.prompts import prompt_of
from kling_cli.text import is_text


class Stage(StrEnum):
    """Stage of a job, as far as this machine knows."""

    SENDING = "sending"  # stored; the create call may or may not have arrived
    SUBMITTED = "submitted"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REFUSED = "refused"  # by the API; there is no task
    ABSENT = "absent"  # queried and not found: the create call never arrived
    UNKNOWN = "unknown"  # submitted or not, and it cannot be queried

    @property
    def is_open(self) -> bool:
        """Whether the API may still change its state."""
        return self in (Stage.SENDING, Stage.SUBMITTED, Stage.PROCESSING)

    @classmethod
    def of(cls, status: TaskStatus) -> Stage:
        """Return the stage of a job whose task has this status."""
        return cls.PROCESSING if status is TaskStatus.UNKNOWN else cls(status.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """A job of this machine. Times are aware UTC; `request` is JSON without secrets.

    `query_path` is where the legacy API answers for it, `/tasks` on the new one.
    `output`, `is_downloading`, `has_watermark` and `is_forced` are options of the
    command, so that `kling wait` finishes the job the same way. `paths` are the
    files saved so far, `""` for one yet to be saved. `owner_pid` and
    `owner_started_at` name the process that submits. New columns are appended, as they
    are in the table of an older file.
    """

    external_id: str
    task_id: str | None = None
    command: str
    product: str
    model: str | None
    route: str
    query_path: str
    api_base: str
    request: str
    nonce: str | None = None
    stage: Stage = Stage.SENDING
    message: str | None = None
    units: float | None = None
    usual_s: float | None = None
    written_at: datetime
    created_at: datetime | None = None
    updated_at: datetime | None = None
    outputs: tuple[Output, ...] = ()
    output: str | None = None
    is_downloading: bool = True
    has_watermark: bool = False
    is_forced: bool = False
    paths: tuple[str, ...] = ()
    owner_pid: int | None = None
    owner_started_at: float | None = None
    request_id: str | None = None
    estimated_units: float | None = None

    @property
    def key(self) -> str:
        """Its unique id: the external id, or the task id of tasks created elsewhere."""
        return self.external_id or self.task_id or ""

    @property
    def status(self) -> TaskStatus:
        """The last known status of the task; unknown while the job is not settled."""
        try:
            return TaskStatus(self.stage.value)
        except ValueError:
            return TaskStatus.UNKNOWN

    @property
    def state(self) -> State:
        """The state that is shown to users."""
        return State.of(self.status, is_unsubmitted=self.is_unsubmitted)

    @property
    def is_unsubmitted(self) -> bool:
        """Whether it certainly became no task."""
        return self.task_id is None and self.stage in (Stage.REFUSED, Stage.ABSENT)

    @property
    def prompt(self) -> str | None:
        """The prompt, text or name in the request, if there is one."""
        return prompt_of(self.request) or None

    @property
    def as_task(self) -> Task | None:
        """The last known state of the task; None while no task id is known."""
        if self.task_id is None:
            return None
        return Task(
            id=self.task_id,
            status=self.status,
            message=self.message,
            external_id=self.external_id,
            created_at=self.created_at,
            updated_at=self.updated_at,
            outputs=self.outputs,
            units=self.units,
            request_id=self.request_id,
        )


COLUMNS = tuple(item.name for item in fields(JobRecord))


def to_row(job: JobRecord) -> dict[str, Any]:
    """Return the columns of a job as SQLite stores them."""
    return {name: to_cell(name, getattr(job, name)) for name in COLUMNS}


def to_cell(name: str, value: Any) -> Any:
    """Return one value as SQLite stores it."""
    if name == "outputs":
        return json.dumps([_output_to_json(output) for output in value])
    if name == "paths":
        return json.dumps(list(value))
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, str) and not is_text(value):  # a file name that is not UTF-8
        return value.encode("utf-8", "surrogatepass")
    return value


def from_row(row: dict[str, Any]) -> JobRecord:
    """Return the job that `to_row` encoded."""
    return JobRecord(**{name: _from_cell(name, row[name]) for name in COLUMNS})


def _from_cell(name: str, cell: Any) -> Any:
    read = _READERS.get(name)
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "surrogatepass")
    return cell if cell is None or read is None else read(cell)


def _read_time(cell: float) -> datetime:
    return datetime.fromtimestamp(cell, UTC)


def _read_outputs(cell: str) -> tuple[Output, ...]:
    return tuple(Output(**output) for output in json.loads(cell))


def _read_paths(cell: str) -> tuple[str, ...]:
    return tuple(json.loads(cell))


_READERS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("written_at", "created_at", "updated_at"), _read_time),
    **dict.fromkeys(("is_downloading", "has_watermark", "is_forced"), bool),
    "stage": Stage,
    "outputs": _read_outputs,
    "paths": _read_paths,
}


def _output_to_json(output: Output) -> dict[str, Any]:
    return {item.name: getattr(output, item.name) for item in fields(Output)}


class State(StrEnum):
    """State of a job, as users see and type it."""

    NOT_SUBMITTED = "not submitted"  # refused, or it never reached the API
    SUBMITTED = "submitted"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"  # whether the API has accepted it

    @classmethod
    def of(cls, status: TaskStatus, *, is_unsubmitted: bool) -> Self:
        """Return the state of a job whose task has this status, if it has a task."""
        return cls.NOT_SUBMITTED if is_unsubmitted else cls(status.value)

    @property
    def slug(self) -> str:
        """The state without spaces, for shells and for columns in a pipe."""
        return self.value.replace(" ", "-")


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedOutput:
    """An output, and the file that it was saved to."""

    output: Output
    path: Path | None = None
    total_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialFileRecord:
    """A partial file: its path, and the validators of the content it is part of."""

    path: Path
    etag: str | None = None
    total_bytes: int | None = None

    @property
    def has_validator(self) -> bool:
        """Whether a response can be compared with the content of the bytes so far."""
        return self.etag is not None or self.total_bytes is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputKey:
    """The output that a partial file belongs to: a file of a task, counted from 1."""

    api_base: str
    task_id: str
    file_index: int
    is_watermark: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCallback:
    """A callback in the journal; `raw` is the body, byte for byte."""

    id: int
    received_at: datetime
    product: str | None
    nonce: str | None
    task_id: str | None
    external_id: str | None
    status: str | None
    trust: str
    headers: tuple[tuple[str, str], ...]
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredForward:
    """The outcome of forwarding a callback to `url`.

    `status` is None when there was no response; `error` is the reason then. `attempt`
    is the number of attempts, 0 when none was made.
    """

    callback_id: int
    sent_at: datetime
    url: str
    status: int | None
    duration_s: float
    attempt: int = 1
    error: str | None = None
    is_replay: bool = False

    @property
    def is_delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 -- HTTP's success


ForwardOutcomes = Mapping[int, Sequence[StoredForward]]  # by callback number


def last_by_url(forwards: Iterable[StoredForward]) -> dict[str, StoredForward]:
    """Return the last forward to each URL, in the order of their first."""
    return {each.url: each for each in forwards}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackFilter:
    """Selects stored callbacks; None and False select all.

    `since` and `until` bound the time of receipt. `is_failed`: the last forward to
    some URL failed.
    """

    task_id: str | None = None
    product: str | None = None
    status: str | None = None
    trust: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    is_failed: bool = False
    after: int = 0
