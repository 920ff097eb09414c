"""Two hundred strangers who say anything at all; the seed is fixed, the door real."""

from __future__ import annotations

import random
from collections.abc import Callable

import anyio
import pytest

from kling_cli.callbacks.limits import Limits
from tests.callbacks.doorstep import (
    SUCCEEDED,
    a_door,
    chunked,
    head,
    post,
    read_reply,
    send,
)

pytestmark = pytest.mark.anyio

CASES = 200
BATCH = 40
LIMITS = Limits(head_s=0.3, body_s=0.3, linger_s=0.2)
METHODS = ["POST", "GET", "PUT", "HEAD", "CONNECT", "", "P\x00ST"]
LINES = [
    "Content-Length: 0",
    "Content-Length: 7",
    "Content-Length: 99999999",
    "Content-Length: +5",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: chunked, gzip",
    "Content-Encoding: br",
    "Expect: 100-continue",
    "Connection: upgrade",
    "Upgrade: websocket",
    "webhook-signature: v1,",
    ": nameless",
    " folded",
]


def mangled(rng: random.Random, raw: bytes) -> bytes:
    """Return a request with bytes changed, cut out, doubled or cut off."""
    letters = bytearray(raw)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(letters) + 1)
        end = at + rng.randint(0, 8)
        letters[at:end] = rng.choice(
            [rng.randbytes(3), b"", bytes(letters[at:end]) * 2, b"\r\n"]
        )
    return bytes(letters[: rng.randint(1, len(letters) + 64)])


def assembled(rng: random.Random) -> bytes:
    """Return a request whose parts are right and do not fit."""
    lines = rng.choices(LINES, k=rng.randint(0, 4))
    return head(*lines, method=rng.choice(METHODS)) + rng.choice(
        [
            b"",
            SUCCEEDED,
            b"5\r\nhello\r\n0\r\n\r\n",
            b"fffffffffffffff\r\n",
            rng.randbytes(50),
        ]
    )


def junk(rng: random.Random) -> bytes:
    return rng.randbytes(rng.randint(1, 40_000)) + rng.choice([b"", b"\r\n\r\n"])


def stranger(seed: int) -> bytes:
    rng = random.Random(seed)  # noqa: S311 -- repeatable, not secret
    kinds: list[Callable[[], bytes]] = [
        lambda: mangled(rng, post()),
        lambda: mangled(rng, chunked(SUCCEEDED[:9], SUCCEEDED[9:])),
        lambda: assembled(rng),
        lambda: post(rng.randbytes(rng.randint(0, 300))),
        lambda: junk(rng),
    ]
    return rng.choice(kinds)()


async def test_whatever_strangers_say_is_answered_in_http_or_hung_up_on() -> None:
    statuses: set[int] = set()

    async def knock(seed: int) -> None:
        async with await door.connect() as stream:
            said = stranger(seed)
            await send(stream, said)
            statuses.add((await read_reply(stream, to=said)).status)

    async with a_door(limits=LIMITS) as door:
        for first in range(0, CASES, BATCH):
            async with anyio.create_task_group() as group:
                for seed in range(first, first + BATCH):
                    group.start_soon(knock, seed)
            assert (await door.ask(post())).status == 200

    assert {0, 400, 404} <= statuses <= {0, 100, 200, 400, 404, 408, 413, 415}
