"""The ASGI application of the simulated API: endpoints, authentication, faults."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import anyio
from starlette.requests import ClientDisconnect, Request

from kling_cli.products import find
from kling_cli.products.model import CredentialKind, Generation, Route
from kling_cli.sandbox.routes import billing, library, queries, responses
from kling_cli.sandbox.routes.authentication import check_authorization
from kling_cli.sandbox.routes.create import apply_task_fault, create_task
from kling_cli.sandbox.routes.downloads import download
from kling_cli.sandbox.routes.queries import page_of
from kling_cli.sandbox.routes.responses import Refusal, refusal
from kling_cli.sandbox.routes.synchronous import SYNCHRONOUS_CALLS, call_synchronously
from kling_cli.sandbox.state.signed_links import PREFIX
from kling_cli.sandbox.state.traffic_log import Exchange
from kling_cli.sandbox.wire import created_shape

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from kling_cli.sandbox.callbacks import CallbackSender
    from kling_cli.sandbox.state.sandbox_state import SandboxState


MAX_BODY_BYTES = 160 * 1024 * 1024  # two images of 50 MB as base64, and room
SLOW_CREATE_MAX_S = 10.0


# Served although they left the documentation. Source: API reference, section 2.0.
HISTORIC = (
    "/v1/videos/multi-image2video",
    "/v1/videos/video-extend",
    "/v1/videos/lip-sync",
    "/v1/general/custom-elements",
    "/v1/general/presets-elements",
)


def is_historic(path: str) -> bool:
    """Say whether a path, or that of one of its tasks, is one of the historic ones."""
    return any(path == each or path.startswith(f"{each}/") for each in HISTORIC)


@dataclass(frozen=True, slots=True)
class Query:
    """The parameters and the body of a request that creates nothing."""

    params: Mapping[str, str]
    body: Any = None


Answer = Callable[["SandboxState", Query], Any]
"""Returns the data that answers a query, or a refusal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method of one path.

    `kind` is that of faults and counts: create, query, account or download. `answer` is
    for queries and the account. A create call that `is_synchronous` makes no task.
    """

    kind: str
    answer: Answer | None = None
    is_synchronous: bool = False
    needs_api_key: bool = False


def find_endpoint(method: str, raw_path: str) -> Endpoint | Refusal:
    """Return what a request is for; `raw_path` is the path as it was sent, quoted."""
    methods = _methods_of(raw_path)
    if methods is None:
        return refusal(1203)
    return methods.get(method) or refusal(1202)


def _methods_of(raw_path: str) -> Mapping[str, Endpoint] | None:
    if raw_path.startswith(PREFIX):
        return {"GET": _DOWNLOAD, "HEAD": _DOWNLOAD}
    if raw_path in _FIXED:
        return _FIXED[raw_path]
    path = unquote(raw_path)
    if (found := find.by_path(path)) is not None:
        return _methods_of_route(found[1])
    parent, _, last = raw_path.rpartition("/")
    found = find.by_path(unquote(parent))
    if found is not None and found[1].generation is Generation.LEGACY and last:
        family, task_id = found[1].create_path, unquote(last)
        return {
            "GET": _query(
                lambda state, _: queries.legacy_single(state, family, task_id)
            )
        }
    return None


def _methods_of_route(route: Route) -> dict[str, Endpoint]:
    needs_api_key = CredentialKind.KEY_PAIR not in route.credentials
    create = Endpoint(kind="create", needs_api_key=needs_api_key)
    if route.generation is not Generation.LEGACY:
        return {"POST": create}
    path = route.create_path
    return {
        "POST": create,
        "GET": _query(
            lambda state, query: queries.legacy_list(state, path, query.params)
        ),
    }


def _query(answer: Answer, *, needs_api_key: bool = False) -> Endpoint:
    return Endpoint(kind="query", answer=answer, needs_api_key=needs_api_key)


def _account(answer: Answer) -> Endpoint:
    return Endpoint(kind="account", answer=answer)


def _tasks(*, is_solutions: bool) -> dict[str, Endpoint]:
    """Return the queries by id and by filters, of tasks or of solutions."""
    return {
        "GET": _query(
            lambda state, query: queries.tasks_by_ids(
                state, query.params, is_solutions=is_solutions
            ),
            needs_api_key=True,
        ),
        "POST": _query(
            lambda state, query: queries.search(
                state, query.body, is_solutions=is_solutions
            ),
            needs_api_key=True,
        ),
    }


_DOWNLOAD = Endpoint(kind="download")
_SYNCHRONOUS = {"POST": Endpoint(kind="create", is_synchronous=True)}
_DELETE_ELEMENT = {
    "POST": _query(lambda state, query: library.delete(state, "element_id", query.body))
}
_FIXED: Mapping[str, Mapping[str, Endpoint]] = {
    "/tasks": _tasks(is_solutions=False),
    "/solutions": _tasks(is_solutions=True),
    "/account/costs": {
        "GET": _account(lambda state, query: billing.costs(state, query.params))
    },
    "/account/billing/balance": {
        "POST": _account(lambda state, query: billing.balance(state, query.body))
    },
    "/account/billing/package": {
        "POST": _account(lambda state, query: billing.package(state, query.body))
    },
    "/v1/general/presets-voices": {
        "GET": _query(lambda state, query: library.voices(state, query.params))
    },
    "/v1/general/advanced-presets-elements": {
        "GET": _query(lambda state, query: library.elements(state, query.params))
    },
    "/v1/general/presets-elements": {
        "GET": _query(lambda _, query: page_of([], query.params))
    },
    "/v1/general/delete-voices": {
        "POST": _query(
            lambda state, query: library.delete(state, "voice_id", query.body)
        )
    },
    "/v1/general/delete-elements": _DELETE_ELEMENT,
    "/v1/general/delete-advanced-elements": _DELETE_ELEMENT,
    **dict.fromkeys(SYNCHRONOUS_CALLS, _SYNCHRONOUS),
    "/v1/general/custom-elements": {
        **_SYNCHRONOUS,
        "GET": _query(lambda state, query: library.first_elements(state, query.params)),
    },
}


class SimulatedApi:
    """The ASGI application that serves everything but the control endpoints."""

    def __init__(self, state: SandboxState, sender: CallbackSender) -> None:
        self._state = state
        self._sender = sender

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        endpoint = find_endpoint(request.method, scope["raw_path"].decode("latin-1"))
        kind = "other" if isinstance(endpoint, Refusal) else endpoint.kind
        fault: str | None = None
        status: int | None = 500
        try:
            if isinstance(endpoint, Refusal):
                response = self._refused(endpoint)
            elif why := self._unauthorized(endpoint, request):
                response = self._refused(why)
            else:
                fault = self._state.faults.take(kind)
                response = await self._act(endpoint, request, fault)
            status = responses.status_of(response)
        except ClientDisconnect:
            response, status = responses.HangingResponse(), None
        except Exception as exc:
            fault = f"bug: {exc!r}"  # uvicorn answers 500; here it can be seen
            raise
        finally:
            self._note(request, kind, status, fault)
        await response(scope, receive, send)

    def _note(
        self, request: Request, kind: str, status: int | None, fault: str | None
    ) -> None:
        self._state.traffic.record_exchange(
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

    def _unauthorized(self, endpoint: Endpoint, request: Request) -> Refusal | None:
        if endpoint.kind == "download":
            return None
        return check_authorization(
            request.headers.get("authorization"),
            keys=self._state.keys,
            needs_api_key=endpoint.needs_api_key,
            now=self._state.clock.real_now(),
        )

    async def _act(
        self, endpoint: Endpoint, request: Request, fault: str | None
    ) -> Response:
        if endpoint.kind == "download":
            return await download(self._state, request, fault)
        if endpoint.answer is None:
            return await self._create(endpoint, request, fault)
        if fault is not None:
            return responses.fault_response(fault, self._state.ids.request_id())
        return self._answer(await self._look(endpoint.answer, request))

    async def _look(self, answer: Answer, request: Request) -> Any:
        body = await _json(request) if request.method == "POST" else None
        return answer(self._state, Query(request.query_params, body))

    async def _create(
        self, endpoint: Endpoint, request: Request, fault: str | None
    ) -> Response:
        state, action = self._state, fault or ""
        body = await _json(request)
        request_id = state.ids.request_id()
        if fault and not action.startswith("accept-") and fault != "slow":
            return responses.fault_response(fault, request_id)
        if endpoint.is_synchronous:
            answer = call_synchronously(state, request.url.path, body)
            if action.startswith("accept-"):
                return responses.fault_response(
                    action.removeprefix("accept-"), request_id
                )
            return self._answer(answer)
        task = create_task(state, request.url.path, body)
        if isinstance(task, Refusal):
            return self._refused(task)
        task = apply_task_fault(task, state.faults.take("task"))
        state.tasks.put(task)
        all_sent = self._sender.follow(task)
        if action.startswith("accept-"):
            return responses.fault_response(action.removeprefix("accept-"), request_id)
        if fault == "slow":
            with anyio.move_on_after(SLOW_CREATE_MAX_S):
                await all_sent.wait()
        seconds = task.times.ended_at - task.times.created_at
        return responses.success(created_shape(task), request_id, seconds=seconds)

    def _answer(self, data: Any) -> Response:
        if isinstance(data, Refusal):
            return self._refused(data)
        return responses.success(data, self._state.ids.request_id())

    def _refused(self, why: Refusal) -> Response:
        return responses.error(why, self._state.ids.request_id())


def _drop_empty(value: Any) -> Any:
    """Return a body without its empty strings, which the API takes for absent.

    Source: observed. That empty arrays and objects are absent too is a guess; what
    stands in an array stays.
    """
    if isinstance(value, list):
        return [_drop_empty(each) for each in value]
    if isinstance(value, dict):
        kept = {k: _drop_empty(each) for k, each in value.items()}
        return {k: each for k, each in kept.items() if each not in ("", [], {})}
    return value


async def _json(request: Request) -> Any:
    """Return the body as JSON, without what is empty.

    None, which is no request, if it is no JSON, too long or too deep.
    """
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_BODY_BYTES:
            return None
    try:
        return _drop_empty(json.loads(raw))
    except (ValueError, RecursionError):
        return None
