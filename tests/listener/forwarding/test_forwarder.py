"""The forwarder against real servers on loopback, conforming and otherwise."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from kling_cli.clock import SystemClock
from kling_cli.listener.events import Forwarded
from kling_cli.listener.forwarding.delivery import ForwardingPolicy
from kling_cli.listener.forwarding.forwarder import Forwarder, open_forwarder
from kling_cli.listener.forwarding.targets import Target
from kling_cli.store.records import StoredForward
from tests.listener.stored_callbacks import a_callback
from tests.support.wire_server import (
    CERTIFICATE,
    Reply,
    Visit,
    WireServer,
    hang,
    hang_in_the_middle,
    junk,
    leave,
    says,
    server_tls,
    wire_server,
)

pytestmark = pytest.mark.anyio
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
FAST = ForwardingPolicy(timeout_s=5.0, retry_s=3.0)


@dataclass(slots=True)
class Recorded:
    """The events that a forwarder emitted, and the outcomes that it stored."""

    events: list[Forwarded] = field(default_factory=list)
    forwards: list[StoredForward] = field(default_factory=list)

    @property
    def last(self) -> Forwarded:
        return self.events[-1]


@asynccontextmanager
async def a_forwarder(
    *urls: str, policy: ForwardingPolicy = FAST, targets: Sequence[Target] = ()
) -> AsyncIterator[tuple[Forwarder, Recorded]]:
    recorded = Recorded()
    async with open_forwarder(
        [*(Target(url=url) for url in urls), *targets],
        policy,
        clock=SystemClock(),
        emit=recorded.events.append,
        record=recorded.forwards.append,
    ) as forwarder:
        yield forwarder, recorded


async def forward_one(url: str, policy: ForwardingPolicy = FAST) -> Recorded:
    """Forward one callback to `url` and return what was recorded of it."""
    async with a_forwarder(url, policy=policy) as (forwarder, recorded):
        forwarder.submit(a_callback(7))
        await forwarder.drain(8.0)
    return recorded


def free_port(host: str = "127.0.0.1") -> int:
    kind = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(kind) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


async def test_the_body_arrives_byte_for_byte() -> None:
    raw = b'{ "id":"t1",\r\n\t"status" : "succeed", "x": "\xc3\xa9\\u00e9" }\n'

    async with (
        wire_server(says(200, b"ok")) as app,
        a_forwarder(f"{app.base_url}/hook") as (forwarder, recorded),
    ):
        forwarder.submit(a_callback(raw=raw))
        await forwarder.drain(5.0)

    assert [(seen.method, seen.target, seen.body) for seen in app.seen] == [
        ("POST", "/hook", raw)
    ]
    assert (recorded.last.status, recorded.last.hint, recorded.last.number) == (
        200,
        None,
        1,
    )
    assert [each.is_delivered for each in recorded.forwards] == [True]


async def test_hop_and_tunnel_headers_are_dropped_and_the_others_arrive() -> None:
    headers = (
        ("host", "abc.ngrok.app"),
        ("content-type", "application/json; charset=utf-8"),
        ("content-length", "999"),
        ("connection", "keep-alive, x-hop"),
        ("x-hop", "1"),
        ("transfer-encoding", "chunked"),
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-uri", "/callback/s3cret"),
        ("x-original-url", "/callback/s3cret"),
        ("referer", "https://abc.ngrok.app/callback/s3cret"),
        ("ngrok-trace-id", "n1"),
        ("kling-mock", "mac"),
        ("webhook-id", "msg_1"),
        ("user-agent", "Kling/1"),
        ("x-own", "kept"),
    )

    async with (
        wire_server(says(200, b"")) as app,
        a_forwarder(app.base_url) as (forwarder, _),
    ):
        forwarder.submit(a_callback(headers=headers))
        await forwarder.drain(5.0)

    assert app.seen[0].headers == {
        "host": f"127.0.0.1:{app.port}",
        "connection": "close",
        "accept-encoding": "identity",
        "accept": "*/*",
        "content-length": str(len(app.seen[0].body)),
        "content-type": "application/json; charset=utf-8",
        "webhook-id": "msg_1",
        "user-agent": "Kling/1",
        "x-own": "kept",
    }


async def test_a_header_that_http_forbids_does_not_prevent_the_delivery() -> None:
    headers = (("x\u00e9", "1"), ("x-a", "\x00"), ("x-b", " \u00e9\t"), ("x-c", "\r\n"))

    async with (
        wire_server(says(200, b"")) as app,
        a_forwarder(app.base_url) as (forwarder, recorded),
    ):
        forwarder.submit(a_callback(headers=headers))
        await forwarder.drain(5.0)

    assert recorded.last.status == 200
    assert app.seen[0].headers["x-b"] == "\u00e9"
    assert not {"x-a", "x\u00e9"} & set(app.seen[0].headers)


async def test_headers_of_the_user_are_added_or_replace() -> None:
    policy = ForwardingPolicy(headers=(("Content-Type", "text/x"), ("X-Test", "1")))

    async with wire_server(says(200, b"")) as app:
        await forward_one(app.base_url, policy)

    assert app.seen[0].headers["content-type"] == "text/x"
    assert app.seen[0].headers["x-test"] == "1"


async def test_an_app_that_starts_a_second_later_gets_the_callback() -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/"

    async with a_forwarder(url) as (forwarder, recorded):
        forwarder.submit(a_callback(7))
        await asyncio.sleep(1.0)
        bodies: list[bytes] = []
        server = await asyncio.start_server(_takes_into(bodies), "127.0.0.1", port)
        async with server:
            await forwarder.drain(5.0)

    first, last = recorded.events
    assert (first.error, first.attempt) == ("connection refused", 1)
    assert "nothing listens there" in (first.hint or "")
    assert last.status == 200
    assert last.attempt > 1
    assert len(bodies) == 1
    assert [each.attempt for each in recorded.forwards] == [last.attempt]


async def test_refused_connections_are_retried_for_a_bounded_time() -> None:
    url = f"http://127.0.0.1:{free_port()}/"

    recorded = await forward_one(url, ForwardingPolicy(retry_s=0.5))

    assert [each.error for each in recorded.events] == ["connection refused"] * 2
    assert [each.status for each in recorded.forwards] == [None]


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        pytest.param(401, "middleware in front", id="401"),
        pytest.param(400, "parsed body", id="400"),
        pytest.param(404, "no such path", id="404"),
        pytest.param(500, "kling replay 7", id="500"),
    ],
)
async def test_an_error_status_has_a_hint_and_is_not_retried(
    status: int, hint: str
) -> None:
    async with wire_server(says(status, b"Traceback: it broke")) as app:
        recorded = await forward_one(app.base_url)

    assert len(app.seen) == 1
    assert [each.status for each in recorded.events] == [status]
    assert hint in (recorded.last.hint or "")
    assert recorded.last.excerpt == "Traceback: it broke"


async def test_a_redirect_is_not_followed() -> None:
    headers = {"Location": "/elsewhere"}

    async with wire_server(says(302, b"", headers=headers)) as app:
        recorded = await forward_one(app.base_url)

    assert [seen.target for seen in app.seen] == ["/"]
    assert recorded.last.status == 302
    assert "/elsewhere" in (recorded.last.hint or "")


async def test_only_the_beginning_of_a_large_response_is_read() -> None:
    sent = 0

    async def endless(visit: Visit) -> None:
        nonlocal sent
        await visit.send(b"HTTP/1.1 500 X\r\nContent-Length: 100000000000\r\n\r\n")
        while not visit.is_over.is_set():
            await visit.send(b"x" * 65536)
            sent += 65536

    async with wire_server(endless) as app:
        recorded = await forward_one(app.base_url)

    assert recorded.last.status == 500
    assert recorded.last.excerpt == "x" * 600
    assert sent < 16 * 1024 * 1024  # what fits between two sockets


async def test_a_status_counts_although_the_body_never_arrives() -> None:
    async with wire_server(hang_in_the_middle) as app:
        recorded = await forward_one(app.base_url)

    assert recorded.last.status == 200
    assert recorded.last.duration_s < 4.0


async def test_a_delivery_to_an_app_that_hangs_ends_at_the_deadline() -> None:
    async with wire_server(hang) as app:
        recorded = await forward_one(app.base_url, ForwardingPolicy(timeout_s=0.3))

    assert recorded.last.error == "no answer in time"
    assert recorded.last.duration_s < 2.0
    assert len(app.seen) == 1


async def test_localhost_is_reached_where_only_ipv6_is_served() -> None:
    port = free_port("::1")
    bodies: list[bytes] = []
    server = await asyncio.start_server(_takes_into(bodies), "::1", port)
    async with server:
        recorded = await forward_one(f"http://localhost:{port}/hook")

    assert recorded.last.status == 200
    assert recorded.last.url == f"http://localhost:{port}/hook"
    assert len(bodies) == 1


async def test_a_self_signed_certificate_requires_insecure() -> None:
    async with wire_server(says(200, b""), tls=server_tls()) as app:
        url = f"https://localhost:{app.port}/"
        strict = await forward_one(url)
        lenient = await forward_one(url, ForwardingPolicy(is_insecure=True))

    assert strict.last.error == "certificate not trusted"
    assert "--insecure" in (strict.last.hint or "")
    assert lenient.last.status == 200
    assert len(app.seen) == 1


async def test_a_trusted_certificate_is_checked_against_the_name_typed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))

    names: list[str | None] = []
    tls = server_tls()
    tls.sni_callback = lambda _socket, name, _context: names.append(name)

    async with wire_server(says(200, b""), tls=tls) as app:
        recorded = await forward_one(f"https://localhost:{app.port}/")

    assert recorded.last.status == 200
    assert names == ["localhost"]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        pytest.param(junk, "the answer is not HTTP", id="another protocol"),
        pytest.param(leave, "connection broken off", id="hangs up"),
    ],
)
async def test_a_failure_without_a_response_is_reported_by_its_kind(
    reply: Reply, error: str
) -> None:
    async with wire_server(reply) as app:
        recorded = await forward_one(app.base_url)

    assert [each.error for each in recorded.events] == [error]


async def test_https_to_a_port_without_tls_is_reported() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        recorded = await forward_one(f"https://127.0.0.1:{port}/")

    assert recorded.last.error == "no TLS there"


async def test_invalid_environment_settings_fail_only_the_delivery(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null/none.pem")

    recorded = await forward_one(f"https://127.0.0.1:{free_port()}/")

    assert recorded.last.error == "not reachable"
    assert "no certificates can be read" in (recorded.last.excerpt or "")


async def test_a_slow_task_delays_no_other_and_keeps_its_order() -> None:
    served: list[tuple[str, int]] = []

    async def app(visit: Visit) -> None:
        body = visit.seen.json
        if body["id"] == "t0":
            await asyncio.sleep(0.15)
        served.append((body["id"], body["n"]))
        await visit.send(b"HTTP/1.1 200 X\r\nContent-Length: 0\r\n\r\n")

    async with (
        wire_server(app) as wire,
        a_forwarder(wire.base_url) as (forwarder, _),
    ):
        for number in range(50):
            task = f"t{number % 5}"
            raw = json.dumps({"id": task, "n": number}).encode()
            forwarder.submit(a_callback(number + 1, task_id=task, raw=raw))
        await forwarder.drain(10.0)

    for each in range(5):
        mine = [number for name, number in served if name == f"t{each}"]
        assert mine == list(range(each, 50, 5))
    others = [name for name, _ in served[:40]]
    assert others.count("t0") < 8  # the slow one came last


async def test_a_route_takes_its_status_from_the_other_targets() -> None:
    async with wire_server(says(200, b"")) as main, wire_server(says(200, b"")) as own:
        routes = [Target(url=own.base_url, status="failed")]
        async with a_forwarder(main.base_url, targets=routes) as (forwarder, _):
            forwarder.submit(a_callback(1, status="failed"))
            forwarder.submit(a_callback(2, status="succeeded"))
            await forwarder.drain(5.0)

    assert [_status(app) for app in (main, own)] == ["succeeded", "failed"]


async def test_a_replay_is_marked() -> None:
    async with (
        wire_server(says(200, b"")) as app,
        a_forwarder(app.base_url) as (forwarder, recorded),
    ):
        forwarder.submit(a_callback(12), is_replay=True)
        await forwarder.drain(5.0)

    assert app.seen[0].headers["kling-replay"] == "12"
    assert [each.is_replay for each in recorded.forwards] == [True]


@pytest.mark.parametrize(("trust", "mark"), [("api", "1"), ("token", None)])
async def test_synthetic_callbacks_alone_are_marked_as_reconciled(
    trust: str, mark: str | None
) -> None:
    claimed = (("kling-reconciled", "1"),)
    async with (
        wire_server(says(200, b"")) as app,
        a_forwarder(app.base_url) as (forwarder, _),
    ):
        forwarder.submit(a_callback(trust=trust, headers=claimed))
        await forwarder.drain(5.0)

    assert app.seen[0].headers.get("kling-reconciled") == mark


async def test_the_queue_is_bounded_and_callbacks_beyond_it_are_reported() -> None:
    large = b"x" * (1024 * 1024)

    async with (
        wire_server(hang) as app,
        a_forwarder(app.base_url) as (forwarder, recorded),
    ):
        for number in range(1, 65):
            forwarder.submit(a_callback(number, raw=large))

        assert recorded.last.error == "too many callbacks are waiting"
        assert "kling replay --failed" in (recorded.last.hint or "")
        assert [each.callback_id for each in recorded.forwards] == [64]


async def test_draining_is_bounded_and_the_rest_is_recorded_as_failed() -> None:
    async with (
        wire_server(hang) as app,
        a_forwarder(app.base_url) as (forwarder, recorded),
    ):
        forwarder.submit(a_callback(1))
        forwarder.submit(a_callback(2))
        await forwarder.drain(0.1)

    assert [(each.number, each.error) for each in recorded.events] == [
        (1, "the listener stopped first"),
        (2, "the listener stopped first"),
    ]
    assert [(each.callback_id, each.error) for each in recorded.forwards] == [
        (1, "the listener stopped first"),
        (2, "the listener stopped first"),
    ]


def _status(app: WireServer) -> str:
    (seen,) = app.seen
    return str(seen.json["status"])


def _takes_into(bodies: list[bytes]) -> Serve:
    """Return an app for asyncio that answers 200 and remembers what came."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        bodies.append(await reader.read(4096))
        writer.write(b"HTTP/1.1 200 X\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    return serve
