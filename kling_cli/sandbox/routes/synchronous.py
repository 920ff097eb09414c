"""Synchronous calls, which answer with their result and make no task.

Source: API reference, sections 2.6 to 2.8 and 6, read 2026-10-04.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from kling_cli.products import cost
from kling_cli.sandbox.media.audio import Sound
from kling_cli.sandbox.media.generation import IMAGE_PX
from kling_cli.sandbox.media.image import Picture
from kling_cli.sandbox.media.outputs import Content, Element, Json, duration_text
from kling_cli.sandbox.routes import sessions
from kling_cli.sandbox.routes.library import first_element
from kling_cli.sandbox.routes.responses import Refusal, refusal
from kling_cli.sandbox.routes.validation import (
    find_unknown_id,
    parse_create,
)
from kling_cli.sandbox.state.account import ChargedCall
from kling_cli.sandbox.state.sources import speech_s

if TYPE_CHECKING:
    from kling_cli.sandbox.state.sandbox_state import SandboxState

SEGMENTS = ("object_seg", "head_seg", "face_seg", "cloth_seg")

Answer = Callable[["SandboxState", Mapping[str, Any], str], Json | Refusal]
"""Makes the answer to a body; the text is the id under which files are kept."""


def call_synchronously(state: SandboxState, path: str, body: Any) -> Json | Refusal:
    """Return the answer of the synchronous call at `path`, and charge it."""
    request = parse_create(path, body)
    if isinstance(request, Refusal):
        return request
    why = find_unknown_id(state, path, request.body)
    if why is not None:
        return why
    pack = request.plan.product.pack
    units = cost.charge(request.plan, request.values, 0)
    if units and state.left(pack) <= 0:
        return refusal(1102)
    call_id = state.ids.task_id("8")
    answer = SYNCHRONOUS_CALLS[path](state, request.body, call_id)
    if isinstance(answer, Refusal) or not units:
        return answer
    now = state.clock.now_s()
    state.calls.append(
        ChargedCall(id=call_id, name=path, pack=pack, units=units, made_at=now)
    )
    return answer | {
        "final_unit_deduction": f"{units:g}",
        "final_balance_deduction": {"quota": "0", "list_price": "0"},
    }


def _put(
    state: SandboxState, call_id: str, files: Mapping[str, Content]
) -> dict[str, str]:
    """Keep files for download, and return their links by name."""
    state.files[call_id] = files
    now = state.clock.now_s()
    return {name: state.links.url_for(call_id, name, since=now) for name in files}


def _speech(state: SandboxState, body: Mapping[str, Any], call_id: str) -> Json:
    seconds = speech_s(str(body["text"]), body.get("voice_speed") or 1.0)
    sound = Sound(seconds=seconds, label=call_id, kind="mp3")
    links = _put(state, call_id, {"speech.mp3": sound})
    moment = int(state.clock.now_s() * 1000)
    audio = {"id": state.ids.task_id("8"), "url": links["speech.mp3"]}
    audio["duration"] = duration_text(sound.duration_s)
    state.audio_s[audio["id"]] = seconds
    return {
        "task_id": call_id,
        "task_status": "succeed",
        "task_status_msg": "",
        "task_result": {"audios": [audio]},
        "created_at": moment,
        "updated_at": moment,
    }


def _segments(state: SandboxState, _body: Mapping[str, Any], call_id: str) -> Json:
    """Find everything but clothes, as the reference's example does."""
    found = SEGMENTS[:-1]
    names = {kind: f"{kind}.png" for kind in found}
    pictures = {
        name: Picture(width=1024, height=1024, label=f"{call_id} {kind}")
        for kind, name in names.items()
    }
    links = _put(state, call_id, pictures)
    images = [
        {
            "type": kind,
            "is_contain": kind in found,
            "url": links[names[kind]] if kind in found else "",
        }
        for kind in SEGMENTS
    ]
    return {"task_result": {"images": images}}


def _faces(state: SandboxState, body: Mapping[str, Any], call_id: str) -> Json:
    """Find one face; two in a video whose name says `two`, none for `noface`."""
    name = str(body.get("video_url") or body.get("video_id"))
    count = 0 if "noface" in name else 2 if "two" in name else 1
    session = sessions.open_session(state, call_id, body, faces=count)
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
        for number, link in enumerate(_put(state, call_id, pictures).values())
    ]
    return {"session_id": call_id, "face_data": faces}


def _first_element(state: SandboxState, body: Mapping[str, Any], _call_id: str) -> Json:
    """Make an element of the first generation; what is answered is a guess."""
    element_id = state.ids.task_id("3")
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
    state.first_elements[element_id] = element
    _put(state, element_id, element.files)
    return first_element(state, element)


def _step(
    act: Callable[[SandboxState, Mapping[str, Any]], Json | Refusal],
) -> Answer:
    return lambda state, body, _call_id: act(state, body)


_SELECTION = "/v1/videos/multi-elements"
SYNCHRONOUS_CALLS: Mapping[str, Answer] = {
    "/v1/audio/tts": _speech,
    "/v1/videos/image-recognize": _segments,
    "/v1/videos/identify-face": _faces,
    "/v1/general/custom-elements": _first_element,
    f"{_SELECTION}/init-selection": _step(sessions.init_selection),
    f"{_SELECTION}/add-selection": _step(sessions.add_points),
    f"{_SELECTION}/delete-selection": _step(sessions.delete_points),
    f"{_SELECTION}/clear-selection": _step(sessions.clear_selection),
    f"{_SELECTION}/preview-selection": _step(sessions.preview_selection),
}
