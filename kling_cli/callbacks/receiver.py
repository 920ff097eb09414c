"""Receiver of callbacks: matches the URL, checks the signature, stores, emits an event.

A callback is untrusted input. It is bounded, checked, stored as bytes and emitted as an
event; whoever handles the event asks the API and decides on its answer alone.
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
    MockDetector,
    ReceivedCallback,
    ReceiverEvent,
    RefusalReason,
    RequestCounts,
    Trust,
    UrlMatch,
    UrlMatcher,
)
from kling_cli.callbacks.http.limits import ServerLimits
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


_MAX_DETAIL_LENGTH: Final = 40  # characters of what a client sent


class Receiver:
    """Request handler that accepts `POST` to callback URLs, and answers 404 elsewhere.

    A callback is stored, then emitted as `CallbackAccepted`, then answered with 200;
    one that cannot be stored is emitted as `CallbackNotStored` first and accepted all
    the same. With `secrets`, a callback must carry a valid signature. `emit` must
    return at once. `mock_detector` gives the trust of callbacks with a valid mark.
    `response` replaces the usual one to accepted callbacks, `response_delay_s` later.

    Raises:
        UsageError: one of `secrets` is not valid.
    """

    def __init__(  # noqa: PLR0913 -- collaborators, by name
        self,
        url_matchers: Sequence[UrlMatcher],
        store: StoreCallback,
        *,
        emit: EmitEvent,
        clock: Clock,
        secrets: Iterable[Secret] = (),
        limits: ServerLimits | None = None,
        mock_detector: MockDetector | None = None,
        response: Response = RECEIVED,
        response_delay_s: float = 0.0,
    ) -> None:
        self._url_matchers = tuple(url_matchers)
        self._store = store
        self._emit = emit
        self._clock = clock
        self._secrets = tuple(secrets)
        self._limits = limits or ServerLimits()
        self._mock_detector = mock_detector
        self._response = response
        self._response_delay_s = response_delay_s
        self._accepted = self._refused = self._unknown = 0
        for secret in self._secrets:
            check_secret(secret)

    @property
    def counts(self) -> RequestCounts:
        """How many requests were accepted, refused, or to unknown paths, so far."""
        return RequestCounts(
            accepted=self._accepted, refused=self._refused, unknown=self._unknown
        )

    def check_head(self, request: Request) -> UrlMatch | Response:
        """Return the match of a callback URL, or the response that refuses the head."""
        url_match = self._match_url(request)
        if url_match is None:
            self._unknown += 1
            return NOT_FOUND
        coding = _content_coding(request.headers)
        if coding is not None:
            return self.refuse(
                url_match, RefusalReason.ENCODED, detail=_content_coding_detail(coding)
            )
        refusal = _head_refusal(request.headers, self._limits)
        return url_match if refusal is None else self.refuse(url_match, refusal)

    def refuse(
        self, url_match: UrlMatch, refusal: RefusalReason, *, detail: str | None = None
    ) -> Response:
        """Emit the refusal of a request to a callback URL; return its response."""
        return self._refuse(
            CallbackRefused(reason=refusal, url_match=url_match, detail=detail)
        )

    async def handle(
        self, url_match: UrlMatch, request: Request, body: bytes
    ) -> Response:
        """Check the signature; store the callback, malformed or not; emit the event."""
        now = self._clock.now()
        trust = self._determine_trust(url_match, body, request, now)
        parsed = None if trust is None else _parse_or_reason(body)
        received = ReceivedCallback(
            received_at=now,
            product=url_match.product,
            nonce=url_match.nonce,
            headers=request.headers,
            raw=body,
            payload=parsed if isinstance(parsed, CallbackPayload) else None,
            trust=trust or url_match.trust,
        )
        if trust is None:
            refusal = RefusalReason.UNSIGNED
            return self._refuse(
                CallbackRefused(reason=refusal, url_match=url_match, received=received)
            )
        number = await self._store_callback(received)
        if isinstance(parsed, str):
            return self._refuse(_malformed_refusal(url_match, received, parsed, number))
        return await self._accept(received, number)

    def _match_url(self, request: Request) -> UrlMatch | None:
        if request.method != b"POST":
            return None
        for match in self._url_matchers:
            found = match(request.path, request.query, request.peer)
            if found is not None:
                return found
        return None

    def _determine_trust(
        self,
        url_match: UrlMatch,
        raw: bytes,
        request: Request,
        now: datetime,
    ) -> Trust | None:
        headers = dict(request.headers)
        if self._secrets and not verify(raw, headers, self._secrets, now):
            return None
        detect_mock = self._mock_detector
        mock_trust = detect_mock(raw, headers, request.peer) if detect_mock else None
        return mock_trust or (Trust.SIGNED if self._secrets else url_match.trust)

    async def _accept(self, received: ReceivedCallback, number: int | None) -> Response:
        self._accepted += 1
        self._emit(CallbackAccepted(received=received, number=number))
        if self._response_delay_s:
            await asyncio.sleep(self._response_delay_s)
        return self._response

    async def _store_callback(self, received: ReceivedCallback) -> int | None:
        try:
            async with asyncio.timeout(self._limits.store_timeout_s):
                number = await self._store(received)
        except Exception as exc:  # noqa: BLE001 -- a full disk must not lose a callback
            self._emit(CallbackNotStored(received=received, failure=exc))
            return None
        return number if isinstance(number, int) else None

    def _refuse(self, event: CallbackRefused) -> Response:
        self._refused += 1
        self._emit(event)
        return refused(event.reason)


def _head_refusal(headers: Headers, limits: ServerLimits) -> RefusalReason | None:
    """Return why a request is refused before its body is read, None if it is not."""
    fields = dict(headers)
    if "transfer-encoding" in fields and "content-length" in fields:
        return RefusalReason.TWO_LENGTHS  # a proxy may have used the other one
    if int(fields.get("content-length", "0")) > limits.max_body_bytes:
        return RefusalReason.TOO_LARGE
    return None


def _content_coding(headers: Headers) -> str | None:
    """Return the first content coding that changes a body; a header may be repeated."""
    codings = (
        coding.strip().lower()
        for name, value in headers
        if name == "content-encoding"
        for coding in value.split(",")
    )
    return next((each for each in codings if each not in ("", "identity")), None)


def _content_coding_detail(coding: str) -> str:
    return f"{coding[:_MAX_DETAIL_LENGTH]} is not taken, send the body as it is"


def _parse_or_reason(raw: bytes) -> CallbackPayload | str:
    try:
        return parse_payload(raw)
    except MalformedPayloadError as exc:
        return str(exc)


def _malformed_refusal(
    url_match: UrlMatch, received: ReceivedCallback, why: str, number: int | None
) -> CallbackRefused:
    return CallbackRefused(
        reason=RefusalReason.MALFORMED,
        url_match=url_match,
        received=received,
        detail=why,
        number=number,
    )
