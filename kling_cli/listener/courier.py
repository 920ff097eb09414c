"""Carries one callback to one URL and says what came back, whatever that is.

Every delivery has a deadline and a connection of its own: an app that is restarted all
the time, as it is while being written, must not meet a connection from before.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import anyio

from kling_cli.api.http import ProxyFailedError, httpx
from kling_cli.clock import Clock, within
from kling_cli.errors import UsageError
from kling_cli.listener.diagnose import Failure
from kling_cli.listener.headers import Headers, with_added
from kling_cli.listener.targets import Target

DEFAULT_TIMEOUT_S: Final = 30.0
EXCERPT_BYTES: Final = 600
_MOST_BYTES: Final = 64 * 1024  # of an answer; what an app says beyond is not heard
_BODY_S: Final = 1.0  # once the status is known, there is not much to wait for
_CLOSE: Final = (("Connection", "close"), ("Accept-Encoding", "identity"))
_USER: Final = ("User-Agent", "kling-cli")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one delivery; `failure` is set exactly when `status` is not.

    `excerpt` is the beginning of the answer's body, a stranger's text; where nothing
    could be sent at all, it says why. `body` is as much of it as was heard.
    """

    sent_at: datetime
    duration_s: float
    status: int | None = None
    failure: Failure | None = None
    location: str | None = None
    excerpt: str | None = None
    body: bytes = field(default=b"", repr=False)

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 -- HTTP's success


@dataclass(frozen=True, slots=True, kw_only=True)
class Courier:
    """Sends by `http`, which follows no redirects; `timeout_s` bounds a delivery."""

    http: httpx.AsyncClient
    clock: Clock
    timeout_s: float = DEFAULT_TIMEOUT_S

    async def carry(self, target: Target, headers: Headers, raw: bytes) -> Outcome:
        """POST `raw` to the target, trying each of its places that refuses in turn."""
        begun = self.clock.monotonic()
        sent_at = self.clock.now()
        answer = _Answer()
        failure, excuse = None, None
        try:
            await within(
                self.clock,
                self.timeout_s,
                lambda: self._try_places(target, headers, raw, answer),
            )
        except TimeoutError:
            failure = Failure.TIMEOUT
        except ProxyFailedError as exc:
            failure, excuse = Failure.UNREACHABLE, str(exc)
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            failure = failure_of(exc)
        except UsageError as exc:  # the environment's proxy or certificates
            failure, excuse = Failure.UNREACHABLE, exc.message
        return Outcome(
            sent_at=sent_at,
            duration_s=self.clock.monotonic() - begun,
            status=answer.status,
            failure=failure if answer.status is None else None,
            location=answer.location,
            excerpt=excuse or answer.text,
            body=answer.body,
        )

    async def _try_places(
        self, target: Target, headers: Headers, raw: bytes, answer: _Answer
    ) -> None:
        *first, last = target.places
        for place in first:
            try:
                await self._post(place, target, headers, raw, answer)
            except httpx.ConnectError as exc:
                if failure_of(exc) is not Failure.REFUSED:
                    raise
            else:
                return
        await self._post(last, target, headers, raw, answer)

    async def _post(
        self, place: str, target: Target, headers: Headers, raw: bytes, answer: _Answer
    ) -> None:
        wanted = with_added(headers, (("Host", target.host), *_CLOSE))
        if not any(name.lower() == "user-agent" for name, _ in wanted):
            wanted += (_USER,)
        encoded = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in wanted]
        name = {"sni_hostname": target.host.rpartition(":")[0] or target.host}
        is_elsewhere = place != target.url
        async with self.http.stream(
            "POST",
            place,
            headers=encoded,
            content=raw,
            extensions=name if is_elsewhere else None,
        ) as response:
            await answer.read(response)


class _Answer:
    """As much of an answer as came before the deadline."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.location: str | None = None
        self._raw = bytearray()

    async def read(self, response: httpx.Response) -> None:
        """Take the head and the beginning of the body; the rest is left unread."""
        self.status = response.status_code
        self.location = response.headers.get("location")
        with anyio.move_on_after(_BODY_S):
            async for chunk in response.aiter_raw():
                self._raw += chunk
                if len(self._raw) > _MOST_BYTES:
                    return

    @property
    def body(self) -> bytes:
        return bytes(self._raw[:_MOST_BYTES])

    @property
    def text(self) -> str | None:
        return self._raw[:EXCERPT_BYTES].decode("utf-8", "replace") or None


def failure_of(exc: Exception) -> Failure:
    """Return which kind of silence a failed request was."""
    words = " ".join(str(each).lower() for each in _causes(exc))
    if any(isinstance(each, ssl.SSLCertVerificationError) for each in _causes(exc)):
        return Failure.UNTRUSTED
    if any(isinstance(each, ssl.SSLError) for each in _causes(exc)):
        return Failure.NO_TLS
    if isinstance(exc, httpx.TimeoutException):
        return Failure.TIMEOUT
    if isinstance(exc, httpx.ConnectError):
        return _not_connected(list(_causes(exc)))
    if isinstance(exc, httpx.RemoteProtocolError) and "disconnected" not in words:
        return Failure.NOT_HTTP
    return Failure.BROKEN_OFF


def _not_connected(causes: list[BaseException]) -> Failure:
    if any(isinstance(each, socket.gaierror) for each in causes):
        return Failure.UNKNOWN_HOST
    is_refused = any(isinstance(each, ConnectionRefusedError) for each in causes)
    return Failure.REFUSED if is_refused else Failure.UNREACHABLE


def _causes(exc: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and what it came from; groups with all they hold."""
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
