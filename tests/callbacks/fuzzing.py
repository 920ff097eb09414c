"""Random requests for fuzzing the receiver, from valid callbacks to noise.

`test_fuzz.py` sends a few; `tests/fuzz_receiver.py` sends them for as long as asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Final

import anyio

from kling_cli.callbacks.events import Peer
from kling_cli.callbacks.http.limits import ServerLimits
from kling_cli.callbacks.http.parser import (
    NotHttpError,
    RequestParser,
    SimpleRequest,
    parse_simple_request,
)
from tests.callbacks.receiver_fixture import (
    PATH,
    SUCCEEDED,
    RunningReceiver,
    chunked,
    post,
    read_response,
    send,
)

PEER = ("127.0.0.1", 40_000)
EXPECTED = frozenset({0, 100, 200, 400, 404, 408, 413, 415})
METHODS: Final = [*["POST"] * 6, "GET", "PUT", "HEAD", "CONNECT", "", "P\x00ST"]
VERSIONS: Final = [*["HTTP/1.1"] * 6, "HTTP/1.0", "HTTP/2.0", "http/1.1", ""]
ENDS: Final = [*["\r\n"] * 8, "\n", "\r", "\r\n "]
LINES: Final = [
    "Host: x",
    "host:x",
    "Content-Length: 0",
    "Content-Length: 7",
    f"content-length:{len(SUCCEEDED)}",
    "Content-Length: 35, 35",
    "Content-Length: 99999999",
    "Content-Length: +5",
    "Content-Length : 5",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding:chunked ",
    "Transfer-Encoding: chunked, gzip",
    "Transfer-Encoding: \x0bchunked",
    "Content-Encoding: br",
    "Expect: 100-continue",
    "Connection: close",
    "Connection: keep-alive, upgrade",
    "Upgrade: websocket",
    "webhook-signature: v1,",
    "X-Kling: caf\xe9 \t",
    "X\xa0: y",
    "X: a\x00b",
    "X: a\x85b\x7f",
    ": nameless",
    " folded",
    "",
]
PATHS: Final = [
    *[PATH] * 6,
    PATH + "?token=1",
    PATH[:-1],
    "/" + PATH,
    "/x/%2e%2e" + PATH,
    "http://x" + PATH,
    "*",
    "/caf\xe9",
    "/a b",
]
BODIES: Final = [
    SUCCEEDED,
    b"",
    b"5\r\nhello\r\n0\r\n\r\n",
    b"5\r\nhelloXX0\r\n\r\n",
    b"fffffffffffffff\r\n",
    b"[" * 2000,
    b'{"id": 1e999}',
    b'{"id": "t1", "id": "t2"}',
    b'{"id": "t1", "x": "\\ud800"}',
    b'\xef\xbb\xbf{"task_id": 5, "task_status": "succeed"}',
]


def random_request(rng: Random) -> bytes:
    """Return the bytes that one client sends: one request, or two in a row."""
    request = _random_single(rng)
    return request + _random_single(rng) if rng.random() < 0.2 else request


def _random_single(rng: Random) -> bytes:
    kinds = [_valid_callback, _mutated, _mutated, _assembled, _assembled, _noise]
    return rng.choice(kinds)(rng)


def _valid_callback(rng: Random) -> bytes:
    """Return a valid callback request, with any body."""
    body = _body(rng)
    if rng.random() < 0.3:
        cut = rng.randint(0, len(body))
        return chunked(*[part for part in (body[:cut], body[cut:]) if part])
    more = rng.sample(["X-A: b", "X-B:", "x-c:  caf\xe9  "], k=rng.randint(0, 3))
    return post(body, *more, path=rng.choice(PATHS))


def _mutated(rng: Random) -> bytes:
    """Return a callback request with bytes changed, removed, repeated or cut off."""
    letters = bytearray(_valid_callback(rng))
    for _ in range(rng.randint(1, 4)):
        at = rng.randint(0, len(letters))
        end = at + rng.randint(0, 8)
        letters[at:end] = rng.choice(
            [_bytes(rng, 3), b"", b"\r\n", b"\n", b" ", bytes(letters[at:end]) * 2]
        )
    return bytes(letters[: rng.randint(1, len(letters) + 64)])


def _assembled(rng: Random) -> bytes:
    """Return a head of mostly valid parts that often do not fit, and a body."""
    first = [rng.choice(METHODS), rng.choice(PATHS), rng.choice(VERSIONS)]
    lines = ["Host: x"] * (rng.random() < 0.8) + rng.choices(LINES, k=rng.randint(0, 4))
    ends = ENDS if rng.random() < 0.3 else ["\r\n"]
    text = "".join(line + rng.choice(ends) for line in [" ".join(first), *lines, ""])
    return text.encode("latin-1") + _body(rng)


def _noise(rng: Random) -> bytes:
    size = rng.choice([10, 300, 40_000])
    return rng.randbytes(rng.randint(1, size)) + rng.choice([b"", b"\r\n\r\n"])


def _body(rng: Random) -> bytes:
    return rng.choice([*BODIES, _bytes(rng, 60)])


def _bytes(rng: Random, most: int) -> bytes:
    return rng.randbytes(rng.randint(0, most))


async def fuzz_receiver(receiver: RunningReceiver, seeds: Iterable[int]) -> set[int]:
    """Send a random request for each seed, concurrently; return their statuses.

    A request is sent at once or in two segments. A valid callback is sent afterwards.
    """
    statuses: set[int] = set()

    async def send_random(seed: int) -> None:
        rng = Random(seed)  # noqa: S311 -- repeatable, not secret
        request = random_request(rng)
        assert is_parsed_alike(request), f"seed {seed}"
        cut = rng.choice([len(request), rng.randint(1, len(request))])
        async with await receiver.connect() as stream:
            await send(stream, request[:cut])
            if cut < len(request):
                await anyio.sleep(0.01)  # so that it comes in twice
                await send(stream, request[cut:])
            status = (await read_response(stream, to=request)).status
        assert status in EXPECTED, f"seed {seed}"
        statuses.add(status)

    async with anyio.create_task_group() as group:
        for seed in seeds:
            group.start_soon(send_random, seed)
    assert (await receiver.request(post())).status == 200
    return statuses


def is_parsed_alike(data: bytes) -> bool:
    """Return whether the fast parser, if it accepts `data`, agrees with h11."""
    simple = parse_simple_request(data, PEER)
    return simple is None or simple == read_by_h11(data, PEER)


def read_by_h11(data: bytes, peer: Peer) -> SimpleRequest | None:
    """Return the first request in `data` as h11 parses it, None if incomplete."""
    parser = RequestParser(peer, ServerLimits())
    body = b""
    try:
        parser.feed(data)
        request = parser.head()
        while request is not None and (chunk := parser.next_body_chunk()):
            body += chunk
    except NotHttpError:
        return None
    if request is None or not parser.is_complete:
        return None
    return SimpleRequest(request, body, parser.trailing_data)
