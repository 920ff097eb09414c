"""Which headers of a callback are forwarded, and which are dropped or masked. Pure.

Dropped are hop-by-hop headers, those that name a host or that a tunnel adds (among them
the ones that repeat the secret path), and the ones that only we may set.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from kling_cli.errors import UsageError
from kling_cli.tunnels import added_header_prefixes

Headers = tuple[tuple[str, str], ...]

REPLAY_HEADER: Final = "Kling-Replay"
RECONCILED_HEADER: Final = "Kling-Reconciled"
RECONCILED_TRUST: Final = "api"  # synthetic: the API's own answer
SIGNATURE_HEADERS: Final = frozenset(
    {"webhook-id", "webhook-timestamp", "webhook-signature"}
)
_HOP_BY_HOP: Final = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "trailers"}
    | {"transfer-encoding", "upgrade", "expect", "host", "content-length"}
    | {"accept-encoding", "proxy-authenticate", "proxy-authorization"}
)
_TUNNEL_ADDED: Final = frozenset(
    {"forwarded", "via", "x-real-ip", "true-client-ip", "x-client-ip", "referer"}
    | {"x-request-uri", "x-rewrite-url", "x-url", "x-envoy-original-path"}
    | {"cdn-loop"}
)
_SECRET: Final = frozenset(
    {"authorization", "cookie", "proxy-authorization", "kling-mock", "referer"}
    | {"x-forwarded-uri", "x-forwarded-path", "x-original-uri", "x-original-url"}
    | {"x-request-uri", "x-rewrite-url", "x-url", "x-envoy-original-path"}
)
_PREFIXES: Final = ("x-forwarded-", "x-original-", "kling-")
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]")


def forwarded_headers(headers: Iterable[tuple[str, str]]) -> Headers:
    """Return the headers that are forwarded with a callback, in their order.

    One that HTTP does not allow is left out: it must not prevent the delivery.
    """
    given = tuple(headers)
    named = {
        name.strip().lower()
        for key, value in given
        if key.lower() == "connection"
        for name in value.split(",")
    }
    return tuple(
        (name, value.strip(" \t"))
        for name, value in given
        if _is_forwarded(name.lower(), named) and _is_valid(name, value)
    )


def masked_headers(headers: Iterable[tuple[str, str]]) -> Headers:
    """Return the headers with the values that must not be shown masked."""
    return tuple(
        (name, "****" if name.lower() in _SECRET else value) for name, value in headers
    )


def without_headers(
    headers: Iterable[tuple[str, str]], names: Iterable[str]
) -> Headers:
    """Return the headers that have none of these names."""
    gone = {name.lower() for name in names}
    return tuple((name, value) for name, value in headers if name.lower() not in gone)


def with_headers(headers: Headers, added: Iterable[tuple[str, str]]) -> Headers:
    """Return the headers with these in place of any of the same names."""
    new = tuple(added)
    return without_headers(headers, (name for name, _ in new)) + new


def joined_headers(headers: Headers) -> dict[str, str]:
    """Return the headers by name, repeated ones joined as HTTP joins them."""
    joined: dict[str, str] = {}
    for name, value in headers:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def parse_header(text: str) -> tuple[str, str]:
    """Parse a value of `--header NAME:VALUE`.

    Raises:
        UsageError: It is not a header.
    """
    name, separator, value = text.partition(":")
    value = value.strip()
    if not separator or not _is_valid(name.strip(), value):
        raise UsageError(
            f"--header {name[:40]}: not of the form NAME:VALUE",
            hint="--header 'X-Test: 1'",
        )
    return name.strip(), value


def _is_valid(name: str, value: str) -> bool:
    """Return whether HTTP allows it; characters are the bytes of a latin-1 text."""
    return bool(_NAME.fullmatch(name)) and not _CONTROL.search(value)


def _is_forwarded(name: str, named: set[str]) -> bool:
    return (
        name not in _HOP_BY_HOP
        and name not in _TUNNEL_ADDED
        and name not in named
        and not name.startswith(_PREFIXES)
        and not name.startswith(added_header_prefixes())
    )
