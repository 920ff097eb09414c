"""Parsers of HTTP requests: h11, and a fast one for simple, complete POSTs. Pure.

What is not exactly such a request is left to h11, to parse or to refuse. What the fast
parser accepts it parses as h11 does; a property test compares the two.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

import h11

from kling_cli.callbacks.events import Peer
from kling_cli.callbacks.http.limits import ServerLimits

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
class SimpleRequest:
    """A complete simple request, and the bytes that arrived after it."""

    request: Request
    body: bytes
    trailing_data: bytes


# Possessive, so that no input takes more than one look at each byte.
_HEAD: Final = re.compile(
    rb"POST (/[!-~]*+) HTTP/1\.1\r\n"
    rb"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]++:[ -~\x80-\xff]*+\r\n)++)\r\n"
)
_LENGTH: Final = re.compile(r"[0-9]{1,7}")

# Headers that change how a request is read or answered.
_COMPLEX_HEADERS: Final = frozenset(
    {"transfer-encoding", "connection", "expect", "upgrade"}
)


def parse_simple_request(data: bytes, peer: Peer | None) -> SimpleRequest | None:
    """Return the simple request that `data` starts with, None if it is not one."""
    head = _HEAD.match(data)
    if head is None:
        return None
    headers = _headers(head[2])
    by_name = dict(headers)
    length = by_name.get("content-length", "")
    is_simple = len(by_name) == len(headers) and "host" in by_name
    if not (
        is_simple and _LENGTH.fullmatch(length) and _COMPLEX_HEADERS.isdisjoint(by_name)
    ):
        return None
    end = head.end() + int(length)
    if len(data) < end:
        return None
    path, _, query = head[1].partition(b"?")
    request = Request(
        method=b"POST", path=path, query=query, headers=headers, peer=peer
    )
    return SimpleRequest(request, data[head.end() : end], data[end:])


def _headers(lines: bytes) -> Headers:
    return tuple(
        (name.lower(), value.strip(" "))
        for name, _, value in (
            line.partition(":") for line in lines[:-2].decode("latin-1").split("\r\n")
        )
    )


CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class NotHttpError(Exception):
    """The bytes received are not HTTP, or end too early."""


class RequestParser:
    """Incremental parser of one request."""

    def __init__(self, peer: Peer | None, limits: ServerLimits) -> None:
        self._peer = peer
        self._h11 = h11.Connection(
            h11.SERVER, max_incomplete_event_size=limits.max_head_bytes
        )
        self.is_complete = False

    @property
    def trailing_data(self) -> bytes:
        """The bytes that arrived after the request."""
        return self._h11.trailing_data[0]

    @property
    def is_awaiting_continue(self) -> bool:
        """Whether the client waits for `CONTINUE` before it sends the body."""
        return self._h11.they_are_waiting_for_100_continue

    def feed(self, data: bytes) -> None:
        """Add received bytes; empty for the end of the stream, once."""
        self._h11.receive_data(data)

    def head(self) -> Request | None:
        """Return the request's head, None until it is complete.

        Raises:
            NotHttpError: it is not HTTP.
        """
        event = self._next()
        return _request(event, self._peer) if isinstance(event, h11.Request) else None

    def next_body_chunk(self) -> bytes:
        """Return the next chunk of the body, empty when none has arrived.

        Raises:
            NotHttpError: the body is malformed.
        """
        event = self._next()
        if isinstance(event, h11.Data):
            return bytes(event.data)
        if isinstance(event, h11.EndOfMessage):
            self.is_complete = True
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
    options = {
        option.strip().lower()
        for name, value in headers
        if name == "connection"
        for option in value.split(",")
    }
    return Request(
        method=event.method,
        path=path,
        query=query,
        headers=headers,
        peer=peer,
        is_last=event.http_version < b"1.1" or "close" in options,
    )
