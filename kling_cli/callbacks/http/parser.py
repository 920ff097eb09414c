"""A request as the door sees it, and the quick way to read the usual one. Pure.

The usual request is a POST that came in whole, with a head in HTTP's plainest words.
Whatever is not exactly that is left to h11, to read or to refuse: what is taken here is
understood as h11 would understand it. A property test holds it to that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

import h11

from kling_cli.callbacks.events import Peer
from kling_cli.callbacks.http.limits import Limits

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
class PlainRequest:
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


def parse_plain_request(data: bytes, peer: Peer | None) -> PlainRequest | None:
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
    return PlainRequest(request, data[head.end() : end], data[end:])


def _headers(lines: bytes) -> Headers:
    return tuple(
        (name.lower(), value.strip(" "))
        for name, _, value in (
            line.partition(":") for line in lines[:-2].decode("latin-1").split("\r\n")
        )
    )


GO_ON: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class NotHttpError(Exception):
    """What came in is no HTTP, or ended too early."""


class RequestParser:
    """One request, as far as it has come in."""

    def __init__(self, peer: Peer | None, limits: Limits) -> None:
        self._peer = peer
        self._h11 = h11.Connection(
            h11.SERVER, max_incomplete_event_size=limits.head_bytes
        )
        self.is_whole = False

    @property
    def rest(self) -> bytes:
        """What came in behind the request."""
        return self._h11.trailing_data[0]

    @property
    def is_waiting_to_go_on(self) -> bool:
        """Whether the sender wants to hear `GO_ON` before it sends the body."""
        return self._h11.they_are_waiting_for_100_continue

    def feed(self, data: bytes) -> None:
        """Take what came in; empty for the end of the stream, once."""
        self._h11.receive_data(data)

    def head(self) -> Request | None:
        """Return the request's head, None until it is whole.

        Raises:
            NotHttpError: it is none.
        """
        event = self._next()
        return _request(event, self._peer) if isinstance(event, h11.Request) else None

    def piece(self) -> bytes:
        """Return the next piece of the body, empty when there is none to be had now.

        Raises:
            NotHttpError: the body is broken.
        """
        event = self._next()
        if isinstance(event, h11.Data):
            return bytes(event.data)
        if isinstance(event, h11.EndOfMessage):
            self.is_whole = True
        return b""

    def _next(self) -> object:
        try:
            return self._h11.next_event()
        except h11.RemoteProtocolError as exc:
            raise NotHttpError from exc


def _request(event: h11.Request, peer: Peer | None) -> Request:
    path, _, query = event.target.partition(b"?")
    headers = tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in event.headers
    )
    words = {
        word.strip().lower()
        for name, value in headers
        if name == "connection"
        for word in value.split(",")
    }
    return Request(
        method=event.method,
        path=path,
        query=query,
        headers=headers,
        peer=peer,
        is_last=event.http_version < b"1.1" or "close" in words,
    )
