"""The nouns of the door: who may knock, what came in, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from kling_cli.callbacks.payload import CallbackPayload
from kling_cli.callbacks.urls import match_callback_path


class Trust(StrEnum):
    """Why a callback was let in; none of these makes it true."""

    SIGNED = "signed"  # with the account's webhook secret
    TOKEN = "token"  # noqa: S105 -- a word; it came to a path that we made
    OPEN = "open"  # a bare path on loopback
    MOCK = "mock"  # one of our own making


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlMatch:
    """What a door recognised; product and nonce where the path names them."""

    product: str | None = None
    nonce: str | None = None
    trust: Trust = Trust.TOKEN


Peer = tuple[str, int]

# Raw path, raw query and the peer's address in, the pass out, or None: not this door.
UrlMatcher = Callable[[bytes, bytes, Peer | None], UrlMatch | None]


def task_url_matcher(key: bytes) -> UrlMatcher:
    """Return the door that opens to paths made with `key`, whatever the query."""

    def recognise(
        raw_path: bytes, _query: bytes, _peer: Peer | None
    ) -> UrlMatch | None:
        capability = match_callback_path(raw_path, key)
        if capability is None:
            return None
        return UrlMatch(product=capability.product, nonce=capability.nonce)

    return recognise


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedCallback:
    """A callback as it came, bytes and all. `hint` is None when it makes no sense."""

    received_at: datetime
    product: str | None
    nonce: str | None
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    raw: bytes = field(repr=False)
    hint: CallbackPayload | None
    trust: Trust


# The body, the headers (names in lower case) and the peer in; the trust out that this
# callback is marked with, or None: it bears no valid mark.
MockDetector = Callable[[bytes, Mapping[str, str], Peer | None], Trust | None]


class RefusalReason(StrEnum):
    """Why a request that found a door was turned away."""

    TWO_LENGTHS = "both a length and chunks"
    ENCODED = "content encoding"
    TOO_LARGE = "too large"
    TOO_SLOW = "too slow"
    BROKEN_OFF = "broken off"
    UNSIGNED = "no valid signature"
    MALFORMED = "malformed body"

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
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
    """A callback passed the door; it has been kept, unless `NotKept` came before.

    `number` is what the keeper returned, where that is the callback's number.
    """

    received: ReceivedCallback
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackRefused:
    """A request to one of our paths was refused; `received` if its body was read."""

    refusal: RefusalReason
    door: UrlMatch
    received: ReceivedCallback | None = None
    detail: str | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackNotStored:
    """A callback could not be kept; it is answered and counts all the same."""

    received: ReceivedCallback
    failure: Exception


ReceiverEvent = CallbackAccepted | CallbackRefused | CallbackNotStored


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Requests so far; `unknown` are those that found no door, never listed."""

    accepted: int = 0
    refused: int = 0
    unknown: int = 0
