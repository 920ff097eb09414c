"""Creates tasks: checks the account, and builds the task that a request asks for."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Any

from kling_cli import catalogue
from kling_cli.catalogue import Generation, Model, Product, effective_values
from kling_cli.sandbox.media.generation import MediaRequest, generate_outputs
from kling_cli.sandbox.media.outputs import Image, Output, Video, duration_text
from kling_cli.sandbox.routes import sessions
from kling_cli.sandbox.routes.responses import Refusal, refusal
from kling_cli.sandbox.routes.validation import (
    CreateRequest,
    find_unknown_id,
    parse_create,
)
from kling_cli.sandbox.state import tasks
from kling_cli.sandbox.state.sources import (
    ResultLength,
    inherited_values,
    result_length,
)
from kling_cli.sandbox.state.tasks import Outcome, Phase, SandboxTask, times_from

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kling_cli.sandbox.state.sandbox_state import SandboxState, VideoSession


DEFAULT_TASK_S = 60.0  # where the usual time of a model is not known
HOSTILE_ID = "../../evil\x00\x1b[31m-"

# Observed. Source: API reference, error table, read 2026-10-04.
ALREADY_THERE = "External_task_id {id} already exists"

OUTCOMES = {
    "failed": Outcome(phase=Phase.FAILED, message=tasks.GENERATION_ERROR),
    "moderation": Outcome(phase=Phase.FAILED, message=tasks.RISK_CONTROL),
    "failed-succeed-message": Outcome(
        phase=Phase.FAILED, message="Image pixel is invalid"
    ),
    "no-outputs": Outcome(has_outputs=False),
}


def create_task(state: SandboxState, path: str, body: Any) -> SandboxTask | Refusal:
    """Return the task that a create request makes, or its refusal.

    The task is not yet in the repository.
    """
    request = parse_create(path, body)
    if isinstance(request, Refusal):
        return request
    external_id = request.external_id
    if external_id and state.tasks.by_external_id(external_id) is not None:
        return refusal(1201, ALREADY_THERE.format(id=external_id))
    why = find_unknown_id(state, path, request.body)
    why = why or sessions.check_session(
        state, request.plan, request.body, request.values
    )
    if why is not None:
        return why
    new = _new_task(state, request)
    moment = new.times.created_at
    if state.left(new.pack) <= 0:
        return refusal(1102)
    has_slots = state.account.has_slots(new, state.tasks, moment)
    return new if has_slots else refusal(1303)


def _new_task(state: SandboxState, request: CreateRequest) -> SandboxTask:
    plan, length = request.plan, result_length(state, request.plan, request.values)
    session = state.sessions.get(str(request.body.get("session_id")))
    values = {**request.values, **inherited_values(state, request.values)}
    media = _media_request(state, replace(request, values=values), length)
    new = generate_outputs(media)
    now, seconds = state.clock.now_s(), _task_seconds(state, plan.model)
    return SandboxTask(
        id=media.label,
        plan=plan,
        times=times_from(now, seconds),
        outcome=Outcome(),
        outputs=new,
        units=catalogue.charged_units(plan, values, length.seconds, n_outputs=len(new)),
        slots=_slots(plan.product, new),
        external_id=request.external_id,
        callback_url=request.callback_url,
        has_watermark=media.has_watermark,
        parent_video=_parent(state, session, request.body),
    )


def _media_request(
    state: SandboxState, request: CreateRequest, length: ResultLength
) -> MediaRequest:
    plan = request.plan
    first_digit = "8" if plan.route.generation is Generation.LEGACY else "9"
    return MediaRequest(
        path=plan.route.create_path,
        output=plan.product.output,
        label=state.ids.task_id(first_digit),
        body=request.body,
        values=effective_values(plan, request.values),
        new_id=lambda: state.ids.task_id(first_digit),
        seconds=length.seconds,
        frames=length.frames,
    )


def apply_task_fault(new: SandboxTask, fault: str | None) -> SandboxTask:
    """Return the task changed by a fault of `--fail task:…`."""
    match fault:
        case "stuck":
            return replace(new, times=replace(new.times, ended_at=inf))
        case "odd-words":
            return replace(new, has_unknown_words=True)
        case "evil-names":
            return replace(new, id=HOSTILE_ID + new.id, has_hostile_names=True)
        case None:
            return new
        case _:
            return replace(new, outcome=OUTCOMES[fault])


def _task_seconds(state: SandboxState, model: Model) -> float:
    options = state.options
    if options.task_seconds is not None:
        return options.task_seconds
    return (model.usual_s or DEFAULT_TASK_S) / options.speed


def _slots(product: Product, new: Sequence[Output]) -> int:
    """Return the slots a task takes: one, or one for each image."""
    images = sum(isinstance(each, Image) for each in new)
    return max(1, images) if product.pack == "image" else 1


def _parent(
    state: SandboxState, session: VideoSession | None, body: Mapping[str, Any]
) -> Mapping[str, str] | None:
    """Return the video a task is made from, as far as it is one of the sandbox's."""
    values = body.get("video_id") or catalogue.get_path(body, "input.video_id")
    video_id = session.video_id if session else values
    for task in state.tasks if isinstance(video_id, str) else ():
        for output in task.outputs:
            if isinstance(output, Video) and output.id == video_id:
                url = state.links.task_url(task, "video.mp4")
                seconds = duration_text(output.clip.duration_s)
                return {"id": video_id, "url": url, "duration": seconds}
    return None
