"""Scenario D4: deadlines and the limit of connections, over real sockets."""

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
from kling_cli.callbacks.http.limits import ConnectionLimiter, ServerLimits
from tests.callbacks.receiver_fixture import (
    SHORT_LIMITS,
    SUCCEEDED,
    TIMEOUT_S,
    RunningReceiver,
    chunked,
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


async def drip(stream: SocketStream, *, every_s: float = 0.1) -> None:
    """Send a byte at intervals until the server closes."""
    while True:
        with anyio.move_on_after(every_s):
            try:
                await stream.send(b"P")
                await stream.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return
        await anyio.lowlevel.checkpoint()


async def test_a_callback_is_answered_beside_200_idle_connections() -> None:
    async with (
        running_receiver(limits=ServerLimits(head_timeout_s=5.0)) as running,
        AsyncExitStack() as stack,
    ):
        idle = [
            await stack.enter_async_context(await running.connect()) for _ in range(200)
        ]
        with anyio.fail_after(15.0):  # the group ends when all of them have been closed
            async with anyio.create_task_group() as group:
                for stream in idle:
                    group.start_soon(partial(drip, stream, every_s=0.5))
                quickest_s = min([await time_to_answer(running) for _ in range(3)])

    assert quickest_s < 1.0


async def time_to_answer(running: RunningReceiver) -> float:
    started = time.perf_counter()
    assert (await running.request(post())).status == 200
    return time.perf_counter() - started


async def test_a_slow_head_is_aborted_at_its_deadline() -> None:
    async with running_receiver() as running, await running.connect() as stream:
        started = time.perf_counter()
        with anyio.fail_after(SHORT_LIMITS.head_timeout_s + 2):
            await drip(stream)

    assert time.perf_counter() - started >= 0.9 * SHORT_LIMITS.head_timeout_s


async def test_a_silent_connection_is_aborted_at_its_deadline() -> None:
    async with running_receiver() as running, await running.connect() as stream:
        started = time.perf_counter()
        with anyio.fail_after(SHORT_LIMITS.head_timeout_s + 2):
            await read_to_end(stream)

    assert time.perf_counter() - started >= 0.9 * SHORT_LIMITS.head_timeout_s


async def test_a_slow_second_head_is_aborted_at_its_deadline() -> None:
    limits = ServerLimits(head_timeout_s=0.3)
    async with (
        running_receiver(limits=limits) as running,
        await running.connect() as stream,
    ):
        await send(stream, post())
        assert (await read_response(stream)).status == 200

        with anyio.fail_after(3):
            await drip(stream)


async def test_a_slow_body_is_refused_at_its_deadline() -> None:
    async with running_receiver() as running, await running.connect() as stream:
        await send(stream, head("Content-Length: 1000"))
        async with anyio.create_task_group() as group:
            group.start_soon(drip_only, stream)
            with anyio.fail_after(SHORT_LIMITS.body_timeout_s + 2):
                assert (await read_response(stream)).status == 408
            group.cancel_scope.cancel()


async def drip_only(stream: SocketStream) -> None:
    while True:
        await send(stream, b"x")
        await anyio.sleep(0.05)


async def test_a_kept_alive_connection_is_closed_when_idle() -> None:
    async with (
        running_receiver(limits=ServerLimits(keep_alive_timeout_s=1)) as running,
        await running.connect() as stream,
    ):
        await send(stream, post())
        assert (await read_response(stream)).status == 200

        with anyio.fail_after(4):
            await read_to_end(stream)


async def test_a_response_that_takes_too_long_is_aborted() -> None:
    async def hang(_received: ReceivedCallback) -> None:
        await anyio.sleep_forever()

    limits = ServerLimits(
        response_timeout_s=0.3, store_timeout_s=60, close_timeout_s=0.1
    )
    async with running_receiver(limits=limits, store=hang) as running:
        assert (await running.request(post())).status == 0


async def test_at_the_limit_the_oldest_idle_connection_is_evicted() -> None:
    async with (
        running_receiver(limits=ServerLimits(max_connections=3)) as running,
        AsyncExitStack() as stack,
    ):
        first, second, third = [
            await stack.enter_async_context(await running.connect()) for _ in range(3)
        ]
        await send_callback(first)
        await send_callback(second)
        await send_callback(third)

        assert (await running.request(post())).status == 200
        await read_to_end(first)

        await send_callback(second)
        await send_callback(third)


async def test_at_the_limit_without_idle_connections_the_response_is_503() -> None:
    is_asked, go_on = anyio.Event(), anyio.Event()

    async def slow(_received: ReceivedCallback) -> None:
        is_asked.set()
        await go_on.wait()

    limits = ServerLimits(max_connections=1)
    async with (
        running_receiver(limits=limits, store=slow) as running,
        await running.connect() as stream,
    ):
        await send(stream, post())
        with anyio.fail_after(5):
            await is_asked.wait()

        assert (await running.request(b"")).status == 503

        go_on.set()
        assert (await read_response(stream)).status == 200


@asynccontextmanager
async def a_listener(
    running: RunningReceiver, kind: type[Connection], limits: ServerLimits
) -> AsyncIterator[int]:
    """Serve the receiver once more, with a protocol class of the test."""
    stack = ConnectionLimiter(limits, deque())
    listener = await asyncio.get_running_loop().create_server(
        lambda: kind(running.receiver, stack), "127.0.0.1", 0
    )
    async with listener:
        yield listener.sockets[0].getsockname()[1]
        with anyio.fail_after(TIMEOUT_S):  # of what was taken nothing is left
            while stack.handler_tasks:  # noqa: ASYNC110 -- a set has no event
                await anyio.sleep(0.01)


async def test_one_read_returns_no_more_than_the_limit() -> None:
    sizes: list[int] = []

    class Measuring(Connection):
        def data_received(self, data: bytes) -> None:
            sizes.append(len(data))
            super().data_received(data)

    limits = ServerLimits(max_read_bytes=100)
    async with (
        running_receiver() as running,
        a_listener(running, Measuring, limits) as port,
        await anyio.connect_tcp("127.0.0.1", port) as stream,
    ):
        await send(stream, post(b"x" * 20_000))
        assert (await read_response(stream)).status == 400
        await read_to_end(stream)

    assert sum(sizes) == len(post(b"x" * 20_000))
    assert max(sizes) == 100


async def test_a_connection_stays_open_while_requests_follow_in_time() -> None:
    limits = ServerLimits(head_timeout_s=0.3, keep_alive_timeout_s=1)
    async with (
        running_receiver(limits=limits) as running,
        await running.connect() as stream,
    ):
        for _ in range(6):
            await send_callback(stream)
            await anyio.sleep(0.1)  # twice as long as a head may take, in all

    assert len(running.stored) == 6


async def test_pipelined_requests_are_answered_in_order() -> None:
    is_asked, go_on = anyio.Event(), anyio.Event()

    async def slow(_received: ReceivedCallback) -> None:
        is_asked.set()
        await go_on.wait()

    async with (
        running_receiver(store=slow) as running,
        await running.connect() as stream,
    ):
        more = post() + chunked(SUCCEEDED) + chunked(SUCCEEDED) + post(path="/unknown")
        await send(stream, post() + more[:20])
        with anyio.fail_after(5):
            await is_asked.wait()
        for next_body_chunk in (more[20:40], more[40:]):
            await send(stream, next_body_chunk)
            await anyio.sleep(0.05)  # so that it comes in, or waits to
        go_on.set()

        request = b""
        with anyio.fail_after(TIMEOUT_S), suppress(anyio.EndOfStream):
            while True:
                request += await stream.receive()

    assert re.findall(rb"HTTP/1.1 (\d+)", request) == [*[b"200"] * 4, b"404"]
    assert running.receiver.counts == RequestCounts(accepted=4, unknown=1)


async def test_little_is_read_of_a_client_that_sends_without_waiting() -> None:
    is_asked, go_on = anyio.Event(), anyio.Event()
    sizes: list[int] = []

    class Measuring(Connection):
        def data_received(self, data: bytes) -> None:
            sizes.append(len(data))
            super().data_received(data)

    async def slow(_received: ReceivedCallback) -> None:
        is_asked.set()
        await go_on.wait()

    limits = ServerLimits()
    async with (
        running_receiver(store=slow) as running,
        a_listener(running, Measuring, limits) as port,
        await anyio.connect_tcp("127.0.0.1", port) as stream,
    ):
        await send(stream, post())
        with anyio.fail_after(5):
            await is_asked.wait()
        with anyio.move_on_after(0.2):
            await send(stream, b"x" * 2_000_000)
        go_on.set()
        assert (await read_response(stream)).status == 200

    assert len(sizes) <= 3  # the callback, what came in then, what came when it went on


@pytest.mark.parametrize("split_at", [5, 60, len(post()) - 3])
async def test_a_callback_in_two_segments_is_received_as_one(split_at: int) -> None:
    async with running_receiver() as running, await running.connect() as stream:
        await send(stream, post() + post()[:split_at])
        assert (await read_response(stream)).status == 200
        await send(stream, post()[split_at:])
        assert (await read_response(stream)).status == 200

    whole, pieces = running.stored
    assert whole == pieces


async def test_a_disconnect_in_the_body_is_a_refusal() -> None:
    async with running_receiver() as running:
        async with await running.connect() as stream:
            await send(stream, head("Content-Length: 99") + SUCCEEDED)
            await anyio.sleep(0.05)  # so that it has come in
            reset_when_closed(stream)
        with anyio.fail_after(
            SHORT_LIMITS.body_timeout_s / 2
        ):  # before it would be too slow
            while not running.events:  # noqa: ASYNC110 -- a list has no event
                await anyio.sleep(0.01)

    [refused] = running.events
    assert isinstance(refused, CallbackRefused)
    assert refused.reason is RefusalReason.BROKEN_OFF


async def test_a_refused_request_that_is_complete_is_closed_at_once() -> None:
    limits = ServerLimits(drain_timeout_s=60, head_timeout_s=60)
    async with running_receiver(limits=limits) as running:
        async with await running.connect() as stream:
            await send(stream, head(method="GET"))
            assert (await read_response(stream)).status == 404
            await read_to_end(stream)
        async with await running.connect() as stream:
            await send(stream, b"POST /half")
            await stream.send_eof()
            await read_to_end(stream)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(post(SUCCEEDED, "Connection: Close"), id="connection close"),
        pytest.param(post().replace(b"HTTP/1.1", b"HTTP/1.0"), id="HTTP 1.0"),
    ],
)
async def test_a_connection_that_the_client_ends_is_closed_after_the_response(
    sent: bytes,
) -> None:
    limits = ServerLimits(keep_alive_timeout_s=60)
    async with (
        running_receiver(limits=limits) as running,
        await running.connect() as stream,
    ):
        await send(stream, sent)
        response = await read_response(stream)
        await read_to_end(stream)

    assert (response.status, response.headers["connection"]) == (200, "close")


async def test_a_head_request_is_answered_without_a_body() -> None:
    request = b""
    async with running_receiver() as running, await running.connect() as stream:
        await send(stream, head(method="HEAD"))
        with anyio.fail_after(TIMEOUT_S), suppress(anyio.EndOfStream):
            while True:
                request += await stream.receive()

    assert request.startswith(b"HTTP/1.1 404 ")
    assert request.endswith(b"\r\n\r\n")


async def test_a_client_that_reads_no_responses_is_aborted() -> None:
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

    limits = ServerLimits(response_timeout_s=60, keep_alive_timeout_s=60)
    async with (
        running_receiver(limits=limits) as running,
        a_listener(running, Narrow, limits) as port,
    ):
        raw = socket.create_connection(("127.0.0.1", port))
        with closing(raw):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            await anyio.to_thread.run_sync(raw.sendall, post() * 500)
            with anyio.move_on_after(TIMEOUT_S):
                await is_cut.wait()

    assert is_cut.is_set()


@pytest.mark.parametrize(
    "patience_s",
    [
        pytest.param(0.05, id="gone before the answer"),
        pytest.param(TIMEOUT_S, id="gone after the answer"),
    ],
)
async def test_a_closed_connection_is_garbage_collected(
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
        running_receiver(store=slow) as running,
        a_listener(
            running, Seen, ServerLimits(head_timeout_s=60, keep_alive_timeout_s=60)
        ) as port,
    ):
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            with anyio.move_on_after(patience_s):
                await send_callback(stream)
            reset_when_closed(stream)
        with anyio.fail_after(TIMEOUT_S):
            await has_ended.wait()
            while not running.stored and not running.events:  # noqa: ASYNC110 -- a list has no event
                await anyio.sleep(0.01)
        await anyio.sleep(0.05)  # callers have dropped their references
        gc.collect()

        assert [one() for one in seen] == [None]
