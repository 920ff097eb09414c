"""Measures a tunnel: opens it, sends requests through it, notes what comes in."""

from __future__ import annotations

import json
import re
import secrets
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import anyio

from kling_cli.api.http import httpx, new_http
from kling_cli.callbacks.door import Pass, Peer, Received
from kling_cli.callbacks.limits import Limits
from kling_cli.callbacks.receiver import Receiver
from kling_cli.callbacks.server import serve
from kling_cli.errors import KlingError, TunnelError, UsageError

if TYPE_CHECKING:
    from kling_cli.clock import Clock
    from kling_cli.tunnels import Provider, Tunnel

ROUND_TRIPS: Final = 20
BODY_BYTES: Final = 1024 * 1024
FIRST_S: Final = 30.0  # for the first request to come in: a new name must spread
_REQUEST_S: Final = 10.0
_BODY_S: Final = 30.0
_PAUSE_S: Final = 0.5
_PATH: Final = "/callback/probe/"
_FROM: Final = ("cf-connecting-ip", "x-forwarded-for", "x-real-ip")
_OK: Final = 200
# What only a job can do instead, as hints of providers have it.
_OF_JOBS: Final = re.compile(
    r"(, or (use|do without a tunnel:) |do without one: )--callback off"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelReport:
    """What was measured of a tunnel; times are None where it did not get so far.

    `ready_s` runs from the beginning to the first request that came in. `came_from` is
    the address that the request is said to have come from.
    """

    name: str
    public_url: str | None = None
    ready_s: float | None = None
    median_ms: float | None = None
    p95_ms: float | None = None
    takes_1mib: bool | None = None
    came_from: str | None = None
    error: KlingError | None = None


@dataclass(slots=True)
class _Probe:
    """The local end: notices the requests that carry its nonce."""

    path: str = field(default_factory=lambda: _PATH + secrets.token_urlsafe(18))
    received: list[Received] = field(default_factory=list)

    def recognise(
        self, raw_path: bytes, _query: bytes, _peer: Peer | None
    ) -> Pass | None:
        is_ours = secrets.compare_digest(raw_path, self.path.encode())
        return Pass() if is_ours else None

    async def keep(self, received: Received) -> None:
        self.received.append(received)

    @property
    def came_from(self) -> str:
        """The address that the first request is said to have come from."""
        given = dict(self.received[0].headers)
        told = next((given[name] for name in _FROM if given.get(name)), None)
        return told.partition(",")[0].strip() if told else "not said"


async def measure_tunnel(
    provider: Provider,
    clock: Clock,
    *,
    new: Callable[..., httpx.AsyncClient] = new_http,
) -> TunnelReport:
    """Open a tunnel with `provider`, measure it and close it again.

    A failure is in the report. Takes a minute at most.
    """
    probe, report = _Probe(), TunnelReport(name=provider.name)
    begun = clock.monotonic()
    receiver = Receiver([probe.recognise], probe.keep, tell=lambda _: None, clock=clock)
    limits = replace(Limits(), body_s=_BODY_S)
    async with serve(receiver, limits=limits) as server:
        try:
            async with provider.open(server.port) as tunnel, new() as http:
                sender = _Sender(http, tunnel, probe, clock)
                report = replace(report, public_url=tunnel.public_url)
                await sender.send_first()
                report = replace(
                    report,
                    ready_s=clock.monotonic() - begun,
                    came_from=probe.came_from,
                )
                times_ms = sorted([await sender.time_ms() for _ in range(ROUND_TRIPS)])
                report = replace(
                    report,
                    median_ms=statistics.median(times_ms),
                    p95_ms=times_ms[-(-len(times_ms) * 95 // 100) - 1],
                )
                return replace(report, takes_1mib=await sender.takes(BODY_BYTES))
        except (TunnelError, UsageError) as exc:
            exc.hint = _OF_JOBS.sub("", exc.hint or "") or None
            return replace(report, error=exc)


@dataclass(frozen=True, slots=True)
class _Sender:
    """Sends requests to the public URL and times them."""

    http: httpx.AsyncClient
    tunnel: Tunnel
    probe: _Probe
    clock: Clock

    async def send_first(self) -> None:
        """Return when a request has come in. Raises: `TunnelError` when none does."""
        deadline = self.clock.monotonic() + FIRST_S
        while True:
            failure = await self._post(_body(0), _REQUEST_S)
            if self.probe.received:
                return
            if self.clock.monotonic() + _PAUSE_S > deadline:
                raise TunnelError(
                    f"nothing comes through {self.tunnel.public_url}: {failure}",
                    hint="try again, or use another: `kling tunnel list`",
                )
            await self.clock.sleep(_PAUSE_S)

    async def time_ms(self) -> float:
        """Return how long a request and its answer took.

        Raises: `TunnelError` when it was not answered as it should be.
        """
        begun = self.clock.monotonic()
        failure = await self._post(_body(0), _REQUEST_S)
        if failure is not None:
            raise TunnelError(
                f"a request through {self.tunnel.public_url} was lost: {failure}",
                hint="try again, or use another: `kling tunnel list`",
            )
        return (self.clock.monotonic() - begun) * 1000

    async def takes(self, n_bytes: int) -> bool:
        """Return whether a body of this size comes in whole."""
        body = _body(n_bytes)
        failure = await self._post(body, _BODY_S)
        return failure is None and self.probe.received[-1].raw == body

    async def _post(self, body: bytes, timeout_s: float) -> str | None:
        """Return why the request failed, None when it was answered with 200."""
        url = self.tunnel.public_url + self.probe.path
        headers = {"Content-Type": "application/json"}
        try:
            with anyio.fail_after(timeout_s):
                answer = await self.http.post(url, content=body, headers=headers)
        except TimeoutError:
            return f"no answer in {timeout_s:g} s"
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            return str(exc) or type(exc).__name__
        return None if answer.status_code == _OK else f"status {answer.status_code}"


def _body(n_bytes: int) -> bytes:
    """Return a callback's body, padded to `n_bytes` if it is shorter."""
    document = {"task_id": "tunnel-test", "status": "processing", "padding": ""}
    missing = n_bytes - len(json.dumps(document))
    return json.dumps(document | {"padding": "x" * max(missing, 0)}).encode()
