"""A server whose responses are scripted to the byte."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

CERTIFICATE = Path(__file__).with_name("loopback.pem")
Reply = Callable[["Visit"], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request as it arrived."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def params(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True, kw_only=True)
class Visit:
    """One request, with the connection it came on."""

    seen: Seen
    writer: asyncio.StreamWriter
    is_over: asyncio.Event

    async def send(self, raw: bytes) -> None:
        self.writer.write(raw)
        await self.writer.drain()

    def reset(self) -> None:
        """End the connection with RST instead of FIN."""
        sock = self.writer.get_extra_info("socket")
        linger = struct.pack("ii", 1, 0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()


@dataclass(slots=True)
class WireServer:
    """Replies in order; the last one for ever. Requests are in `seen`."""

    replies: list[Reply]
    seen: list[Seen] = field(default_factory=list)
    port: int = 0
    is_over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while not writer.is_closing():
                seen = await _read(reader)
                self.seen.append(seen)
                reply = self.replies[min(len(self.seen), len(self.replies)) - 1]
                await reply(Visit(seen=seen, writer=writer, is_over=self.is_over))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client is done
        finally:
            writer.close()


@asynccontextmanager
async def wire_server(
    *replies: Reply, tls: ssl.SSLContext | None = None
) -> AsyncIterator[WireServer]:
    """Serve `replies` on a loopback port until the block ends."""
    wire = WireServer(list(replies))
    tasks: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(wire.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(begin, "127.0.0.1", 0, ssl=tls)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        wire.is_over.set()
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


def server_tls() -> ssl.SSLContext:
    """Return a TLS context for 127.0.0.1, trusted through SSL_CERT_FILE."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


async def _read(reader: asyncio.StreamReader) -> Seen:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    pairs = (line.partition(":") for line in head[1:] if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Seen(method=method, target=target, headers=headers, body=body)


def says(
    http: int,
    body: bytes,
    *,
    kind: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Answer with `body` as it stands."""
    lines = {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    raw = f"HTTP/1.1 {http} X\r\n{head}\r\n".encode("latin-1") + body

    async def reply(visit: Visit) -> None:
        await visit.send(raw)

    return reply


def envelope(
    data: Any = None,
    *,
    code: Any = 0,
    http: int = 200,
    message: str = "SUCCEED",
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Answer as the API does."""
    body = {"code": code, "message": message, "request_id": "r-1", "data": data}
    return says(http, json.dumps(body).encode(), headers=headers)


def page(http: int) -> Reply:
    """Answer with HTML, as a gateway does."""
    return says(http, b"<html><h1>Bad Gateway</h1></html>", kind="text/html")


async def reset(visit: Visit) -> None:
    """Break the connection instead of answering."""
    visit.reset()


async def leave(visit: Visit) -> None:
    """Close the connection politely instead of answering."""
    visit.writer.close()


async def hang(visit: Visit) -> None:
    """Send nothing at all."""
    await visit.is_over.wait()


async def reset_in_the_middle(visit: Visit) -> None:
    await visit.send(b'HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"code": 0, ')
    visit.reset()


async def leave_in_the_middle(visit: Visit) -> None:
    await visit.send(b'HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"code": 0, ')
    visit.writer.close()


async def hang_in_the_middle(visit: Visit) -> None:
    await visit.send(b'HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"code": 0, ')
    await visit.is_over.wait()


async def drip(visit: Visit) -> None:
    """Send a byte now and then, for ever."""
    await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n")
    while not visit.is_over.is_set():
        await visit.send(b" ")
        await asyncio.sleep(0.01)


async def junk(visit: Visit) -> None:
    """Send something that is not HTTP."""
    await visit.send(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")
    visit.writer.close()
