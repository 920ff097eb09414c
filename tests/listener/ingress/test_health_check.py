"""The health check: a request to the public URL must arrive at our receiver."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from kling_cli.api.http import httpx
from kling_cli.callbacks.events import ReceivedCallback
from kling_cli.callbacks.http.server import serve
from kling_cli.callbacks.receiver import Receiver
from kling_cli.clock import SystemClock
from kling_cli.listener.ingress.health_check import OFFLINE_TIMEOUT_S, Probe
from tests.support.clock import FakeClock
from tests.support.recorder import recorder

pytestmark = pytest.mark.anyio


class SkippingClock(SystemClock):
    """A clock whose pauses take no real time; its time advances by pauses only."""

    def __init__(self) -> None:
        self.waited_s = 0.0

    def monotonic(self) -> float:
        return self.waited_s

    async def sleep(self, seconds: float) -> None:
        if seconds == 1.0:
            self.waited_s += seconds
        else:
            await super().sleep(seconds)


async def store(_: ReceivedCallback) -> int:
    return 1


@asynccontextmanager
async def running_receiver(probe: Probe) -> AsyncIterator[tuple[str, Receiver]]:
    receiver = Receiver(
        [probe.match_url], store, emit=lambda _: None, clock=SystemClock()
    )
    async with serve(receiver) as server:
        yield server.url, receiver


async def test_a_url_that_leads_here_is_reachable() -> None:
    probe = Probe(SystemClock())
    async with running_receiver(probe) as (url, receiver):
        result = await probe.check(url)

    assert result.is_reachable
    assert "came back" in result.detail
    assert (probe.n_received, receiver.counts.accepted) == (1, 0)
    assert receiver.counts.unknown == probe.n_received


async def test_a_url_of_another_server_is_not_reachable() -> None:
    clock = SkippingClock()
    with recorder() as app:
        result = await Probe(clock).check(app.url)

    assert not result.is_reachable
    assert result.detail == "nothing comes through: 200"
    assert len(app.seen) == 6
    assert len({post.path for post in app.seen}) == 1


async def test_an_unreachable_url_is_retried_for_a_bounded_time() -> None:
    with recorder() as app:
        gone = app.url
    clock = SkippingClock()

    result = await Probe(clock).check(gone)

    assert result.detail == "nothing comes through: connection refused"
    assert clock.waited_s == 5.0


async def test_without_a_network_the_check_takes_longer() -> None:
    clock = SkippingClock()

    def without_network(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no name") from socket.gaierror(-3, "try again")

    def new(*, timeout_s: float) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.MockTransport(without_network), timeout=timeout_s
        )

    result = await Probe(clock, new=new).check("https://a.example")

    assert result.detail == "nothing comes through: no such host"
    assert clock.waited_s == OFFLINE_TIMEOUT_S - 1.0


async def test_requests_without_the_nonce_are_not_counted() -> None:
    probe = Probe(FakeClock())

    probe.match_url(b"/callback/probe/", b"", None)
    probe.match_url(b"", b"", None)

    assert probe.n_received == 0
