"""One line of the journal: a job as it was written down, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from kling_cli.api import Output, Task, TaskStatus
from kling_cli.store.prompts import prompt_of
from kling_cli.text import is_text


class Stage(StrEnum):
    """How far a job has come, as far as this machine knows."""

    SENDING = "sending"  # written down; the create call may or may not have arrived
    SUBMITTED = "submitted"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REFUSED = "refused"  # the API said no; there is no task
    ABSENT = "absent"  # asked for and not found: the create call never arrived
    UNKNOWN = "unknown"  # sent or not, and nobody is there to be asked

    @property
    def is_open(self) -> bool:
        """Whether the API may still have something to say about it."""
        return self in (Stage.SENDING, Stage.SUBMITTED, Stage.PROCESSING)

    @classmethod
    def of(cls, status: TaskStatus) -> Stage:
        """Return the stage that a task with this status is in."""
        return cls.PROCESSING if status is TaskStatus.UNKNOWN else cls(status.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """A job of this machine. Times are aware UTC; `request` is JSON without secrets.

    `query_path` is where the legacy API answers for it, `/tasks` on the new one.
    `output`, `is_downloading`, `has_watermark` and `is_forced` are what the command
    asked for, so that `kling wait` finishes the job the same way. `paths` are the
    files saved so far, `""` for one that is still to be saved. `owner_pid` and
    `owner_started_at` name the process that sends. A column of a later version stands
    last, as it does in a file that was made before.
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
        """What tells it from every other; tasks made elsewhere may have one id only."""
        return self.external_id or self.task_id or ""

    @property
    def status(self) -> TaskStatus:
        """The task's status as last heard; unknown while it is not settled."""
        try:
            return TaskStatus(self.stage.value)
        except ValueError:
            return TaskStatus.UNKNOWN

    @property
    def state(self) -> State:
        """How the job stands, in the word that people see and type."""
        return State.of(self.status, is_unsubmitted=self.is_unsubmitted)

    @property
    def is_unsubmitted(self) -> bool:
        """Whether there certainly never was a task of it."""
        return self.task_id is None and self.stage in (Stage.REFUSED, Stage.ABSENT)

    @property
    def prompt(self) -> str | None:
        """The text that the job was made from, as far as this machine knows."""
        return prompt_of(self.request) or None

    def at(self, stage: Stage, message: str | None) -> JobRecord:
        """Return the entry at another stage."""
        return replace(self, stage=stage, message=message)

    @property
    def as_task(self) -> Task | None:
        """The task as last heard of; None while no task id is known."""
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


def to_row(entry: JobRecord) -> dict[str, Any]:
    """Return the columns of `entry` as SQLite stores them."""
    return {name: to_cell(name, getattr(entry, name)) for name in COLUMNS}


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
    if isinstance(value, str) and not is_text(value):  # the name of a file
        return value.encode("utf-8", "surrogatepass")
    return value


def from_row(row: dict[str, Any]) -> JobRecord:
    """Return the entry that `to_row` stored."""
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
class SavedOutput:
    """An output and, when it was saved, where."""

    output: Output
    path: Path | None = None
    total_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialFileRecord:
    """A partial file as it is written down: where, and which content it is part of."""

    path: Path
    etag: str | None = None
    total_bytes: int | None = None

    @property
    def has_validator(self) -> bool:
        """Whether an answer can be compared with what the bytes so far belong to."""
        return self.etag is not None or self.total_bytes is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputKey:
    """Which output a partial file is of: a file of a task, counted from 1."""

    api_base: str
    task_id: str
    file_index: int
    is_watermark: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCallback:
    """A callback as it stands in the journal; `raw` is the body, byte for byte."""

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
    """What became of a callback that was passed on to `url`, at last.

    `status` is None when there was no answer; `error` says why then. `attempt` is how
    many it took, 0 when none was made.
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


ForwardOutcomes = Mapping[int, Sequence[StoredForward]]  # by the callback's number


def last_by_url(forwards: Iterable[StoredForward]) -> dict[str, StoredForward]:
    """Return the last outcome for each URL, in the order of their first."""
    return {each.url: each for each in forwards}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackFilter:
    """Which kept callbacks to look at; None and False choose nothing away.

    `since` and `until` bound when they came. `is_failed`: the last delivery to some
    URL was not taken.
    """

    task_id: str | None = None
    product: str | None = None
    status: str | None = None
    trust: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    is_failed: bool = False
    after: int = 0
