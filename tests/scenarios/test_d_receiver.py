"""Scenarios D1 to D6: hostile requests to `kling listen`."""

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
PATIENCE_S = 20.0  # of a socket; what hangs longer has failed
HEAD_S = 10.0  # what the door gives to whoever does not talk


class PublicEndpoint:
    """A running listener, and raw sockets to it."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.url: str = ready(program)["callback_url"]
        parts = urlsplit(self.url)
        self.port, self.path = parts.port or 0, parts.path

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)

    def ask(self, request: bytes) -> bytes:
        """Send bytes, return everything received until the response or the end."""
        with self.connect() as line:
            with contextlib.suppress(OSError):  # closed on somebody who still talks
                line.sendall(request)
            return _answer(line)

    def status(self, request: bytes) -> int:
        return int((self.ask(request) or b"HTTP/1.1 0").split(b" ")[1].split(b"\r")[0])

    def end(self) -> Result:
        """Check that it still runs, then end it."""
        assert post_callback(self.url, SUCCEEDED).status == 200
        self.program.wait_for('"type": "callback"', stream="stdout")
        self.program.send(signal.SIGTERM)
        result = self.program.finish()
        assert result.exit_code == 143
        return result


@contextmanager
def street(kling: Kling, *args: str) -> Iterator[PublicEndpoint]:
    with kling.start(*HERE, *args) as program:
        yield PublicEndpoint(program)


def test_d01_whatever_is_not_our_path_gets_the_same_404(kling: Kling) -> None:
    with street(kling) as here:
        path = here.path
        other = path[:-1] + ("A" if path[-1] != "A" else "B")
        strangers = [
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
        # the body never comes, and nobody waits for it
        answers = [
            here.ask(head("Content-Length: 9", path=path, method=method))
            for method, path in strangers
        ]
        unreadable = here.status(head(path=path[:-2] + "\xff\xfe"))
        here.program.wait_for('"type": "rejected"', stream="stdout")
        result = here.end()

    rejected = of_type(result, "rejected")
    assert {answer.split(b"\r\n")[0] for answer in answers} == {
        b"HTTP/1.1 404 Not Found"
    }
    assert len({_without_date(answer) for answer in answers}) == 1
    assert unreadable in (400, 404)
    assert of_type(result, "stopped")[0]["counts"]["unknown"] >= len(strangers)
    assert {line["status"] for line in rejected} == {404}
    assert len(rejected) <= 2  # counted together, not one by one


def test_d02_bodies_of_a_wrong_size_or_kind_are_refused(kling: Kling) -> None:
    with street(kling) as here:
        path = here.path
        process = psutil.Process(here.program.pid)
        here.status(post(b"x" * (MIB + 1), path=path))  # whatever is loaded at first
        before = process.memory_info().rss
        statuses = [
            here.status(post(b"x" * (MIB + 1), path=path)),
            here.status(chunked(b"x" * MIB, b"x", path=path)),
            here.status(post(b"\x1f\x8b", "Content-Encoding: gzip", path=path)),
            here.status(
                chunked(SUCCEEDED, path=path).replace(
                    b"Host", b"Content-Length: 5\r\nHost"
                )
            ),
            here.status(head("Content-Length: -1", path=path)),
            here.status(head(f"Content-Length: {len(SUCCEEDED) - 1}", path=path)),
            here.status(head(path=path) + SUCCEEDED),
        ]
        for _ in range(10):
            here.status(post(b"x" * (MIB + 1), path=path))
        grown = process.memory_info().rss - before
        here.end()

    assert statuses == [413, 413, 415, 400, 400, 408, 400]
    assert grown < 4 * MIB


def test_d03_chunks_as_tunnels_make_them_are_accepted(kling: Kling) -> None:
    with street(kling, "--max-events", "1") as here:
        status = here.status(chunked(SUCCEEDED[:7], SUCCEEDED[7:], path=here.path))
        result = here.program.finish()

    [seen] = of_type(result, "callback")
    assert status == 200
    assert (seen["task_id"], seen["status"]) == ("t1", "succeeded")


def test_d04_who_does_not_talk_is_closed_and_holds_nobody_up(kling: Kling) -> None:
    with street(kling) as here, contextlib.ExitStack() as stack:
        start = time.monotonic()
        idle = [stack.enter_context(here.connect()) for _ in range(200)]
        dripping = stack.enter_context(here.connect())
        request = iter(post(path=here.path))
        answers: list[PostResult] = []
        with contextlib.suppress(OSError):
            while time.monotonic() - start < HEAD_S + 2.0:
                dripping.sendall(bytes([next(request)]))
                if len(answers) < 4:
                    answers.append(post_callback(here.url, SUCCEEDED))
                time.sleep(0.5)
        ends = [_answer(line) for line in [*idle, dripping]]
        closed_after_s = time.monotonic() - start
        here.end()

    assert {answer.status for answer in answers} == {200}
    assert max(answer.seconds for answer in answers) < 1.0
    assert not any(b" 200 " in end for end in ends)
    assert closed_after_s < HEAD_S + 5.0


HOSTILE = [
    b"[" * 200_000,
    b'{"id": ' + b"9" * 5000 + b"}",
    b'{"id": "t1", "x": NaN}',
    b'{"id": "t1", "x": "\\ud800"}',
    b"",
    b'{"id": "t1", "id": "t2"}',
]


def test_d05_hostile_bodies_get_400_and_are_kept_as_they_came(kling: Kling) -> None:
    with street(kling) as here:
        statuses = [here.status(post(body, path=here.path)) for body in HOSTILE]
        here.end()

    kept = [
        kling.run("events", "show", str(number), "--quiet").stdout.encode()
        for number in range(1, len(HOSTILE) + 1)
    ]
    assert statuses == [400] * len(HOSTILE)
    assert kept == HOSTILE


def test_d06_what_a_message_does_to_a_terminal_is_escaped(kling: Kling) -> None:
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
        printed = result.stdout + result.stderr
        assert not set(printed) & set("\x1b\x07\r\u202e\x9b"), result
    assert len(shown.lines) <= 2
    assert "\ntwo" not in shown.stdout


def _answer(line: socket.socket) -> bytes:
    """Return the bytes until the connection is closed or the length is reached."""
    raw = b""
    with contextlib.suppress(ConnectionError):
        while not _is_whole(raw) and (chunk := line.recv(65536)):
            raw += chunk
    return raw


def _is_whole(answer: bytes) -> bool:
    top, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: (\d+)", top.lower())
    return bool(end) and length is not None and len(body) >= int(length[1])


def _without_date(answer: bytes) -> bytes:
    lines = answer.partition(b"\r\n\r\n")[0].split(b"\r\n")
    return b"\r\n".join(line for line in lines if not line.lower().startswith(b"date"))
