"""An honest sender at the door: a raw socket in front, the real server behind."""

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
from kling_cli.callbacks.http.limits import Limits
from kling_cli.callbacks.http.responses import Response
from kling_cli.callbacks.http.server import serve
from kling_cli.callbacks.receiver import Receiver
from kling_cli.callbacks.urls import TaskUrl, callback_path
from kling_cli.catalogue.definition.schema import Generation
from tests.callbacks.receiver_fixture import (
    KEY,
    NOW,
    PATH,
    PATIENCE_S,
    SUCCEEDED,
    chunked,
    head,
    post,
    read_end,
    read_reply,
    running_receiver,
    send,
)
from tests.support.clock import FakeClock

pytestmark = pytest.mark.anyio

MAC = PATH.rpartition("/")[2]


async def test_a_callback_is_kept_told_and_answered() -> None:
    async with running_receiver() as door:
        reply = await door.ask(post(SUCCEEDED, "X-Extra: caf\xe9"))

    assert (reply.status, reply.body) == (200, b'{"status": "received"}')
    [received] = door.kept
    assert received.raw == SUCCEEDED
    assert (received.product, received.nonce) == ("text2video", "n-1")
    assert received.received_at == NOW
    assert received.trust is Trust.TOKEN
    assert ("x-extra", "caf\xe9") in received.headers
    assert received.payload is not None
    assert received.payload.task_id == "t1"
    assert received.payload.generation is Generation.NEW
    assert door.events == [CallbackAccepted(received=received)]
    assert door.receiver.counts == RequestCounts(accepted=1)


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
async def test_headers_that_senders_differ_in_do_not_matter(lines: list[str]) -> None:
    async with running_receiver() as door:
        reply = await door.ask(post(SUCCEEDED, *lines))

    assert reply.status == 200


async def test_chunks_as_tunnels_make_them_are_accepted() -> None:
    pieces = [bytes([byte]) for byte in SUCCEEDED]

    async with running_receiver() as door:
        reply = await door.ask(chunked(*pieces))

    assert reply.status == 200
    assert door.kept[0].raw == SUCCEEDED


async def test_a_sender_that_asks_first_is_told_to_go_on() -> None:
    async with running_receiver() as door, await door.connect() as stream:
        await send(
            stream, head("Expect: 100-continue", f"Content-Length: {len(SUCCEEDED)}")
        )
        with anyio.fail_after(PATIENCE_S):
            assert (await stream.receive()).startswith(b"HTTP/1.1 100 ")
        await send(stream, SUCCEEDED)

        assert (await read_reply(stream)).status == 200


async def test_a_sender_that_has_closed_its_half_is_answered() -> None:
    async def slow(_received: ReceivedCallback) -> None:
        await anyio.sleep(0.1)  # the end of the stream comes before the answer

    limits = Limits()
    async with (
        running_receiver(limits=limits, keep=slow) as door,
        await door.connect() as stream,
    ):
        await send(stream, post())
        await stream.send_eof()

        assert (await read_reply(stream)).status == 200
        with anyio.fail_after(2):  # sooner than any deadline
            await read_end(stream)


async def test_many_callbacks_come_over_one_connection() -> None:
    async with running_receiver() as door, await door.connect() as stream:
        for _ in range(3):
            await send(stream, post())
            assert (await read_reply(stream)).status == 200

        await send(stream, post() + post())  # without waiting for the answer
        assert (await read_reply(stream)).status == 200

    assert door.receiver.counts.accepted == 5


async def test_what_is_received_hides_its_bytes_when_printed() -> None:
    async with running_receiver() as door:
        await door.ask(post())

    assert "succeeded" not in repr(door.kept[0]).replace("status='succeeded'", "")
    assert MAC not in repr(door.kept[0])


async def test_doors_of_other_kinds_stand_beside_each_other() -> None:
    seen: list[tuple[bytes, bytes, Peer | None]] = []

    def never(raw_path: bytes, query: bytes, peer: Peer | None) -> UrlMatch | None:
        seen.append((raw_path, query, peer))
        return None

    def by_query(_raw_path: bytes, query: bytes, _peer: Peer | None) -> UrlMatch | None:
        return UrlMatch(trust=Trust.OPEN) if query == b"token=x%20y" else None

    kept: list[ReceivedCallback] = []

    async def keep(received: ReceivedCallback) -> None:
        kept.append(received)

    receiver = Receiver(
        [never, by_query], keep, emit=lambda _event: None, clock=FakeClock(NOW)
    )
    async with (
        serve(receiver) as server,
        await anyio.connect_tcp("127.0.0.1", server.port) as stream,
    ):
        await send(stream, post(path="/callback?token=x%20y"))
        reply = await read_reply(stream)
        port = stream.extra(SocketAttribute.local_port)  # noqa: S610 -- not Django

    assert reply.status == 200
    assert seen == [(b"/callback", b"token=x%20y", ("127.0.0.1", port))]
    assert (kept[0].product, kept[0].trust) == (None, Trust.OPEN)


async def test_a_query_after_a_capability_changes_nothing() -> None:
    path = callback_path(TaskUrl(product="text2video", nonce="n-1"), KEY)

    async with running_receiver() as door:
        assert (await door.ask(post(path=path + "?a=b"))).status == 200


async def test_the_answer_can_be_chosen_and_a_callback_is_kept_all_the_same() -> None:
    reply = Response(status=503, key="error", value="told to")

    async with running_receiver(reply=reply, delay_s=0.05) as step:
        answer = await step.ask(post(SUCCEEDED))

    assert answer.status == 503
    assert len(step.kept) == 1
