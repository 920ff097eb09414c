"""A running receiver on loopback, and raw HTTP requests to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import anyio
from anyio.abc import SocketAttribute, SocketStream

from kling_cli.callbacks.events import (
    MockDetector,
    ReceivedCallback,
    ReceiverEvent,
    task_url_matcher,
)
from kling_cli.callbacks.http.limits import ServerLimits
from kling_cli.callbacks.http.responses import RECEIVED, Response
from kling_cli.callbacks.http.server import Server, serve
from kling_cli.callbacks.receiver import Receiver
from kling_cli.callbacks.urls import TaskUrl, callback_path
from kling_cli.secret import Secret
from tests.support.clock import FakeClock

KEY = b"k" * 32
NOW = datetime(2026, 6, 10, 8, 40, tzinfo=UTC)
PATH = callback_path(TaskUrl(product="text2video", nonce="n-1"), KEY)
SUCCEEDED = b'{"id": "t1", "status": "succeeded"}'
SHORT_LIMITS = ServerLimits(
    head_timeout_s=0.5,
    body_timeout_s=0.5,
    response_timeout_s=2.0,
    drain_timeout_s=0.5,
    close_timeout_s=0.5,
)
TIMEOUT_S = 10.0  # real seconds after which a test has failed


@dataclass(frozen=True, slots=True)
class RawResponse:
    """A response; status 0 when the connection was closed without one."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> object:
        return json.loads(self.body)


@dataclass(slots=True)
class RunningReceiver:
    """A receiver being served, what it stored and emitted, and clients to it."""

    receiver: Receiver
    server: Server
    stored: list[ReceivedCallback]
    events: list[ReceiverEvent]

    async def request(self, request: bytes) -> RawResponse:
        """Send bytes; return the first response."""
        async with await self.connect() as stream:
            await send(stream, request)
            return await read_response(stream, to=request)

    async def connect(self) -> SocketStream:
        return await anyio.connect_tcp("127.0.0.1", self.server.port)


async def send_callback(stream: SocketStream) -> None:
    """Send a callback over an open connection; it is accepted."""
    await send(stream, post())
    assert (await read_response(stream)).status == 200


def post(
    body: bytes = SUCCEEDED, *lines: str, path: str = PATH, method: str = "POST"
) -> bytes:
    """Return a request with its `Content-Length` and these header lines."""
    return head(f"Content-Length: {len(body)}", *lines, path=path, method=method) + body


def head(*lines: str, path: str = PATH, method: str = "POST") -> bytes:
    text = "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *lines, "", ""])
    return text.encode("latin-1")


def chunked(*pieces: bytes, path: str = PATH) -> bytes:
    sent = b"".join(
        b"%x\r\n%s\r\n" % (len(next_body_chunk), next_body_chunk)
        for next_body_chunk in pieces
    )
    return head("Transfer-Encoding: chunked", path=path) + sent + b"0\r\n\r\n"


async def send(stream: SocketStream, request: bytes) -> None:
    """Send as much as the server reads before it closes."""
    with contextlib.suppress(anyio.BrokenResourceError):
        await stream.send(request)


async def read_response(stream: SocketStream, *, to: bytes = b"") -> RawResponse:
    """Return the next response, read to its length or the connection's end."""
    raw = b""
    is_body_omitted = to.startswith(b"HEAD ")
    with anyio.fail_after(TIMEOUT_S):
        while (
            response := _parse(raw, is_body_omitted=is_body_omitted, is_closed=False)
        ) is None:
            try:
                raw += await stream.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return (
                    _parse(raw, is_body_omitted=is_body_omitted, is_closed=True)
                    or RawResponse()
                )
    return response


async def read_to_end(stream: SocketStream) -> None:
    """Return when the server has closed."""
    with anyio.fail_after(TIMEOUT_S):
        try:
            while True:
                await stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return


def reset_when_closed(stream: SocketStream) -> None:
    """Make closing the connection send a reset."""
    raw = stream.extra(SocketAttribute.raw_socket)  # noqa: S610 -- not Django
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _parse(raw: bytes, *, is_body_omitted: bool, is_closed: bool) -> RawResponse | None:
    top, found, body = raw.partition(b"\r\n\r\n")
    if not found:
        assert not (raw and is_closed), f"not HTTP: {raw!r}"
        return None
    first, *lines = top.decode("latin-1").split("\r\n")
    version, status, _ = first.split(" ", 2)
    assert version == "HTTP/1.1"
    headers = {
        name.lower(): value for name, value in (line.split(": ", 1) for line in lines)
    }
    length = int(headers["content-length"]) if "content-length" in headers else None
    length = 0 if is_body_omitted else length
    is_complete = is_closed if length is None else len(body) >= length
    if not is_complete:
        assert not is_closed, f"broken off: {raw!r}"
        return None
    return RawResponse(int(status), headers, body[:length])


@asynccontextmanager
async def running_receiver(  # noqa: PLR0913 -- what a test may change, by name
    *,
    limits: ServerLimits = SHORT_LIMITS,
    secrets: Iterable[str] = (),
    store: Callable[[ReceivedCallback], Awaitable[None]] | None = None,
    mock_detector: MockDetector | None = None,
    response: Response = RECEIVED,
    response_delay_s: float = 0.0,
) -> AsyncIterator[RunningReceiver]:
    """Serve a receiver at `NOW` with short limits; fail on unexpected exceptions."""
    stored: list[ReceivedCallback] = []
    events: list[ReceiverEvent] = []

    async def remember(received: ReceivedCallback) -> None:
        stored.append(received)

    receiver = Receiver(
        [task_url_matcher(KEY)],
        store or remember,
        emit=events.append,
        clock=FakeClock(NOW),
        secrets=[Secret(text) for text in secrets],
        limits=limits,
        mock_detector=mock_detector,
        response=response,
        response_delay_s=response_delay_s,
    )
    bugs: list[object] = []
    loop = asyncio.get_running_loop()
    previous = loop.get_exception_handler()
    loop.set_exception_handler(lambda _loop, context: bugs.append(context))
    async with serve(receiver, limits=limits) as server:
        yield RunningReceiver(receiver, server, stored, events)
    loop.set_exception_handler(previous)
    bugs.extend(server.failures)
    assert bugs == [], bugs
