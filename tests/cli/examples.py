"""Events and results as a run tells them, for the tests of what is shown."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kling_cli.api.task import Output, TaskStatus
from kling_cli.errors import UnreachableError
from kling_cli.jobs import events as happened
from kling_cli.jobs.events import Event, JobResult, SavedOutput

TASK_ID = "832984729384729837"
EXTERNAL_ID = "kling-01f7"
PROMPT = "A paper boat on a rainy street"
FILE = f"kling-{TASK_ID}.mp4"
LINK = "https://files.example/video.mp4?Expires=1&Signature=s"
CREATED = datetime(2026, 10, 4, 12, 0, 0, 250_000, tzinfo=UTC)
UPDATED = datetime(2026, 10, 4, 12, 1, 32, tzinfo=UTC)


def a_result(**changes: Any) -> JobResult:
    """Return a job that went well, with `changes`."""
    facts: dict[str, Any] = {
        "command": "text2video",
        "status": TaskStatus.SUCCEEDED,
        "task_id": TASK_ID,
        "external_id": EXTERNAL_ID,
        "product": "text2video",
        "model": "kling-3.0-turbo",
        "prompt": PROMPT,
        "created_at": CREATED,
        "updated_at": UPDATED,
        "elapsed_s": 92.4004,
        "completed_by": "callback",
        "create_requests": 1,
        "query_requests": 3,
        "callbacks": 3,
        "outputs": (an_output(),),
        "expires_at": datetime(2026, 11, 3, 12, 0, tzinfo=UTC),
        "units": 4.0,
        "estimated_units": 4.0,
        "request_id": "r-1",
    }
    return JobResult(**{**facts, **changes})


def an_output(path: Path | None = Path(FILE)) -> SavedOutput:
    return SavedOutput(
        output=Output(type="video", id="v1", url=LINK, duration_s=5.041),
        path=path,
        total_bytes=1_234_567 if path else None,
    )


def prepared(**changes: Any) -> happened.Prepared:
    facts: dict[str, Any] = {
        "external_id": EXTERNAL_ID,
        "product": "text2video",
        "model": "kling-3.0-turbo",
        "units": 4.0,
        "usd": 0.56,
        "usual_s": 90.0,
    }
    return happened.Prepared(**{**facts, **changes})


def submitted(**changes: Any) -> happened.Submitted:
    facts: dict[str, Any] = {
        "external_id": EXTERNAL_ID,
        "task_id": TASK_ID,
        "product": "text2video",
        "model": "kling-3.0-turbo",
        "usual_s": 90.0,
    }
    return happened.Submitted(**{**facts, **changes})


def status_changed(status: TaskStatus, **changes: Any) -> happened.StatusChanged:
    facts: dict[str, Any] = {"task_id": TASK_ID, "message": None, "by": "poll"}
    return happened.StatusChanged(status=status, **{**facts, **changes})


def downloading(done_bytes: int, total_bytes: int | None) -> happened.Downloading:
    return happened.Downloading(
        task_id=TASK_ID, name=FILE, done_bytes=done_bytes, total_bytes=total_bytes
    )


def one_of_each() -> list[Event]:
    """Return an event of every kind, in the order of a run that has them all."""
    lost = UnreachableError("the API answered 502")
    return [
        prepared(),
        happened.TunnelOpening(provider="ngrok"),
        happened.CallbackPath(state="ready", via="ngrok"),
        happened.WaitingForSlot(external_id=EXTERNAL_ID, attempt=2, pause_s=1.5),
        happened.SendFailed(
            external_id=EXTERNAL_ID,
            error=UnreachableError("the API cannot be reached"),
            attempt=1,
            most_attempts=6,
            retry_s=0.5,
        ),
        happened.Settling(external_id=EXTERNAL_ID, reason="the connection broke"),
        submitted(),
        happened.Asking(task_ids=(TASK_ID,), in_s=12.0),
        happened.AskFailed(error=lost, retry_s=2.0),
        happened.CallbackArrived(task_id=TASK_ID, status="processing", trust="token"),
        status_changed(TaskStatus.PROCESSING),
        happened.Notice(message="the tunnel is slow", hint="never mind"),
        happened.Remark(message="2 faces found (0.05 units)"),
        happened.DownloadResumed(
            task_id=TASK_ID, name=FILE, done_bytes=90_000, total_bytes=1_234_567
        ),
        downloading(100_000, 1_234_567),
        happened.DownloadRetry(
            task_id=TASK_ID, name=FILE, reason="the connection broke", retry_s=1.0
        ),
        happened.Saved(task_id=TASK_ID, path=Path(FILE), total_bytes=1_234_567),
        happened.Finished(result=a_result()),
    ]
