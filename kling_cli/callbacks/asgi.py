"""The few words of ASGI that the door speaks: read a body, give an answer."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

import anyio

from kling_cli.callbacks.door import Refusal
from kling_cli.callbacks.limits import Limits

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status and one pair of JSON. A refusal also ends the connection."""

    status: int
    key: str
    word: str

    @property
    def is_refusal(self) -> bool:
        return self.status >= 400  # noqa: PLR2004 -- where HTTP's errors begin

    @property
    def body(self) -> bytes:
        return json.dumps({self.key: self.word}).encode()


RECEIVED = Answer(status=200, key="status", word="received")
NOT_FOUND = Answer(status=404, key="error", word="not found")


def refused(refusal: Refusal) -> Answer:
    return Answer(status=refusal.status, key="error", word=refusal.value)


class Body:
    """A request's body: read once, up to the cap, or thrown away."""

    def __init__(self, receive: Receive, limits: Limits) -> None:
        self._receive = receive
        self._limits = limits
        self._is_over = False

    async def read(self) -> bytes | Refusal:
        """Return the body, or why there is none; never holds more than the cap."""
        raw = bytearray()
        with anyio.move_on_after(self._limits.body_s):
            while not self._is_over:
                message = await self._next()
                if message["type"] != "http.request":
                    return Refusal.BROKEN_OFF
                raw += message.get("body", b"")
                if len(raw) > self._limits.body_bytes:
                    return Refusal.TOO_LARGE
            return bytes(raw)
        return Refusal.TOO_SLOW

    async def throw_away(self) -> None:
        """Let the rest come in and go, for a moment."""
        with anyio.move_on_after(self._limits.linger_s):
            while not self._is_over:
                await self._next()

    async def _next(self) -> Message:
        message = await self._receive()
        self._is_over = not message.get("more_body", False)
        return message


async def give(answer: Answer, body: Body, send: Send) -> None:
    """Send the answer; after a refusal, let the rest of the body come before closing.

    Closing a socket with unread bytes resets the connection, and the answer may be lost
    with it: the sender would see a broken tunnel where a 413 was meant.
    """
    length = str(len(answer.body)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", length)]
    if answer.is_refusal:
        headers.append((b"connection", b"close"))
    start = {"status": answer.status, "headers": headers}
    await send({"type": "http.response.start", **start})
    await send({"type": "http.response.body", "body": answer.body, "more_body": True})
    if answer.is_refusal:
        await body.throw_away()
    await send({"type": "http.response.body", "body": b"", "more_body": False})
