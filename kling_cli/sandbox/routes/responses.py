"""HTTP responses: the envelope, refusals by code, and those of injected faults."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse, JSONResponse, Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.types import Receive, Scope, Send


# Source: API reference, section 5.1, read 2026-10-04.
HTTP_OF_CODE = {
    1000: 401,
    1001: 401,
    1002: 401,
    1003: 401,
    1004: 401,
    1100: 429,
    1101: 429,
    1102: 429,
    1103: 403,
    1200: 400,
    1201: 400,
    1202: 404,
    1203: 404,
    1300: 400,
    1301: 400,
    1302: 429,
    1303: 429,
    1304: 429,
    5000: 500,
    5001: 503,
    5002: 504,
}

# Observed where the reference quotes one (1002, 1102, 1303); else the code's meaning.
MESSAGE_OF_CODE = {
    1000: "Authentication failed",
    1001: "Authorization is empty",
    1002: "Authorization is invalid",
    1003: "Authorization is not yet valid",
    1004: "Authorization is expired",
    1100: "Account exception",
    1101: "Account in arrears (postpaid scenario)",
    1102: "Account balance not enough",
    1103: "Unauthorized access to requested resource",
    1200: "Invalid request parameters",
    1201: "prompt value is invalid",
    1202: "The requested method is invalid",
    1203: "The requested resource does not exist",
    1300: "Trigger the platform's strategy",
    1301: "Trigger the platform's content security policy",
    1302: "The API request is too frequent",
    1303: "parallel task over resource pack limit",
    1304: "Trigger the platform's IP whitelist policy",
    5000: "Server internal error",
    5001: "Server temporarily unavailable",
    5002: "Server internal timeout",
}

BAD_GATEWAY_PAGE = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n"
    "</body>\r\n</html>\r\n"
)
GATEWAY_TIMEOUT_PAGE = BAD_GATEWAY_PAGE.replace(
    "502 Bad Gateway", "504 Gateway Time-out"
)
ERROR_PAGE = (
    "<!DOCTYPE html><html><head><title>Sorry</title></head>"
    "<body><h1>This file is not available right now</h1></body></html>"
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A code of the API other than 0, and the sentence that goes with it."""

    code: int
    message: str

    @property
    def http(self) -> int:
        return HTTP_OF_CODE[self.code]


def refusal(code: int, message: str | None = None) -> Refusal:
    return Refusal(code, message or MESSAGE_OF_CODE[code])


def success_envelope(data: Any, request_id: str) -> dict[str, Any]:
    """Return the envelope of a success. Source: API reference, section 1.5."""
    return {"code": 0, "message": "SUCCEED", "request_id": request_id, "data": data}


def error_envelope(why: Refusal, request_id: str) -> dict[str, Any]:
    """Return the envelope of an error, which carries no data."""
    return {"code": why.code, "message": why.message, "request_id": request_id}


TASK_SECONDS = "Kling-Sandbox-Task-Seconds"
"""Tells a client how long a task will take: time may be compressed here."""

ABORT = "kling.abort"
"""Where `server.py` leaves, in the scope, what resets the connection."""


class ConnectionReset(Response):
    """ConnectionReset the connection instead of answering."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del send  # nothing is said
        abort(scope)
        await wait_for_disconnect(receive)


class HangingResponse(Response):
    """Say nothing until the other side, or the sandbox, goes away."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, send  # nothing is said
        await wait_for_disconnect(receive)


class StreamedResponse(Response):
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


class TruncatedResponse(Response):
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
        await wait_for_disconnect(receive)


def status_of(response: Response) -> int | None:
    """Return the HTTP status that will be sent; None when nothing will."""
    is_silent = isinstance(response, HangingResponse | ConnectionReset)
    return None if is_silent else response.status_code


def success(data: Any, request_id: str, *, seconds: float | None = None) -> Response:
    """Return the answer of success; of a new task also the seconds it will take."""
    is_known = seconds is not None and isfinite(seconds)
    headers = {TASK_SECONDS: f"{seconds:.3f}"} if is_known else None
    return JSONResponse(success_envelope(data, request_id), headers=headers)


def error(why: Refusal, request_id: str) -> Response:
    return JSONResponse(error_envelope(why, request_id), status_code=why.http)


def fault_response(action: str, request_id: str) -> Response:
    """Return the answer of a fault that needs to know nothing else."""
    if make := _SPECIAL.get(action):
        return make()
    code = _CODES.get(action) or int(action)
    return error(refusal(code), request_id)


def abort(scope: Scope, *, is_reset: bool = True) -> None:
    """Close the request's connection now, after what was sent or by a reset."""
    scope[ABORT](is_reset)


def _raw(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(n.lower().encode(), v.encode("latin-1")) for n, v in headers.items()]


async def wait_for_disconnect(receive: Receive) -> None:
    """Return when the other side has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


_CODES = {"500": 5000, "503": 5001}
_SPECIAL: dict[str, Callable[[], Response]] = {
    "502html": lambda: HTMLResponse(BAD_GATEWAY_PAGE, status_code=502),
    "504": lambda: HTMLResponse(GATEWAY_TIMEOUT_PAGE, status_code=504),
    "reset": ConnectionReset,
    "hang": HangingResponse,
    "empty": Response,
    "junk": lambda: JSONResponse(["junk", {"data": None}]),
}
