"""Lookup of earlier results, and what a task takes over from them: length, ratio.

What the sandbox has made itself is known by its id or its link, a sound in the body by
its content. Anything else is taken to last five seconds, or what is nearest to that
among the lengths the API takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from kling_cli.products import length
from kling_cli.products.prompt import split_handle
from kling_cli.products.values import effective, settled
from kling_cli.sandbox.media.audio import Sound
from kling_cli.sandbox.media.outputs import Audio, Content, Video
from kling_cli.sandbox.media.video import FPS, Clip, frame_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kling_cli.products.model import Plan
    from kling_cli.sandbox.state.sandbox_state import SandboxState


DEFAULT_S = 5
LETTERS_A_SECOND = 14  # a guess
_PRO_PX = 1080 * 1080  # between the areas of 720p and 1080p
_SCRIPTS = frozenset({"talking-agent"})  # as long as it takes to say


@dataclass(frozen=True, slots=True)
class ResultLength:
    """The length of a result: seconds that are charged, frames of the video."""

    seconds: float
    frames: int


def result_length(
    state: SandboxState, plan: Plan, values: Mapping[str, Any]
) -> ResultLength:
    """Return how long the result of a request will be."""
    values = settled(plan, values)
    source = length.followed(plan, values)
    if source is None:
        return _requested_length(state, plan, values)
    seconds = length.measured_s(plan, source, values)
    seconds = seconds or known_duration_s(state, strip_handle(values[source.follows]))
    if seconds is not None:
        return ResultLength(seconds, _frames(seconds + source.adds))
    low, high = source.seconds or (DEFAULT_S, DEFAULT_S)
    seconds = min(max(DEFAULT_S, low), high)
    return ResultLength(seconds, _frames(seconds + source.adds) + 1)


def strip_handle(value: Any) -> Any:
    """Return a value without the handle that may stand before it."""
    return split_handle(value)[1] if isinstance(value, str) else value


def speech_s(text: str, speed: float = 1.0) -> float:
    """Return how long it takes to say a text."""
    return round(max(1.0, len(text) / LETTERS_A_SECOND / speed), 1)


def known_duration_s(state: SandboxState, name: Any) -> float | None:
    """Return how long something of the sandbox's own lasts, by its id or its link."""
    if not isinstance(name, str):
        return None
    if name in state.audio_s:
        return state.audio_s[name]
    if name in state.sessions:
        return state.sessions[name].clip.duration_s
    return _of_content(find_content(state, name))


def find_content(state: SandboxState, name: str) -> Content | None:
    """Return something of the sandbox's own, by its id or its link."""
    if name.startswith(state.base_url):
        return _linked(state, name)
    for each in _outputs(state):
        if each.id == name:
            return each.clip if isinstance(each, Video) else each.mp3
    return None


def session_clip(state: SandboxState, values: Mapping[str, Any]) -> Clip | None:
    """Return the sandbox's own video that a session was opened for."""
    session = state.sessions.get(str(values.get("session")))
    return session.clip if session is not None and session.is_own else None


def _requested_length(
    state: SandboxState, plan: Plan, values: Mapping[str, Any]
) -> ResultLength:
    if plan.product.name in _SCRIPTS:
        speed = effective(plan, values).get("speed") or 1.0
        seconds = speech_s(str(values.get("script") or ""), float(speed))
        return ResultLength(seconds, _frames(seconds))
    wanted = effective(plan, values).get("duration")
    seconds = wanted if isinstance(wanted, int | float) and wanted else DEFAULT_S
    clip = session_clip(state, values)
    return ResultLength(seconds, clip.frames if clip else frame_count(int(seconds)))


def _frames(seconds: float) -> int:
    return max(2, round(seconds * FPS))


def _outputs(state: SandboxState) -> Iterator[Video | Audio]:
    for task in state.tasks:
        yield from (each for each in task.outputs if isinstance(each, Video | Audio))


def _linked(state: SandboxState, link: str) -> Content | None:
    parts = urlsplit(link)
    query = parse_qs(parts.query)
    wanted = state.links.resolve(
        parts.path,
        expires=query.get("Expires", [""])[0],
        signature=query.get("Signature", [""])[0],
        now=state.clock.now_s(),
    )
    return None if wanted is None else state.content(wanted.owner_id, wanted.name)


def _of_content(content: Content | None) -> float | None:
    if isinstance(content, Clip):
        return content.duration_s
    return content.seconds if isinstance(content, Sound) else None


def inherited_values(state: SandboxState, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values inherited from the video that is edited or extended."""
    edited, extended = values.get("base_video"), values.get("video_id")
    opened = session_clip(state, values)
    video = opened or find_content(state, str(strip_handle(edited or extended or "")))
    if not isinstance(video, Clip):
        return {}
    shape = {"aspect_ratio": f"{video.width}:{video.height}"}
    if opened is not None:
        return shape
    if edited is None:
        is_pro = video.width * video.height > _PRO_PX
        return {**shape, "resolution": "1080p" if is_pro else "720p"}
    return shape if video.has_sound else {**shape, "keep_sound": False}
