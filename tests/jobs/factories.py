"""Tasks, job records and callbacks with defaults for what does not matter."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from kling_cli.api.tasks import Output, Task, TaskStatus
from kling_cli.jobs.events import Event
from kling_cli.store.records import JobRecord, StoredCallback

E = TypeVar("E")

NOON = datetime(2026, 10, 4, 12, 0, tzinfo=UTC)
SUBMITTED = TaskStatus.SUBMITTED
PROCESSING = TaskStatus.PROCESSING
SUCCEEDED = TaskStatus.SUCCEEDED
FAILED = TaskStatus.FAILED
UNKNOWN = TaskStatus.UNKNOWN


def a_task(task_id: str = "t1", status: TaskStatus = SUBMITTED, **columns: Any) -> Task:
    return Task(id=task_id, status=status, **columns)


def a_video(url: str = "http://127.0.0.1/v.mp4", **columns: Any) -> Output:
    return Output(type="video", id="v1", url=url, **columns)


def a_record(external_id: str = "e1", **columns: Any) -> JobRecord:
    chosen: dict[str, Any] = {
        "command": "text2video",
        "product": "text2video",
        "model": "kling-3.0-turbo",
        "route": "new",
        "query_path": "/tasks",
        "api_base": "http://127.0.0.1:1",
        "request": "{}",
        "nonce": f"nonce-{external_id}",
        "written_at": NOON,
        **columns,
    }
    return JobRecord(external_id=external_id, **chosen)


def a_callback(nonce: str | None = "n1", **columns: Any) -> StoredCallback:
    chosen: dict[str, Any] = {
        "id": 0,
        "received_at": NOON,
        "product": "text2video",
        "nonce": nonce,
        "task_id": "t1",
        "external_id": None,
        "status": "succeeded",
        "trust": "token",
        "headers": (("content-type", "application/json"),),
        "raw": b'{"id": "t1"}\xff',
        **columns,
    }
    return StoredCallback(**chosen)


@dataclass(slots=True)
class EventLog:
    """A receiver of events that stores them."""

    events: list[Event] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type[E]) -> list[E]:
        """Return the events of one kind, oldest first."""
        return [event for event in self.events if isinstance(event, kind)]
