"""Scenarios D1, D2 and D5: refused requests, sent over raw sockets."""

from __future__ import annotations

import tracemalloc

import anyio
import pytest

from kling_cli.callbacks.events import (
    CallbackRefused,
    RefusalReason,
    RequestCounts,
    UrlMatch,
)
from kling_cli.callbacks.http.limits import ServerLimits
from tests.callbacks.receiver_fixture import (
    PATH,
    SUCCEEDED,
    chunked,
    head,
    post,
    read_response,
    read_to_end,
    running_receiver,
    send,
)

pytestmark = pytest.mark.anyio

MIB = 1024 * 1024
MAC = PATH.rpartition("/")[2]


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(
            head("Content-Length: 9", path=path, method=method),
            id=f"{method} {name}",
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
    sent: bytes,
) -> None:
    async with running_receiver() as running:
        unknown = await running.request(
            head("Content-Length: 9", path="/nothing/here", method="POST")
        )
        async with await running.connect() as stream:
            await send(stream, sent)  # without a body
            response = await read_response(stream, to=sent)

    assert (response.status, response.headers) == (404, unknown.headers)
    assert response.body in (unknown.body, b"")
    assert running.events == []
    assert running.stored == []
    assert running.receiver.counts == RequestCounts(unknown=2)


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
    async with running_receiver() as running:
        response = await running.request(raw)

    assert response.status in (400, 0)  # 0: closed while the client was sending
    assert running.events == []


async def test_an_upgrade_is_ignored() -> None:
    async with running_receiver() as running:
        response = await running.request(
            post(SUCCEEDED, "Connection: Upgrade", "Upgrade: websocket")
        )

    assert response.status == 200


@pytest.mark.parametrize(
    ("sent", "status", "refusal"),
    [
        pytest.param(
            post(b"x" * (MIB + 1)), 413, RefusalReason.TOO_LARGE, id="by length"
        ),
        pytest.param(
            chunked(*[b"x" * MIB, b"x"]),
            413,
            RefusalReason.TOO_LARGE,
            id="by chunks",
        ),
        pytest.param(
            chunked(*[b"x" * MIB] * 8),
            413,
            RefusalReason.TOO_LARGE,
            id="many chunks",
        ),
        pytest.param(
            head(f"Content-Length: {MIB + 1}"),
            413,
            RefusalReason.TOO_LARGE,
            id="announced",
        ),
        pytest.param(
            post(b"\x1f\x8b", "Content-Encoding: gzip"),
            415,
            RefusalReason.ENCODED,
            id="gzip",
        ),
        pytest.param(
            chunked(SUCCEEDED).replace(b"Host", b"Content-Length: 5\r\nHost"),
            400,
            RefusalReason.TWO_LENGTHS,
            id="both lengths",
        ),
        pytest.param(head() + SUCCEEDED, 400, RefusalReason.MALFORMED, id="no length"),
        pytest.param(
            head(f"Content-Length: {len(SUCCEEDED) - 1}") + SUCCEEDED,
            400,
            RefusalReason.MALFORMED,
            id="length too short",
        ),
        pytest.param(
            head(f"Content-Length: {len(SUCCEEDED) + 1}") + SUCCEEDED,
            408,
            RefusalReason.TOO_SLOW,
            id="length too long",
        ),
    ],
)
async def test_a_body_of_the_wrong_size_is_refused_and_emitted(
    sent: bytes, status: int, refusal: RefusalReason
) -> None:
    async with running_receiver() as running:
        response = await running.request(sent)
        still = await running.request(post())

    assert response.status == status
    assert response.headers["connection"] == "close"
    assert response.json == {"error": refusal.value}
    assert still.status == 200
    [refused, _] = running.events
    assert isinstance(refused, CallbackRefused)
    assert refused.reason is refusal
    assert refused.url_match == UrlMatch(product="text2video", nonce="n-1")
    assert running.receiver.counts == RequestCounts(accepted=1, refused=1)


@pytest.mark.parametrize(
    ("lines", "coding"),
    [
        pytest.param(["Content-Encoding: GZIP"], "gzip", id="gzip"),
        pytest.param(["Content-Encoding: identity, br"], "br", id="in a list"),
        pytest.param(
            ["Content-Encoding: zstd", "Content-Encoding: identity"], "zstd", id="twice"
        ),
        pytest.param(["Content-Encoding: " + "x" * 99], "x" * 40, id="long"),
    ],
)
async def test_a_content_coding_is_refused_before_the_body_and_named(
    lines: list[str], coding: str
) -> None:
    async with running_receiver() as running:
        response = await running.request(head(*lines, f"Content-Length: {MIB}"))

    assert (response.status, response.json) == (415, {"error": "content encoding"})
    assert response.headers["accept-encoding"] == "identity"
    assert running.stored == []
    [refused] = running.events
    assert isinstance(refused, CallbackRefused)
    assert refused.detail == f"{coding} is not taken, send the body as it is"


async def test_a_body_of_exactly_one_mib_is_accepted() -> None:
    body = b'{"id": "t1", "x": "' + b"x" * (MIB - 21) + b'"}'
    assert len(body) == MIB

    async with running_receiver() as running:
        assert (await running.request(post(body))).status == 200
        assert (await running.request(chunked(body))).status == 200


async def test_huge_bodies_use_little_memory() -> None:
    next_body_chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    tracemalloc.start()
    try:
        async with running_receiver() as running, await running.connect() as stream:
            before, _ = tracemalloc.get_traced_memory()
            await send(stream, head("Transfer-Encoding: chunked"))
            for _ in range(512):  # 32 MiB
                await send(stream, next_body_chunk)
            _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak - before < 4 * MIB


async def test_an_incomplete_body_is_refused_and_not_stored() -> None:
    async with running_receiver() as running:
        async with await running.connect() as stream:
            await send(stream, head("Content-Length: 99") + SUCCEEDED)
            await stream.send_eof()
            assert (await read_response(stream)).status == 400
        async with await running.connect() as stream:
            await send(stream, head("Transfer-Encoding: chunked") + b"zz\r\n")
            assert (await read_response(stream)).status == 400

    assert running.stored == []
    refusals = [
        event.reason for event in running.events if isinstance(event, CallbackRefused)
    ]
    assert refusals == [RefusalReason.BROKEN_OFF, RefusalReason.BROKEN_OFF]


async def test_a_complete_request_that_is_not_http_gets_a_400() -> None:
    async with running_receiver() as running:
        response = await running.request(b"nonsense\r\n\r\n")

    assert response.status == 400
    assert response.headers["connection"] == "close"
    assert response.json == {"error": "not HTTP"}


async def test_garbage_after_a_refusal_closes_the_connection() -> None:
    limits = ServerLimits(drain_timeout_s=60)
    async with (
        running_receiver(limits=limits) as running,
        await running.connect() as stream,
    ):
        await send(stream, head("Transfer-Encoding: chunked", path="/unknown"))
        assert (await read_response(stream)).status == 404
        await send(stream, b"zz\r\n")
        await read_to_end(stream)


async def test_draining_a_refused_body_is_bounded() -> None:
    limits = ServerLimits(drain_timeout_s=0.2)
    async with (
        running_receiver(limits=limits) as running,
        await running.connect() as stream,
    ):
        await send(stream, head("Content-Length: 5", path="/unknown"))
        assert (await read_response(stream)).status == 404
        with anyio.fail_after(3):
            await read_to_end(stream)


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
async def test_a_hostile_body_gets_400_and_is_stored_unchanged(raw: bytes) -> None:
    async with running_receiver() as running:
        response = await running.request(post(raw))
        still = await running.request(post())

    assert (response.status, still.status) == (400, 200)
    assert running.stored[0].raw == raw
    assert running.stored[0].payload is None
    refused = running.events[0]
    assert isinstance(refused, CallbackRefused)
    assert refused.received == running.stored[0]
    assert refused.detail
