"""The create call: what is refused, and the task that comes of the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, Any

from kling_cli.products import body as bodies
from kling_cli.products import cost, find, paths, values
from kling_cli.products.model import Generation, Model, Plan, Product, Route
from kling_cli.sandbox.media.generation import Wish, outputs_of
from kling_cli.sandbox.media.outputs import Image, Output, Video, duration_text
from kling_cli.sandbox.routes import sessions
from kling_cli.sandbox.routes.envelope import Refusal, refusal
from kling_cli.sandbox.routes.references import unknown_reference
from kling_cli.sandbox.routes.solutions import solution_message
from kling_cli.sandbox.state import tasks
from kling_cli.sandbox.state.inherited import inherited
from kling_cli.sandbox.state.sources import Lasting, lasting
from kling_cli.sandbox.state.tasks import Ending, Phase, SandboxTask, times_from

if TYPE_CHECKING:
    from kling_cli.sandbox.routes.sessions import VideoSession
    from kling_cli.sandbox.state.sandbox_state import World

DEFAULT_TASK_S = 60.0  # where nobody knows how long a model usually takes
# Whose settings may be in camelCase too. Source: section 2.10.
SPELLED_TWICE = frozenset({"/solutions/talking_agent"})
EVIL_ID = "../../evil\x00\x1b[31m-"

# Observed. Source: API reference, section 2.6 and error table, read 2026-10-04; the
# code that goes with the first is not known.
DISCONTINUED = "The model '{name}' has been discontinued and is no longer available."
ALREADY_THERE = "External_task_id {id} already exists"

ENDINGS = {
    "failed": Ending(phase=Phase.FAILED, message=tasks.GENERATION_ERROR),
    "moderation": Ending(phase=Phase.FAILED, message=tasks.RISK_CONTROL),
    "failed-succeed-message": Ending(
        phase=Phase.FAILED, message="Image pixel is invalid"
    ),
    "no-outputs": Ending(has_outputs=False),
}


@dataclass(frozen=True, slots=True)
class Order:
    """A create request that was understood: by which plan, and what it asks for."""

    plan: Plan
    body: Mapping[str, Any]
    said: Mapping[str, Any]

    @property
    def external_id(self) -> str | None:
        return _text_at(self.body, self.plan.route.external_id_at)

    @property
    def callback_url(self) -> str | None:
        return _text_at(self.body, self.plan.route.callback_url_at)


def admit(world: World, path: str, body: Any) -> SandboxTask | Refusal:
    """Return the task a create request makes, or why it makes none.

    The task is not yet in the book.
    """
    order = understand(path, body)
    if isinstance(order, Refusal):
        return order
    external_id = order.external_id
    if external_id and world.tasks.by_external_id(external_id) is not None:
        return refusal(1201, ALREADY_THERE.format(id=external_id))
    why = unknown_reference(world, path, order.body)
    why = why or sessions.objection(world, order.plan, order.body, order.said)
    if why is not None:
        return why
    new = _new_task(world, order)
    moment = new.times.created_at
    if world.left(new.pack) <= 0:
        return refusal(1102)
    has_slots = world.account.has_slots(new, world.tasks, moment)
    return new if has_slots else refusal(1303)


def understand(path: str, body: Any) -> Order | Refusal:
    """Return what a request to a create path asks for, or what is wrong with it."""
    found = find.by_path(path)
    if found is None:
        return refusal(1203)
    if not isinstance(body, dict):
        return refusal(1200)
    product, route, model = found
    body = without_empty(body)
    body = _in_snake_case(body) if path in SPELLED_TWICE else body
    chosen = model or _chosen(product, route, body)
    if isinstance(chosen, Refusal):
        return chosen
    plan = Plan(product=product, route=route, model=chosen)
    if message := solution_message(path, body) or _wrong_with(plan, body):
        return refusal(1201, message)
    said, _ = bodies.read(product, route, chosen, body)
    return Order(plan, body, said)


def _wrong_with(plan: Plan, body: Mapping[str, Any]) -> str | None:
    if problems := bodies.wire_check(plan, body):
        return problems[0].message
    for at in (plan.route.external_id_at, plan.route.callback_url_at):
        if at and not isinstance(value := paths.get(body, at) or "", str):
            return f"{at} value '{value}' is invalid"
    return None


def without_empty(value: Any) -> Any:
    """Return a body without its empty strings: the API takes them for absent.

    Those that stand in a list for themselves stay. Source: observed.
    """
    if isinstance(value, list):
        return [without_empty(each) for each in value]
    if isinstance(value, dict):
        return {k: without_empty(each) for k, each in value.items() if each != ""}
    return value


def _in_snake_case(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body with its settings under the names the page gives them first."""
    settings = body.get("settings")
    if not isinstance(settings, dict):
        return body
    named = {
        re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", name): value
        for name, value in settings.items()
    }
    return {**body, "settings": named}


def _chosen(product: Product, route: Route, body: Mapping[str, Any]) -> Model | Refusal:
    """Return the model a legacy body names; a path with an unknown one is no path."""
    if route.model_at is None:
        return refusal(1203)
    name = body.get(route.model_at) or route.default_wire_id
    model = find.by_wire_id(product, route, str(name))
    if model is None:
        return refusal(1201, f"{route.model_at} value '{name}' is invalid")
    if model.status == "discontinued":
        return refusal(1203, DISCONTINUED.format(name=name))
    return model


def _new_task(world: World, order: Order) -> SandboxTask:
    plan, length = order.plan, lasting(world, order.plan, order.said)
    session = world.sessions.get(str(order.body.get("session_id")))
    said = {**order.said, **inherited(world, order.said)}
    wish = _wish(world, replace(order, said=said), length)
    new = outputs_of(wish)
    now, seconds = world.timeline.now_s(), _task_seconds(world, plan.model)
    return SandboxTask(
        id=wish.label,
        plan=plan,
        times=times_from(now, seconds),
        ending=Ending(),
        outputs=new,
        units=cost.charge(plan, said, length.seconds, n_outputs=len(new)),
        slots=_slots(plan.product, new),
        external_id=order.external_id,
        callback_url=order.callback_url,
        has_watermark=wish.has_watermark,
        parent_video=_parent(world, session, order.body),
    )


def _wish(world: World, order: Order, length: Lasting) -> Wish:
    plan = order.plan
    first_digit = "8" if plan.route.generation is Generation.LEGACY else "9"
    return Wish(
        path=plan.route.create_path,
        output=plan.product.output,
        label=world.ids.task_id(first_digit),
        body=order.body,
        wanted=values.effective(plan, order.said),
        new_id=lambda: world.ids.task_id(first_digit),
        seconds=length.seconds,
        pictures=length.pictures,
    )


def afflicted(new: SandboxTask, fault: str | None) -> SandboxTask:
    """Return the task with what `--fail task:…` wants of it."""
    match fault:
        case "stuck":
            return replace(new, times=replace(new.times, ended_at=inf))
        case "odd-words":
            return replace(new, has_odd_words=True)
        case "evil-names":
            return replace(new, id=EVIL_ID + new.id, has_evil_names=True)
        case None:
            return new
        case _:
            return replace(new, ending=ENDINGS[fault])


def _task_seconds(world: World, model: Model) -> float:
    options = world.options
    if options.task_seconds is not None:
        return options.task_seconds
    return (model.usual_s or DEFAULT_TASK_S) / options.speed


def _slots(product: Product, new: Sequence[Output]) -> int:
    """Return the slots a task takes: one, or one for each image."""
    images = sum(isinstance(each, Image) for each in new)
    return max(1, images) if product.pack == "image" else 1


def _parent(
    world: World, session: VideoSession | None, body: Mapping[str, Any]
) -> Mapping[str, str] | None:
    """Return the video a task is made from, as far as it is one of the sandbox's."""
    said = body.get("video_id") or paths.get(body, "input.video_id")
    video_id = session.video_id if session else said
    for task in world.tasks if isinstance(video_id, str) else ():
        for output in task.outputs:
            if isinstance(output, Video) and output.id == video_id:
                url = world.links.make(task, "video.mp4")
                seconds = duration_text(output.clip.duration_s)
                return {"id": video_id, "url": url, "duration": seconds}
    return None


def _text_at(body: Mapping[str, Any], path: str | None) -> str | None:
    return (paths.get(body, path) if path else None) or None
