"""Parses tasks of either generation of the API into one model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from kling_cli.api.json_values import (
    as_datetime,
    as_integer,
    as_number,
    as_object,
    as_objects,
    as_text,
    first_value,
)
from kling_cli.errors import UnreachableError

if TYPE_CHECKING:
    from collections.abc import Mapping

LIBRARY_TYPES: Final = frozenset({"voice", "element"})


class TaskStatus(StrEnum):
    """The status of a task. Source: API reference 2.1, read 2026-10-04."""

    SUBMITTED = "submitted"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"  # "succeed" in the legacy API
    FAILED = "failed"
    UNKNOWN = "unknown"  # a word the API did not have when this was written

    @property
    def is_final(self) -> bool:
        return self in (TaskStatus.SUCCEEDED, TaskStatus.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A result of a task: a file that can be fetched until its URL expires.

    `type` is `video`, `image`, `audio`, `voice`, `element`, or a solution's own word
    (`subbed_video`, `srt`, `product_image`), or `face`, `mask`, `tracking` of a step.
    `url` and `watermark_url` are signed links and never logged in full. `facts` are
    further numbers: when a face appears (`start_s`), a video's `fps`, `width`, `height`
    and `frames`.
    """

    type: str
    id: str | None = None
    url: str | None = field(default=None, repr=False)
    watermark_url: str | None = field(default=None, repr=False)
    duration_s: float | None = None
    facts: Mapping[str, float] | None = None

    @property
    def is_of_library(self) -> bool:
        """Whether it is an item of the library, used by its id and not as a file."""
        return self.type in LIBRARY_TYPES


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task as one response of the API describes it.

    `units` is the charge in units of its pack: known when the task has ended, 0 for a
    failed one, None when the API did not say. `request_id` is that of the response.
    """

    id: str
    status: TaskStatus
    message: str | None = None
    external_id: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    outputs: tuple[Output, ...] = ()
    units: float | None = None
    request_id: str | None = None


# The integers among the facts of a video, by our names.
_VIDEO_FACTS = {
    "width": "width",
    "height": "height",
    "frames": "total_frame",
}
_PREVIEW = {"video": "video", "image": "video_cover", "tracking": "tracking_output"}


def step_failure_reason(data: Mapping[str, Any]) -> str | None:
    """Return why a step has recognised nothing; None when it succeeded."""
    status = as_integer(data.get("status"))
    if not status:
        return None
    return f"nothing was recognised (status {status})"


def step_outputs(data: Mapping[str, Any]) -> Iterator[Output]:
    """Yield what a step has found or made."""
    yield from _face_outputs(data)
    yield from _video_outputs(data)
    result = as_object(data.get("res"))
    for type_, key in _PREVIEW.items():
        if url := as_text(result.get(key)):
            yield Output(type=type_, url=url)
    for mask in as_objects(result.get("rle_mask_list")):
        yield Output(type="mask", id=as_text(mask.get("object_id")))


def _face_outputs(data: Mapping[str, Any]) -> Iterator[Output]:
    for item in as_objects(data.get("face_data")):
        start_s = _from_milliseconds(item.get("start_time")) or 0.0
        end_s = _from_milliseconds(item.get("end_time"))
        yield Output(
            type="face",
            id=as_text(item.get("face_id")),
            url=as_text(item.get("face_image")),
            duration_s=None if end_s is None else round(end_s - start_s, 3),
            facts={"start_s": start_s},
        )


def _video_outputs(data: Mapping[str, Any]) -> Iterator[Output]:
    url = as_text(data.get("normalized_video"))
    seconds = _from_milliseconds(data.get("original_duration"))
    if url is None and seconds is None:
        return
    found: dict[str, float | None] = {"fps": as_number(data.get("fps"))}
    found |= {
        ours: as_integer(data.get(theirs)) for ours, theirs in _VIDEO_FACTS.items()
    }
    facts = {name: value for name, value in found.items() if value is not None}
    yield Output(type="video", url=url, duration_s=seconds, facts=facts)


def _from_milliseconds(milliseconds: Any) -> float | None:
    found = as_number(milliseconds)
    return None if found is None else found / 1000


_TRY_AGAIN: Final = "try again; if it stays so, check KLING_API_BASE"
_STATUS: Final = {
    "submitted": TaskStatus.SUBMITTED,
    "processing": TaskStatus.PROCESSING,
    "succeeded": TaskStatus.SUCCEEDED,
    "succeed": TaskStatus.SUCCEEDED,
    "failed": TaskStatus.FAILED,
}

_VIEW_NUMBERS: Final = (1, 2, 3)

# The lists of a legacy `task_result`, and the type of what is in them.
_RESULT_LISTS: Final = {
    "videos": "video",
    "images": "image",
    "series_images": "image",
    "audios": "audio",
    "voices": "voice",
    "elements": "element",
}

_URL_KEYS: Final = ("url", "mp3_url", "url_mp3", "wav_url", "url_wav", "trial_url")


def task_from_wire(data: Any, *, request_id: str | None = None) -> Task:
    """Return the task that one object of the API describes.

    Raises:
        UnreachableError: it is no object, or has no task id.
    """
    found = as_object(data)
    task_id = _task_id(found)
    if task_id is None:
        raise UnreachableError(
            "the API's answer names no task",
            hint=_TRY_AGAIN,
            request_id=request_id,
        )
    return Task(
        id=task_id,
        status=status_from_wire(first_value(found, "status", "task_status")),
        message=as_text(found.get("message")) or as_text(found.get("task_status_msg")),
        external_id=_external_id(found),
        created_at=created_at_from_wire(found),
        updated_at=as_datetime(first_value(found, "update_time", "updated_at")),
        outputs=tuple(_outputs(found)),
        units=_units(found),
        request_id=request_id,
    )


def result_from_wire(data: Any, *, request_id: str | None = None) -> Task:
    """Return the finished task of a synchronous call.

    Some responses name a task, some a session; for the others the request's id is used.
    A step that has recognised nothing has failed.

    Raises:
        UnreachableError: it is no object.
    """
    found = as_object(data)
    if _task_id(found) is None:
        found = {**found, "task_id": as_text(found.get("session_id")) or request_id}
    task = task_from_wire(found, request_id=request_id)
    why = step_failure_reason(found)
    return replace(
        task,
        status=TaskStatus.FAILED if why else TaskStatus.SUCCEEDED,
        message=why or task.message,
        outputs=(*task.outputs, *step_outputs(found)),
    )


def tasks_from_wire(data: Any, *, request_id: str | None = None) -> tuple[Task, ...]:
    """Return the tasks of a list; entries that are no tasks are left out.

    Raises:
        UnreachableError: it is no list, which is not the same as an empty one.
    """
    if not isinstance(data, list):
        raise UnreachableError(
            "the API's answer has no list of tasks",
            hint=_TRY_AGAIN,
            request_id=request_id,
        )
    return tuple(
        task_from_wire(item, request_id=request_id)
        for item in as_objects(data)
        if _task_id(item) is not None
    )


def created_at_from_wire(data: Mapping[str, Any]) -> datetime | None:
    """Return when a task was created."""
    return as_datetime(first_value(data, "create_time", "created_at"))


def status_from_wire(value: Any) -> TaskStatus:
    """Return our status for the API's word, in any case."""
    word = value.strip().lower() if isinstance(value, str) else ""
    return _STATUS.get(word, TaskStatus.UNKNOWN)


def _task_id(data: Mapping[str, Any]) -> str | None:
    return as_text(data.get("id")) or as_text(data.get("task_id"))


def _external_id(data: Mapping[str, Any]) -> str | None:
    named = first_value(data, "external_id", "external_task_id")
    info = as_object(data.get("task_info"))
    return as_text(named) or as_text(info.get("external_task_id"))


def _outputs(data: Mapping[str, Any]) -> Iterator[Output]:
    for item in as_objects(data.get("outputs")):
        yield _output(item, as_text(item.get("type")) or "video")
    result = as_object(first_value(data, "task_result", "result"))
    for key, type_ in _RESULT_LISTS.items():
        for item in as_objects(result.get(key)):
            yield from _item_outputs(item, type_)


def _item_outputs(item: Mapping[str, Any], type_: str) -> Iterator[Output]:
    """Yield the outputs in one item of a `task_result`: one file or several.

    Further views of a subject come three in an item, as `url_1` to `url_3`; a part that
    an image does not contain has an empty URL. Source: API reference 2.8.
    """
    views = [url for n in _VIEW_NUMBERS if (url := as_text(item.get(f"url_{n}")))]
    if item.get("is_contain") is False:
        return
    if not views:
        yield _output(item, type_)
    for url in views:
        yield Output(type=type_, url=url)


def _output(item: Mapping[str, Any], type_: str) -> Output:
    seconds = first_value(
        item, "duration", "mp3_duration", "duration_mp3", "wav_duration", "duration_wav"
    )
    return Output(
        type=type_.lower(),
        id=as_text(first_value(item, "id", "voice_id", "element_id")),
        url=as_text(first_value(item, *_URL_KEYS)),
        watermark_url=as_text(item.get("watermark_url")),
        duration_s=as_number(seconds),
    )


def _units(data: Mapping[str, Any]) -> float | None:
    """Return the units charged; cash is not units."""
    charges = [
        amount
        for item in as_objects(data.get("billing"))
        if item.get("charge_type", "unit") == "unit"
        and (amount := as_number(item.get("amount"))) is not None
    ]
    if charges:
        return sum(charges)
    return as_number(data.get("final_unit_deduction"))


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPage:
    """A page of tasks; `next_cursor` fetches the next one while `has_more`."""

    tasks: tuple[Task, ...]
    next_cursor: str | None
    has_more: bool


def page_from_wire(data: Any, *, request_id: str | None = None) -> TaskPage:
    """Return a page of `POST /tasks`. Source: API reference 2.5, read 2026-10-04."""
    found = as_object(data)
    return TaskPage(
        tasks=tasks_from_wire(found.get("result"), request_id=request_id),
        next_cursor=as_text(found.get("next_cursor")),
        has_more=found.get("has_more") is True,
    )
