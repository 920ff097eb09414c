"""Serializes tasks into the JSON of each generation of the API.

Source: API reference, sections 2.2 to 2.6 and 4.2 to 4.3, read 2026-10-04.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from kling_cli.catalogue import Generation
from kling_cli.sandbox.state.tasks import Phase, SandboxTask

if TYPE_CHECKING:
    from kling_cli.sandbox.media.outputs import Json, Output

Link = Callable[[SandboxTask, str], str]
"""Returns the signed URL of one of a task's files, by its name."""

LEGACY_WORDS = {Phase.SUCCEEDED: "succeed"}
UNKNOWN_WORDS = {
    Phase.SUBMITTED: "SUBMITTED",
    Phase.PROCESSING: "rendering",
    Phase.SUCCEEDED: "SUCCEEDED",
    Phase.FAILED: "Failed",
}
LEGACY_UNKNOWN_WORDS = UNKNOWN_WORDS | {Phase.SUCCEEDED: "SUCCEED"}
OPTIONAL_KEYS = frozenset(
    {
        *("message", "update_time", "billing"),
        *("task_status_msg", "updated_at", "watermark_info", "task_info"),
        *("final_unit_deduction", "final_balance_deduction"),
    }
)
# The one solution that answers the create call in a mixture of the generations, and
# the one that sends a callback of the final status only. Source: section 2.10.
TRY_ON = "/solutions/virtual_try_on"
FINAL_CALLBACK_ONLY = "/solutions/drama_subtitle"
PACKAGE_TYPES = {"try_on": "image"}  # as the solution's example has it
HOSTILE_NAME = "../../evil\x00\x1b[31m\n"


def created_shape(task: SandboxTask) -> Json:
    """Return what the create call answers: the task at its very beginning."""
    moment = task.times.created_at
    if task.plan.route.generation is Generation.LEGACY:
        full = legacy_shape(task, moment, _no_link)
        keep = {"task_id", "task_status", "task_info", "created_at", "updated_at"}
    else:
        full = new_shape(task, moment, _no_link)
        keep = {"id", "status", "message", "create_time", "update_time", "external_id"}
    extra = {"queue_position"} if task.has_unknown_words else set()
    shown = {key: value for key, value in full.items() if key in keep | extra}
    if task.plan.route.create_path == TRY_ON:
        shown.pop("message", None)
        return {"task_id": shown.pop("id"), **shown}
    return shown


def flat_shape(task: SandboxTask, moment: float, link: Link) -> Json:
    """Return the task in the shape of the generation it was made with (callbacks)."""
    if task.plan.route.generation is Generation.LEGACY:
        body = legacy_shape(task, moment, link)
        body.pop("watermark_info", None)  # an odd one has none to begin with
        return body
    return new_shape(task, moment, link)


def new_shape(task: SandboxTask, moment: float, link: Link) -> Json:
    """Return one item of `GET /tasks`; it shows legacy tasks in this shape too."""
    phase = task.phase_at(moment)
    body: Json = {
        "id": task.id,
        "status": (UNKNOWN_WORDS if task.has_unknown_words else {}).get(
            phase, phase.value
        ),
        "message": task.outcome.message if phase.is_final else "",
        "create_time": _ms(task.times.created_at),
        "update_time": _ms(task.times.changed_at(moment)),
    }
    if task.external_id is not None:
        body["external_id"] = task.external_id
    items = [
        item
        for output in _outputs(task, phase)
        for item in output.new(lambda name: link(task, name))
    ]
    body["outputs"] = [_show_output(task, item) for item in items]
    body["billing"] = _billing(task, moment) if phase.is_final else []
    return _with_unknown_keys(task, body)


def legacy_shape(task: SandboxTask, moment: float, link: Link) -> Json:
    """Return the `data` of a legacy single query."""
    phase = task.phase_at(moment)
    words = LEGACY_UNKNOWN_WORDS if task.has_unknown_words else LEGACY_WORDS
    info: Json = (
        {} if task.external_id is None else {"external_task_id": task.external_id}
    )
    if task.parent_video is not None:
        info["parent_video"] = dict(task.parent_video)
    body: Json = {
        "task_id": task.id,
        "task_status": words.get(phase, phase.value),
        "task_status_msg": task.outcome.message if phase.is_final else "",
        "task_info": info,
        "task_result": {},
        "watermark_info": {"enabled": task.has_watermark},
        "created_at": _ms(task.times.created_at),
        "updated_at": _ms(task.times.changed_at(moment)),
    }
    if phase is Phase.SUCCEEDED:
        body["task_result"] = _result(task, phase, link)
        body["final_unit_deduction"] = amount_text(task.units)
        body["final_balance_deduction"] = {"quota": "0", "list_price": "0"}
    return _with_unknown_keys(task, body)


def amount_text(units: float) -> str:
    """Return units as the API writes them: `4`, `2.4`."""
    return f"{units:.4f}".rstrip("0").rstrip(".")


def _outputs(task: SandboxTask, phase: Phase) -> tuple[Output, ...]:
    is_there = phase is Phase.SUCCEEDED and task.outcome.has_outputs
    return task.outputs if is_there else ()


def _result(task: SandboxTask, phase: Phase, link: Link) -> Json:
    """Return the `task_result`: a list for each kind of output there is."""
    result: Json = {}
    for output in task.outputs:
        name, item = output.legacy(lambda name: link(task, name))
        if name == "series_images":
            result |= {"result_type": "series", "images": []}
        listed = result.setdefault(name, [])
        if output in _outputs(task, phase):
            listed.append(_show_output(task, item))
    return result


def _show_output(task: SandboxTask, item: Json) -> Json:
    """Return the JSON of an output in this task: those of solutions have no id."""
    shown = dict(item)
    if task.plan.route.generation is Generation.SOLUTIONS:
        shown.pop("id", None)
    elif task.has_hostile_names and "id" in shown:
        shown["id"] += HOSTILE_NAME
    return shown


def _billing(task: SandboxTask, moment: float) -> list[Json]:
    return [
        {
            "charge_type": "unit",
            "amount": amount_text(task.charge_at(moment)),
            "package_type": PACKAGE_TYPES.get(task.pack, task.pack),
        }
    ]


def _with_unknown_keys(task: SandboxTask, body: Json) -> Json:
    if not task.has_unknown_words:
        return body
    kept = {key: value for key, value in body.items() if key not in OPTIONAL_KEYS}
    return kept | {"queue_position": 7, "_trace": {"zone": None, "tags": [[]]}}


def _ms(moment: float) -> int:
    return int(moment * 1000)


def _no_link(_task: SandboxTask, _name: str) -> str:
    return ""
