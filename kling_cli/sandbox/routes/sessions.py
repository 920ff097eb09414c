"""Sessions with a video: opened by a call of their own, named by later ones.

Those that the reference's own examples name are opened by their first use, with the
middle of the first picture marked. All end after a day.
Source: API reference, sections 2.6 and 5.5, read 2026-10-04; that those of faces live
as long as those of selections is a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kling_cli.products import catalogue
from kling_cli.products.session import TOLERANCE_S
from kling_cli.sandbox.media.video import Clip, pictures_for
from kling_cli.sandbox.routes.envelope import Refusal, refusal
from kling_cli.sandbox.routes.references import EXAMPLE_SESSIONS
from kling_cli.sandbox.state.sources import made

if TYPE_CHECKING:
    from kling_cli.products.model import Plan
    from kling_cli.sandbox.state.sandbox_state import World

LIFE_S = 24 * 3600
NO_SESSION = "Session not found or expired: {id}"
NO_ROOM = "sound_insert_time is invalid: the sound must end within the video"
MIDDLE = (0.5, 0.5)
WIDTH, HEIGHT, SECONDS = 1280, 720, 5

Point = tuple[float, float]


@dataclass(slots=True, kw_only=True)
class VideoSession:
    """What is known of a video: its clip, if it `is_own` the sandbox's, else a guess.

    `faces` is how many were looked for and found, `marks` the points by frame.
    """

    opened_at: float
    clip: Clip
    is_own: bool = False
    is_opened: bool = True
    video_id: str | None = None
    faces: int = 0
    marks: dict[int, set[Point]] = field(default_factory=dict)


def open_for(
    world: World, session_id: str, body: Mapping[str, Any], *, faces: int = 0
) -> VideoSession:
    """Open a session for the video that a request names."""
    own = _own_clip(world, body)
    video_id = body.get("video_id")
    session = VideoSession(
        opened_at=world.timeline.now_s(),
        clip=own or _guess(session_id),
        is_own=own is not None,
        video_id=video_id if isinstance(video_id, str) else None,
        faces=faces,
    )
    world.sessions[session_id] = session
    return session


def used(world: World, body: Mapping[str, Any]) -> VideoSession | Refusal:
    """Return the session that a request names, or that there is none."""
    session_id = str(body["session_id"])
    now = world.timeline.now_s()
    if session_id not in world.sessions and session_id in EXAMPLE_SESSIONS:
        world.sessions[session_id] = VideoSession(
            opened_at=now,
            clip=_guess(session_id),
            is_opened=False,
            marks={0: {MIDDLE}},
        )
    session = world.sessions.get(session_id)
    if session is None or now >= session.opened_at + LIFE_S:
        return refusal(1201, NO_SESSION.format(id=session_id))
    return session


def objection(
    world: World, plan: Plan, body: Mapping[str, Any], said: Mapping[str, Any]
) -> Refusal | None:
    """Return what speaks against a job, by the session that it builds on."""
    use = plan.product.session
    if use is None:
        return None
    session = used(world, body)
    if isinstance(session, Refusal) or not session.is_opened:
        return session if isinstance(session, Refusal) else None
    seconds = session.clip.duration_s
    if use.choice is not None and str(said[use.choice]) not in _ids(session):
        return refusal(1201, f"face_id value '{said[use.choice]}' is invalid")
    if use.fit is not None:
        ends_s = said[use.fit.insert] + said[use.fit.end] - said[use.fit.start]
        return refusal(1201, NO_ROOM) if ends_s > seconds + TOLERANCE_S else None
    return _wrong_length(plan, said, seconds)


def _wrong_length(
    plan: Plan, said: Mapping[str, Any], seconds: float
) -> Refusal | None:
    """Return why a value does not go with a video of this length."""
    lengths = plan.product.session.lengths if plan.product.session else {}
    for name, by_value in lengths.items():
        value = said.get(name, plan.limits[name].default)
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


def _guess(label: str) -> Clip:
    return Clip(
        width=WIDTH,
        height=HEIGHT,
        pictures=pictures_for(SECONDS),
        has_sound=False,
        label=label,
    )


def _own_clip(world: World, body: Mapping[str, Any]) -> Clip | None:
    """Return the clip that an id or a link leads to, if it is one of the sandbox's."""
    found = made(world, str(body.get("video_id") or body.get("video_url") or ""))
    return found if isinstance(found, Clip) else None
