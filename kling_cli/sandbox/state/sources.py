"""How long what is made will be: as asked for, or as long as what it is made from.

What the sandbox has made itself is known by its id or its link, a sound in the body by
its content. Anything else is taken to last five seconds, or what is nearest to that
among the lengths the API takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from kling_cli.products import length
from kling_cli.products.model import Plan
from kling_cli.products.prompt import split_handle
from kling_cli.products.values import effective, settled
from kling_cli.sandbox.media.audio import Sound
from kling_cli.sandbox.media.outputs import Audio, Content, Video
from kling_cli.sandbox.media.video import FPS, Clip, pictures_for

if TYPE_CHECKING:
    from kling_cli.sandbox.state.sandbox_state import World

DEFAULT_S = 5
LETTERS_A_SECOND = 14  # a guess
_SCRIPTS = frozenset({"talking-agent"})  # as long as it takes to say


@dataclass(frozen=True, slots=True)
class Lasting:
    """Seconds that are charged, and pictures of the film that comes of it."""

    seconds: float
    pictures: int


def lasting(world: World, plan: Plan, said: Mapping[str, Any]) -> Lasting:
    """Return how long the result of an order will be."""
    said = settled(plan, said)
    source = length.followed(plan, said)
    if source is None:
        return _asked_for(world, plan, said)
    seconds = length.measured_s(plan, source, said)
    seconds = seconds or known_s(world, bare(said[source.follows]))
    if seconds is not None:
        return Lasting(seconds, _pictures(seconds + source.adds))
    low, high = source.seconds or (DEFAULT_S, DEFAULT_S)
    seconds = min(max(DEFAULT_S, low), high)
    return Lasting(seconds, _pictures(seconds + source.adds) + 1)


def bare(value: Any) -> Any:
    """Return a value without the handle that may stand before it."""
    return split_handle(value)[1] if isinstance(value, str) else value


def spoken_s(text: str, speed: float = 1.0) -> float:
    """Return how long it takes to say a text."""
    return round(max(1.0, len(text) / LETTERS_A_SECOND / speed), 1)


def known_s(world: World, name: Any) -> float | None:
    """Return how long something of the sandbox's own lasts, by its id or its link."""
    if not isinstance(name, str):
        return None
    if name in world.known_s:
        return world.known_s[name]
    if name in world.sessions:
        return world.sessions[name].clip.duration_s
    return _of_content(made(world, name))


def made(world: World, name: str) -> Content | None:
    """Return something of the sandbox's own, by its id or its link."""
    if name.startswith(world.base_url):
        return _linked(world, name)
    for each in _made(world):
        if each.id == name:
            return each.clip if isinstance(each, Video) else each.mp3
    return None


def own_clip(world: World, said: Mapping[str, Any]) -> Clip | None:
    """Return the sandbox's own film that a session has been opened for."""
    session = world.sessions.get(str(said.get("session")))
    return session.clip if session is not None and session.is_own else None


def _asked_for(world: World, plan: Plan, said: Mapping[str, Any]) -> Lasting:
    if plan.product.name in _SCRIPTS:
        speed = effective(plan, said).get("speed") or 1.0
        seconds = spoken_s(str(said.get("script") or ""), float(speed))
        return Lasting(seconds, _pictures(seconds))
    wanted = effective(plan, said).get("duration")
    seconds = wanted if isinstance(wanted, int | float) and wanted else DEFAULT_S
    clip = own_clip(world, said)
    return Lasting(seconds, clip.pictures if clip else pictures_for(int(seconds)))


def _pictures(seconds: float) -> int:
    return max(2, round(seconds * FPS))


def _made(world: World) -> Iterator[Video | Audio]:
    for task in world.tasks:
        yield from (each for each in task.outputs if isinstance(each, Video | Audio))


def _linked(world: World, link: str) -> Content | None:
    parts = urlsplit(link)
    query = parse_qs(parts.query)
    wanted = world.links.read(
        parts.path,
        expires=query.get("Expires", [""])[0],
        signature=query.get("Signature", [""])[0],
        now=world.timeline.now_s(),
    )
    return None if wanted is None else world.content(wanted.owner_id, wanted.name)


def _of_content(content: Content | None) -> float | None:
    if isinstance(content, Clip):
        return content.duration_s
    return content.seconds if isinstance(content, Sound) else None
