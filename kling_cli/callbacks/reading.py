"""Requests that are read piece by piece: h11 says what they are, we say how much.

h11 alone decides what is HTTP. It is asked for one request at a time and answers
nothing itself.
"""

from __future__ import annotations

from typing import Final

import h11

from kling_cli.callbacks.door import Peer
from kling_cli.callbacks.limits import Limits
from kling_cli.callbacks.request import Request

GO_ON: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class NotHttpError(Exception):
    """What came in is no HTTP, or ended too early."""


class Reading:
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
