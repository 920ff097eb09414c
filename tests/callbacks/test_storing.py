"""Scenarios A10 to A12 and D12: accepted callbacks are stored, and only claims."""

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
from kling_cli.callbacks.http.limits import ServerLimits
from tests.callbacks.receiver_fixture import (
    SUCCEEDED,
    TIMEOUT_S,
    post,
    read_response,
    running_receiver,
    send,
)

pytestmark = pytest.mark.anyio


async def test_callbacks_in_any_order_and_number_are_accepted() -> None:
    statuses = ["submitted", "processing", "succeed"]
    bodies = [
        json.dumps({"task_id": "t1", "task_status": status}).encode()
        for status in statuses
    ]
    deliveries = [body for order in itertools.permutations(bodies) for body in order]

    async with running_receiver() as running:
        responses = [await running.request(post(body)) for body in deliveries]

    assert {response.status for response in responses} == {200}
    assert [received.raw for received in running.stored] == deliveries
    assert len(running.events) == len(deliveries)


async def test_a_forged_final_status_is_emitted_and_its_url_not_fetched() -> None:
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
        async with running_receiver() as running:
            response = await running.request(post(json.dumps(forged).encode()))
        group.cancel_scope.cancel()

    assert response.status == 200
    assert not visited.is_set()
    [arrived] = running.events
    assert isinstance(arrived, CallbackAccepted)
    assert link not in repr(arrived)


async def test_a_callback_is_stored_before_it_is_acknowledged() -> None:
    written = anyio.Event()
    is_asked = anyio.Event()

    async def slow(_received: ReceivedCallback) -> None:
        is_asked.set()
        await written.wait()

    async with (
        running_receiver(store=slow) as running,
        await running.connect() as stream,
    ):
        await send(stream, post())
        with anyio.fail_after(TIMEOUT_S):
            await is_asked.wait()
        with anyio.move_on_after(0.1) as waiting:
            await stream.receive()
        assert waiting.cancelled_caught
        assert running.events == []

        written.set()
        assert (await read_response(stream)).status == 200
        assert len(running.events) == 1


@pytest.mark.parametrize(("body", "status"), [(SUCCEEDED, 200), (b"nonsense", 400)])
async def test_a_full_disk_loses_no_callback(body: bytes, status: int) -> None:
    full = OSError(28, "No space left on device")

    async def fail(_received: ReceivedCallback) -> None:
        raise full

    async with running_receiver(store=fail) as running:
        response = await running.request(post(body))

    assert response.status == status
    [not_stored, event] = running.events
    assert isinstance(not_stored, CallbackNotStored)
    assert not_stored.failure is full
    assert isinstance(event, CallbackAccepted | CallbackRefused)
    assert event.received == not_stored.received


async def test_a_hanging_store_is_not_waited_for() -> None:
    async def hang(_received: ReceivedCallback) -> None:
        await anyio.sleep_forever()

    async with running_receiver(
        store=hang, limits=ServerLimits(store_timeout_s=0.1)
    ) as running:
        response = await running.request(post())

    assert response.status == 200
    [not_stored, arrived] = running.events
    assert isinstance(not_stored, CallbackNotStored)
    assert isinstance(not_stored.failure, TimeoutError)
    assert isinstance(arrived, CallbackAccepted)
