"""Answers a web framework has no class for: none at all, broken off, or endless."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from math import isfinite
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse, JSONResponse, Response

from kling_cli.sandbox.routes import envelope as answers

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

TASK_SECONDS = "Kling-Sandbox-Task-Seconds"
"""Tells a client how long a task will take: time may be compressed here."""

ABORT = "kling.abort"
"""Where `server.py` leaves, in the scope, what resets the connection."""


class Reset(Response):
    """Reset the connection instead of answering."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del send  # nothing is said
        abort(scope)
        await disconnected(receive)


class Hang(Response):
    """Say nothing until the other side, or the sandbox, goes away."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, send  # nothing is said
        await disconnected(receive)


class Streamed(Response):
    """Send `parts` as the body, then stop, whatever length the headers announce."""

    def __init__(
        self, parts: AsyncIterator[bytes], *, status: int, headers: dict[str, str]
    ) -> None:
        super().__init__(status_code=status)
        self._parts = parts
        # the base class has announced an empty body; ours says its length itself
        self.raw_headers = _raw(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        start = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **start})
        async for part in self._parts:
            body = {"body": part, "more_body": True}
            await send({"type": "http.response.body", **body})
        await send({"type": "http.response.body", "body": b""})


class BrokenOff(Response):
    """Announce a whole body, send its beginning, and leave: politely or by a reset."""

    def __init__(
        self, beginning: bytes, *, status: int, headers: dict[str, str], is_reset: bool
    ) -> None:
        super().__init__(status_code=status)
        self._beginning = beginning
        self._is_reset = is_reset
        self.raw_headers = _raw(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **start})
        body = {"body": self._beginning, "more_body": True}
        await send({"type": "http.response.body", **body})
        abort(scope, is_reset=self._is_reset)
        await disconnected(receive)


def status_of(response: Response) -> int | None:
    """Return the HTTP status that will be sent; None when nothing will."""
    is_silent = isinstance(response, Hang | Reset)
    return None if is_silent else response.status_code


def accepted(data: Any, request_id: str, *, seconds: float | None = None) -> Response:
    """Return the answer of success; of a new task also the seconds it will take."""
    is_known = seconds is not None and isfinite(seconds)
    headers = {TASK_SECONDS: f"{seconds:.3f}"} if is_known else None
    return JSONResponse(answers.accepted(data, request_id), headers=headers)


def refused(why: answers.Refusal, request_id: str) -> Response:
    return JSONResponse(answers.refused(why, request_id), status_code=why.http)


def faulty(action: str, request_id: str) -> Response:
    """Return the answer of a fault that needs to know nothing else."""
    if make := _SPECIAL.get(action):
        return make()
    code = _CODES.get(action) or int(action)
    return refused(answers.refusal(code), request_id)


def abort(scope: Scope, *, is_reset: bool = True) -> None:
    """Close the request's connection now, after what was sent or by a reset."""
    scope[ABORT](is_reset)


def _raw(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(n.lower().encode(), v.encode("latin-1")) for n, v in headers.items()]


async def disconnected(receive: Receive) -> None:
    """Return when the other side has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


_CODES = {"500": 5000, "503": 5001}
_SPECIAL: dict[str, Callable[[], Response]] = {
    "502html": lambda: HTMLResponse(answers.BAD_GATEWAY_PAGE, status_code=502),
    "504": lambda: HTMLResponse(answers.GATEWAY_TIMEOUT_PAGE, status_code=504),
    "reset": Reset,
    "hang": Hang,
    "empty": Response,
    "junk": lambda: JSONResponse(["junk", {"data": None}]),
}
