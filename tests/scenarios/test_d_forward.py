"""Scenarios D8 to D10: forwarding of `kling listen` to sound and faulty apps."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.callbacks.receiver_fixture import post
from tests.scenarios.test_listen import HERE, of_type, ready
from tests.support.callback_client import current_payload, post_callback
from tests.support.kling import Kling
from tests.support.program import Result
from tests.support.wire_server import Reply, Visit, WireServer, hang, says, server_tls

PATIENCE_S = 20.0
SUCCEEDED = current_payload("t1", "succeeded")


class App(threading.Thread):
    """A server with an event loop and a thread of its own."""

    def __init__(
        self, replies: list[Reply], host: str, port: int, tls: ssl.SSLContext | None
    ) -> None:
        super().__init__(name="app")
        self.wire = WireServer(replies)
        self.is_open = threading.Event()
        self._place = (host, port)
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._is_over = asyncio.Event()

    def run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._is_over.set)
        self.join(PATIENCE_S)

    async def _serve(self) -> None:
        server = await asyncio.start_server(
            self.wire.serve, *self._place, ssl=self._tls
        )
        self.wire.port = server.sockets[0].getsockname()[1]
        self.is_open.set()
        await self._is_over.wait()
        self.wire.is_over.set()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


@contextmanager
def an_app(
    *replies: Reply,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
) -> Iterator[WireServer]:
    """Serve `replies` until the block ends."""
    app = App(list(replies), host, port, tls)
    app.start()
    try:
        assert app.is_open.wait(PATIENCE_S)
        yield app.wire
    finally:
        app.end()


def pass_on(kling: Kling, url: str, *args: str) -> Result:
    """Forward one callback to `url`, as `#1`."""
    to = ("--forward-to", url, "--max-events", "1")
    with kling.start(*HERE, *to, *args) as program:
        assert post_callback(ready(program)["callback_url"], SUCCEEDED).status == 200
        return program.finish()


def last_forward(result: Result) -> dict[str, Any]:
    return of_type(result, "forward")[-1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_d08_an_app_that_starts_a_second_later_gets_it(kling: Kling) -> None:
    port = free_port()
    to = ("--forward-to", str(port), "--max-events", "1")
    with kling.start(*HERE, *to) as program:
        post_callback(ready(program)["callback_url"], SUCCEEDED)
        program.wait_for('"connection refused"', stream="stdout")
        time.sleep(1.0)
        with an_app(says(200, b""), port=port) as app:
            result = program.finish()

    first, *_, last = of_type(result, "forward")
    assert "nothing listens there" in first["hint"]
    assert (last["status"], last["hint"]) == (200, None)
    assert last["attempt"] > 1
    assert [seen.json for seen in app.seen] == [SUCCEEDED]


@pytest.mark.parametrize(
    ("reply", "status", "hint"),
    [
        pytest.param(says(401, b""), 401, "middleware in front", id="401"),
        pytest.param(says(400, b""), 400, "parsed body", id="400"),
        pytest.param(
            says(302, b"", headers={"Location": "/elsewhere"}),
            302,
            "/elsewhere",
            id="302",
        ),
        pytest.param(says(500, b"x" * 5_000_000), 500, "kling replay 1", id="500"),
        pytest.param(hang, None, "--forward-timeout", id="hangs"),
    ],
)
def test_d08_a_failure_has_a_hint_and_can_be_sent_again(
    reply: Reply, status: int | None, hint: str, kling: Kling
) -> None:
    with an_app(reply, says(200, b"")) as app:
        url = f"{app.base_url}/hook"
        result = pass_on(
            kling, url, "--forward-timeout", "1" if reply is hang else "20"
        )
        n_asked = len(app.seen)
        kept = kling.run("events", "show", "1", "--quiet").stdout.encode()
        again = kling.run("replay", "1", "--to", url)

    last = last_forward(result)
    assert result.exit_code == 0
    assert last["status"] == status
    assert hint in last["hint"]
    assert len(last["excerpt"] or "") <= 600
    assert n_asked == 1  # neither followed nor repeated
    assert again.exit_code == 0, again
    assert [seen.target for seen in app.seen] == ["/hook", "/hook"]
    assert [seen.body for seen in app.seen] == [kept, kept]
    assert app.seen[1].headers["kling-replay"] == "1"


def test_d08_localhost_is_found_on_the_new_address_alone(kling: Kling) -> None:
    with an_app(says(200, b""), host="::1") as app:
        result = pass_on(kling, str(app.port))

    assert last_forward(result)["status"] == 200
    assert [seen.target for seen in app.seen] == ["/callback"]


def test_d08_a_certificate_of_ones_own_wants_a_word(kling: Kling) -> None:
    with an_app(says(200, b""), tls=server_tls()) as app:
        url = f"https://localhost:{app.port}/"
        strict = pass_on(kling, url)
        lenient = pass_on(kling, url, "--insecure")

    assert last_forward(strict)["error"] == "certificate not trusted"
    assert "--insecure" in last_forward(strict)["hint"]
    assert last_forward(lenient)["status"] == 200
    assert len(app.seen) == 1


def test_d09_a_slow_task_keeps_its_order_and_holds_no_other_up(kling: Kling) -> None:
    served: list[tuple[str, int]] = []
    slow_s = [3.0]

    async def app_of_theirs(visit: Visit) -> None:
        printed = visit.seen.json
        if printed["id"] == "t0" and slow_s:
            await asyncio.sleep(slow_s.pop())
        served.append((printed["id"], printed["n"]))
        await visit.send(b"HTTP/1.1 200 X\r\nContent-Length: 0\r\n\r\n")

    with an_app(app_of_theirs) as app:
        to = ("--forward-to", app.base_url, "--max-events", "50")
        with kling.start(*HERE, *to) as program:
            url = ready(program)["callback_url"]
            bodies = [
                {**current_payload(f"t{number % 5}", "processing"), "n": number}
                for number in range(50)
            ]
            answers = [post_callback(url, body) for body in bodies]
            result = program.finish()

    assert {answer.status for answer in answers} == {200}
    assert sorted(answer.seconds for answer in answers)[25] < 0.05
    assert len(served) == 50
    for each in range(5):
        mine = [number for task, number in served if task == f"t{each}"]
        assert mine == list(range(each, 50, 5))
    assert {task for task, _ in served[:40]} == {"t1", "t2", "t3", "t4"}
    assert {line["status"] for line in of_type(result, "forward")} == {200}


def test_d10_the_bytes_arrive_and_the_way_they_came_does_not(kling: Kling) -> None:
    raw = b'{ "id":"t1",\r\n\t"status" : "succeed", "x": "\xc3\xa9\\u00e9" }\n'

    with an_app(says(200, b"")) as app:
        to = ("--forward-to", f"{app.base_url}/hook", "--max-events", "1")
        with kling.start(*HERE, *to) as program:
            place = urlsplit(ready(program)["callback_url"])
            lines = (
                "Connection: keep-alive, X-Hop",
                "X-Hop: 1",
                "TE: trailers",
                "X-Forwarded-For: 203.0.113.9",
                f"X-Forwarded-Uri: {place.path}",
                f"X-Original-URL: {place.path}",
                f"Referer: https://abc.ngrok.app{place.path}",
                "Ngrok-Trace-Id: n1",
                "User-Agent: Kling/1",
                "Webhook-Id: msg_1",
                "X-Own: kept",
            )
            with socket.create_connection(("127.0.0.1", place.port or 0)) as line:
                line.sendall(post(raw, *lines, path=place.path))
                assert line.recv(12) == b"HTTP/1.1 200"
            result = program.finish()

    [seen] = app.seen
    token = place.path.rpartition("/")[2]
    assert last_forward(result)["status"] == 200
    assert seen.body == raw
    assert seen.target == "/hook"
    assert seen.headers["host"] == f"127.0.0.1:{app.port}"
    assert set(seen.headers) == {
        *("host", "connection", "accept-encoding", "accept", "content-length"),
        *("user-agent", "webhook-id", "x-own"),
    }
    assert token not in json.dumps(dict(seen.headers))
