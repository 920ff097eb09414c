"""The create call: what is refused, and the task that comes of the rest."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, Any

from kling_cli.errors import KlingError
from kling_cli.products import body as bodies
from kling_cli.products import cost, find, paths, values
from kling_cli.products.image import describe
from kling_cli.products.limits import is_url
from kling_cli.products.model import Generation, Model, Plan, Product, Route
from kling_cli.sandbox import task as tasks
from kling_cli.sandbox.answers import Refusal, refusal
from kling_cli.sandbox.task import Ending, Phase, SandboxTask, times_from
from kling_cli.sandbox.video.clip import Clip, pictures_for, size_for

if TYPE_CHECKING:
    from kling_cli.sandbox.world import World

DEFAULT_TASK_S = 60.0  # where nobody knows how long a model usually takes
MIN_RATIO, MAX_RATIO = 0.4, 2.5  # of an image that may be sent
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
    new = _new_task(world, order)
    return world.account.refuses(new, world.tasks, new.times.created_at) or new


def understand(path: str, body: Any) -> Order | Refusal:
    """Return what a request to a create path asks for, or what is wrong with it."""
    found = find.by_path(path)
    if found is None:
        return refusal(1203)
    if not isinstance(body, dict):
        return refusal(1200)
    product, route, model = found
    chosen = model or _chosen(product, route, body)
    if isinstance(chosen, Refusal):
        return chosen
    plan = Plan(product=product, route=route, model=chosen)
    if problems := bodies.wire_check(plan, body):
        return refusal(1201, problems[0].message)
    for at in (route.external_id_at, route.callback_url_at):
        if at and not isinstance(value := paths.get(body, at) or "", str):
            return refusal(1201, f"{at} value '{value}' is invalid")
    said, _ = bodies.read(product, route, chosen, body)
    return Order(plan, body, said)


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
    plan = order.plan
    wanted = values.effective(plan, order.said)
    ids = world.ids
    task_id = ids.task_id("8" if plan.route.generation is Generation.LEGACY else "9")
    now = world.timeline.now_s()
    seconds = int(wanted.get("duration") or 5)
    return SandboxTask(
        id=task_id,
        output_id=ids.task_id(task_id[0]),
        plan=plan,
        times=times_from(now, _task_seconds(world, plan.model)),
        ending=Ending(),
        clip=_clip(task_id, seconds, wanted),
        units=cost.charge(plan, order.said, seconds),
        slots=_slots(plan.product, wanted),
        external_id=order.external_id,
        callback_url=order.callback_url,
        has_watermark=bool(wanted.get("watermark")),
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


def _slots(product: Product, wanted: Mapping[str, Any]) -> int:
    """Return the slots a task takes: one, or one for each image."""
    return int(wanted.get("n") or 1) if product.pack == "image" else 1


def _clip(label: str, seconds: int, wanted: Mapping[str, Any]) -> Clip:
    width, height = size_for(str(wanted.get("resolution")), _ratio(wanted))
    return Clip(
        width=width,
        height=height,
        pictures=pictures_for(seconds),
        has_sound=bool(wanted.get("sound")),
        label=label,
    )


def _ratio(wanted: Mapping[str, Any]) -> float:
    """Return width:height: the first frame's if it can be seen, else what was asked."""
    seen = _image_ratio(wanted.get("image") or wanted.get("last_frame"))
    if seen is not None:
        return min(max(seen, MIN_RATIO), MAX_RATIO)
    width, _, height = str(wanted.get("aspect_ratio") or "16:9").partition(":")
    return int(width) / int(height)


def _image_ratio(value: Any) -> float | None:
    """Return width:height of an image sent as base64; None for a link to one."""
    if not isinstance(value, str) or is_url(value):
        return None
    try:
        facts = describe(base64.b64decode(value, validate=False))
    except (KlingError, ValueError):
        return None
    return facts.width / facts.height if facts.width and facts.height else None


def _text_at(body: Mapping[str, Any], path: str | None) -> str | None:
    return (paths.get(body, path) if path else None) or None
