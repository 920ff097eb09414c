"""The door to the street: lets callbacks in, keeps them, and says so.

What comes in is a stranger's word. It is bounded, checked, kept as bytes and told as an
event; whoever hears of it asks the API and believes that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import anyio

from kling_cli.callbacks.asgi import (
    NOT_FOUND,
    RECEIVED,
    Answer,
    Body,
    Receive,
    Scope,
    Send,
    give,
    refused,
)
from kling_cli.callbacks.body import CallbackHint, MalformedBodyError, read_body
from kling_cli.callbacks.door import (
    Arrived,
    Counts,
    Door,
    DoorEvent,
    Mark,
    NotKept,
    Pass,
    Peer,
    Received,
    Refusal,
    Refused,
    Trust,
)
from kling_cli.callbacks.limits import Limits
from kling_cli.callbacks.signatures import check_secret, verify
from kling_cli.clock import Clock
from kling_cli.secret import Secret

Headers = tuple[tuple[str, str], ...]
Keep = Callable[[Received], Awaitable[object]]
Tell = Callable[[DoorEvent], object]


class Receiver:
    """An ASGI app that answers `POST` where one of its doors opens, and 404 elsewhere.

    A callback is kept, then told as `Arrived`, then answered with 200; one that cannot
    be kept is told as `NotKept` first and counts all the same. With `secrets`, a
    callback must carry a valid signature. `tell` must return at once. A `mark` names
    the trust of callbacks that are let in by other words than their door's. `reply`
    takes the place of the usual answer to what was let in, `delay_s` later.

    Raises:
        UsageError: One of `secrets` cannot be used.
    """

    def __init__(  # noqa: PLR0913 -- collaborators, by name
        self,
        doors: Sequence[Door],
        keep: Keep,
        *,
        tell: Tell,
        clock: Clock,
        secrets: Iterable[Secret] = (),
        limits: Limits | None = None,
        mark: Mark | None = None,
        reply: Answer = RECEIVED,
        delay_s: float = 0.0,
    ) -> None:
        self._doors = tuple(doors)
        self._keep = keep
        self._tell = tell
        self._clock = clock
        self._secrets = tuple(secrets)
        self._limits = limits or Limits()
        self._mark = mark
        self._reply = reply
        self._delay_s = delay_s
        self._counts = Counts()
        for secret in self._secrets:
            check_secret(secret)

    @property
    def counts(self) -> Counts:
        """How many requests were let in, refused, or found no door, so far."""
        return self._counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        door = self._find_door(scope)
        body = Body(receive, self._limits)
        if door is None:
            self._counts = replace(self._counts, unknown=self._counts.unknown + 1)
            answer = NOT_FOUND
        else:
            answer = await self._admit(door, scope, body)
        await give(answer, body, send)

    def _find_door(self, scope: Scope) -> Pass | None:
        if scope["method"] != "POST":
            return None
        query, peer = scope["query_string"], scope["client"]
        passes = (door(scope["raw_path"], query, peer) for door in self._doors)
        return next((found for found in passes if found is not None), None)

    async def _admit(self, door: Pass, scope: Scope, body: Body) -> Answer:
        headers = _decoded(scope["headers"])
        objection = _objection(headers, self._limits)
        raw = objection or await body.read()
        if isinstance(raw, Refusal):
            return self._refuse(Refused(refusal=raw, door=door))
        now = self._clock.now()
        trust = self._trust(door, raw, headers, scope["client"], now)
        received = Received(
            received_at=now,
            product=door.product,
            nonce=door.nonce,
            headers=headers,
            raw=raw,
            hint=None,
            trust=trust or door.trust,
        )
        if trust is None:
            refusal = Refusal.UNSIGNED
            return self._refuse(Refused(refusal=refusal, door=door, received=received))
        return await self._take(door, received)

    def _trust(
        self,
        door: Pass,
        raw: bytes,
        headers: Headers,
        peer: Peer | None,
        now: datetime,
    ) -> Trust | None:
        given = dict(headers)
        if self._secrets and not verify(raw, given, self._secrets, now):
            return None
        marked = self._mark(raw, given, peer) if self._mark else None
        return marked or (Trust.SIGNED if self._secrets else door.trust)

    async def _take(self, door: Pass, received: Received) -> Answer:
        """Keep a callback, whether or not it makes sense, and say which it was."""
        understood = _understand(received.raw)
        if isinstance(understood, str):
            return self._refuse(
                Refused(
                    refusal=Refusal.MALFORMED,
                    door=door,
                    received=received,
                    detail=understood,
                    number=await self._try_to_keep(received),
                )
            )
        received = replace(received, hint=understood)
        number = await self._try_to_keep(received)
        self._counts = replace(self._counts, accepted=self._counts.accepted + 1)
        self._tell(Arrived(received=received, number=number))
        if self._delay_s:
            await anyio.sleep(self._delay_s)
        return self._reply

    async def _try_to_keep(self, received: Received) -> int | None:
        try:
            with anyio.fail_after(self._limits.keep_s):
                number = await self._keep(received)
        except Exception as exc:  # noqa: BLE001 -- a full disk must not lose a callback
            self._tell(NotKept(received=received, failure=exc))
            return None
        return number if isinstance(number, int) else None

    def _refuse(self, event: Refused) -> Answer:
        self._counts = replace(self._counts, refused=self._counts.refused + 1)
        self._tell(event)
        return refused(event.refusal)


def _decoded(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    return tuple(
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in headers
    )


def _objection(headers: Headers, limits: Limits) -> Refusal | None:
    """Return what is wrong with a request before its body has been looked at."""
    given = dict(headers)
    if "transfer-encoding" in given and "content-length" in given:
        return Refusal.TWO_LENGTHS  # who else reads it may read another length
    if given.get("content-encoding", "identity").strip().lower() != "identity":
        return Refusal.ENCODED
    if int(given.get("content-length", "0")) > limits.body_bytes:
        return Refusal.TOO_LARGE
    return None


def _understand(raw: bytes) -> CallbackHint | str:
    try:
        return read_body(raw)
    except MalformedBodyError as exc:
        return str(exc)
