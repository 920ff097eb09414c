"""Health check of the public URL: a request is sent there and must arrive here.

What a tunnel program reports is out of date after the machine has slept; whether a
request arrives is the only proof.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import anyio
from anyio.abc import TaskGroup

from kling_cli.api import ProxyFailedError, httpx, new_http
from kling_cli.callbacks import Peer, UrlMatch
from kling_cli.clock import Clock, within
from kling_cli.errors import UsageError
from kling_cli.jobs.events import Notice
from kling_cli.listener.events import CHECKED, ListenerEvent, TunnelChanged
from kling_cli.listener.forwarding.delivery import DeliveryFailure, classify_failure
from kling_cli.listener.ingress.ingress import Ingress

TIMEOUT_S: Final = 6.0  # a tunnel program that notices an outage is back by then
OFFLINE_TIMEOUT_S: Final = 30.0  # for this machine to find its own network again
_RETRY_DELAY_S: Final = 1.0
_REQUEST_TIMEOUT_S: Final = 4.0
_LOCAL_FAILURES: Final = frozenset(
    {DeliveryFailure.UNKNOWN_HOST, DeliveryFailure.UNREACHABLE}
)
_PATH: Final = "/callback/probe/"  # followed by a nonce, valid for one check


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The result of a check: whether the request arrived, and details for a person."""

    is_reachable: bool
    detail: str


class Probe:
    """Sends requests to our own public URL, and notices whether they arrive.

    `match_url` belongs among the receiver's URL matchers; it never accepts a request.
    `n_received` counts its requests, which are answered like those to an unknown path
    and must not be counted as such.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        new: Callable[..., httpx.AsyncClient] = new_http,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._clock = clock
        self._new = new
        self._timeout_s = timeout_s
        self._expected_path = b""
        self._received = anyio.Event()
        self.n_received = 0

    def match_url(
        self, raw_path: bytes, _query: bytes, _peer: Peer | None
    ) -> UrlMatch | None:
        """Notice the request that is expected; accept none."""
        if self._expected_path and raw_path == self._expected_path:
            self.n_received += 1
            self._received.set()
        return None

    async def check(self, base_url: str) -> ProbeResult:
        """Return whether requests to `base_url` arrive here, after a bounded time."""
        started = self._clock.monotonic()
        path = _PATH + secrets.token_urlsafe(18)
        self._received = anyio.Event()
        self._expected_path = path.encode()
        try:
            async with self._new(timeout_s=_REQUEST_TIMEOUT_S) as http:
                while True:
                    detail, is_local_failure = await self._send_request(
                        http, base_url + path
                    )
                    took_s = self._clock.monotonic() - started
                    if self._received.is_set():
                        return ProbeResult(
                            True, f"a request came back after {took_s:.1f}s"
                        )
                    limit_s = OFFLINE_TIMEOUT_S if is_local_failure else self._timeout_s
                    if took_s + _RETRY_DELAY_S >= limit_s:
                        return ProbeResult(False, f"nothing comes through: {detail}")
                    await self._clock.sleep(_RETRY_DELAY_S)
        finally:
            self._expected_path = b""

    async def _send_request(
        self, http: httpx.AsyncClient, url: str
    ) -> tuple[str, bool]:
        """Return what was answered, and whether this machine's network is at fault."""
        try:
            answer = await within(
                self._clock, _REQUEST_TIMEOUT_S, lambda: http.post(url)
            )
        except TimeoutError:
            return DeliveryFailure.TIMEOUT.value, False
        except ProxyFailedError as exc:
            return str(exc), True
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            failure = classify_failure(exc)
            return failure.value, failure in _LOCAL_FAILURES
        except UsageError as exc:  # the environment's proxy or certificates
            return exc.message, False
        code = answer.headers.get("ngrok-error-code", "")
        return f"{answer.status_code} {code}".strip(), False


@dataclass(slots=True, kw_only=True)
class HealthMonitor:
    """Checks a public ingress; emits the result, and reopens a tunnel that is dead."""

    probe: Probe
    ingress: Ingress
    group: TaskGroup
    emit: Callable[[ListenerEvent], None]
    _is_busy: bool = False

    def start(self, reason: str) -> None:
        """Start a check, unless one is under way; returns at once."""
        if not self._is_busy:
            self._is_busy = True
            self.group.start_soon(self._check, reason)

    async def _check(self, reason: str) -> None:
        url = self.ingress.url
        try:
            result = await self.probe.check(url)
        finally:
            self._is_busy = False
        detail = f"{reason}; {result.detail}"
        if result.is_reachable:
            self.emit(TunnelChanged(state=CHECKED, public_url=url, detail=detail))
        elif url == self.ingress.url and not self.ingress.reopen(detail):
            self.emit(
                Notice(
                    message=f"{url} does not lead here any more: {detail}",
                    hint="see to what forwards it; kling goes on listening",
                )
            )
