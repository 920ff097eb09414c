"""The calls that answer with their result at once: there is no task to ask about.

Source: API reference, sections 2.6 to 2.8 and 6, read 2026-10-04.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kling_cli.products import cost, find
from kling_cli.sandbox.media.audio import Sound
from kling_cli.sandbox.media.dimensions import IMAGE_PX
from kling_cli.sandbox.media.image import Picture
from kling_cli.sandbox.media.library import Element
from kling_cli.sandbox.media.outputs import Content, Json, duration_text
from kling_cli.sandbox.routes import selection, sessions
from kling_cli.sandbox.routes.create import understand, without_empty
from kling_cli.sandbox.routes.envelope import Refusal, refusal
from kling_cli.sandbox.routes.references import unknown_reference
from kling_cli.sandbox.state import library as shelf
from kling_cli.sandbox.state.account import Call
from kling_cli.sandbox.state.sources import spoken_s

if TYPE_CHECKING:
    from kling_cli.sandbox.state.sandbox_state import World

SEGMENTS = ("object_seg", "head_seg", "face_seg", "cloth_seg")

Answer = Callable[["World", Mapping[str, Any], str], Json | Refusal]
"""Makes the answer to a body; the text is the id under which files are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Direct:
    """A call: what it needs, what it costs (the catalogue knows better), its answer."""

    answer: Answer
    needs: tuple[str, ...] = ()
    needs_one_of: tuple[str, ...] = ()
    units: float = 0.0


def answer_at_once(world: World, path: str, body: Any) -> Json | Refusal:
    """Return the answer of the direct call at `path`, and charge it."""
    body = without_empty(body)
    call, said = DIRECT[path], body if isinstance(body, dict) else {}
    why = _wrong_with(call, path, body) or unknown_reference(world, path, said)
    if why is not None:
        return why
    pack, units = _price(call, path, body)
    if units and world.left(pack) <= 0:
        return refusal(1102)
    call_id = world.ids.task_id("8")
    answer = call.answer(world, said, call_id)
    if isinstance(answer, Refusal) or not units:
        return answer
    now = world.timeline.now_s()
    world.calls.append(Call(id=call_id, name=path, pack=pack, units=units, made_at=now))
    return answer | {
        "final_unit_deduction": f"{units:g}",
        "final_balance_deduction": {"quota": "0", "list_price": "0"},
    }


def _wrong_with(call: Direct, path: str, body: Any) -> Refusal | None:
    """Return what is wrong: in the catalogue's eyes where it knows the call."""
    if not isinstance(body, dict):
        return refusal(1200)
    if find.by_path(path) is not None:
        order = understand(path, body)
        return order if isinstance(order, Refusal) else None
    for name in call.needs:
        if body.get(name) in (None, ""):
            return refusal(1201, f"{name} is required")
    given = [name for name in call.needs_one_of if body.get(name)]
    if call.needs_one_of and len(given) != 1:
        names = " and ".join(call.needs_one_of)
        return refusal(1201, f"exactly one of {names} is required")
    return None


def _price(call: Direct, path: str, body: Any) -> tuple[str, float]:
    order = understand(path, body) if find.by_path(path) is not None else None
    if order is None or isinstance(order, Refusal) or not order.plan.model.rates:
        return "video", call.units
    return order.plan.product.pack, cost.charge(order.plan, order.said, 0)


def _put(world: World, call_id: str, files: Mapping[str, Content]) -> dict[str, str]:
    """Keep files for download, and return their links by name."""
    world.shelf[call_id] = files
    now = world.timeline.now_s()
    return {name: world.links.lead_to(call_id, name, since=now) for name in files}


def _speech(world: World, body: Mapping[str, Any], call_id: str) -> Json:
    seconds = spoken_s(str(body["text"]), body.get("voice_speed") or 1.0)
    sound = Sound(seconds=seconds, label=call_id, kind="mp3")
    links = _put(world, call_id, {"speech.mp3": sound})
    moment = int(world.timeline.now_s() * 1000)
    audio = {"id": world.ids.task_id("8"), "url": links["speech.mp3"]}
    audio["duration"] = duration_text(sound.duration_s)
    world.known_s[audio["id"]] = seconds
    return {
        "task_id": call_id,
        "task_status": "succeed",
        "task_status_msg": "",
        "task_result": {"audios": [audio]},
        "created_at": moment,
        "updated_at": moment,
    }


def _segments(world: World, _body: Mapping[str, Any], call_id: str) -> Json:
    """Find everything but clothes, as the reference's example does."""
    found = SEGMENTS[:-1]
    names = {kind: f"{kind}.png" for kind in found}
    pictures = {
        name: Picture(width=1024, height=1024, label=f"{call_id} {kind}")
        for kind, name in names.items()
    }
    links = _put(world, call_id, pictures)
    images = [
        {
            "type": kind,
            "is_contain": kind in found,
            "url": links[names[kind]] if kind in found else "",
        }
        for kind in SEGMENTS
    ]
    return {"task_result": {"images": images}}


def _faces(world: World, body: Mapping[str, Any], call_id: str) -> Json:
    """Find one face; two in a video whose name says `two`, none for `noface`."""
    name = str(body.get("video_url") or body.get("video_id"))
    count = 0 if "noface" in name else 2 if "two" in name else 1
    session = sessions.open_for(world, call_id, body, faces=count)
    pictures = {
        f"face_{n}.png": Picture(width=256, height=256, label=f"{call_id} {n}")
        for n in range(count)
    }
    faces = [
        {
            "face_id": str(number),
            "face_image": link,
            "start_time": 0,
            "end_time": int(session.clip.duration_s * 1000),
        }
        for number, link in enumerate(_put(world, call_id, pictures).values())
    ]
    return {"session_id": call_id, "face_data": faces}


def _first_element(world: World, body: Mapping[str, Any], _call_id: str) -> Json:
    """Make an element of the first generation; what is answered is a guess."""
    element_id = world.ids.task_id("3")
    side = IMAGE_PX["1k"]
    labels = [f"{element_id}-{n}" for n in range(len(body["element_refer_list"]) + 1)]
    pictures = [Picture(width=side, height=side, label=label) for label in labels]
    element = Element(
        id=element_id,
        name=str(body["element_name"]),
        description=str(body["element_description"]),
        reference_type="image_refer",
        frontal=pictures[0],
        refers=tuple(pictures[1:]),
    )
    world.first_elements[element_id] = element
    _put(world, element_id, element.files)
    return shelf.first_element(world, element)


def _step(
    act: Callable[[World, Mapping[str, Any]], Json | Refusal],
) -> Answer:
    return lambda world, body, _call_id: act(world, body)


_SELECTION = "/v1/videos/multi-elements"
_MARK = ("session_id", "frame_index", "points")
_VIDEO = ("video_id", "video_url")
DIRECT: Mapping[str, Direct] = {
    "/v1/audio/tts": Direct(answer=_speech, needs=("text", "voice_id"), units=0.05),
    "/v1/videos/image-recognize": Direct(answer=_segments, needs=("image",), units=0.1),
    "/v1/videos/identify-face": Direct(answer=_faces, needs_one_of=_VIDEO, units=0.05),
    "/v1/general/custom-elements": Direct(answer=_first_element),
    f"{_SELECTION}/init-selection": Direct(
        answer=_step(selection.start), needs_one_of=_VIDEO
    ),
    f"{_SELECTION}/add-selection": Direct(answer=_step(selection.add), needs=_MARK),
    f"{_SELECTION}/delete-selection": Direct(
        answer=_step(selection.remove), needs=_MARK
    ),
    f"{_SELECTION}/clear-selection": Direct(
        answer=_step(selection.clear), needs=("session_id",)
    ),
    f"{_SELECTION}/preview-selection": Direct(
        answer=_step(selection.preview), needs=("session_id",)
    ),
}
