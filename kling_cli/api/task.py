"""What a task of the API is in our terms, whichever generation it was made with."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


LIBRARY_TYPES: Final = frozenset({"voice", "element"})


class TaskStatus(StrEnum):
    """Where a task is in its life. Source: API reference 2.1, read 2026-10-04."""

    SUBMITTED = "submitted"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"  # the legacy API says "succeed"; `wire.py` knows
    FAILED = "failed"
    UNKNOWN = "unknown"  # a word the API did not have when this was written

    @property
    def is_final(self) -> bool:
        return self in (TaskStatus.SUCCEEDED, TaskStatus.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One result of a task: a file that can be fetched until its URL expires.

    `type` is `video`, `image`, `audio`, `voice`, `element`, or a solution's own word
    (`subbed_video`, `srt`, `product_image`), or `face`, `mask`, `tracking` of a step.
    `url` and `watermark_url` are signed links and never logged in full. `facts` is what
    else is known: when a face appears (`start_s`), a video's `fps`, `width`, `height`
    and `frames`.
    """

    type: str
    id: str | None = None
    url: str | None = None
    watermark_url: str | None = None
    duration_s: float | None = None
    facts: Mapping[str, float] | None = None

    @property
    def is_of_library(self) -> bool:
        """Whether what counts is its id, by which it is used, rather than a file."""
        return self.type in LIBRARY_TYPES


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task as one answer of the API described it.

    `units` is the charge in units of its pack: known when the task has ended, 0 for a
    failed one, None when the API did not say. `request_id` is that of the answer.
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
