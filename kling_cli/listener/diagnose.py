"""What a failed delivery means, and what to do about it. Pure.

The answer is that of the user's own handler; the sentence names the usual cause of each
class of failure, in the words of whoever has to find it.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final

SLOW: Final = "answer first and work afterwards"


class Failure(StrEnum):
    """Why there was no answer; the value is what is shown."""

    REFUSED = "connection refused"
    UNKNOWN_HOST = "no such host"
    TIMEOUT = "no answer in time"
    UNTRUSTED = "certificate not trusted"
    NO_TLS = "no TLS there"
    NOT_HTTP = "the answer is not HTTP"
    BROKEN_OFF = "connection broken off"
    UNREACHABLE = "not reachable"
    CROWDED = "too many callbacks are waiting"
    STOPPED = "the listener stopped first"


_NO_ANSWER: Final = MappingProxyType(
    {
        Failure.REFUSED: "nothing listens there: start your app, or correct the port",
        Failure.UNKNOWN_HOST: "the name does not resolve: correct the host",
        Failure.TIMEOUT: f"the handler is too slow or hangs: {SLOW},"
        " or give it longer with --forward-timeout",
        Failure.UNTRUSTED: "for a self-signed certificate of your own: --insecure",
        Failure.NO_TLS: "that port speaks no TLS: forward to http:// instead",
        Failure.NOT_HTTP: "another kind of server listens there, or it speaks TLS:"
        " correct the port, or forward to https://",
        Failure.BROKEN_OFF: "the app closed the connection without an answer:"
        " look for a crash in its log",
        Failure.UNREACHABLE: "no way leads there: check the address and the network",
        Failure.STOPPED: "send it again: kling replay --failed",
        Failure.CROWDED: "the handler does not keep up; the callbacks are kept:"
        " kling replay --failed",
    }
)

_BY_STATUS: Final = MappingProxyType(
    {
        400: "the handler refuses the body: usual when a signature is computed over the"
        " parsed body instead of the raw bytes, or when JSON is taken for granted",
        401: "a middleware in front asks for a login: let POST through to this path"
        " without one (or does the handler want a signature? --sign-forwards)",
        403: "a middleware in front forbids it, often CSRF protection: exempt this path"
        " (or does the handler want a signature? --sign-forwards)",
        404: "the app has no such path: correct the URL",
        405: "the path is there, but not for POST",
        408: f"the handler is too slow: {SLOW}",
        411: "the app wants a length that was sent: look at what stands in front of it",
        413: "the app, or what stands in front of it, limits bodies too tightly",
        415: "the handler insists on a content type: callbacks may come without one;"
        " read the raw body, or add --header 'Content-Type: application/json'",
        422: "the body does not fit the handler's model: callbacks come in several"
        " shapes, so read the raw JSON and pick what you need",
        429: "the app limits requests: exempt this path",
        501: "the app does not do POST there",
        502: "a proxy answered and the app behind it is down",
        503: "the app, or a proxy in front of it, is not ready",
        504: f"a proxy gave up on the handler: {SLOW}",
    }
)


def diagnose_silence(failure: Failure) -> str:
    """Return what to do when there was no answer."""
    return _NO_ANSWER[failure]


def diagnose(status: int, *, location: str | None, number: int) -> str | None:
    """Return what the status means for a handler, None when all is well.

    `number` is that of the callback, 0 for one that is not kept.
    """
    if 200 <= status < 300:  # noqa: PLR2004 -- HTTP's success
        return None
    if 300 <= status < 400:  # noqa: PLR2004 -- HTTP's redirects
        return _redirected(location)
    known = _BY_STATUS.get(status)
    if known is not None:
        return known
    if status >= 500:  # noqa: PLR2004 -- HTTP's server errors
        return f"the handler failed: look at its log{_again(number)}"
    return f"the handler refuses the callback{_again(number)}"


def _redirected(location: str | None) -> str:
    if not location:
        return "redirects are not followed: forward to where the app takes POST"
    if any(word in location.lower() for word in ("login", "signin", "sign-in", "auth")):
        return (
            "a middleware in front sends it to a login: let POST through to this path"
            " without one"
        )
    return f"redirects are not followed: forward to {location} instead"


def _again(number: int) -> str:
    return f"; once mended: kling replay {number}" if number else ""
