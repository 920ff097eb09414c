"""The door to the street: lets callbacks in, keeps them, and says so.

What comes in is a stranger's word. It is bounded, checked, kept as bytes and told as an
event; whoever hears of it asks the API and believes that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

from kling_cli.callbacks.events import (
    CallbackAccepted,
    CallbackNotStored,
    CallbackRefused,
    Counts,
    MockDetector,
    ReceivedCallback,
    ReceiverEvent,
    RefusalReason,
    Trust,
    UrlMatch,
    UrlMatcher,
)
from kling_cli.callbacks.http.limits import Limits
from kling_cli.callbacks.http.parser import Headers, Request
from kling_cli.callbacks.http.responses import NOT_FOUND, RECEIVED, Response, refused
from kling_cli.callbacks.payload import (
    CallbackPayload,
    MalformedPayloadError,
    parse_payload,
)
from kling_cli.callbacks.signatures import check_secret, verify
from kling_cli.clock import Clock
from kling_cli.secret import Secret

StoreCallback = Callable[[ReceivedCallback], Awaitable[object]]
EmitEvent = Callable[[ReceiverEvent], object]


_MOST_SHOWN: Final = 40  # characters of a stranger's word


class Receiver:
    """Answers `POST` where one of its doors opens, and 404 elsewhere.

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
        doors: Sequence[UrlMatcher],
        keep: StoreCallback,
        *,
        tell: EmitEvent,
        clock: Clock,
        secrets: Iterable[Secret] = (),
        limits: Limits | None = None,
        mark: MockDetector | None = None,
        reply: Response = RECEIVED,
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
        self._accepted = self._refused = self._unknown = 0
        for secret in self._secrets:
            check_secret(secret)

    @property
    def counts(self) -> Counts:
        """How many requests were let in, refused, or found no door, so far."""
        return Counts(
            accepted=self._accepted, refused=self._refused, unknown=self._unknown
        )

    def admit(self, request: Request) -> UrlMatch | Response:
        """Say whether a request found a door, and whether its head is acceptable."""
        door = self._find_door(request)
        if door is None:
            self._unknown += 1
            return NOT_FOUND
        coding = _coding(request.headers)
        if coding is not None:
            return self.refuse(door, RefusalReason.ENCODED, detail=_not_taken(coding))
        objection = _objection(request.headers, self._limits)
        return door if objection is None else self.refuse(door, objection)

    def refuse(
        self, door: UrlMatch, refusal: RefusalReason, *, detail: str | None = None
    ) -> Response:
        """Tell that a request which found a door was turned away."""
        return self._refuse(CallbackRefused(refusal=refusal, door=door, detail=detail))

    async def take(self, door: UrlMatch, request: Request, raw: bytes) -> Response:
        """Check who sent a callback; keep it, sense or not; tell it."""
        now = self._clock.now()
        trust = self._trust(door, raw, request, now)
        understood = None if trust is None else _understand(raw)
        received = ReceivedCallback(
            received_at=now,
            product=door.product,
            nonce=door.nonce,
            headers=request.headers,
            raw=raw,
            hint=understood if isinstance(understood, CallbackPayload) else None,
            trust=trust or door.trust,
        )
        if trust is None:
            refusal = RefusalReason.UNSIGNED
            return self._refuse(
                CallbackRefused(refusal=refusal, door=door, received=received)
            )
        number = await self._try_to_keep(received)
        if isinstance(understood, str):
            return self._refuse(_malformed(door, received, understood, number))
        return await self._accept(received, number)

    def _find_door(self, request: Request) -> UrlMatch | None:
        if request.method != b"POST":
            return None
        for door in self._doors:
            found = door(request.path, request.query, request.peer)
            if found is not None:
                return found
        return None

    def _trust(
        self,
        door: UrlMatch,
        raw: bytes,
        request: Request,
        now: datetime,
    ) -> Trust | None:
        given = dict(request.headers)
        if self._secrets and not verify(raw, given, self._secrets, now):
            return None
        marked = self._mark(raw, given, request.peer) if self._mark else None
        return marked or (Trust.SIGNED if self._secrets else door.trust)

    async def _accept(self, received: ReceivedCallback, number: int | None) -> Response:
        self._accepted += 1
        self._tell(CallbackAccepted(received=received, number=number))
        if self._delay_s:
            await asyncio.sleep(self._delay_s)
        return self._reply

    async def _try_to_keep(self, received: ReceivedCallback) -> int | None:
        try:
            async with asyncio.timeout(self._limits.keep_s):
                number = await self._keep(received)
        except Exception as exc:  # noqa: BLE001 -- a full disk must not lose a callback
            self._tell(CallbackNotStored(received=received, failure=exc))
            return None
        return number if isinstance(number, int) else None

    def _refuse(self, event: CallbackRefused) -> Response:
        self._refused += 1
        self._tell(event)
        return refused(event.refusal)


def _objection(headers: Headers, limits: Limits) -> RefusalReason | None:
    """Return what is wrong with a request before its body has been looked at."""
    given = dict(headers)
    if "transfer-encoding" in given and "content-length" in given:
        return RefusalReason.TWO_LENGTHS  # who else reads it may read another length
    if int(given.get("content-length", "0")) > limits.body_bytes:
        return RefusalReason.TOO_LARGE
    return None


def _coding(headers: Headers) -> str | None:
    """Return the first content coding that changes a body; a header may be repeated."""
    codings = (
        coding.strip().lower()
        for name, value in headers
        if name == "content-encoding"
        for coding in value.split(",")
    )
    return next((each for each in codings if each not in ("", "identity")), None)


def _not_taken(coding: str) -> str:
    return f"{coding[:_MOST_SHOWN]} is not taken, send the body as it is"


def _understand(raw: bytes) -> CallbackPayload | str:
    try:
        return parse_payload(raw)
    except MalformedPayloadError as exc:
        return str(exc)


def _malformed(
    door: UrlMatch, received: ReceivedCallback, why: str, number: int | None
) -> CallbackRefused:
    return CallbackRefused(
        refusal=RefusalReason.MALFORMED,
        door=door,
        received=received,
        detail=why,
        number=number,
    )
