"""The library: what the service has ready for everybody, and how one's own goes.

Source: API reference, section 2.8, read 2026-10-04. That a deleted thing leaves the
list is a guess; asked for by its task it is still there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kling_cli.sandbox.media.audio import Sound
from kling_cli.sandbox.media.image import Picture
from kling_cli.sandbox.media.library import Element, Voice
from kling_cli.sandbox.media.outputs import Json, Output
from kling_cli.sandbox.routes.envelope import Refusal, refusal
from kling_cli.sandbox.state.tasks import Phase

if TYPE_CHECKING:
    from kling_cli.sandbox.state.sandbox_state import World
    from kling_cli.sandbox.state.tasks import SandboxTask

MAX_VOICES = 1000  # a page of voices may be longer than others
OWNER = "kling"
_NOT_FOUND = {"voice_id": "Voice id not found", "element_id": "Element id not found"}
_DELETED = "{id} already be deleted"  # the tail was observed


@dataclass(frozen=True, slots=True)
class Preset:
    """Something the service has ready, under the id of a task nobody made."""

    task_id: str
    output: Output


def _voice(number: int, name: str) -> Preset:
    sample = Sound(seconds=3.0, label=f"preset {name}", kind="mp3")
    made = Voice(id=f"82{number:016d}", name=name, sample=sample, owner=OWNER)
    return Preset(f"81{number:016d}", made)


def _element(number: int, name: str, words: str, tag: str) -> Preset:
    front, side = (
        Picture(width=1024, height=1024, label=f"preset {name} {view}")
        for view in ("front", "side")
    )
    made = Element(
        id=f"32{number:013d}",
        name=name,
        description=words,
        reference_type="image_refer",
        frontal=front,
        refers=(side,),
        tags=(tag,),
        owner=OWNER,
    )
    return Preset(f"31{number:016d}", made)


VOICES = (_voice(1, "Ann"), _voice(2, "Ben"), _voice(3, "Cleo"))
ELEMENTS = (
    _element(1, "Hero", "a person in a red coat", "o_102"),
    _element(2, "Tea house", "a room with paper walls", "o_106"),
)
FILES = {preset.task_id: preset.output.files for preset in (*VOICES, *ELEMENTS)}


def presets(world: World, which: tuple[Preset, ...]) -> list[Json]:
    """Return them as finished tasks, the way the service lists them."""
    moment = world.account.bought_at
    return [_as_task(world, each, moment) for each in which]


def _as_task(world: World, preset: Preset, moment: float) -> Json:
    name, item = preset.output.legacy(
        lambda name: world.links.lead_to(
            preset.task_id, name, since=world.timeline.now_s()
        )
    )
    return {
        "task_id": preset.task_id,
        "task_status": "succeed",
        "task_status_msg": "",
        "task_result": {name: [item]},
        "created_at": int(moment * 1000),
        "updated_at": int(moment * 1000),
    }


def delete(world: World, key: str, body: Any) -> Json | Refusal:
    """Delete the voice or element that `body` names under `key`; only one's own."""
    wanted = body.get(key) if isinstance(body, dict) else None
    if isinstance(wanted, bool) or not isinstance(wanted, str | int) or not wanted:
        return refusal(1201, f"{key} is required")
    if key == "element_id" and str(wanted) in world.first_elements:
        return _deleted_first(world, str(wanted))
    kind = Voice if key == "voice_id" else Element
    for task in world.tasks:
        if task.phase_at(world.timeline.now_s()) is not Phase.SUCCEEDED:
            continue
        for output in task.outputs:
            if isinstance(output, kind) and output.id == str(wanted):
                return _deleted(world, task, output)
    return refusal(1201, _NOT_FOUND[key])


def _deleted_first(world: World, wanted: str) -> Json | Refusal:
    element = world.first_elements[wanted]
    if element.is_deleted:
        return refusal(1201, _DELETED.format(id=wanted))
    world.first_elements[wanted] = replace(element, is_deleted=True)
    return {"task_id": wanted, "task_status": "succeed"}


def _deleted(
    world: World, task: SandboxTask, output: Voice | Element
) -> Json | Refusal:
    if output.is_deleted:
        return refusal(1201, _DELETED.format(id=output.id))
    world.tasks.put(replace(task, outputs=(replace(output, is_deleted=True),)))
    return {"task_id": task.id, "task_status": "succeed"}


def is_listed(task: SandboxTask) -> bool:
    """Say whether a family's list still shows the task."""
    return not any(
        isinstance(each, Voice | Element) and each.is_deleted for each in task.outputs
    )


def first_element(world: World, element: Element) -> Json:
    """Return an element of the first generation as its list shows it: a guess."""
    now = world.timeline.now_s()
    links = {
        name: world.links.lead_to(element.id, name, since=now) for name in element.files
    }
    return {
        "element_id": int(element.id),
        "element_name": element.name,
        "element_description": element.description,
        "element_frontal_image": links.pop("frontal.png"),
        "element_refer_list": [{"image_url": link} for link in links.values()],
        "owned_by": element.owner,
    }


def first_elements(world: World) -> list[Json]:
    """Return the elements of the first generation, newest first."""
    newest = reversed(world.first_elements.values())
    return [first_element(world, each) for each in newest if not each.is_deleted]
