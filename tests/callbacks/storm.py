"""Many strangers at once before a door that is really open."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import anyio

from kling_cli.callbacks.events import Peer
from kling_cli.callbacks.http.limits import Limits
from kling_cli.callbacks.http.parser import (
    NotHttpError,
    PlainRequest,
    RequestParser,
    parse_plain_request,
)
from tests.callbacks.doorstep import Doorstep, post, read_reply, send
from tests.callbacks.strangers import stranger

PEER = ("127.0.0.1", 40_000)
EXPECTED = frozenset({0, 100, 200, 400, 404, 408, 413, 415})


async def storm(door: Doorstep, seeds: Iterable[int]) -> set[int]:
    """Let a stranger knock for each seed; return the statuses that they got.

    A stranger may send all at once or in two pieces. An honest sender is served
    afterwards.
    """
    statuses: set[int] = set()

    async def knock(seed: int) -> None:
        rng = Random(seed)  # noqa: S311 -- repeatable, not secret
        said = stranger(rng)
        assert is_read_alike(said), f"seed {seed}"
        abort = rng.choice([len(said), rng.randint(1, len(said))])
        async with await door.connect() as stream:
            await send(stream, said[:abort])
            if abort < len(said):
                await anyio.sleep(0.01)  # so that it comes in twice
                await send(stream, said[abort:])
            status = (await read_reply(stream, to=said)).status
        assert status in EXPECTED, f"seed {seed}"
        statuses.add(status)

    async with anyio.create_task_group() as group:
        for seed in seeds:
            group.start_soon(knock, seed)
    assert (await door.ask(post())).status == 200
    return statuses


def is_read_alike(data: bytes) -> bool:
    """Return whether the quick way, where it is taken, reads `data` as h11 does."""
    quickly = parse_plain_request(data, PEER)
    return quickly is None or quickly == read_by_h11(data, PEER)


def read_by_h11(data: bytes, peer: Peer) -> PlainRequest | None:
    """Return what h11 makes of the first request in `data`, None if it is not whole."""
    reading = RequestParser(peer, Limits())
    body = b""
    try:
        reading.feed(data)
        request = reading.head()
        while request is not None and (next_body_chunk := reading.next_body_chunk()):
            body += next_body_chunk
    except NotHttpError:
        return None
    if request is None or not reading.is_complete:
        return None
    return PlainRequest(request, body, reading.trailing_data)
