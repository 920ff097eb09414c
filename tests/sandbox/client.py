"""A sandbox to ask, and a receiver for its callbacks, for the length of a test."""

from __future__ import annotations

import asyncio
import json
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import jwt

from kling_cli.sandbox.options import SandboxOptions
from kling_cli.sandbox.server import Sandbox, serve_sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

TURBO = "/text-to-video/kling-3.0-turbo"
LEGACY = "/v1/videos/text2video"
FROM_IMAGE = "/image-to-video/kling-3.0"
LEGACY_FROM_IMAGE = "/v1/videos/image2video"
PATIENCE_S = 10.0
TLS = ssl.create_default_context()  # never used, and slow to make for each client
TASK_S = 100.0  # what a task takes here; time is moved by hand


@dataclass(frozen=True, slots=True)
class SandboxClient:
    """Asks a sandbox as the account's owner does, with its API key."""

    sandbox: Sandbox
    http: httpx.AsyncClient

    async def create(self, path: str = TURBO, **body: Any) -> httpx.Response:
        """Order a video; `prompt` and a legacy model are added where missing."""
        said = {"prompt": "a boat", **body}
        if path.startswith("/v1/"):
            said = {"model_name": "kling-v3", **said}
        return await self.http.post(path, json=said)

    async def ordered(self, path: str = TURBO, **body: Any) -> str:
        """Order a video and return the task's id."""
        answer = await self.create(path, **body)
        assert answer.status_code == 200, answer.text
        data = answer.json()["data"]
        return str(data.get("id") or data.get("task_id"))

    async def task(self, task_id: str) -> dict[str, Any]:
        """Return the task as `GET /tasks` shows it."""
        answer = await self.http.get("/tasks", params={"task_ids": task_id})
        (task,) = answer.json()["data"]
        return dict(task)

    async def finished(self, path: str = TURBO, **body: Any) -> dict[str, Any]:
        """Order a video, let the time pass, and return the task."""
        task_id = await self.ordered(path, **body)
        await self.advance(TASK_S)
        return await self.task(task_id)

    async def finished_task(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Order with this body alone; return the ended task in the legacy shape."""
        answer = await self.http.post(path, json=body)
        assert answer.status_code == 200, answer.text
        await self.advance(TASK_S)
        task_id = answer.json()["data"]["task_id"]
        return dict((await self.http.get(f"{path}/{task_id}")).json()["data"])

    async def file_of(self, task: Mapping[str, Any]) -> bytes:
        (output,) = task["outputs"]
        return (await self.fetch(output["url"])).content

    async def fetch(self, url: str, **headers: str) -> httpx.Response:
        """Follow a link, without a key, as it should be."""
        async with httpx.AsyncClient(trust_env=False, verify=TLS) as plain:
            return await plain.get(url, headers=headers)

    async def ask_as(
        self, authorization: str | None, path: str = "/tasks?task_ids=1"
    ) -> httpx.Response:
        headers = {} if authorization is None else {"Authorization": authorization}
        async with httpx.AsyncClient(trust_env=False, verify=TLS) as plain:
            return await plain.get(self.sandbox.base_url + path, headers=headers)

    def token(self, **claims: Any) -> str:
        """Return a JWT signed by the account's secret key, valid unless told so."""
        now = self.sandbox.state.clock.real_now().timestamp()
        usual = {"iss": self.sandbox.access_key, "exp": now + 1800, "nbf": now - 5}
        said = {k: v for k, v in {**usual, **claims}.items() if v is not None}
        return jwt.encode(said, self.sandbox.secret_key, algorithm="HS256")

    async def advance(self, seconds: float) -> None:
        await self.control("clock", {"advance_s": seconds})

    async def fail(self, *specs: str) -> None:
        await self.control("faults", {"faults": list(specs)})

    async def control(self, name: str, body: Any) -> dict[str, Any]:
        answer = await self.http.post(f"/_sandbox/{name}", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def state(self) -> dict[str, Any]:
        return dict((await self.http.get("/_sandbox/state")).json())


@asynccontextmanager
async def open_client(**options: Any) -> AsyncIterator[SandboxClient]:
    """Serve a sandbox with these options of `SandboxOptions`."""
    chosen = {"task_seconds": TASK_S, "seed": 1, **options}
    async with (
        serve_sandbox(SandboxOptions(**chosen)) as sandbox,
        httpx.AsyncClient(
            base_url=sandbox.base_url,
            headers={"Authorization": f"Bearer {sandbox.api_key}"},
            trust_env=False,
            verify=TLS,
            timeout=PATIENCE_S,
        ) as http,
    ):
        yield SandboxClient(sandbox, http)


@dataclass(frozen=True, slots=True)
class ReceivedCallback:
    """One callback as it came."""

    path: str
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        return dict(json.loads(self.raw))

    @property
    def status(self) -> str:
        return str(self.body.get("status") or self.body.get("task_status"))


@dataclass(slots=True)
class CallbackReceiver:
    """Takes callbacks and answers with `answer`; nothing at all when that is empty."""

    url: str = ""
    answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    callbacks: list[ReceivedCallback] = field(default_factory=list)
    _more: anyio.Event = field(default_factory=anyio.Event)

    async def wait_for(self, number: int) -> list[ReceivedCallback]:
        """Return the callbacks once `number` of them have come."""
        with anyio.fail_after(PATIENCE_S):
            while len(self.callbacks) < number:
                await self._more.wait()
        return self.callbacks

    async def take(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while head := await _head(reader):
                first, *lines = head.splitlines()
                pairs = (line.split(": ", 1) for line in lines if line)
                headers = {name.lower(): value for name, value in pairs}
                raw = await reader.readexactly(int(headers["content-length"]))
                self.callbacks.append(ReceivedCallback(first.split()[1], headers, raw))
                self._more.set()
                self._more = anyio.Event()
                writer.write(self.answer)
                await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def open_receiver(answer: bytes | None = None) -> AsyncIterator[CallbackReceiver]:
    receiver = CallbackReceiver() if answer is None else CallbackReceiver(answer=answer)
    server = await asyncio.start_server(receiver.take, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        receiver.url = f"http://127.0.0.1:{port}/callback/secret"
        yield receiver


async def _head(reader: asyncio.StreamReader) -> str:
    try:
        return (await reader.readuntil(b"\r\n\r\n")).decode()
    except (asyncio.IncompleteReadError, ConnectionError):
        return ""
