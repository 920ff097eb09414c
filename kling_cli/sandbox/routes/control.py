"""The sandbox's own endpoints under `/_sandbox`: look, order faults, move time.

They need no credentials, and answer on loopback only.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from math import isfinite
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kling_cli.errors import UsageError
from kling_cli.sandbox.faults import parse_fault
from kling_cli.sandbox.routes.wire import new_shape
from kling_cli.sandbox.state.tasks import Phase, SandboxTask, forced

if TYPE_CHECKING:
    from starlette.requests import Request

    from kling_cli.sandbox.state.sandbox_state import World

Act = Callable[["World", Any], Any]


def control_routes(world: World) -> list[Route]:
    """Return the routes: state, faults, clock, tasks."""

    async def change_task(request: Request) -> Response:
        task_id = request.path_params["task_id"]
        return await _answer(world, request, lambda w, b: force(w, task_id, b))

    async def state(request: Request) -> Response:
        return await _answer(world, request, lambda w, _: document(w))

    def posted(act: Act) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            return await _answer(world, request, act)

        return endpoint

    return [
        Route("/_sandbox/state", state, methods=["GET"]),
        Route("/_sandbox/faults", posted(order_faults), methods=["POST"]),
        Route("/_sandbox/clock", posted(move_clock), methods=["POST"]),
        Route("/_sandbox/tasks/{task_id:path}", change_task, methods=["POST"]),
    ]


def document(world: World) -> dict[str, Any]:
    """Return all there is to know: tasks, requests, callbacks, counts."""
    now = world.timeline.now_s()
    tasks = [_task_document(world, task, now) for task in world.tasks]
    left = world.left("video")
    return {"tasks": tasks, "units_left": left, **world.ledger.document()}


def order_faults(world: World, body: Any) -> dict[str, Any]:
    """Replace the faults still pending by those of `{"faults": [SPEC…]}`."""
    specs = body.get("faults") if isinstance(body, dict) else None
    if not isinstance(specs, list) or not all(isinstance(s, str) for s in specs):
        raise UsageError('expected {"faults": ["ON:ACTION[xN]", …]}')
    rules = [parse_fault(spec) for spec in specs]
    world.faults.replace(rules)
    return {"faults": [asdict(rule) for rule in rules]}


def move_clock(world: World, body: Any) -> dict[str, Any]:
    """Move time forward by `{"advance_s": SECONDS}`."""
    seconds = body.get("advance_s") if isinstance(body, dict) else None
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if seconds is None or not is_number or not isfinite(seconds) or seconds < 0:
        raise UsageError('expected {"advance_s": SECONDS}, not below 0')
    world.timeline.advance(float(seconds))
    return {"now_ms": int(world.timeline.now_s() * 1000)}


def force(world: World, task_id: str, body: Any) -> dict[str, Any]:
    """Put a task into `{"status": …, "message": …}` now."""
    task = world.tasks.get(task_id) or world.tasks.by_external_id(task_id)
    if task is None:
        raise UsageError(f"there is no task {task_id}")
    said = body if isinstance(body, dict) else {}
    status = str(said.get("status"))
    if status not in [*Phase]:
        raise UsageError("status is one of " + ", ".join(Phase))
    now = world.timeline.now_s()
    changed = forced(task, Phase(status), str(said.get("message") or ""), now)
    world.tasks.put(changed)
    world.timeline.wake()
    return _task_document(world, changed, now)


def _task_document(world: World, task: SandboxTask, now: float) -> dict[str, Any]:
    return {
        **new_shape(task, now, world.links.make),
        "id": task.id,
        "status": task.phase_at(now).value,
        "external_id": task.external_id,
        "product": task.plan.product.name,
        "model": task.plan.model.id,
        "generation": task.plan.route.generation.value,
        "callback_url": task.callback_url,
        "units": task.charge_at(now),
    }


async def _answer(world: World, request: Request, act: Act) -> Response:
    if not _is_local(request):
        return JSONResponse({"error": "loopback only"}, status_code=403)
    try:
        body = await request.json() if request.method == "POST" else None
        return JSONResponse(act(world, body))
    except UsageError as exc:
        document = {"error": exc.message, "hint": exc.hint}
        return JSONResponse(document, status_code=400)
    except (ValueError, RecursionError):
        return JSONResponse({"error": "the body is not JSON"}, status_code=400)


def _is_local(request: Request) -> bool:
    """Say whether it comes from this machine, and names it so: a web page cannot."""
    caller = request.client.host if request.client else ""
    return _is_loopback(caller) and _is_loopback(request.url.hostname or "")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
