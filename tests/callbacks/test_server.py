"""The callback server: opening, closing, errors, silence."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import AsyncExitStack, closing

import anyio
import pytest

from kling_cli.callbacks.events import ReceivedCallback, RefusalReason, UrlMatch
from kling_cli.callbacks.http.limits import ServerLimits
from kling_cli.callbacks.http.parser import Request
from kling_cli.callbacks.http.responses import NOT_FOUND, Response
from kling_cli.callbacks.http.server import bind_socket, serve
from kling_cli.errors import UsageError
from tests.callbacks.receiver_fixture import (
    PATH,
    SUCCEEDED,
    head,
    post,
    read_response,
    read_to_end,
    reset_when_closed,
    running_receiver,
    send,
    send_callback,
)

pytestmark = pytest.mark.anyio


async def test_the_port_is_known_and_open_at_once() -> None:
    async with running_receiver() as running:
        assert running.server.port > 0
        assert running.server.url == f"http://127.0.0.1:{running.server.port}"
        with socket.create_connection(("127.0.0.1", running.server.port), timeout=5):
            pass


async def test_a_fixed_port_can_be_reused_at_once() -> None:
    async with running_receiver() as running:
        port = running.server.port
        assert (
            await running.request(post(SUCCEEDED, "Connection: close"))
        ).status == 200

    async with serve(Broken("check_head"), port=port) as server:
        assert server.port == port


async def test_a_port_in_use_is_an_error() -> None:
    async with running_receiver() as running:
        with pytest.raises(UsageError, match=f"port {running.server.port}") as caught:
            async with serve(Broken("check_head"), port=running.server.port):
                pass

    assert caught.value.hint is not None
    assert "--port" in caught.value.hint
    assert caught.value.message.count("127.0.0.1") == 1


async def test_an_invalid_port_is_an_error() -> None:
    with pytest.raises(UsageError, match="port 70000"):
        async with serve(Broken("check_head"), port=70_000):
            pass


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")
async def test_the_ipv6_loopback_address_works() -> None:
    async with serve(Broken("check_head"), host="::1") as server:
        assert server.url == f"http://[::1]:{server.port}"


async def test_closing_with_idle_connections_is_quick_and_complete() -> None:
    before = asyncio.all_tasks()
    async with AsyncExitStack() as stack:
        async with running_receiver(limits=ServerLimits()) as running:
            streams = [
                await stack.enter_async_context(await running.connect())
                for _ in range(20)
            ]
            await send_callback(streams[0])
            await send(streams[1], b"POST /half")
            await send(streams[2], head("Content-Length: 5") + b"ab")
            await send(streams[3], head("Content-Length: 5", path="/unknown"))
            assert (await read_response(streams[3])).status == 404
            started = time.perf_counter()
        elapsed_s = time.perf_counter() - started

        assert elapsed_s < 0.5  # 50 ms on a machine with nothing else to do
        assert asyncio.all_tasks() == before
        for stream in streams:
            await read_to_end(stream)


async def test_a_callback_being_stored_is_answered_before_closing() -> None:
    is_asked = anyio.Event()

    async def slow(_received: ReceivedCallback) -> None:
        is_asked.set()
        await anyio.sleep(0.1)

    async with AsyncExitStack() as stack:
        async with running_receiver(
            limits=ServerLimits(close_timeout_s=30), store=slow
        ) as running:
            stream = await stack.enter_async_context(await running.connect())
            await send(stream, post())
            with anyio.fail_after(5):
                await is_asked.wait()
            started = time.perf_counter()

        assert time.perf_counter() - started < 5
        assert (await read_response(stream)).status == 200
        await read_to_end(stream)


async def test_a_callback_is_stored_after_disconnect_and_close() -> None:
    is_asked = anyio.Event()
    stored: list[ReceivedCallback] = []

    async def slow(received: ReceivedCallback) -> None:
        is_asked.set()
        await anyio.sleep(0.1)
        stored.append(received)

    async with (
        running_receiver(store=slow) as running,
        await running.connect() as stream,
    ):
        await send(stream, post())
        with anyio.fail_after(5):
            await is_asked.wait()
        reset_when_closed(stream)

    assert len(stored) == 1
    assert len(running.events) == 1


async def test_a_hanging_callback_does_not_prevent_closing() -> None:
    is_asked = anyio.Event()

    async def hang(_received: ReceivedCallback) -> None:
        is_asked.set()
        await anyio.sleep_forever()

    before = asyncio.all_tasks()
    with anyio.fail_after(5):
        async with AsyncExitStack() as stack:
            limits = ServerLimits(close_timeout_s=0.1, store_timeout_s=60)
            async with running_receiver(limits=limits, store=hang) as running:
                stream = await stack.enter_async_context(await running.connect())
                await send(stream, post())
                await is_asked.wait()
            assert asyncio.all_tasks() == before


async def test_cancellation_closes_the_server_and_loses_no_callback() -> None:
    is_asked = anyio.Event()
    stored: list[ReceivedCallback] = []

    async def slow(received: ReceivedCallback) -> None:
        is_asked.set()
        await anyio.sleep(0.1)
        stored.append(received)

    before = asyncio.all_tasks()
    async with AsyncExitStack() as stack:
        with anyio.CancelScope() as scope:
            async with running_receiver(store=slow) as running:
                stream = await stack.enter_async_context(await running.connect())
                await send(stream, post())
                await is_asked.wait()
                scope.cancel()
                await anyio.sleep_forever()

        assert asyncio.all_tasks() == before
        assert len(stored) == 1
        assert (await read_response(stream)).status == 200
    with pytest.raises(OSError, match=r"refused|connect"):
        await anyio.connect_tcp("127.0.0.1", running.server.port)


class Broken:
    """A request handler with a bug in one method."""

    def __init__(self, where: str) -> None:
        self._where = where

    def check_head(self, request: Request) -> UrlMatch | Response:
        self._break_at("check_head", request.path)
        return UrlMatch()

    def refuse(self, url_match: UrlMatch, refusal: RefusalReason) -> Response:
        self._break_at("refuse", (url_match, refusal))
        return NOT_FOUND

    async def handle(
        self, url_match: UrlMatch, request: Request, body: bytes
    ) -> Response:
        self._break_at("handle", (url_match, request.path, body))
        return NOT_FOUND

    def _break_at(self, place: str, detail: object) -> None:
        if place == self._where:
            raise RuntimeError(f"a bug at {detail!r}")


@pytest.mark.parametrize(
    ("where", "sent"),
    [
        pytest.param("check_head", post(), id="looking at the head"),
        pytest.param("handle", post(), id="taking it"),
        pytest.param(
            "refuse",
            head("Transfer-Encoding: chunked") + b"zz\r\n",
            id="refusing it",
        ),
    ],
)
async def test_an_unexpected_exception_is_a_bare_500_and_recorded(
    where: str, sent: bytes
) -> None:
    async with serve(Broken(where)) as server:
        async with await anyio.connect_tcp("127.0.0.1", server.port) as stream:
            await send(stream, sent)
            response = await read_response(stream)

        assert response.status == 500
        assert b"bug" not in response.body
        [bug] = server.failures
        assert str(bug).startswith("a bug at ")


async def test_nothing_is_logged(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    async def broken(_received: ReceivedCallback) -> None:
        raise RuntimeError(PATH)

    caplog.set_level(1)  # all of it
    async with running_receiver(store=broken) as running:
        await running.request(post())
        await running.request(post(b"nonsense"))
        await running.request(post(SUCCEEDED, "Connection: Upgrade", "Upgrade: h2c"))
        await running.request(post(path="/unknown"))
        await running.request(b"\x00\r\n\r\n")
    async with (
        serve(Broken("check_head")) as server,
        await anyio.connect_tcp("127.0.0.1", server.port) as stream,
    ):
        await send(stream, post())
        assert (await read_response(stream)).status == 500

    request = [record for record in caplog.records if record.name != "asyncio"]
    assert request == []
    assert capfd.readouterr() == ("", "")
    assert all(PATH not in record.getMessage() for record in caplog.records)


async def test_responses_do_not_name_the_server() -> None:
    async with running_receiver() as running:
        response = await running.request(post())

    assert set(response.headers) == {"content-type", "content-length"}


def test_responses_on_a_reused_connection_are_not_delayed() -> None:
    with (
        closing(bind_socket("127.0.0.1", 0)) as listener,
        closing(socket.create_connection(listener.getsockname())),
        closing(listener.accept()[0]) as accepted,
    ):
        without_delay = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    assert without_delay
