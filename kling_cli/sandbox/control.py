"""Control endpoints under `/_sandbox`: state, faults, clock, status of a task.

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
from kling_cli.sandbox.state.tasks import Phase, SandboxTask, force_phase
from kling_cli.sandbox.wire import new_shape

if TYPE_CHECKING:
    from starlette.requests import Request

    from kling_cli.sandbox.state.sandbox_state import SandboxState

Command = Callable[["SandboxState", Any], Any]


def control_routes(state: SandboxState) -> list[Route]:
    """Return the control routes: state, faults, clock, tasks."""

    async def change_task(request: Request) -> Response:
        task_id = request.path_params["task_id"]
        return await _answer(
            state, request, lambda _, body: set_status(state, task_id, body)
        )

    async def show_state(request: Request) -> Response:
        return await _answer(state, request, lambda _, _body: document(state))

    def command_endpoint(command: Command) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            return await _answer(state, request, command)

        return endpoint

    return [
        Route("/_sandbox/state", show_state, methods=["GET"]),
        Route("/_sandbox/faults", command_endpoint(replace_faults), methods=["POST"]),
        Route("/_sandbox/clock", command_endpoint(advance_clock), methods=["POST"]),
        Route("/_sandbox/tasks/{task_id:path}", change_task, methods=["POST"]),
    ]


def document(state: SandboxState) -> dict[str, Any]:
    """Return the whole state: tasks, requests, callbacks, counts, units left."""
    now = state.clock.now_s()
    tasks = [_task_document(state, task, now) for task in state.tasks]
    left = state.left("video")
    return {"tasks": tasks, "units_left": left, **state.traffic.document()}


def replace_faults(state: SandboxState, body: Any) -> dict[str, Any]:
    """Replace the pending faults by those of `{"faults": [SPEC…]}`."""
    specs = body.get("faults") if isinstance(body, dict) else None
    if not isinstance(specs, list) or not all(isinstance(s, str) for s in specs):
        raise UsageError('expected {"faults": ["ON:ACTION[xN]", …]}')
    rules = [parse_fault(spec) for spec in specs]
    state.faults.replace(rules)
    return {"faults": [asdict(rule) for rule in rules]}


def advance_clock(state: SandboxState, body: Any) -> dict[str, Any]:
    """Advance the virtual clock by `{"advance_s": SECONDS}`."""
    seconds = body.get("advance_s") if isinstance(body, dict) else None
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if seconds is None or not is_number or not isfinite(seconds) or seconds < 0:
        raise UsageError('expected {"advance_s": SECONDS}, not below 0')
    state.clock.advance(float(seconds))
    return {"now_ms": int(state.clock.now_s() * 1000)}


def set_status(state: SandboxState, task_id: str, body: Any) -> dict[str, Any]:
    """Set a task to `{"status": …, "message": …}` now."""
    task = state.tasks.get(task_id) or state.tasks.by_external_id(task_id)
    if task is None:
        raise UsageError(f"there is no task {task_id}")
    values = body if isinstance(body, dict) else {}
    status = str(values.get("status"))
    if status not in [*Phase]:
        raise UsageError("status is one of " + ", ".join(Phase))
    now = state.clock.now_s()
    changed = force_phase(task, Phase(status), str(values.get("message") or ""), now)
    state.tasks.put(changed)
    state.clock.wake()
    return _task_document(state, changed, now)


def _task_document(
    state: SandboxState, task: SandboxTask, now: float
) -> dict[str, Any]:
    return {
        **new_shape(task, now, state.links.task_url),
        "id": task.id,
        "status": task.phase_at(now).value,
        "external_id": task.external_id,
        "product": task.plan.product.name,
        "model": task.plan.model.id,
        "generation": task.plan.route.generation.value,
        "callback_url": task.callback_url,
        "units": task.charge_at(now),
    }


async def _answer(state: SandboxState, request: Request, command: Command) -> Response:
    if not _is_local(request):
        return JSONResponse({"error": "loopback only"}, status_code=403)
    try:
        body = await request.json() if request.method == "POST" else None
        return JSONResponse(command(state, body))
    except UsageError as exc:
        document = {"error": exc.message, "hint": exc.hint}
        return JSONResponse(document, status_code=400)
    except (ValueError, RecursionError):
        return JSONResponse({"error": "the body is not JSON"}, status_code=400)


def _is_local(request: Request) -> bool:
    """Say whether a request comes from this machine and names it in its `Host`."""
    caller = request.client.host if request.client else ""
    return _is_loopback(caller) and _is_loopback(request.url.hostname or "")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
