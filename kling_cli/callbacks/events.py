"""Events of the callback receiver, and their values: URL matches, trust, refusals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from kling_cli.callbacks.payload import CallbackPayload
from kling_cli.callbacks.urls import match_callback_path


class Trust(StrEnum):
    """Why a callback was accepted; none of these makes it true."""

    SIGNED = "signed"  # with the account's webhook secret
    TOKEN = "token"  # noqa: S105 -- a name; its path holds our token or MAC
    OPEN = "open"  # a bare path on loopback
    MOCK = "mock"  # sent by `kling trigger`


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlMatch:
    """A callback URL that was recognised; product and nonce where the path has them."""

    product: str | None = None
    nonce: str | None = None
    trust: Trust = Trust.TOKEN


Peer = tuple[str, int]

# Takes the raw path, the raw query and the peer's address; None: no callback URL.
UrlMatcher = Callable[[bytes, bytes, Peer | None], UrlMatch | None]


def task_url_matcher(key: bytes) -> UrlMatcher:
    """Return a matcher of paths made with `key`, whatever the query."""

    def match(raw_path: bytes, _query: bytes, _peer: Peer | None) -> UrlMatch | None:
        task_url = match_callback_path(raw_path, key)
        if task_url is None:
            return None
        return UrlMatch(product=task_url.product, nonce=task_url.nonce)

    return match


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedCallback:
    """A callback as it was received; `payload` is None when the body is malformed."""

    received_at: datetime
    product: str | None
    nonce: str | None
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    raw: bytes = field(repr=False)
    payload: CallbackPayload | None
    trust: Trust


# Takes the body, the headers (names in lower case) and the peer; returns the trust that
# a valid mark in them stands for, None where there is none.
MockDetector = Callable[[bytes, Mapping[str, str], Peer | None], Trust | None]


class RefusalReason(StrEnum):
    """Why a request to a callback URL was refused."""

    TWO_LENGTHS = "both a length and chunks"
    ENCODED = "content encoding"
    TOO_LARGE = "too large"
    TOO_SLOW = "too slow"
    BROKEN_OFF = "broken off"
    UNSIGNED = "no valid signature"
    MALFORMED = "malformed body"

    @property
    def status(self) -> int:
        """The HTTP status of the response."""
        return _STATUS_CODES[self]


_STATUS_CODES: Final = {
    RefusalReason.TWO_LENGTHS: 400,
    RefusalReason.ENCODED: 415,
    RefusalReason.TOO_LARGE: 413,
    RefusalReason.TOO_SLOW: 408,
    RefusalReason.BROKEN_OFF: 400,
    RefusalReason.UNSIGNED: 401,
    RefusalReason.MALFORMED: 400,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackAccepted:
    """A callback was accepted and stored, unless `CallbackNotStored` came before.

    `number` is the one it has in the journal, where the store returned it.
    """

    received: ReceivedCallback
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackRefused:
    """A request to a callback URL was refused; `received` if its body was read."""

    reason: RefusalReason
    url_match: UrlMatch
    received: ReceivedCallback | None = None
    detail: str | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackNotStored:
    """A callback could not be stored; it is accepted all the same."""

    received: ReceivedCallback
    failure: Exception


ReceiverEvent = CallbackAccepted | CallbackRefused | CallbackNotStored


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestCounts:
    """Numbers of requests so far; `unknown` are those to other paths, never listed."""

    accepted: int = 0
    refused: int = 0
    unknown: int = 0
