"""Scenario D4: time and crowds; limits are short, the rest is real."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import AsyncExitStack
from functools import partial

import anyio
import pytest
from anyio.abc import SocketStream

from kling_cli.callbacks.connection import Connection
from kling_cli.callbacks.crowd import Crowd
from kling_cli.callbacks.door import Received
from kling_cli.callbacks.limits import Limits
from tests.callbacks.doorstep import (
    HURRIED,
    Doorstep,
    a_door,
    head,
    let_in,
    post,
    read_end,
    read_reply,
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
    async with a_door(limits=Limits(head_s=5.0)) as door, AsyncExitStack() as crowd:
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
    async with a_door() as door, await door.connect() as stream:
        with anyio.fail_after(HURRIED.head_s + 2):
            await drip(stream)


async def test_a_silent_connection_is_cut_off_at_its_deadline() -> None:
    async with a_door() as door, await door.connect() as stream:
        with anyio.fail_after(HURRIED.head_s + 2):
            await read_end(stream)


async def test_a_slow_second_head_is_cut_off_at_its_deadline() -> None:
    limits = Limits(head_s=0.3)
    async with a_door(limits=limits) as door, await door.connect() as stream:
        await send(stream, post())
        assert (await read_reply(stream)).status == 200

        with anyio.fail_after(3):
            await drip(stream)


async def test_a_slow_body_is_refused_at_its_deadline() -> None:
    async with a_door() as door, await door.connect() as stream:
        await send(stream, head("Content-Length: 1000"))
        async with anyio.create_task_group() as group:
            group.start_soon(drip_only, stream)
            with anyio.fail_after(HURRIED.body_s + 2):
                assert (await read_reply(stream)).status == 408
            group.cancel_scope.cancel()


async def drip_only(stream: SocketStream) -> None:
    while True:
        await send(stream, b"x")
        await anyio.sleep(0.05)


async def test_a_connection_kept_alive_is_closed_when_nothing_follows() -> None:
    async with (
        a_door(limits=Limits(keep_alive_s=1)) as door,
        await door.connect() as stream,
    ):
        await send(stream, post())
        assert (await read_reply(stream)).status == 200

        with anyio.fail_after(4):
            await read_end(stream)


async def test_an_answer_that_never_comes_is_cut_off() -> None:
    async def hang(_received: Received) -> None:
        await anyio.sleep_forever()

    limits = Limits(answer_s=0.3, keep_s=60, close_s=0.1)
    async with a_door(limits=limits, keep=hang) as door:
        assert (await door.ask(post())).status == 0


async def test_a_newcomer_takes_the_place_of_the_oldest_idle_connection() -> None:
    async with a_door(limits=Limits(connections=3)) as door, AsyncExitStack() as crowd:
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

    async def slow(_received: Received) -> None:
        is_asked.set()
        await go_on.wait()

    limits = Limits(connections=1)
    async with a_door(limits=limits, keep=slow) as door, await door.connect() as stream:
        await send(stream, post())
        with anyio.fail_after(5):
            await is_asked.wait()

        assert (await door.ask(b"")).status == 503

        go_on.set()
        assert (await read_reply(stream)).status == 200


async def test_one_read_brings_no_more_than_its_share() -> None:
    sizes: list[int] = []

    class Measuring(Connection):
        def data_received(self, data: bytes) -> None:
            sizes.append(len(data))
            super().data_received(data)

    async with a_door() as door:
        crowd = Crowd(Limits(read_bytes=100), deque())
        listener = await asyncio.get_running_loop().create_server(
            lambda: Measuring(door.receiver, crowd), "127.0.0.1", 0
        )
        port = listener.sockets[0].getsockname()[1]
        async with listener, await anyio.connect_tcp("127.0.0.1", port) as stream:
            await send(stream, post(b"x" * 20_000))
            assert (await read_reply(stream)).status == 400
            await read_end(stream)

    assert sum(sizes) == len(post(b"x" * 20_000))
    assert max(sizes) == 100
