"""Opening, closing, silence: what the server owes the program around it."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import AsyncExitStack, closing

import anyio
import pytest

from kling_cli.callbacks.events import ReceivedCallback, RefusalReason, UrlMatch
from kling_cli.callbacks.http.limits import Limits
from kling_cli.callbacks.http.parser import Request
from kling_cli.callbacks.http.responses import NOT_FOUND, Response
from kling_cli.callbacks.http.server import bind_socket, serve
from kling_cli.errors import UsageError
from tests.callbacks.receiver_fixture import (
    PATH,
    SUCCEEDED,
    head,
    let_in,
    post,
    read_end,
    read_reply,
    reset_when_closed,
    running_receiver,
    send,
)

pytestmark = pytest.mark.anyio


async def test_the_port_is_known_and_open_at_once() -> None:
    async with running_receiver() as door:
        assert door.server.port > 0
        assert door.server.url == f"http://127.0.0.1:{door.server.port}"
        with socket.create_connection(("127.0.0.1", door.server.port), timeout=5):
            pass


async def test_a_port_of_ones_own_can_be_had_again_at_once() -> None:
    async with running_receiver() as door:
        port = door.server.port
        assert (await door.ask(post(SUCCEEDED, "Connection: close"))).status == 200

    async with serve(Broken("admit"), port=port) as server:
        assert server.port == port


async def test_a_taken_port_is_explained() -> None:
    async with running_receiver() as door:
        with pytest.raises(UsageError, match=f"port {door.server.port}") as caught:
            async with serve(Broken("admit"), port=door.server.port):
                pass

    assert caught.value.hint is not None
    assert "--port" in caught.value.hint
    assert caught.value.message.count("127.0.0.1") == 1


async def test_a_port_that_cannot_be_is_explained() -> None:
    with pytest.raises(UsageError, match="port 70000"):
        async with serve(Broken("admit"), port=70_000):
            pass


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")
async def test_the_other_loopback_address_works_too() -> None:
    async with serve(Broken("admit"), host="::1") as server:
        assert server.url == f"http://[::1]:{server.port}"


async def test_closing_with_idle_strangers_is_quick_and_leaves_nothing() -> None:
    before = asyncio.all_tasks()
    async with AsyncExitStack() as crowd:
        async with running_receiver(limits=Limits()) as door:
            streams = [
                await crowd.enter_async_context(await door.connect()) for _ in range(20)
            ]
            await let_in(streams[0])
            await send(streams[1], b"POST /half")
            await send(streams[2], head("Content-Length: 5") + b"ab")
            await send(streams[3], head("Content-Length: 5", path="/unknown"))
            assert (await read_reply(streams[3])).status == 404
            started = time.perf_counter()
        elapsed_s = time.perf_counter() - started

        assert elapsed_s < 0.5  # 50 ms on a machine with nothing else to do
        assert asyncio.all_tasks() == before
        for stream in streams:
            await read_end(stream)


async def test_a_callback_that_is_being_kept_is_answered_before_closing() -> None:
    is_asked = anyio.Event()

    async def slow(_received: ReceivedCallback) -> None:
        is_asked.set()
        await anyio.sleep(0.1)

    async with AsyncExitStack() as stack:
        async with running_receiver(
            limits=Limits(close_timeout_s=30), keep=slow
        ) as door:
            stream = await stack.enter_async_context(await door.connect())
            await send(stream, post())
            with anyio.fail_after(5):
                await is_asked.wait()
            started = time.perf_counter()

        assert time.perf_counter() - started < 5
        assert (await read_reply(stream)).status == 200
        await read_end(stream)


async def test_a_callback_is_kept_though_its_sender_hangs_up_and_the_door_closes() -> (
    None
):
    is_asked = anyio.Event()
    kept: list[ReceivedCallback] = []

    async def slow(received: ReceivedCallback) -> None:
        is_asked.set()
        await anyio.sleep(0.1)
        kept.append(received)

    async with running_receiver(keep=slow) as door, await door.connect() as stream:
        await send(stream, post())
        with anyio.fail_after(5):
            await is_asked.wait()
        reset_when_closed(stream)

    assert len(kept) == 1
    assert len(door.events) == 1


async def test_a_callback_that_takes_too_long_does_not_keep_the_door_open() -> None:
    is_asked = anyio.Event()

    async def hang(_received: ReceivedCallback) -> None:
        is_asked.set()
        await anyio.sleep_forever()

    before = asyncio.all_tasks()
    with anyio.fail_after(5):
        async with AsyncExitStack() as stack:
            limits = Limits(close_timeout_s=0.1, store_timeout_s=60)
            async with running_receiver(limits=limits, keep=hang) as door:
                stream = await stack.enter_async_context(await door.connect())
                await send(stream, post())
                await is_asked.wait()
            assert asyncio.all_tasks() == before


async def test_cancelling_the_caller_closes_the_door_and_loses_no_callback() -> None:
    is_asked = anyio.Event()
    kept: list[ReceivedCallback] = []

    async def slow(received: ReceivedCallback) -> None:
        is_asked.set()
        await anyio.sleep(0.1)
        kept.append(received)

    before = asyncio.all_tasks()
    async with AsyncExitStack() as stack:
        with anyio.CancelScope() as scope:
            async with running_receiver(keep=slow) as door:
                stream = await stack.enter_async_context(await door.connect())
                await send(stream, post())
                await is_asked.wait()
                scope.cancel()
                await anyio.sleep_forever()

        assert asyncio.all_tasks() == before
        assert len(kept) == 1
        assert (await read_reply(stream)).status == 200
    with pytest.raises(OSError, match=r"refused|connect"):
        await anyio.connect_tcp("127.0.0.1", door.server.port)


class Broken:
    """An app with a bug in one place."""

    def __init__(self, where: str) -> None:
        self._where = where

    def check_head(self, request: Request) -> UrlMatch | Response:
        self._break_at("admit", request.path)
        return UrlMatch()

    def refuse(self, door: UrlMatch, refusal: RefusalReason) -> Response:
        self._break_at("refuse", (door, refusal))
        return NOT_FOUND

    async def handle(self, door: UrlMatch, request: Request, raw: bytes) -> Response:
        self._break_at("take", (door, request.path, raw))
        return NOT_FOUND

    def _break_at(self, place: str, detail: object) -> None:
        if place == self._where:
            raise RuntimeError(f"a bug at {detail!r}")


@pytest.mark.parametrize(
    ("where", "request_"),
    [
        pytest.param("admit", post(), id="looking at the head"),
        pytest.param("take", post(), id="taking it"),
        pytest.param(
            "refuse", head("Transfer-Encoding: chunked") + b"zz\r\n", id="refusing it"
        ),
    ],
)
async def test_a_bug_of_ours_is_a_bare_500_and_can_be_asked_for(
    where: str, request_: bytes
) -> None:
    async with serve(Broken(where)) as server:
        async with await anyio.connect_tcp("127.0.0.1", server.port) as stream:
            await send(stream, request_)
            reply = await read_reply(stream)

        assert reply.status == 500
        assert b"bug" not in reply.body
        [bug] = server.failures
        assert str(bug).startswith("a bug at ")


async def test_nothing_is_logged_whatever_happens(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    async def broken(_received: ReceivedCallback) -> None:
        raise RuntimeError(PATH)

    caplog.set_level(1)  # as if somebody wanted to see everything
    async with running_receiver(keep=broken) as door:
        await door.ask(post())
        await door.ask(post(b"nonsense"))
        await door.ask(post(SUCCEEDED, "Connection: Upgrade", "Upgrade: h2c"))
        await door.ask(post(path="/unknown"))
        await door.ask(b"\x00\r\n\r\n")
    async with (
        serve(Broken("admit")) as server,
        await anyio.connect_tcp("127.0.0.1", server.port) as stream,
    ):
        await send(stream, post())
        assert (await read_reply(stream)).status == 500

    said = [record for record in caplog.records if record.name != "asyncio"]
    assert said == []
    assert capfd.readouterr() == ("", "")
    assert all(PATH not in record.getMessage() for record in caplog.records)


async def test_answers_say_nothing_about_the_server() -> None:
    async with running_receiver() as door:
        reply = await door.ask(post())

    assert set(reply.headers) == {"content-type", "content-length"}


def test_answers_on_a_kept_connection_do_not_wait_for_the_other_end() -> None:
    with (
        closing(bind_socket("127.0.0.1", 0)) as listener,
        closing(socket.create_connection(listener.getsockname())),
        closing(listener.accept()[0]) as accepted,
    ):
        without_delay = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    assert without_delay
