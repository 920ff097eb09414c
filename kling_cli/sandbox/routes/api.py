"""The API's door: who may come in, and what befalls a request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anyio
from starlette.requests import ClientDisconnect, Request

from kling_cli.sandbox.routes import responses as replies
from kling_cli.sandbox.routes.authentication import check_authorization
from kling_cli.sandbox.routes.create import admit, afflicted
from kling_cli.sandbox.routes.downloads import download
from kling_cli.sandbox.routes.endpoints import Target, is_historic, target_of
from kling_cli.sandbox.routes.envelope import Refusal
from kling_cli.sandbox.routes.lookups import LOOKS, Asked
from kling_cli.sandbox.routes.synchronous import answer_at_once
from kling_cli.sandbox.routes.wire import created_shape
from kling_cli.sandbox.state.traffic_log import Exchange

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from kling_cli.sandbox.callbacks import Caller
    from kling_cli.sandbox.state.sandbox_state import World

MAX_BODY_BYTES = 160 * 1024 * 1024  # two images of 50 MB as base64, and room
SLOW_CREATE_MAX_S = 10.0


class Api:
    """The ASGI application that serves everything but the sandbox's own controls."""

    def __init__(self, world: World, caller: Caller) -> None:
        self._world = world
        self._caller = caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        target = target_of(request.method, scope["raw_path"].decode("latin-1"))
        kind = "other" if isinstance(target, Refusal) else target.kind
        fault: str | None = None
        status: int | None = 500
        try:
            if isinstance(target, Refusal):
                response = self._refused(target)
            elif why := self._unauthorized(target, request):
                response = self._refused(why)
            else:
                fault = self._world.faults.take(kind)
                response = await self._act(target, request, fault)
            status = replies.status_of(response)
        except ClientDisconnect:
            response, status = replies.Hang(), None
        except Exception as exc:
            fault = f"bug: {exc!r}"  # uvicorn answers 500; here it can be seen
            raise
        finally:
            self._note(request, kind, status, fault)
        await response(scope, receive, send)

    def _note(
        self, request: Request, kind: str, status: int | None, fault: str | None
    ) -> None:
        self._world.ledger.note_exchange(
            Exchange(
                method=request.method,
                path=request.url.path,
                kind=kind,
                status=status,
                fault=fault,
                has_authorization="authorization" in request.headers,
                is_historic=is_historic(request.url.path),
            )
        )

    def _unauthorized(self, target: Target, request: Request) -> Refusal | None:
        if target.kind == "download":
            return None
        return check_authorization(
            request.headers.get("authorization"),
            keys=self._world.keys,
            needs_api_key=target.needs_api_key,
            now=self._world.timeline.real_now(),
        )

    async def _act(
        self, target: Target, request: Request, fault: str | None
    ) -> Response:
        if target.kind == "download":
            return await download(self._world, request, fault)
        if target.kind == "create":
            return await self._create(target, request, fault)
        if fault is not None:
            return replies.faulty(fault, self._world.ids.request_id())
        return self._answer(await self._look(target, request))

    async def _look(self, target: Target, request: Request) -> Any:
        body = await _json(request) if request.method == "POST" else None
        asked = Asked(target, request.query_params, body)
        return LOOKS[target.name](self._world, asked)

    async def _create(
        self, target: Target, request: Request, fault: str | None
    ) -> Response:
        world, action = self._world, fault or ""
        body = await _json(request)
        request_id = world.ids.request_id()
        if fault and not action.startswith("accept-") and fault != "slow":
            return replies.faulty(fault, request_id)
        if target.name == "direct":
            answer = answer_at_once(world, request.url.path, body)
            if action.startswith("accept-"):
                return replies.faulty(action.removeprefix("accept-"), request_id)
            return self._answer(answer)
        task = admit(world, request.url.path, body)
        if isinstance(task, Refusal):
            return self._refused(task)
        task = afflicted(task, world.faults.take("task"))
        world.tasks.put(task)
        told = self._caller.follow(task)
        if action.startswith("accept-"):
            return replies.faulty(action.removeprefix("accept-"), request_id)
        if fault == "slow":
            with anyio.move_on_after(SLOW_CREATE_MAX_S):
                await told.wait()
        seconds = task.times.ended_at - task.times.created_at
        return replies.accepted(created_shape(task), request_id, seconds=seconds)

    def _answer(self, data: Any) -> Response:
        if isinstance(data, Refusal):
            return self._refused(data)
        return replies.accepted(data, self._world.ids.request_id())

    def _refused(self, why: Refusal) -> Response:
        return replies.refused(why, self._world.ids.request_id())


async def _json(request: Request) -> Any:
    """Return the body as JSON; None, which is no request, if it is not or too long."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_BODY_BYTES:
            return None
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None
