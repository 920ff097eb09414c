"""Multi-element editing: a session with a video, and the points marked in it.

What is marked is the whole picture, whatever the points. A session nobody opened is
opened by its first use, for the reference's own examples name such ones.
Source: API reference, section 2.6, read 2026-10-04.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

from kling_cli.sandbox.answers import Refusal, refusal
from kling_cli.sandbox.outputs import Content, Json
from kling_cli.sandbox.picture import Picture
from kling_cli.sandbox.video.clip import FPS, Clip, pictures_for

if TYPE_CHECKING:
    from kling_cli.sandbox.world import World

WIDTH, HEIGHT, SECONDS = 1280, 720, 5
MAX_FRAMES, MAX_POINTS = 10, 10
NOT_RECOGNISED = 1
_FREE = {
    "final_unit_deduction": "0",
    "final_balance_deduction": {"quota": "0", "list_price": "0"},
}

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Tracking:
    """Where the marked area is in each picture: everywhere, all the time."""

    frames: int

    @property
    def media_type(self) -> str:
        return "application/json"

    def render(self) -> bytes:
        boxes = [{"frame_index": n, "box": [0, 0, 1, 1]} for n in range(self.frames)]
        return json.dumps({"objects": [{"object_id": 0, "frames": boxes}]}).encode()


def start(world: World, _body: Mapping[str, Any]) -> Json:
    """Open a session for a video."""
    session_id = world.ids.task_id("8")
    clip = _opened(world, session_id)
    return _told(session_id) | {
        "fps": float(FPS),
        "original_duration": int(clip.duration_s * 1000),
        "width": clip.width,
        "height": clip.height,
        "total_frame": clip.pictures,
        "normalized_video": _link(world, session_id, "normalized.mp4"),
    }


def add(world: World, body: Mapping[str, Any]) -> Json | Refusal:
    """Mark points in one frame."""
    frame, points = body["frame_index"], _points(body.get("points"))
    if isinstance(points, Refusal):
        return points
    if isinstance(frame, bool) or not isinstance(frame, int) or frame < 0:
        return refusal(1201, f"frame_index value '{frame}' is invalid")
    marked = _marked(world, body)
    if frame not in marked and len(marked) >= MAX_FRAMES:
        return refusal(1201, "at most 10 frames can be marked")
    if len({*marked.get(frame, ()), *points}) > MAX_POINTS:
        return refusal(1201, "points has too many entries, allowed: 10 per frame")
    marked.setdefault(frame, set()).update(points)
    return _told(str(body["session_id"])) | {"res": _masks(frame)}


def remove(world: World, body: Mapping[str, Any]) -> Json | Refusal:
    """Take back points; they must be the very ones that were added."""
    frame, points = body["frame_index"], _points(body.get("points"))
    if isinstance(points, Refusal):
        return points
    marked = _marked(world, body)
    session_id = str(body["session_id"])
    if not {*points} <= marked.get(frame, set()):
        return _told(session_id, status=NOT_RECOGNISED)
    marked[frame] -= {*points}
    if not marked[frame]:
        del marked[frame]
    return _told(session_id) | {"res": _masks(frame)}


def clear(world: World, body: Mapping[str, Any]) -> Json:
    _marked(world, body).clear()
    return _told(str(body["session_id"]))


def preview(world: World, body: Mapping[str, Any]) -> Json:
    """Return links to what the selection looks like in motion."""
    session_id = str(body["session_id"])
    if not _marked(world, body):
        return _told(session_id, status=NOT_RECOGNISED)
    names = {
        "video": "preview.mp4",
        "video_cover": "cover.png",
        "tracking_output": "tracking.json",
    }
    links = {key: _link(world, session_id, name) for key, name in names.items()}
    return _told(session_id) | {"res": links}


def _marked(world: World, body: Mapping[str, Any]) -> dict[int, set[Point]]:
    session_id = str(body["session_id"])
    if session_id not in world.selections:
        _opened(world, session_id)
    return world.selections[session_id]


def _opened(world: World, session_id: str) -> Clip:
    clip = Clip(
        width=WIDTH,
        height=HEIGHT,
        pictures=pictures_for(SECONDS),
        has_sound=False,
        label=session_id,
    )
    files: dict[str, Content] = {
        "normalized.mp4": clip,
        "preview.mp4": clip.watermarked,
        "cover.png": Picture(width=WIDTH, height=HEIGHT, label=session_id),
        "tracking.json": Tracking(clip.pictures),
    }
    world.shelf[session_id] = files
    world.selections[session_id] = {}
    return clip


def _points(said: Any) -> list[Point] | Refusal:
    entries = said if isinstance(said, list) and said else [None]
    if len(entries) > MAX_POINTS:
        return refusal(1201, "points has too many entries, allowed: 10 per frame")
    points: list[Point] = []
    for entry in entries:
        x, y = (entry.get("x"), entry.get("y")) if isinstance(entry, dict) else ("", "")
        if not (_is_share(x) and _is_share(y)):
            return refusal(1201, "points must hold an x and a y from 0 to 1")
        points.append((float(x), float(y)))
    return points


def _is_share(value: Any) -> TypeGuard[float]:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 <= value <= 1


def _told(session_id: str, *, status: int = 0) -> Json:
    return {"status": status, "session_id": session_id, **_FREE}


def _link(world: World, session_id: str, name: str) -> str:
    return world.links.lead_to(session_id, name, since=world.timeline.now_s())


def _masks(frame: int) -> Json:
    """Return the mask of the one object: all of the picture."""
    size = [HEIGHT, WIDTH]
    picture = Picture(width=WIDTH, height=HEIGHT, label=f"mask {frame}").render()
    mask = {
        "object_id": 0,
        "rle_mask": {"size": size, "counts": run_lengths([0, HEIGHT * WIDTH])},
        "png_mask": {"size": size, "base64": base64.b64encode(picture).decode()},
    }
    return {"frame_index": frame, "rle_mask_list": [mask]}


def run_lengths(runs: list[int]) -> str:
    """Return run lengths in COCO's compressed text: five bits a character.

    Source: cocoapi, `rleToString`; from the third on it keeps differences.
    """
    text = ""
    for at, run in enumerate(runs):
        left, is_more = run - (runs[at - 2] if at > 2 else 0), True  # noqa: PLR2004 -- the format's
        while is_more:
            bits = left & 0x1F
            left >>= 5
            is_more = left != (-1 if bits & 0x10 else 0)
            text += chr((bits | 0x20 * is_more) + 48)
    return text
