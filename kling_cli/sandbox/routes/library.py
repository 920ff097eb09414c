"""The library's endpoints: presets, deletion, elements of the first generation.

Source: API reference, section 2.8, read 2026-10-04. That a deleted thing leaves the
list is a guess; asked for by its task it is still there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kling_cli.sandbox.media.outputs import Element, Json, Voice
from kling_cli.sandbox.routes.queries import MAX_VOICES, page_of
from kling_cli.sandbox.routes.responses import Refusal, refusal
from kling_cli.sandbox.state.library import ELEMENTS, VOICES, Preset
from kling_cli.sandbox.state.tasks import Phase, SandboxTask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kling_cli.sandbox.state.sandbox_state import SandboxState

_NOT_FOUND = {"voice_id": "Voice id not found", "element_id": "Element id not found"}
_DELETED = "{id} already be deleted"  # the tail was observed


def voices(state: SandboxState, params: Mapping[str, str]) -> list[Json] | Refusal:
    """Return a page of the preset voices."""
    return page_of(_presets(state, VOICES), params, MAX_VOICES)


def elements(state: SandboxState, params: Mapping[str, str]) -> list[Json] | Refusal:
    """Return a page of the preset elements."""
    return page_of(_presets(state, ELEMENTS), params)


def _presets(state: SandboxState, which: tuple[Preset, ...]) -> list[Json]:
    """Return presets as finished tasks, the way the service lists them."""
    return [_as_task(state, each) for each in which]


def _as_task(state: SandboxState, preset: Preset) -> Json:
    moment = state.account.bought_at
    name, item = preset.output.legacy(
        lambda name: state.links.url_for(
            preset.task_id, name, since=state.clock.now_s()
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


def delete(state: SandboxState, key: str, body: Any) -> Json | Refusal:
    """Delete the voice or element that `body` names under `key`; only one's own."""
    wanted = body.get(key) if isinstance(body, dict) else None
    if isinstance(wanted, bool) or not isinstance(wanted, str | int) or not wanted:
        return refusal(1201, f"{key} is required")
    if key == "element_id" and str(wanted) in state.first_elements:
        return _deleted_first(state, str(wanted))
    kind = Voice if key == "voice_id" else Element
    for task in state.tasks:
        if task.phase_at(state.clock.now_s()) is not Phase.SUCCEEDED:
            continue
        for output in task.outputs:
            if isinstance(output, kind) and output.id == str(wanted):
                return _deleted(state, task, output)
    return refusal(1201, _NOT_FOUND[key])


def _deleted_first(state: SandboxState, wanted: str) -> Json | Refusal:
    element = state.first_elements[wanted]
    if element.is_deleted:
        return refusal(1201, _DELETED.format(id=wanted))
    state.first_elements[wanted] = replace(element, is_deleted=True)
    return {"task_id": wanted, "task_status": "succeed"}


def _deleted(
    state: SandboxState, task: SandboxTask, output: Voice | Element
) -> Json | Refusal:
    if output.is_deleted:
        return refusal(1201, _DELETED.format(id=output.id))
    state.tasks.put(replace(task, outputs=(replace(output, is_deleted=True),)))
    return {"task_id": task.id, "task_status": "succeed"}


def first_element(state: SandboxState, element: Element) -> Json:
    """Return an element of the first generation as its list shows it: a guess."""
    now = state.clock.now_s()
    links = {
        name: state.links.url_for(element.id, name, since=now) for name in element.files
    }
    return {
        "element_id": int(element.id),
        "element_name": element.name,
        "element_description": element.description,
        "element_frontal_image": links.pop("frontal.png"),
        "element_refer_list": [{"image_url": link} for link in links.values()],
        "owned_by": element.owner,
    }


def first_elements(
    state: SandboxState, params: Mapping[str, str]
) -> list[Json] | Refusal:
    """Return a page of the elements of the first generation, newest first."""
    newest = reversed(state.first_elements.values())
    kept = [first_element(state, each) for each in newest if not each.is_deleted]
    return page_of(kept, params)
