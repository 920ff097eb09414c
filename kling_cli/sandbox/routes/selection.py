"""Multi-element editing: a session with a video, and the points marked in it.

What is marked is the whole picture, whatever the points. A video of another length than
can be edited is not recognised. Source: API reference, section 2.6, read 2026-10-04.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

from kling_cli.sandbox.media.image import Picture
from kling_cli.sandbox.media.outputs import Content, Json
from kling_cli.sandbox.media.video import FPS
from kling_cli.sandbox.routes import sessions
from kling_cli.sandbox.routes.envelope import Refusal, refusal
from kling_cli.sandbox.routes.sessions import Point, VideoSession

if TYPE_CHECKING:
    from kling_cli.sandbox.state.sandbox_state import World

MAX_FRAMES, MAX_POINTS = 10, 10
NOT_RECOGNISED = 1
_FREE = {
    "final_unit_deduction": "0",
    "final_balance_deduction": {"quota": "0", "list_price": "0"},
}


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


def start(world: World, body: Mapping[str, Any]) -> Json:
    """Open a session for a video."""
    session_id = world.ids.task_id("8")
    session = sessions.open_for(world, session_id, body)
    if not sessions.is_editable(session):
        return _told(session_id, status=NOT_RECOGNISED)
    clip = session.clip
    return _told(session_id) | {
        "fps": float(FPS),
        "original_duration": int(clip.duration_s * 1000),
        "width": clip.width,
        "height": clip.height,
        "total_frame": clip.pictures,
        "normalized_video": _link(world, session_id, session, "normalized.mp4"),
    }


def add(world: World, body: Mapping[str, Any]) -> Json | Refusal:
    """Mark points in one frame."""
    asked = _asked(world, body)
    if isinstance(asked, Refusal):
        return asked
    session, frame, points = asked
    marks = session.marks
    if frame not in marks and len(marks) >= MAX_FRAMES:
        return refusal(1201, "at most 10 frames can be marked")
    if len({*marks.get(frame, ()), *points}) > MAX_POINTS:
        return refusal(1201, "points has too many entries, allowed: 10 per frame")
    marks.setdefault(frame, set()).update(points)
    return _told(str(body["session_id"])) | {"res": _masks(session, frame)}


def remove(world: World, body: Mapping[str, Any]) -> Json | Refusal:
    """Take back points; they must be the very ones that were added."""
    asked = _asked(world, body)
    if isinstance(asked, Refusal):
        return asked
    session, frame, points = asked
    session_id = str(body["session_id"])
    if not {*points} <= session.marks.get(frame, set()):
        return _told(session_id, status=NOT_RECOGNISED)
    session.marks[frame] -= {*points}
    if not session.marks[frame]:
        del session.marks[frame]
    return _told(session_id) | {"res": _masks(session, frame)}


def clear(world: World, body: Mapping[str, Any]) -> Json | Refusal:
    """Take back everything that is marked."""
    session = sessions.used(world, body)
    if isinstance(session, Refusal):
        return session
    session.marks.clear()
    return _told(str(body["session_id"]))


def preview(world: World, body: Mapping[str, Any]) -> Json | Refusal:
    """Return links to what the selection looks like in motion."""
    session, session_id = sessions.used(world, body), str(body["session_id"])
    if isinstance(session, Refusal):
        return session
    if not session.marks:
        return _told(session_id, status=NOT_RECOGNISED)
    names = {
        "video": "preview.mp4",
        "video_cover": "cover.png",
        "tracking_output": "tracking.json",
    }
    links = {key: _link(world, session_id, session, n) for key, n in names.items()}
    return _told(session_id) | {"res": links}


def _asked(
    world: World, body: Mapping[str, Any]
) -> tuple[VideoSession, int, list[Point]] | Refusal:
    """Return the session, the frame and the points that a request names."""
    frame, points = body["frame_index"], _points(body.get("points"))
    if isinstance(points, Refusal):
        return points
    session = sessions.used(world, body)
    if isinstance(session, Refusal):
        return session
    if isinstance(frame, bool) or not isinstance(frame, int) or frame < 0:
        return refusal(1201, f"frame_index value '{frame}' is invalid")
    return session, frame, points


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


def _link(world: World, session_id: str, session: VideoSession, name: str) -> str:
    """Return a link to one of the session's files, which are then on the shelf."""
    clip = session.clip
    files: dict[str, Content] = {
        "normalized.mp4": clip,
        "preview.mp4": clip.watermarked,
        "cover.png": Picture(width=clip.width, height=clip.height, label=session_id),
        "tracking.json": Tracking(clip.pictures),
    }
    world.shelf[session_id] = files
    return world.links.lead_to(session_id, name, since=world.timeline.now_s())


def _masks(session: VideoSession, frame: int) -> Json:
    """Return the mask of the one object: all of the picture."""
    width, height = session.clip.width, session.clip.height
    size = [height, width]
    picture = Picture(width=width, height=height, label=f"mask {frame}").render()
    mask = {
        "object_id": 0,
        "rle_mask": {"size": size, "counts": run_lengths([0, height * width])},
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
