"""Delivers a callback to a target over HTTP: policy, headers, outcome, its explanation.

The response is that of the user's own handler; a hint names the usual cause of each
class of failure, in the words of whoever has to find it. Signing follows Standard
Webhooks: an app can be written against signed callbacks where Kling's account has no
secret. The message id is that of the callback, for every target and every attempt.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import anyio

from kling_cli.api import ProxyFailedError, httpx, new_http
from kling_cli.callbacks import sign
from kling_cli.clock import Clock, within
from kling_cli.errors import UsageError
from kling_cli.listener.events import Forwarded
from kling_cli.listener.forwarding.headers import (
    RECONCILED_HEADER,
    RECONCILED_TRUST,
    REPLAY_HEADER,
    Headers,
    forwarded_headers,
    with_headers,
)
from kling_cli.listener.forwarding.targets import Target
from kling_cli.secret import Secret
from kling_cli.store import StoredCallback, StoredForward

DEFAULT_TIMEOUT_S: Final = 30.0
EXCERPT_BYTES: Final = 600
_MAX_BODY_BYTES: Final = 64 * 1024  # of a response; the rest is not read
_BODY_TIMEOUT_S: Final = 1.0  # for the body, once the status is known
_CONNECTION_HEADERS: Final = (("Connection", "close"), ("Accept-Encoding", "identity"))
_USER_AGENT: Final = ("User-Agent", "kling-cli")
SLOW_HANDLER_HINT: Final = "answer first and work afterwards"


class DeliveryFailure(StrEnum):
    """Why there was no response; the value is what is shown."""

    REFUSED = "connection refused"
    UNKNOWN_HOST = "no such host"
    TIMEOUT = "no answer in time"
    UNTRUSTED_CERTIFICATE = "certificate not trusted"
    NO_TLS = "no TLS there"
    NOT_HTTP = "the answer is not HTTP"
    DISCONNECTED = "connection broken off"
    UNREACHABLE = "not reachable"
    QUEUE_FULL = "too many callbacks are waiting"
    STOPPED = "the listener stopped first"


_FAILURE_HINTS: Final = MappingProxyType(
    {
        DeliveryFailure.REFUSED: "nothing listens there: start your app,"
        " or correct the port",
        DeliveryFailure.UNKNOWN_HOST: "the name does not resolve: correct the host",
        DeliveryFailure.TIMEOUT: "the handler is too slow or hangs:"
        f" {SLOW_HANDLER_HINT}, or give it longer with --forward-timeout",
        DeliveryFailure.UNTRUSTED_CERTIFICATE: "for a self-signed certificate"
        " of your own: --insecure",
        DeliveryFailure.NO_TLS: "that port speaks no TLS: forward to http:// instead",
        DeliveryFailure.NOT_HTTP: "another kind of server listens there, or it speaks"
        " TLS: correct the port, or forward to https://",
        DeliveryFailure.DISCONNECTED: "the app closed the connection without an answer:"
        " look for a crash in its log",
        DeliveryFailure.UNREACHABLE: "no way leads there: check the address and the"
        " network",
        DeliveryFailure.STOPPED: "send it again: kling replay --failed",
        DeliveryFailure.QUEUE_FULL: "the handler does not keep up; the callbacks are"
        " kept: kling replay --failed",
    }
)

_STATUS_HINTS: Final = MappingProxyType(
    {
        400: "the handler refuses the body: usual when a signature is computed over the"
        " parsed body instead of the raw bytes, or when JSON is taken for granted",
        401: "a middleware in front asks for a login: let POST through to this path"
        " without one (or does the handler want a signature? --sign-forwards)",
        403: "a middleware in front forbids it, often CSRF protection: exempt this path"
        " (or does the handler want a signature? --sign-forwards)",
        404: "the app has no such path: correct the URL",
        405: "the path is there, but not for POST",
        408: f"the handler is too slow: {SLOW_HANDLER_HINT}",
        411: "the app wants a length that was sent: look at what stands in front of it",
        413: "the app, or what stands in front of it, limits bodies too tightly",
        415: "the handler insists on a content type: callbacks may come without one;"
        " read the raw body, or add --header 'Content-Type: application/json'",
        422: "the body does not fit the handler's model: callbacks come in several"
        " shapes, so read the raw JSON and pick what you need",
        429: "the app limits requests: exempt this path",
        501: "the app does not do POST there",
        502: "a proxy answered and the app behind it is down",
        503: "the app, or a proxy in front of it, is not ready",
        504: f"a proxy gave up on the handler: {SLOW_HANDLER_HINT}",
    }
)


def failure_hint(failure: DeliveryFailure) -> str:
    """Return what to do when there was no response."""
    return _FAILURE_HINTS[failure]


def status_hint(status: int, *, location: str | None, number: int) -> str | None:
    """Return what a status means for a handler, None for success.

    `number` is that of the callback, 0 for one that is not stored.
    """
    if 200 <= status < 300:  # noqa: PLR2004 -- HTTP's success
        return None
    if 300 <= status < 400:  # noqa: PLR2004 -- HTTP's redirects
        return _redirect_hint(location)
    if status in _STATUS_HINTS:
        return _STATUS_HINTS[status]
    if status >= 500:  # noqa: PLR2004 -- HTTP's server errors
        return f"the handler failed: look at its log{_replay_hint(number)}"
    return f"the handler refuses the callback{_replay_hint(number)}"


def _redirect_hint(location: str | None) -> str:
    if not location:
        return "redirects are not followed: forward to where the app takes POST"
    if any(word in location.lower() for word in ("login", "signin", "sign-in", "auth")):
        return (
            "a middleware in front sends it to a login: let POST through to this path"
            " without one"
        )
    return f"redirects are not followed: forward to {location} instead"


def _replay_hint(number: int) -> str:
    return f"; once mended: kling replay {number}" if number else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryOutcome:
    """The outcome of one delivery; `failure` is set exactly when `status` is not.

    `excerpt` is the beginning of the response body, untrusted text; where nothing could
    be sent at all, it says why. `body` is as much of it as was read.
    """

    sent_at: datetime
    duration_s: float
    status: int | None = None
    failure: DeliveryFailure | None = None
    location: str | None = None
    excerpt: str | None = None
    body: bytes = field(default=b"", repr=False)

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 -- HTTP's success


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryClient:
    """Sends deliveries by `http`, without following redirects, in `timeout_s` each."""

    http: httpx.AsyncClient
    clock: Clock
    timeout_s: float = DEFAULT_TIMEOUT_S

    async def attempt(
        self, delivery: Delivery, policy: ForwardingPolicy
    ) -> DeliveryOutcome:
        """Send a delivery once, with the headers that are due now."""
        headers = delivery_headers(delivery, policy, self.clock.now())
        return await self.deliver(delivery.target, headers, delivery.callback.raw)

    async def deliver(
        self, target: Target, headers: Headers, raw: bytes
    ) -> DeliveryOutcome:
        """POST `raw` to the target, at its next URL where a connection is refused."""
        started = self.clock.monotonic()
        sent_at = self.clock.now()
        reader = _ResponseReader()
        failure, reason = None, None
        try:
            await within(
                self.clock,
                self.timeout_s,
                lambda: self._try_urls(target, headers, raw, reader),
            )
        except TimeoutError:
            failure = DeliveryFailure.TIMEOUT
        except ProxyFailedError as exc:
            failure, reason = DeliveryFailure.UNREACHABLE, str(exc)
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            failure = classify_failure(exc)
        except UsageError as exc:  # the environment's proxy or certificates
            failure, reason = DeliveryFailure.UNREACHABLE, exc.message
        return DeliveryOutcome(
            sent_at=sent_at,
            duration_s=self.clock.monotonic() - started,
            status=reader.status,
            failure=failure if reader.status is None else None,
            location=reader.location,
            excerpt=reason or reader.text,
            body=reader.body,
        )

    async def _try_urls(
        self, target: Target, headers: Headers, raw: bytes, reader: _ResponseReader
    ) -> None:
        *first, last = target.candidate_urls
        for url in first:
            try:
                await self._post(url, target, headers, raw, reader)
            except httpx.ConnectError as exc:
                if classify_failure(exc) is not DeliveryFailure.REFUSED:
                    raise
            else:
                return
        await self._post(last, target, headers, raw, reader)

    async def _post(
        self,
        url: str,
        target: Target,
        headers: Headers,
        raw: bytes,
        reader: _ResponseReader,
    ) -> None:
        host = target.host_header
        sent = with_headers(headers, (("Host", host), *_CONNECTION_HEADERS))
        if not any(name.lower() == "user-agent" for name, _ in sent):
            sent += (_USER_AGENT,)
        encoded = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in sent]
        server_name = {"sni_hostname": host.rpartition(":")[0] or host}
        async with self.http.stream(
            "POST",
            url,
            headers=encoded,
            content=raw,
            extensions=server_name if url != target.url else None,
        ) as response:
            await reader.read(response)


@asynccontextmanager
async def open_delivery_client(
    clock: Clock, *, timeout_s: float = DEFAULT_TIMEOUT_S, is_insecure: bool = False
) -> AsyncIterator[DeliveryClient]:
    """Open a client whose deliveries take `timeout_s` at most.

    Raises:
        UsageError: the environment's certificates or proxy cannot be used.
    """
    async with new_http(timeout_s=timeout_s, is_insecure=is_insecure) as http:
        yield DeliveryClient(http=http, clock=clock, timeout_s=timeout_s)


class _ResponseReader:
    """Reads as much of a response as arrives before the deadline."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.location: str | None = None
        self._raw = bytearray()

    async def read(self, response: httpx.Response) -> None:
        """Read the status and the beginning of the body; the rest is left unread."""
        self.status = response.status_code
        self.location = response.headers.get("location")
        with anyio.move_on_after(_BODY_TIMEOUT_S):
            async for chunk in response.aiter_raw():
                self._raw += chunk
                if len(self._raw) > _MAX_BODY_BYTES:
                    return

    @property
    def body(self) -> bytes:
        return bytes(self._raw[:_MAX_BODY_BYTES])

    @property
    def text(self) -> str | None:
        return self._raw[:EXCERPT_BYTES].decode("utf-8", "replace") or None


def classify_failure(exc: Exception) -> DeliveryFailure:
    """Return why a request got no response."""
    chain = list(_exception_chain(exc))
    if any(isinstance(each, ssl.SSLCertVerificationError) for each in chain):
        return DeliveryFailure.UNTRUSTED_CERTIFICATE
    if any(isinstance(each, ssl.SSLError) for each in chain):
        return DeliveryFailure.NO_TLS
    if isinstance(exc, httpx.TimeoutException):
        return DeliveryFailure.TIMEOUT
    if isinstance(exc, httpx.ConnectError):
        return _classify_connect_error(chain)
    text = " ".join(str(each).lower() for each in chain)
    if isinstance(exc, httpx.RemoteProtocolError) and "disconnected" not in text:
        return DeliveryFailure.NOT_HTTP
    return DeliveryFailure.DISCONNECTED


def _classify_connect_error(chain: list[BaseException]) -> DeliveryFailure:
    if any(isinstance(each, socket.gaierror) for each in chain):
        return DeliveryFailure.UNKNOWN_HOST
    is_refused = any(isinstance(each, ConnectionRefusedError) for each in chain)
    return DeliveryFailure.REFUSED if is_refused else DeliveryFailure.UNREACHABLE


def _exception_chain(exc: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and its causes; of groups all members."""
    seen: set[int] = set()
    waiting = [exc]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        if isinstance(each, BaseExceptionGroup):
            waiting.extend(each.exceptions)
        waiting.extend((each.__cause__, each.__context__))


EmitForwarded = Callable[[Forwarded], object]
RecordForward = Callable[[StoredForward], object]

RETRY_WINDOW_S: Final = 10.0  # during which refused connections are retried


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardingPolicy:
    """How callbacks are forwarded: `--header`, `--sign-forwards`, `--forward-timeout`.

    `retry_s` is for how long a refused connection is retried.
    """

    headers: Headers = ()
    secrets: tuple[Secret, ...] = ()
    timeout_s: float = DEFAULT_TIMEOUT_S
    is_insecure: bool = False
    retry_s: float = RETRY_WINDOW_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A callback to deliver to one target.

    `secrets` sign it where the policy has none. A replay is marked as one.
    """

    callback: StoredCallback
    target: Target
    is_replay: bool = False
    secrets: tuple[Secret, ...] = ()


def delivery_headers(
    delivery: Delivery, policy: ForwardingPolicy, now: datetime
) -> Headers:
    """Return the headers of a delivery that is sent `now`."""
    callback = delivery.callback
    headers = forwarded_headers(callback.headers)
    if callback.trust == RECONCILED_TRUST:  # a header from outside proves nothing
        headers = with_headers(headers, ((RECONCILED_HEADER, "1"),))
    if delivery.is_replay:
        headers = with_headers(headers, ((REPLAY_HEADER, str(callback.id)),))
    headers = with_headers(headers, policy.headers)
    secrets = policy.secrets or delivery.secrets
    if not secrets:
        return headers
    message_id = f"kling_{callback.id}"
    signed = sign(callback.raw, secrets=secrets, message_id=message_id, sent_at=now)
    return with_headers(headers, signed.items())


def forwarded_event(
    delivery: Delivery, outcome: DeliveryOutcome, attempt: int
) -> Forwarded:
    """Return the event about a delivery, with the diagnosis of its failure."""
    number = delivery.callback.id
    if outcome.failure is not None:
        hint: str | None = failure_hint(outcome.failure)
    else:
        status = outcome.status or 0
        hint = status_hint(status, location=outcome.location, number=number)
    return Forwarded(
        number=number,
        method="POST",
        url=delivery.target.display_url,
        status=outcome.status,
        duration_s=outcome.duration_s,
        attempt=attempt,
        error=outcome.failure.value if outcome.failure else None,
        hint=hint,
        excerpt=None if outcome.is_success else outcome.excerpt,
    )


def stored_forward(
    delivery: Delivery, outcome: DeliveryOutcome, attempt: int
) -> StoredForward:
    """Return the outcome of a delivery as the journal stores it."""
    return StoredForward(
        callback_id=delivery.callback.id,
        sent_at=outcome.sent_at,
        url=delivery.target.url,
        status=outcome.status,
        duration_s=outcome.duration_s,
        attempt=attempt,
        error=outcome.failure.value if outcome.failure else None,
        is_replay=delivery.is_replay,
    )
