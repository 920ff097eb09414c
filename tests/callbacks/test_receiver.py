"""The door as a stranger finds it: raw sockets in front, the real server behind."""

from __future__ import annotations

import itertools
import json
import tracemalloc
from base64 import b64encode
from collections.abc import Mapping
from datetime import timedelta

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream

from kling_cli.callbacks.asgi import Answer
from kling_cli.callbacks.capability import Capability, callback_path
from kling_cli.callbacks.door import (
    Arrived,
    Counts,
    NotKept,
    Pass,
    Peer,
    Received,
    Refusal,
    Refused,
    Trust,
)
from kling_cli.callbacks.limits import Limits
from kling_cli.callbacks.receiver import Receiver
from kling_cli.callbacks.server import serve
from kling_cli.callbacks.signatures import sign
from kling_cli.errors import UsageError
from kling_cli.products.model import Generation
from kling_cli.secret import Secret
from tests.callbacks.doorstep import (
    HURRIED,
    KEY,
    NOW,
    PATH,
    PATIENCE_S,
    SUCCEEDED,
    a_door,
    chunked,
    head,
    post,
    read_end,
    read_reply,
    send,
)
from tests.support.clock import FakeClock

pytestmark = pytest.mark.anyio

MIB = 1024 * 1024
MAC = PATH.rpartition("/")[2]
OLD = "whsec_" + b64encode(b"the old secret").decode()
NEW = "whsec_" + b64encode(b"the new secret").decode()


def signed(*secrets: str, body: bytes = SUCCEEDED, age_s: int = 0) -> list[str]:
    """Return the header lines of a body signed `age_s` seconds before `NOW`."""
    sent_at = NOW - timedelta(seconds=age_s)
    keys = [Secret(text) for text in secrets]
    headers = sign(body, secrets=keys, message_id="m1", sent_at=sent_at)
    return [f"{name}: {value}" for name, value in headers.items()]


async def test_a_callback_is_kept_told_and_answered() -> None:
    async with a_door() as door:
        reply = await door.ask(post(SUCCEEDED, "X-Extra: caf\xe9"))

    assert (reply.status, reply.body) == (200, b'{"status": "received"}')
    [received] = door.kept
    assert received.raw == SUCCEEDED
    assert (received.product, received.nonce) == ("text2video", "n-1")
    assert received.received_at == NOW
    assert received.trust is Trust.TOKEN
    assert ("x-extra", "caf\xe9") in received.headers
    assert received.hint is not None
    assert received.hint.task_id == "t1"
    assert received.hint.generation is Generation.NEW
    assert door.events == [Arrived(received=received)]
    assert door.receiver.counts == Counts(accepted=1)


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([], id="no content type"),
        pytest.param(["Content-Type: application/json; charset=utf-8"], id="JSON"),
        pytest.param(["Content-Type: text/plain"], id="text"),
        pytest.param(["Content-Encoding: Identity"], id="identity"),
        pytest.param(["Connection: close"], id="close"),
    ],
)
async def test_headers_that_senders_differ_in_do_not_matter(lines: list[str]) -> None:
    async with a_door() as door:
        reply = await door.ask(post(SUCCEEDED, *lines))

    assert reply.status == 200


async def test_chunks_as_tunnels_make_them_are_accepted() -> None:
    pieces = [bytes([byte]) for byte in SUCCEEDED]

    async with a_door() as door:
        reply = await door.ask(chunked(*pieces))

    assert reply.status == 200
    assert door.kept[0].raw == SUCCEEDED


async def test_a_sender_that_asks_first_is_told_to_go_on() -> None:
    async with a_door() as door, await door.connect() as stream:
        await send(
            stream, head("Expect: 100-continue", f"Content-Length: {len(SUCCEEDED)}")
        )
        with anyio.fail_after(PATIENCE_S):
            assert (await stream.receive()).startswith(b"HTTP/1.1 100 ")
        await send(stream, SUCCEEDED)

        assert (await read_reply(stream)).status == 200


async def test_a_sender_that_has_closed_its_half_is_answered() -> None:
    async with a_door() as door, await door.connect() as stream:
        await send(stream, post())
        await stream.send_eof()

        assert (await read_reply(stream)).status == 200
        await read_end(stream)


async def test_many_callbacks_come_over_one_connection() -> None:
    async with a_door() as door, await door.connect() as stream:
        for _ in range(3):
            await send(stream, post())
            assert (await read_reply(stream)).status == 200

        await send(stream, post() + post())  # without waiting for the answer
        assert (await read_reply(stream)).status == 200

    assert door.receiver.counts.accepted == 5


# D1


@pytest.mark.parametrize(
    "request_head",
    [
        pytest.param(
            head("Content-Length: 9", path=path, method=method), id=f"{method} {name}"
        )
        for method, name, path in [
            ("POST", "wrong mac", PATH[:-1] + ("A" if PATH[-1] != "A" else "B")),
            ("POST", "no mac", PATH.rpartition("/")[0]),
            ("POST", "mac alone", f"/callback/{MAC}"),
            (
                "POST",
                "mac of another product",
                PATH.replace("text2video", "image2video"),
            ),
            ("POST", "mac of another nonce", PATH.replace("n-1", "n-2")),
            ("POST", "two slashes", "/" + PATH),
            ("POST", "dots", "/x/%2e%2e" + PATH),
            ("POST", "encoded letter", PATH.replace("callback", "%63allback")),
            ("POST", "encoded slash", PATH.replace("/n-1", "%2fn-1")),
            ("POST", "encoded bytes in the mac", PATH[:-3] + "%ff"),
            ("POST", "letter case", PATH.replace("/text2video", "/Text2video")),
            ("POST", "whole address", "http://x" + PATH),
            ("POST", "root", "/"),
            ("POST", "star", "*"),
            ("POST", "bare callback", "/callback"),
            ("POST", "token", f"/callback?token={MAC}"),
            ("GET", "right path", PATH),
            ("HEAD", "right path", PATH),
            ("PUT", "right path", PATH),
            ("OPTIONS", "right path", PATH),
            ("DELETE", "right path", PATH),
            ("post", "right path", PATH),
            ("CONNECT", "right path", PATH),
        ]
    ],
)
async def test_whatever_is_not_a_callback_gets_the_same_404(
    request_head: bytes,
) -> None:
    async with a_door() as door:
        unknown = await door.ask(
            head("Content-Length: 9", path="/nothing/here", method="POST")
        )
        async with await door.connect() as stream:
            await send(
                stream, request_head
            )  # its body never comes: nobody waits for it
            reply = await read_reply(stream, to=request_head)

    assert (reply.status, reply.headers) == (404, unknown.headers)
    assert reply.body in (unknown.body, b"")
    assert door.events == []
    assert door.kept == []
    assert door.receiver.counts == Counts(unknown=2)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(head().replace(MAC.encode(), b"\xff\xfe"), id="bytes in the mac"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", id="TLS"),
        pytest.param(head().replace(b"Host: x\r\n", b""), id="no host"),
        pytest.param(head("Bad Name: x"), id="bad header"),
        pytest.param(head("X: " + "x" * 64 * 1024), id="endless header"),
        pytest.param(b"GET /" + b"x" * 64 * 1024, id="endless path"),
        pytest.param(head("Transfer-Encoding: gzip"), id="unknown transfer"),
        pytest.param(head("Content-Length: 1", "Content-Length: 2"), id="two lengths"),
        pytest.param(head("Content-Length: -1"), id="negative length"),
        pytest.param(head("Content-Length: " + "9" * 30), id="endless length"),
    ],
)
async def test_what_is_not_http_gets_a_400(raw: bytes) -> None:
    async with a_door() as door:
        reply = await door.ask(raw)

    assert reply.status in (400, 0)  # 0: closed on somebody who was still talking
    assert door.events == []


async def test_an_upgrade_is_not_offered() -> None:
    async with a_door() as door:
        reply = await door.ask(
            post(SUCCEEDED, "Connection: Upgrade", "Upgrade: websocket")
        )

    assert reply.status == 200


# D2


@pytest.mark.parametrize(
    ("request_", "status", "refusal"),
    [
        pytest.param(post(b"x" * (MIB + 1)), 413, Refusal.TOO_LARGE, id="by length"),
        pytest.param(
            chunked(*[b"x" * MIB, b"x"]), 413, Refusal.TOO_LARGE, id="by chunks"
        ),
        pytest.param(
            chunked(*[b"x" * MIB] * 8), 413, Refusal.TOO_LARGE, id="many chunks"
        ),
        pytest.param(
            head(f"Content-Length: {MIB + 1}"), 413, Refusal.TOO_LARGE, id="announced"
        ),
        pytest.param(
            post(b"\x1f\x8b", "Content-Encoding: gzip"), 415, Refusal.ENCODED, id="gzip"
        ),
        pytest.param(
            chunked(SUCCEEDED).replace(b"Host", b"Content-Length: 5\r\nHost"),
            400,
            Refusal.TWO_LENGTHS,
            id="both lengths",
        ),
        pytest.param(head() + SUCCEEDED, 400, Refusal.MALFORMED, id="no length"),
        pytest.param(
            head(f"Content-Length: {len(SUCCEEDED) - 1}") + SUCCEEDED,
            400,
            Refusal.MALFORMED,
            id="length too short",
        ),
        pytest.param(
            head(f"Content-Length: {len(SUCCEEDED) + 1}") + SUCCEEDED,
            408,
            Refusal.TOO_SLOW,
            id="length too long",
        ),
    ],
)
async def test_a_body_of_the_wrong_size_is_refused_and_told(
    request_: bytes, status: int, refusal: Refusal
) -> None:
    async with a_door() as door:
        reply = await door.ask(request_)
        still = await door.ask(post())

    assert reply.status == status
    assert reply.headers["connection"] == "close"
    assert reply.word == {"error": refusal.value}
    assert still.status == 200
    [refused, _] = door.events
    assert isinstance(refused, Refused)
    assert refused.refusal is refusal
    assert refused.door == Pass(product="text2video", nonce="n-1")
    assert door.receiver.counts == Counts(accepted=1, refused=1)


async def test_a_body_of_exactly_one_mib_is_accepted() -> None:
    body = b'{"id": "t1", "x": "' + b"x" * (MIB - 21) + b'"}'
    assert len(body) == MIB

    async with a_door() as door:
        assert (await door.ask(post(body))).status == 200
        assert (await door.ask(chunked(body))).status == 200


async def test_huge_bodies_take_little_memory() -> None:
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    tracemalloc.start()
    try:
        async with a_door() as door, await door.connect() as stream:
            before, _ = tracemalloc.get_traced_memory()
            await send(stream, head("Transfer-Encoding: chunked"))
            for _ in range(512):  # 32 MiB
                await send(stream, piece)
            _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak - before < 4 * MIB


async def test_a_body_that_breaks_off_is_refused_and_nothing_is_kept() -> None:
    async with a_door() as door:
        async with await door.connect() as stream:
            await send(stream, head("Content-Length: 99") + SUCCEEDED)
            await stream.send_eof()
            assert (await read_reply(stream)).status == 400
        async with await door.connect() as stream:
            await send(stream, head("Transfer-Encoding: chunked") + b"zz\r\n")
            assert (await read_reply(stream)).status == 400

    assert door.kept == []
    refusals = [event.refusal for event in door.events if isinstance(event, Refused)]
    assert refusals == [Refusal.BROKEN_OFF, Refusal.BROKEN_OFF]


async def test_nonsense_after_a_refusal_only_ends_the_connection() -> None:
    async with a_door() as door, await door.connect() as stream:
        await send(stream, head("Transfer-Encoding: chunked", path="/unknown"))
        assert (await read_reply(stream)).status == 404
        await send(stream, b"zz\r\n")
        await read_end(stream)


async def test_the_rest_of_a_refused_body_is_not_waited_for_long() -> None:
    async with a_door() as door, await door.connect() as stream:
        await send(stream, head("Content-Length: 5", path="/unknown"))
        assert (await read_reply(stream)).status == 404
        with anyio.fail_after(HURRIED.linger_s + 2):
            await read_end(stream)


# D5


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"[" * 200_000, id="nested"),
        pytest.param(b'{"id": ' + b"9" * 5000 + b"}", id="digits"),
        pytest.param(b'{"id": "t1", "x": NaN}', id="NaN"),
        pytest.param(b'{"id": "t1", "x": "\\ud800"}', id="surrogate"),
        pytest.param(b"", id="empty"),
        pytest.param(b'{"id": "t1", "id": "t2"}', id="repeated keys"),
        pytest.param(b"\xff\xfe\x00", id="no text"),
    ],
)
async def test_a_hostile_body_gets_400_and_is_kept_as_it_came(raw: bytes) -> None:
    async with a_door() as door:
        reply = await door.ask(post(raw))
        still = await door.ask(post())

    assert (reply.status, still.status) == (400, 200)
    assert door.kept[0].raw == raw
    assert door.kept[0].hint is None
    refused = door.events[0]
    assert isinstance(refused, Refused)
    assert refused.received == door.kept[0]
    assert refused.detail


# D7


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(signed(NEW), id="signed"),
        pytest.param(signed(OLD, NEW), id="signed twice, as in rotation"),
        pytest.param(signed(NEW, age_s=299), id="a little late"),
    ],
)
async def test_a_valid_signature_is_trusted(lines: list[str]) -> None:
    async with a_door(secrets=[NEW]) as door:
        reply = await door.ask(post(SUCCEEDED, *lines))

    assert reply.status == 200
    assert door.kept[0].trust is Trust.SIGNED


async def test_the_published_vector_opens_the_door() -> None:
    body = (
        b'{"id":"1234567890","status":"succeeded","message":"",'
        b'"create_time":1781080778802,"update_time":1781080794151}'
    )
    lines = [
        "webhook-id: 9876543210",
        "webhook-timestamp: 1781080794",
        "webhook-signature: v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4=",
    ]

    secret = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
    async with a_door(secrets=[secret]) as door:
        reply = await door.ask(post(body, *lines))

    assert reply.status == 200


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([], id="none"),
        pytest.param(signed(OLD), id="another secret"),
        pytest.param(signed(NEW, body=b"{}"), id="another body"),
        pytest.param(signed(NEW, age_s=301), id="too old"),
        pytest.param(signed(NEW, age_s=-301), id="from the future"),
    ],
)
async def test_without_a_valid_signature_it_is_401_and_told(lines: list[str]) -> None:
    async with a_door(secrets=[NEW]) as door:
        reply = await door.ask(post(SUCCEEDED, *lines))

    assert reply.status == 401
    assert door.kept == []
    [refused] = door.events
    assert isinstance(refused, Refused)
    assert refused.refusal is Refusal.UNSIGNED
    assert refused.received is not None
    assert refused.received.raw == SUCCEEDED
    assert refused.received.trust is Trust.TOKEN


async def test_a_signature_does_not_replace_the_path() -> None:
    async with a_door(secrets=[NEW]) as door:
        reply = await door.ask(post(SUCCEEDED, *signed(NEW), path="/callback"))

    assert reply.status == 404


async def test_a_secret_that_is_none_is_refused_at_the_start() -> None:
    with pytest.raises(UsageError, match="webhook secret"):
        async with a_door(secrets=["whsec_!"]):
            pass


# A10 to A12, D12


async def test_callbacks_in_any_order_and_number_are_all_let_through() -> None:
    words = ["submitted", "processing", "succeed"]
    bodies = [
        json.dumps({"task_id": "t1", "task_status": word}).encode() for word in words
    ]
    deliveries = [body for order in itertools.permutations(bodies) for body in order]

    async with a_door() as door:
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
        async with a_door() as door:
            reply = await door.ask(post(json.dumps(forged).encode()))
        group.cancel_scope.cancel()

    assert reply.status == 200
    assert not visited.is_set()
    [arrived] = door.events
    assert isinstance(arrived, Arrived)
    assert link not in repr(arrived)


async def test_an_early_callback_is_kept_before_it_is_acknowledged() -> None:
    written = anyio.Event()
    is_asked = anyio.Event()

    async def slow(_received: Received) -> None:
        is_asked.set()
        await written.wait()

    async with a_door(keep=slow) as door, await door.connect() as stream:
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

    async def fail(_received: Received) -> None:
        raise full

    async with a_door(keep=fail) as door:
        reply = await door.ask(post(body))

    assert reply.status == status
    [not_kept, told] = door.events
    assert isinstance(not_kept, NotKept)
    assert not_kept.failure is full
    assert isinstance(told, Arrived | Refused)
    assert told.received == not_kept.received


async def test_a_journal_that_hangs_is_not_waited_for() -> None:
    async def hang(_received: Received) -> None:
        await anyio.sleep_forever()

    async with a_door(keep=hang, limits=Limits(keep_s=0.1)) as door:
        reply = await door.ask(post())

    assert reply.status == 200
    [not_kept, arrived] = door.events
    assert isinstance(not_kept, NotKept)
    assert isinstance(not_kept.failure, TimeoutError)
    assert isinstance(arrived, Arrived)


async def test_what_is_received_hides_its_bytes_when_printed() -> None:
    async with a_door() as door:
        await door.ask(post())

    assert "succeeded" not in repr(door.kept[0]).replace("status='succeeded'", "")
    assert MAC not in repr(door.kept[0])


async def test_doors_of_other_kinds_stand_beside_each_other() -> None:
    seen: list[tuple[bytes, bytes, Peer | None]] = []

    def never(raw_path: bytes, query: bytes, peer: Peer | None) -> Pass | None:
        seen.append((raw_path, query, peer))
        return None

    def by_query(_raw_path: bytes, query: bytes, _peer: Peer | None) -> Pass | None:
        return Pass(trust=Trust.OPEN) if query == b"token=x%20y" else None

    kept: list[Received] = []

    async def keep(received: Received) -> None:
        kept.append(received)

    receiver = Receiver(
        [never, by_query], keep, tell=lambda _event: None, clock=FakeClock(NOW)
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
    path = callback_path(Capability(product="text2video", nonce="n-1"), KEY)

    async with a_door() as door:
        assert (await door.ask(post(path=path + "?a=b"))).status == 200


async def test_a_mark_names_the_trust_and_does_not_replace_a_signature() -> None:
    def mark(raw: bytes, headers: Mapping[str, str], peer: Peer | None) -> Trust | None:
        assert raw == SUCCEEDED
        assert peer is not None
        return Trust.MOCK if "x-mock" in headers else None

    async with a_door(mark=mark) as step:
        await step.ask(post(SUCCEEDED, "X-Mock: 1"))
        await step.ask(post(SUCCEEDED))
    async with a_door(mark=mark, secrets=[NEW]) as strict:
        unsigned = await strict.ask(post(SUCCEEDED, "X-Mock: 1"))
        signed_too = await strict.ask(post(SUCCEEDED, "X-Mock: 1", *signed(NEW)))

    assert [one.trust for one in step.kept] == [Trust.MOCK, Trust.TOKEN]
    assert (unsigned.status, signed_too.status) == (401, 200)
    assert [one.trust for one in strict.kept] == [Trust.MOCK]


async def test_the_answer_can_be_chosen_and_a_callback_is_kept_all_the_same() -> None:
    reply = Answer(status=503, key="error", word="told to")

    async with a_door(reply=reply, delay_s=0.05) as step:
        answer = await step.ask(post(SUCCEEDED))

    assert answer.status == 503
    assert len(step.kept) == 1
