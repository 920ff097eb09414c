"""Scenario D4: time and crowds; limits are short, the rest is real."""

from __future__ import annotations

import asyncio
import gc
import re
import socket
import time
import weakref
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from functools import partial

import anyio
import anyio.to_thread
import pytest
from anyio.abc import SocketStream

from kling_cli.callbacks.events import (
    CallbackRefused,
    ReceivedCallback,
    RefusalReason,
    RequestCounts,
)
from kling_cli.callbacks.http.connection import Connection
from kling_cli.callbacks.http.limits import ConnectionLimiter, Limits
from tests.callbacks.receiver_fixture import (
    HURRIED,
    PATIENCE_S,
    SUCCEEDED,
    Doorstep,
    chunked,
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


async def drip(stream: SocketStream, *, every_s: float = 0.1) -> None:
    """Send a byte now and then until the other side has had enough."""
    while True:
        with anyio.move_on_after(every_s):
            try:
                await stream.send(b"P")
                await stream.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return
        await anyio.lowlevel.checkpoint()


async def test_a_genuine_callback_is_answered_amid_200_idle_connections() -> None:
    async with (
        running_receiver(limits=Limits(head_timeout_s=5.0)) as door,
        AsyncExitStack() as crowd,
    ):
        idle = [
            await crowd.enter_async_context(await door.connect()) for _ in range(200)
        ]
        with anyio.fail_after(15.0):  # the group ends when all of them have been closed
            async with anyio.create_task_group() as group:
                for stream in idle:
                    group.start_soon(partial(drip, stream, every_s=0.5))
                quickest_s = min([await time_to_answer(door) for _ in range(3)])

    assert quickest_s < 1.0


async def time_to_answer(door: Doorstep) -> float:
    started = time.perf_counter()
    assert (await door.ask(post())).status == 200
    return time.perf_counter() - started


async def test_a_slow_head_is_cut_off_at_its_deadline() -> None:
    async with running_receiver() as door, await door.connect() as stream:
        with anyio.fail_after(HURRIED.head_timeout_s + 2):
            await drip(stream)


async def test_a_silent_connection_is_cut_off_at_its_deadline() -> None:
    async with running_receiver() as door, await door.connect() as stream:
        with anyio.fail_after(HURRIED.head_timeout_s + 2):
            await read_end(stream)


async def test_a_slow_second_head_is_cut_off_at_its_deadline() -> None:
    limits = Limits(head_timeout_s=0.3)
    async with running_receiver(limits=limits) as door, await door.connect() as stream:
        await send(stream, post())
        assert (await read_reply(stream)).status == 200

        with anyio.fail_after(3):
            await drip(stream)


async def test_a_slow_body_is_refused_at_its_deadline() -> None:
    async with running_receiver() as door, await door.connect() as stream:
        await send(stream, head("Content-Length: 1000"))
        async with anyio.create_task_group() as group:
            group.start_soon(drip_only, stream)
            with anyio.fail_after(HURRIED.body_timeout_s + 2):
                assert (await read_reply(stream)).status == 408
            group.cancel_scope.cancel()


async def drip_only(stream: SocketStream) -> None:
    while True:
        await send(stream, b"x")
        await anyio.sleep(0.05)


async def test_a_connection_kept_alive_is_closed_when_nothing_follows() -> None:
    async with (
        running_receiver(limits=Limits(keep_alive_timeout_s=1)) as door,
        await door.connect() as stream,
    ):
        await send(stream, post())
        assert (await read_reply(stream)).status == 200

        with anyio.fail_after(4):
            await read_end(stream)


async def test_an_answer_that_never_comes_is_cut_off() -> None:
    async def hang(_received: ReceivedCallback) -> None:
        await anyio.sleep_forever()

    limits = Limits(response_timeout_s=0.3, store_timeout_s=60, close_timeout_s=0.1)
    async with running_receiver(limits=limits, keep=hang) as door:
        assert (await door.ask(post())).status == 0


async def test_a_newcomer_takes_the_place_of_the_oldest_idle_connection() -> None:
    async with (
        running_receiver(limits=Limits(max_connections=3)) as door,
        AsyncExitStack() as crowd,
    ):
        first, second, third = [
            await crowd.enter_async_context(await door.connect()) for _ in range(3)
        ]
        await let_in(first)
        await let_in(second)
        await let_in(third)

        assert (await door.ask(post())).status == 200
        await read_end(first)

        await let_in(second)
        await let_in(third)


async def test_with_everyone_busy_a_newcomer_is_sent_away() -> None:
    is_asked, go_on = anyio.Event(), anyio.Event()

    async def slow(_received: ReceivedCallback) -> None:
        is_asked.set()
        await go_on.wait()

    limits = Limits(max_connections=1)
    async with (
        running_receiver(limits=limits, keep=slow) as door,
        await door.connect() as stream,
    ):
        await send(stream, post())
        with anyio.fail_after(5):
            await is_asked.wait()

        assert (await door.ask(b"")).status == 503

        go_on.set()
        assert (await read_reply(stream)).status == 200


@asynccontextmanager
async def a_listener(
    door: Doorstep, kind: type[Connection], limits: Limits
) -> AsyncIterator[int]:
    """Serve the door's receiver once more, over connections of another kind."""
    crowd = ConnectionLimiter(limits, deque())
    listener = await asyncio.get_running_loop().create_server(
        lambda: kind(door.receiver, crowd), "127.0.0.1", 0
    )
    async with listener:
        yield listener.sockets[0].getsockname()[1]
        with anyio.fail_after(PATIENCE_S):  # of what was taken nothing is left
            while crowd.handler_tasks:  # noqa: ASYNC110 -- a set has no event
                await anyio.sleep(0.01)


async def test_one_read_brings_no_more_than_its_share() -> None:
    sizes: list[int] = []

    class Measuring(Connection):
        def data_received(self, data: bytes) -> None:
            sizes.append(len(data))
            super().data_received(data)

    limits = Limits(max_read_bytes=100)
    async with (
        running_receiver() as door,
        a_listener(door, Measuring, limits) as port,
        await anyio.connect_tcp("127.0.0.1", port) as stream,
    ):
        await send(stream, post(b"x" * 20_000))
        assert (await read_reply(stream)).status == 400
        await read_end(stream)

    assert sum(sizes) == len(post(b"x" * 20_000))
    assert max(sizes) == 100


async def test_a_connection_lives_as_long_as_requests_follow_in_time() -> None:
    limits = Limits(head_timeout_s=0.3, keep_alive_timeout_s=1)
    async with running_receiver(limits=limits) as door, await door.connect() as stream:
        for _ in range(6):
            await let_in(stream)
            await anyio.sleep(0.1)  # twice as long as a head may take, in all

    assert len(door.kept) == 6


async def test_what_comes_before_its_turn_is_answered_in_its_turn() -> None:
    is_asked, go_on = anyio.Event(), anyio.Event()

    async def slow(_received: ReceivedCallback) -> None:
        is_asked.set()
        await go_on.wait()

    async with running_receiver(keep=slow) as door, await door.connect() as stream:
        more = post() + chunked(SUCCEEDED) + chunked(SUCCEEDED) + post(path="/unknown")
        await send(stream, post() + more[:20])
        with anyio.fail_after(5):
            await is_asked.wait()
        for next_body_chunk in (more[20:40], more[40:]):
            await send(stream, next_body_chunk)
            await anyio.sleep(0.05)  # so that it comes in, or waits to
        go_on.set()

        said = b""
        with anyio.fail_after(PATIENCE_S), suppress(anyio.EndOfStream):
            while True:
                said += await stream.receive()

    assert re.findall(rb"HTTP/1.1 (\d+)", said) == [*[b"200"] * 4, b"404"]
    assert door.receiver.counts == RequestCounts(accepted=4, unknown=1)


async def test_of_who_sends_on_and_on_before_the_answer_little_is_read() -> None:
    is_asked, go_on = anyio.Event(), anyio.Event()
    sizes: list[int] = []

    class Measuring(Connection):
        def data_received(self, data: bytes) -> None:
            sizes.append(len(data))
            super().data_received(data)

    async def slow(_received: ReceivedCallback) -> None:
        is_asked.set()
        await go_on.wait()

    limits = Limits()
    async with (
        running_receiver(keep=slow) as door,
        a_listener(door, Measuring, limits) as port,
        await anyio.connect_tcp("127.0.0.1", port) as stream,
    ):
        await send(stream, post())
        with anyio.fail_after(5):
            await is_asked.wait()
        with anyio.move_on_after(0.2):
            await send(stream, b"x" * 2_000_000)
        go_on.set()
        assert (await read_reply(stream)).status == 200

    assert len(sizes) <= 3  # the callback, what came in then, what came when it went on


@pytest.mark.parametrize("split_at", [5, 60, len(post()) - 3])
async def test_a_callback_in_two_pieces_is_taken_like_one_in_one(split_at: int) -> None:
    async with running_receiver() as door, await door.connect() as stream:
        await send(stream, post() + post()[:split_at])
        assert (await read_reply(stream)).status == 200
        await send(stream, post()[split_at:])
        assert (await read_reply(stream)).status == 200

    whole, pieces = door.kept
    assert whole == pieces


async def test_a_sender_that_vanishes_amid_its_body_is_told() -> None:
    async with running_receiver() as door:
        async with await door.connect() as stream:
            await send(stream, head("Content-Length: 99") + SUCCEEDED)
            await anyio.sleep(0.05)  # so that it has come in
            reset_when_closed(stream)
        with anyio.fail_after(
            HURRIED.body_timeout_s / 2
        ):  # before it would be too slow
            while not door.events:  # noqa: ASYNC110 -- a list has no event
                await anyio.sleep(0.01)

    [refused] = door.events
    assert isinstance(refused, CallbackRefused)
    assert refused.refusal is RefusalReason.BROKEN_OFF


async def test_a_stranger_that_has_said_all_is_not_waited_for() -> None:
    limits = Limits(drain_timeout_s=60, head_timeout_s=60)
    async with running_receiver(limits=limits) as door:
        async with await door.connect() as stream:
            await send(stream, head(method="GET"))
            assert (await read_reply(stream)).status == 404
            await read_end(stream)
        async with await door.connect() as stream:
            await send(stream, b"POST /half")
            await stream.send_eof()
            await read_end(stream)


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(post(SUCCEEDED, "Connection: Close"), id="it says so"),
        pytest.param(post().replace(b"HTTP/1.1", b"HTTP/1.0"), id="it is an old one"),
    ],
)
async def test_a_sender_that_wants_no_more_is_told_so_and_let_go(
    request_: bytes,
) -> None:
    limits = Limits(keep_alive_timeout_s=60)
    async with running_receiver(limits=limits) as door, await door.connect() as stream:
        await send(stream, request_)
        reply = await read_reply(stream)
        await read_end(stream)

    assert (reply.status, reply.headers["connection"]) == (200, "close")


async def test_a_head_is_answered_with_a_head() -> None:
    said = b""
    async with running_receiver() as door, await door.connect() as stream:
        await send(stream, head(method="HEAD"))
        with anyio.fail_after(PATIENCE_S), suppress(anyio.EndOfStream):
            while True:
                said += await stream.receive()

    assert said.startswith(b"HTTP/1.1 404 ")
    assert said.endswith(b"\r\n\r\n")


async def test_who_asks_and_asks_and_reads_no_answer_is_cut_off() -> None:
    is_cut = anyio.Event()

    class Narrow(Connection):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            raw = transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)  # the least there is
            self._transport.set_write_buffer_limits(0)

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            is_cut.set()

    limits = Limits(response_timeout_s=60, keep_alive_timeout_s=60)
    async with (
        running_receiver(limits=limits) as door,
        a_listener(door, Narrow, limits) as port,
    ):
        raw = socket.create_connection(("127.0.0.1", port))
        with closing(raw):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            await anyio.to_thread.run_sync(raw.sendall, post() * 500)
            with anyio.fail_after(PATIENCE_S):
                await is_cut.wait()


@pytest.mark.parametrize(
    "patience_s",
    [
        pytest.param(0.05, id="gone before the answer"),
        pytest.param(PATIENCE_S, id="gone after the answer"),
    ],
)
async def test_of_a_connection_that_has_ended_nothing_is_left(
    patience_s: float,
) -> None:
    seen: list[weakref.ref[Connection]] = []
    has_ended = anyio.Event()

    class Seen(Connection):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            seen.append(weakref.ref(self))

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            has_ended.set()

    async def slow(_received: ReceivedCallback) -> None:
        await anyio.sleep(0.2)

    async with (
        running_receiver(keep=slow) as door,
        a_listener(
            door, Seen, Limits(head_timeout_s=60, keep_alive_timeout_s=60)
        ) as port,
    ):
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            with anyio.move_on_after(patience_s):
                await let_in(stream)
            reset_when_closed(stream)
        with anyio.fail_after(PATIENCE_S):
            await has_ended.wait()
            while not door.kept and not door.events:  # noqa: ASYNC110 -- a list has no event
                await anyio.sleep(0.01)
        await anyio.sleep(0.05)  # whoever called it has let go of it
        gc.collect()

        assert [one() for one in seen] == [None]
