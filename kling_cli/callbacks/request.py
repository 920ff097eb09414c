"""A request as the door sees it, and the quick way to read the usual one. Pure.

The usual request is a POST that came in whole, with a head in HTTP's plainest words.
Whatever is not exactly that is left to h11, to read or to refuse: what is taken here is
understood as h11 would understand it. A property test holds it to that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from kling_cli.callbacks.door import Peer

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The head of a request; path and query as the bytes of the request line.

    Header names are in lower case. `is_last`: no other follows on its connection.
    """

    method: bytes
    path: bytes = field(repr=False)
    query: bytes = field(repr=False)
    headers: Headers = field(repr=False)
    peer: Peer | None
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class Plain:
    """A request that was read the quick way, and what came in behind it."""

    request: Request
    body: bytes
    rest: bytes


# Possessive, so that no input takes more than one look at each byte.
_HEAD: Final = re.compile(
    rb"POST (/[!-~]*+) HTTP/1\.1\r\n"
    rb"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]++:[ -~\x80-\xff]*+\r\n)++)\r\n"
)
_LENGTH: Final = re.compile(r"[0-9]{1,7}")

# Each of these asks for more than to be kept, answered and heard of again.
_UNUSUAL: Final = frozenset({"transfer-encoding", "connection", "expect", "upgrade"})


def read_plain(data: bytes, peer: Peer | None) -> Plain | None:
    """Return the usual request at the beginning of `data`, None if it is no such."""
    head = _HEAD.match(data)
    if head is None:
        return None
    headers = _headers(head[2])
    named = dict(headers)
    length = named.get("content-length", "")
    is_usual = len(named) == len(headers) and "host" in named
    if not (is_usual and _LENGTH.fullmatch(length) and _UNUSUAL.isdisjoint(named)):
        return None
    end = head.end() + int(length)
    if len(data) < end:
        return None
    path, _, query = head[1].partition(b"?")
    request = Request(
        method=b"POST", path=path, query=query, headers=headers, peer=peer
    )
    return Plain(request, data[head.end() : end], data[end:])


def _headers(lines: bytes) -> Headers:
    return tuple(
        (name.lower(), value.strip(" "))
        for name, _, value in (
            line.partition(":") for line in lines[:-2].decode("latin-1").split("\r\n")
        )
    )
