"""Video sessions: opened for a video by one call, used by later ones; selections.

Those that the reference's own examples name are opened by their first use, with the
middle of the first picture marked. All end after a day.
Source: API reference, sections 2.6 and 5.5, read 2026-10-04; that those of faces live
as long as those of selections is a guess.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kling_cli.products import catalogue
from kling_cli.products.session import TOLERANCE_S
from kling_cli.sandbox.media.image import Picture
from kling_cli.sandbox.media.video import FPS, Clip, frame_count
from kling_cli.sandbox.routes.responses import Refusal, refusal
from kling_cli.sandbox.state.sandbox_state import VideoSession
from kling_cli.sandbox.state.sources import find_content

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kling_cli.products.model import Plan
    from kling_cli.sandbox.media.outputs import Content, Json
    from kling_cli.sandbox.state.sandbox_state import Point, SandboxState


EXAMPLE_SESSIONS = frozenset(
    {
        "880000000000000401",
        "880000000000000501",
        "880000000000000502",
        "880000000000000503",
    }
)
MAX_FRAMES, MAX_POINTS = 10, 10
NOT_RECOGNISED = 1
_FREE = {
    "final_unit_deduction": "0",
    "final_balance_deduction": {"quota": "0", "list_price": "0"},
}
LIFE_S = 24 * 3600
NO_SESSION = "Session not found or expired: {id}"
NO_ROOM = "sound_insert_time is invalid: the sound must end within the video"
MIDDLE = (0.5, 0.5)
WIDTH, HEIGHT, SECONDS = 1280, 720, 5


def open_session(
    state: SandboxState, session_id: str, body: Mapping[str, Any], *, faces: int = 0
) -> VideoSession:
    """Open a session for the video that a request names."""
    own = _own_clip(state, body)
    video_id = body.get("video_id")
    session = VideoSession(
        opened_at=state.clock.now_s(),
        clip=own or _default_clip(session_id),
        is_own=own is not None,
        video_id=video_id if isinstance(video_id, str) else None,
        faces=faces,
    )
    state.sessions[session_id] = session
    return session


def find_session(
    state: SandboxState, body: Mapping[str, Any]
) -> VideoSession | Refusal:
    """Return the session that a request names, or that there is none."""
    session_id = str(body["session_id"])
    now = state.clock.now_s()
    if session_id not in state.sessions and session_id in EXAMPLE_SESSIONS:
        state.sessions[session_id] = VideoSession(
            opened_at=now,
            clip=_default_clip(session_id),
            is_opened=False,
            marks={0: {MIDDLE}},
        )
    session = state.sessions.get(session_id)
    if session is None or now >= session.opened_at + LIFE_S:
        return refusal(1201, NO_SESSION.format(id=session_id))
    return session


def check_session(
    state: SandboxState, plan: Plan, body: Mapping[str, Any], values: Mapping[str, Any]
) -> Refusal | None:
    """Return what speaks against a job, by the session that it builds on."""
    use = plan.product.session
    if use is None:
        return None
    session = find_session(state, body)
    if isinstance(session, Refusal) or not session.is_opened:
        return session if isinstance(session, Refusal) else None
    seconds = session.clip.duration_s
    if use.choice is not None and str(values[use.choice]) not in _ids(session):
        return refusal(1201, f"face_id value '{values[use.choice]}' is invalid")
    if use.fit is not None:
        ends_s = values[use.fit.insert] + values[use.fit.end] - values[use.fit.start]
        return refusal(1201, NO_ROOM) if ends_s > seconds + TOLERANCE_S else None
    return _wrong_length(plan, values, seconds)


def _wrong_length(
    plan: Plan, values: Mapping[str, Any], seconds: float
) -> Refusal | None:
    """Return why a value does not go with a video of this length."""
    lengths = plan.product.session.lengths if plan.product.session else {}
    for name, by_value in lengths.items():
        value = values.get(name, plan.limits[name].default)
        low, high = by_value[value]
        if not low - TOLERANCE_S <= seconds <= high + TOLERANCE_S:
            return refusal(1201, f"{name} value '{value}' is invalid")
    return None


def is_editable(session: VideoSession) -> bool:
    """Say whether a video is as long as one that elements can be edited in."""
    use = catalogue.load("multi-elements").session
    spans = (
        [span for each in use.lengths.values() for span in each.values()] if use else []
    )
    seconds = session.clip.duration_s
    return any(
        low - TOLERANCE_S <= seconds <= high + TOLERANCE_S for low, high in spans
    )


def _ids(session: VideoSession) -> list[str]:
    return [str(number) for number in range(session.faces)]


def _default_clip(label: str) -> Clip:
    return Clip(
        width=WIDTH,
        height=HEIGHT,
        frames=frame_count(SECONDS),
        has_sound=False,
        label=label,
    )


def _own_clip(state: SandboxState, body: Mapping[str, Any]) -> Clip | None:
    """Return the clip that an id or a link leads to, if it is one of the sandbox's."""
    found = find_content(
        state, str(body.get("video_id") or body.get("video_url") or "")
    )
    return found if isinstance(found, Clip) else None


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


def init_selection(state: SandboxState, body: Mapping[str, Any]) -> Json:
    """Open a session for a video."""
    session_id = state.ids.task_id("8")
    session = open_session(state, session_id, body)
    if not is_editable(session):
        return _answer(session_id, status=NOT_RECOGNISED)
    clip = session.clip
    return _answer(session_id) | {
        "fps": float(FPS),
        "original_duration": int(clip.duration_s * 1000),
        "width": clip.width,
        "height": clip.height,
        "total_frame": clip.frames,
        "normalized_video": _link(state, session_id, session, "normalized.mp4"),
    }


def add_points(state: SandboxState, body: Mapping[str, Any]) -> Json | Refusal:
    """Mark points in one frame."""
    asked = _parse_marks(state, body)
    if isinstance(asked, Refusal):
        return asked
    session, frame, points = asked
    marks = session.marks
    if frame not in marks and len(marks) >= MAX_FRAMES:
        return refusal(1201, "at most 10 frames can be marked")
    if len({*marks.get(frame, ()), *points}) > MAX_POINTS:
        return refusal(1201, "points has too many entries, allowed: 10 per frame")
    marks.setdefault(frame, set()).update(points)
    return _answer(str(body["session_id"])) | {"res": _masks(session, frame)}


def delete_points(state: SandboxState, body: Mapping[str, Any]) -> Json | Refusal:
    """Take back points; they must be the very ones that were added."""
    asked = _parse_marks(state, body)
    if isinstance(asked, Refusal):
        return asked
    session, frame, points = asked
    session_id = str(body["session_id"])
    if not {*points} <= session.marks.get(frame, set()):
        return _answer(session_id, status=NOT_RECOGNISED)
    session.marks[frame] -= {*points}
    if not session.marks[frame]:
        del session.marks[frame]
    return _answer(session_id) | {"res": _masks(session, frame)}


def clear_selection(state: SandboxState, body: Mapping[str, Any]) -> Json | Refusal:
    """Take back everything that is marked."""
    session = find_session(state, body)
    if isinstance(session, Refusal):
        return session
    session.marks.clear()
    return _answer(str(body["session_id"]))


def preview_selection(state: SandboxState, body: Mapping[str, Any]) -> Json | Refusal:
    """Return links to what the selection looks like in motion."""
    session, session_id = find_session(state, body), str(body["session_id"])
    if isinstance(session, Refusal):
        return session
    if not session.marks:
        return _answer(session_id, status=NOT_RECOGNISED)
    names = {
        "video": "preview.mp4",
        "video_cover": "cover.png",
        "tracking_output": "tracking.json",
    }
    links = {key: _link(state, session_id, session, n) for key, n in names.items()}
    return _answer(session_id) | {"res": links}


def _parse_marks(
    state: SandboxState, body: Mapping[str, Any]
) -> tuple[VideoSession, int, list[Point]] | Refusal:
    """Return the session, the frame and the points that a valid request names."""
    session = find_session(state, body)
    if isinstance(session, Refusal):
        return session
    points = [(float(each["x"]), float(each["y"])) for each in body["points"]]
    return session, int(body["frame_index"]), points


def _answer(session_id: str, *, status: int = 0) -> Json:
    return {"status": status, "session_id": session_id, **_FREE}


def _link(
    state: SandboxState, session_id: str, session: VideoSession, name: str
) -> str:
    """Register the session's files, and return a link to one of them."""
    clip = session.clip
    files: dict[str, Content] = {
        "normalized.mp4": clip,
        "preview.mp4": clip.watermarked,
        "cover.png": Picture(width=clip.width, height=clip.height, label=session_id),
        "tracking.json": Tracking(clip.frames),
    }
    state.files[session_id] = files
    return state.links.url_for(session_id, name, since=state.clock.now_s())


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
