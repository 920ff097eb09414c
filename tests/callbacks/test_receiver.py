"""Valid callbacks, sent over raw sockets to a running receiver."""

from __future__ import annotations

import anyio
import pytest
from anyio.abc import SocketAttribute

from kling_cli.callbacks.events import (
    CallbackAccepted,
    Peer,
    ReceivedCallback,
    RequestCounts,
    Trust,
    UrlMatch,
)
from kling_cli.callbacks.http.limits import ServerLimits
from kling_cli.callbacks.http.responses import Response
from kling_cli.callbacks.http.server import serve
from kling_cli.callbacks.receiver import Receiver
from kling_cli.callbacks.urls import TaskUrl, callback_path
from kling_cli.catalogue.definition.schema import Generation
from tests.callbacks.receiver_fixture import (
    KEY,
    NOW,
    PATH,
    SUCCEEDED,
    TIMEOUT_S,
    chunked,
    head,
    post,
    read_response,
    read_to_end,
    running_receiver,
    send,
)
from tests.support.clock import FakeClock

pytestmark = pytest.mark.anyio

MAC = PATH.rpartition("/")[2]


async def test_a_callback_is_stored_emitted_and_answered() -> None:
    async with running_receiver() as running:
        response = await running.request(post(SUCCEEDED, "X-Extra: caf\xe9"))

    assert (response.status, response.body) == (200, b'{"status": "received"}')
    [received] = running.stored
    assert received.raw == SUCCEEDED
    assert (received.product, received.nonce) == ("text2video", "n-1")
    assert received.received_at == NOW
    assert received.trust is Trust.TOKEN
    assert ("x-extra", "caf\xe9") in received.headers
    assert received.payload is not None
    assert received.payload.task_id == "t1"
    assert received.payload.generation is Generation.NEW
    assert running.events == [CallbackAccepted(received=received)]
    assert running.receiver.counts == RequestCounts(accepted=1)


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([], id="no content type"),
        pytest.param(["Content-Type: application/json; charset=utf-8"], id="JSON"),
        pytest.param(["Content-Type: text/plain"], id="text"),
        pytest.param(["Content-Encoding: Identity"], id="identity"),
        pytest.param(["Content-Encoding:", "Content-Encoding: ,"], id="no coding"),
        pytest.param(["Connection: close"], id="close"),
    ],
)
async def test_variations_of_headers_do_not_matter(lines: list[str]) -> None:
    async with running_receiver() as running:
        response = await running.request(post(SUCCEEDED, *lines))

    assert response.status == 200


async def test_chunked_bodies_of_tunnels_are_accepted() -> None:
    pieces = [bytes([byte]) for byte in SUCCEEDED]

    async with running_receiver() as running:
        response = await running.request(chunked(*pieces))

    assert response.status == 200
    assert running.stored[0].raw == SUCCEEDED


async def test_expect_continue_is_answered_with_100() -> None:
    async with running_receiver() as running, await running.connect() as stream:
        await send(
            stream,
            head("Expect: 100-continue", f"Content-Length: {len(SUCCEEDED)}"),
        )
        with anyio.fail_after(TIMEOUT_S):
            assert (await stream.receive()).startswith(b"HTTP/1.1 100 ")
        await send(stream, SUCCEEDED)

        assert (await read_response(stream)).status == 200


async def test_a_half_closed_connection_is_answered() -> None:
    async def slow(_received: ReceivedCallback) -> None:
        await anyio.sleep(0.1)  # the end of the stream comes before the answer

    limits = ServerLimits()
    async with (
        running_receiver(limits=limits, store=slow) as running,
        await running.connect() as stream,
    ):
        await send(stream, post())
        await stream.send_eof()

        assert (await read_response(stream)).status == 200
        with anyio.fail_after(2):  # sooner than any deadline
            await read_to_end(stream)


async def test_one_connection_carries_many_callbacks() -> None:
    async with running_receiver() as running, await running.connect() as stream:
        for _ in range(3):
            await send(stream, post())
            assert (await read_response(stream)).status == 200

        await send(stream, post() + post())  # without waiting for the answer
        assert (await read_response(stream)).status == 200

    assert running.receiver.counts.accepted == 5


async def test_the_repr_of_a_callback_hides_its_body() -> None:
    async with running_receiver() as running:
        await running.request(post())

    assert "succeeded" not in repr(running.stored[0]).replace("status='succeeded'", "")
    assert MAC not in repr(running.stored[0])


async def test_several_url_matchers_are_combined() -> None:
    seen: list[tuple[bytes, bytes, Peer | None]] = []

    def never(raw_path: bytes, query: bytes, peer: Peer | None) -> UrlMatch | None:
        seen.append((raw_path, query, peer))
        return None

    def by_query(_raw_path: bytes, query: bytes, _peer: Peer | None) -> UrlMatch | None:
        return UrlMatch(trust=Trust.OPEN) if query == b"token=x%20y" else None

    stored: list[ReceivedCallback] = []

    async def store(received: ReceivedCallback) -> None:
        stored.append(received)

    receiver = Receiver(
        [never, by_query], store, emit=lambda _event: None, clock=FakeClock(NOW)
    )
    async with (
        serve(receiver) as server,
        await anyio.connect_tcp("127.0.0.1", server.port) as stream,
    ):
        await send(stream, post(path="/callback?token=x%20y"))
        response = await read_response(stream)
        port = stream.extra(SocketAttribute.local_port)  # noqa: S610 -- not Django

    assert response.status == 200
    assert seen == [(b"/callback", b"token=x%20y", ("127.0.0.1", port))]
    assert (stored[0].product, stored[0].trust) == (None, Trust.OPEN)


async def test_a_query_after_a_task_url_changes_nothing() -> None:
    path = callback_path(TaskUrl(product="text2video", nonce="n-1"), KEY)

    async with running_receiver() as running:
        assert (await running.request(post(path=path + "?a=b"))).status == 200


async def test_with_another_response_a_callback_is_stored_all_the_same() -> None:
    response = Response(status=503, key="error", value="as asked")

    async with running_receiver(response=response, response_delay_s=0.05) as running:
        answer = await running.request(post(SUCCEEDED))

    assert answer.status == 503
    assert len(running.stored) == 1
