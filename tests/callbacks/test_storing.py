"""Scenarios A10 to A12 and D12: what the door lets through is a claim, and kept."""

from __future__ import annotations

import itertools
import json

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream

from kling_cli.callbacks.events import (
    CallbackAccepted,
    CallbackNotStored,
    CallbackRefused,
    ReceivedCallback,
)
from kling_cli.callbacks.http.limits import Limits
from tests.callbacks.receiver_fixture import (
    PATIENCE_S,
    SUCCEEDED,
    post,
    read_reply,
    running_receiver,
    send,
)

pytestmark = pytest.mark.anyio


async def test_callbacks_in_any_order_and_number_are_all_let_through() -> None:
    words = ["submitted", "processing", "succeed"]
    bodies = [
        json.dumps({"task_id": "t1", "task_status": word}).encode() for word in words
    ]
    deliveries = [body for order in itertools.permutations(bodies) for body in order]

    async with running_receiver() as door:
        replies = [await door.ask(post(body)) for body in deliveries]

    assert {reply.status for reply in replies} == {200}
    assert [received.raw for received in door.kept] == deliveries
    assert len(door.events) == len(deliveries)


async def test_a_forged_end_is_told_as_a_claim_and_its_link_is_not_followed() -> None:
    visited = anyio.Event()

    async def note(stream: SocketStream) -> None:
        visited.set()

    other_host = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    port = other_host.extra(SocketAttribute.local_port)  # noqa: S610 -- not Django
    link = f"http://127.0.0.1:{port}/v.mp4"
    forged = {
        "task_id": "t1",
        "status": "succeed",
        "result": {"videos": [{"url": link}]},
    }

    async with other_host, anyio.create_task_group() as group:
        group.start_soon(other_host.serve, note)
        async with running_receiver() as door:
            reply = await door.ask(post(json.dumps(forged).encode()))
        group.cancel_scope.cancel()

    assert reply.status == 200
    assert not visited.is_set()
    [arrived] = door.events
    assert isinstance(arrived, CallbackAccepted)
    assert link not in repr(arrived)


async def test_an_early_callback_is_kept_before_it_is_acknowledged() -> None:
    written = anyio.Event()
    is_asked = anyio.Event()

    async def slow(_received: ReceivedCallback) -> None:
        is_asked.set()
        await written.wait()

    async with running_receiver(keep=slow) as door, await door.connect() as stream:
        await send(stream, post())
        with anyio.fail_after(PATIENCE_S):
            await is_asked.wait()
        with anyio.move_on_after(0.1) as waiting:
            await stream.receive()
        assert waiting.cancelled_caught
        assert door.events == []

        written.set()
        assert (await read_reply(stream)).status == 200
        assert len(door.events) == 1


@pytest.mark.parametrize(("body", "status"), [(SUCCEEDED, 200), (b"nonsense", 400)])
async def test_a_full_disk_loses_no_callback(body: bytes, status: int) -> None:
    full = OSError(28, "No space left on device")

    async def fail(_received: ReceivedCallback) -> None:
        raise full

    async with running_receiver(keep=fail) as door:
        reply = await door.ask(post(body))

    assert reply.status == status
    [not_kept, told] = door.events
    assert isinstance(not_kept, CallbackNotStored)
    assert not_kept.failure is full
    assert isinstance(told, CallbackAccepted | CallbackRefused)
    assert told.received == not_kept.received


async def test_a_journal_that_hangs_is_not_waited_for() -> None:
    async def hang(_received: ReceivedCallback) -> None:
        await anyio.sleep_forever()

    async with running_receiver(keep=hang, limits=Limits(store_timeout_s=0.1)) as door:
        reply = await door.ask(post())

    assert reply.status == 200
    [not_kept, arrived] = door.events
    assert isinstance(not_kept, CallbackNotStored)
    assert isinstance(not_kept.failure, TimeoutError)
    assert isinstance(arrived, CallbackAccepted)
