"""Scenarios D1 to D6: hostile and odd requests to `kling listen`."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psutil

from tests.callbacks.receiver_fixture import (
    SUCCEEDED,
    chunked,
    head,
    post,
)
from tests.scenarios.test_listen import HERE, of_type, ready
from tests.support.callback_client import PostResult, post_callback
from tests.support.kling import Kling
from tests.support.program import Program, Result

MIB = 1024 * 1024
SOCKET_TIMEOUT_S = 20.0  # after which a test has failed
HEAD_TIMEOUT_S = 10.0  # of the receiver


class RunningListener:
    """A running `kling listen`, and raw sockets to it."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.url: str = ready(program)["callback_url"]
        parts = urlsplit(self.url)
        self.port, self.path = parts.port or 0, parts.path

    def connect(self) -> socket.socket:
        return socket.create_connection(
            ("127.0.0.1", self.port), timeout=SOCKET_TIMEOUT_S
        )

    def request(self, request: bytes) -> bytes:
        """Send bytes; return the response, or what was sent before closing."""
        with self.connect() as connection:
            with contextlib.suppress(OSError):  # closed while sending
                connection.sendall(request)
            return _response(connection)

    def status(self, request: bytes) -> int:
        return int(
            (self.request(request) or b"HTTP/1.1 0").split(b" ")[1].split(b"\r")[0]
        )

    def end(self) -> Result:
        """Check that it accepts a callback, then stop it."""
        assert post_callback(self.url, SUCCEEDED).status == 200
        self.program.wait_for('"type": "callback"', stream="stdout")
        self.program.send(signal.SIGTERM)
        result = self.program.finish()
        assert result.exit_code == 143
        return result


@contextmanager
def running_listener(kling: Kling, *args: str) -> Iterator[RunningListener]:
    with kling.start(*HERE, *args) as program:
        yield RunningListener(program)


def test_d01_every_other_path_and_method_gets_the_same_404(kling: Kling) -> None:
    with running_listener(kling) as listener:
        path = listener.path
        other = path[:-1] + ("A" if path[-1] != "A" else "B")
        requests = [
            ("POST", "/nothing/here"),
            ("POST", other),
            ("POST", "/callback"),
            ("POST", "/" + path),
            ("POST", "/x/%2e%2e" + path),
            ("POST", path.replace("callback", "%63allback")),
            ("POST", f"/callback?token={other.rpartition('/')[2]}"),
            ("GET", path),
            ("PUT", path),
            ("DELETE", path),
        ]
        # the body is never sent
        responses = [
            listener.request(head("Content-Length: 9", path=path, method=method))
            for method, path in requests
        ]
        unreadable = listener.status(head(path=path[:-2] + "\xff\xfe"))
        listener.program.wait_for('"type": "rejected"', stream="stdout")
        result = listener.end()

    rejected = of_type(result, "rejected")
    assert {response.split(b"\r\n")[0] for response in responses} == {
        b"HTTP/1.1 404 Not Found"
    }
    assert len({_without_date(response) for response in responses}) == 1
    assert unreadable in (400, 404)
    assert of_type(result, "stopped")[0]["counts"]["unknown"] >= len(requests)
    assert {one["status"] for one in rejected} == {404}
    assert len(rejected) <= 2  # counted together, not one by one


def test_d02_bodies_of_a_wrong_size_or_coding_are_refused(kling: Kling) -> None:
    with running_listener(kling) as listener:
        path = listener.path
        process = psutil.Process(listener.program.pid)
        listener.status(post(b"x" * (MIB + 1), path=path))  # loads what is loaded once
        before = process.memory_info().rss
        statuses = [
            listener.status(post(b"x" * (MIB + 1), path=path)),
            listener.status(chunked(b"x" * MIB, b"x", path=path)),
            listener.status(post(b"\x1f\x8b", "Content-Encoding: gzip", path=path)),
            listener.status(
                chunked(SUCCEEDED, path=path).replace(
                    b"Host", b"Content-Length: 5\r\nHost"
                )
            ),
            listener.status(head("Content-Length: -1", path=path)),
            listener.status(head(f"Content-Length: {len(SUCCEEDED) - 1}", path=path)),
            listener.status(head(path=path) + SUCCEEDED),
        ]
        for _ in range(10):
            listener.status(post(b"x" * (MIB + 1), path=path))
        grown = process.memory_info().rss - before
        listener.end()

    assert statuses == [413, 413, 415, 400, 400, 408, 400]
    assert grown < 4 * MIB


def test_d03_chunked_bodies_of_tunnels_are_accepted(kling: Kling) -> None:
    with running_listener(kling, "--max-events", "1") as listener:
        status = listener.status(
            chunked(SUCCEEDED[:7], SUCCEEDED[7:], path=listener.path)
        )
        result = listener.program.finish()

    [seen] = of_type(result, "callback")
    assert status == 200
    assert (seen["task_id"], seen["status"]) == ("t1", "succeeded")


def test_d04_idle_connections_are_closed_and_do_not_delay_others(kling: Kling) -> None:
    with running_listener(kling) as listener, contextlib.ExitStack() as stack:
        start = time.monotonic()
        idle = [stack.enter_context(listener.connect()) for _ in range(200)]
        dripping = stack.enter_context(listener.connect())
        request = iter(post(path=listener.path))
        responses: list[PostResult] = []
        with contextlib.suppress(OSError):
            while time.monotonic() - start < HEAD_TIMEOUT_S + 2.0:
                dripping.sendall(bytes([next(request)]))
                if len(responses) < 4:
                    responses.append(post_callback(listener.url, SUCCEEDED))
                time.sleep(0.5)
        ends = [_response(connection) for connection in [*idle, dripping]]
        closed_after_s = time.monotonic() - start
        listener.end()

    assert {response.status for response in responses} == {200}
    assert max(response.seconds for response in responses) < 1.0
    assert not any(b" 200 " in end for end in ends)
    assert closed_after_s < HEAD_TIMEOUT_S + 5.0


HOSTILE = [
    b"[" * 200_000,
    b'{"id": ' + b"9" * 5000 + b"}",
    b'{"id": "t1", "x": NaN}',
    b'{"id": "t1", "x": "\\ud800"}',
    b"",
    b'{"id": "t1", "id": "t2"}',
]


def test_d05_hostile_bodies_get_400_and_are_stored_unchanged(kling: Kling) -> None:
    with running_listener(kling) as listener:
        statuses = [listener.status(post(body, path=listener.path)) for body in HOSTILE]
        listener.end()

    stored = [
        kling.run("events", "show", str(number), "--quiet").stdout.encode()
        for number in range(1, len(HOSTILE) + 1)
    ]
    assert statuses == [400] * len(HOSTILE)
    assert stored == HOSTILE


def test_d06_control_characters_of_a_message_are_escaped(kling: Kling) -> None:
    message = "\x1b[2J\x1b]0;owned\x07 one\r\ntwo \u202egnp.exe \x9b31m"
    body = {"id": message, "status": "failed", "message": message}
    args = ("listen", "--tunnel", "none", "--max-events", "1")
    with kling.start(*args) as program:
        url = program.wait_for(r"callback_url: (\S+)\n")[1]
        post_callback(url, json.dumps(body).encode())
        shown = program.finish()
    listed = kling.run("events")
    described = kling.run("events", "show", "1")

    for result in (shown, listed, described):
        assert result.exit_code == 0
        output = result.stdout + result.stderr
        assert not set(output) & set("\x1b\x07\r\u202e\x9b"), result
    assert len(shown.lines) <= 2
    assert "\ntwo" not in shown.stdout


def _response(connection: socket.socket) -> bytes:
    """Return the response, up to its length or the end of the connection."""
    raw = b""
    with contextlib.suppress(ConnectionError):
        while not _is_complete(raw) and (chunk := connection.recv(65536)):
            raw += chunk
    return raw


def _is_complete(response: bytes) -> bool:
    top, end, body = response.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: (\d+)", top.lower())
    return bool(end) and length is not None and len(body) >= int(length[1])


def _without_date(response: bytes) -> bytes:
    lines = response.partition(b"\r\n\r\n")[0].split(b"\r\n")
    return b"\r\n".join(one for one in lines if not one.lower().startswith(b"date"))
