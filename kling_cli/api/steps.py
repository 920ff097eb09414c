"""What the calls answer that go before others: faces, a session, a preview.

They are not tasks, yet have all we want of one: an id (the session's), an end, files.
Source: API reference 2.6, read 2026-10-04. `status` other than 0 means that the video
or a point could not be recognised; its values are not listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kling_cli.api.task import Output
from kling_cli.api.values import mapping, number, objects, text, whole

# Whole numbers that are known of a video, by our names.
_FACTS = {
    "width": "width",
    "height": "height",
    "frames": "total_frame",
}
_PREVIEW = {"video": "video", "image": "video_cover", "tracking": "tracking_output"}


def refusal_of(data: Mapping[str, Any]) -> str | None:
    """Return why a step has not done what it is for; None when it has."""
    status = whole(data.get("status"))
    if not status:
        return None
    return f"nothing was recognised (status {status})"


def outputs_of(data: Mapping[str, Any]) -> Iterator[Output]:
    """Yield what a step has found or made."""
    yield from _faces(data)
    yield from _video(data)
    result = mapping(data.get("res"))
    for type_, key in _PREVIEW.items():
        if url := text(result.get(key)):
            yield Output(type=type_, url=url)
    for mask in objects(result.get("rle_mask_list")):
        yield Output(type="mask", id=text(mask.get("object_id")))


def _faces(data: Mapping[str, Any]) -> Iterator[Output]:
    for item in objects(data.get("face_data")):
        start_s = _seconds(item.get("start_time")) or 0.0
        end_s = _seconds(item.get("end_time"))
        yield Output(
            type="face",
            id=text(item.get("face_id")),
            url=text(item.get("face_image")),
            duration_s=None if end_s is None else round(end_s - start_s, 3),
            facts={"start_s": start_s},
        )


def _video(data: Mapping[str, Any]) -> Iterator[Output]:
    url = text(data.get("normalized_video"))
    seconds = _seconds(data.get("original_duration"))
    if url is None and seconds is None:
        return
    found: dict[str, float | None] = {"fps": number(data.get("fps"))}
    found |= {ours: whole(data.get(theirs)) for ours, theirs in _FACTS.items()}
    facts = {name: value for name, value in found.items() if value is not None}
    yield Output(type="video", url=url, duration_s=seconds, facts=facts)


def _seconds(milliseconds: Any) -> float | None:
    found = number(milliseconds)
    return None if found is None else found / 1000
