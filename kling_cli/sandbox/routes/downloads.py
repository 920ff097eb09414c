"""Download endpoint: result files by signed links, whole or in ranges, and faults."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import anyio.to_thread
from starlette.responses import HTMLResponse, Response

from kling_cli.sandbox.routes.responses import (
    ERROR_PAGE,
    HangingResponse,
    StreamedResponse,
    TruncatedResponse,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from kling_cli.sandbox.media.outputs import Content
    from kling_cli.sandbox.state.sandbox_state import SandboxState

SLOW_PARTS, SLOW_PAUSE_S = 50, 0.2
_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)
_DENIED = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    "<Error><Code>{code}</Code><Message>{message}</Message></Error>\n"
)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The requested range of a file, from `start` to before `end`."""

    start: int
    end: int
    is_partial: bool


async def download(
    state: SandboxState, request: Request, fault: str | None
) -> Response:
    """Answer a request for a result file; links are to be followed without a key."""
    if fault in ("500", "403"):
        return _error(int(fault))
    if fault == "hang":
        return HangingResponse()
    if request.headers.get("authorization"):
        # hosts of signed links take one way of authorization, not two
        return _error(400)
    content = _linked(state, request)
    if content is None:
        return _error(403)
    raw = await anyio.to_thread.run_sync(content.render)
    etag = _etag(content)
    piece = requested_range(request, len(raw), etag)
    headers = {"Accept-Ranges": "bytes", "ETag": etag}
    headers["Content-Type"] = content.media_type
    if piece is None:
        return Response(
            status_code=416, headers={"Content-Range": f"bytes */{len(raw)}"}
        )
    if piece.is_partial:
        shown = f"bytes {piece.start}-{piece.end - 1}/{len(raw)}"
        headers["Content-Range"] = shown
    return _sent(state, raw, piece, headers, fault)


def requested_range(request: Request, size: int, etag: str) -> ByteRange | None:
    """Return the range of the Range header; None when it cannot be satisfied.

    A range that cannot be read, or is of another version of the file, is ignored.
    """
    whole = ByteRange(0, size, is_partial=False)
    match = _RANGE.fullmatch(request.headers.get("range", ""))
    if match is None or request.headers.get("if-range", etag) != etag:
        return whole
    first, last = match.groups()
    if first:
        end = min(size, int(last) + 1) if last else size
        start = int(first)
    elif last:
        start, end = max(0, size - int(last)), size
    else:
        return whole
    return ByteRange(start, end, is_partial=True) if start < end else None


def _etag(content: Content) -> str:
    """Return a mark of what the file holds: the same for equal contents."""
    return f'"{sha256(repr(content).encode()).hexdigest()[:32]}"'


def _linked(state: SandboxState, request: Request) -> Content | None:
    """Return the content of the file that a valid link leads to."""
    wanted = state.links.resolve(
        request.scope["raw_path"].decode("latin-1"),
        expires=request.query_params.get("Expires", ""),
        signature=request.query_params.get("Signature", ""),
        now=state.clock.now_s(),
    )
    return None if wanted is None else state.content(wanted.owner_id, wanted.name)


def _sent(
    state: SandboxState,
    raw: bytes,
    piece: ByteRange,
    headers: dict[str, str],
    fault: str | None,
) -> Response:
    status = 206 if piece.is_partial else 200
    body = raw[piece.start : piece.end]
    announced = {**headers, "Content-Length": str(len(body))}
    match fault:
        case "html":
            return HTMLResponse(ERROR_PAGE)
        case "empty":
            return Response(headers={"Content-Type": headers["Content-Type"]})
        case "cut":
            half = body[: len(body) // 2]
            return TruncatedResponse(
                half, status=status, headers=announced, is_reset=True
            )
        case "short":
            # never past the middle of the file: resuming does not help
            half = raw[piece.start : max(piece.start, len(raw) // 2)]
            return TruncatedResponse(
                half, status=status, headers=announced, is_reset=False
            )
        case "slow":
            return StreamedResponse(
                _slowly(state, body), status=status, headers=announced
            )
        case _:
            return Response(body, status_code=status, headers=headers)


async def _slowly(state: SandboxState, body: bytes) -> AsyncIterator[bytes]:
    """Yield the body over about ten seconds."""
    size = len(body) // SLOW_PARTS + 1
    for start in range(0, len(body), size):
        yield body[start : start + size]
        await state.clock.pause(SLOW_PAUSE_S)


def _error(status: int) -> Response:
    code, message = {
        400: ("InvalidArgument", "Only one auth mechanism allowed"),
        403: ("AccessDenied", "The link has expired or its signature is wrong"),
        500: ("InternalError", "We encountered an internal error, try again"),
    }[status]
    text = _DENIED.format(code=code, message=message)
    return Response(text, status_code=status, media_type="application/xml")
