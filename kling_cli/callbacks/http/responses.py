"""Responses of the callback server, and their encoding as HTTP."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from kling_cli.callbacks.events import RefusalReason

_PHRASES: Final = {int(status): status.phrase for status in HTTPStatus}


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A status, and a JSON object of one pair. An error also closes the connection.

    `headers` are further lines of the head.
    """

    status: int
    key: str
    value: str
    headers: tuple[str, ...] = ()

    @property
    def is_error(self) -> bool:
        return self.status >= 400  # noqa: PLR2004 -- where HTTP's errors begin

    @property
    def body(self) -> bytes:
        return json.dumps({self.key: self.value}).encode()


RECEIVED: Final = Response(status=200, key="status", value="received")
NOT_HTTP: Final = Response(status=400, key="error", value="not HTTP")
NOT_FOUND: Final = Response(status=404, key="error", value="not found")
INTERNAL_ERROR: Final = Response(status=500, key="error", value="internal error")
UNAVAILABLE: Final = Response(status=503, key="error", value="busy")


def refused(refusal: RefusalReason) -> Response:
    # Names the accepted codings. Source: RFC 9110, section 15.5.16.
    headers = ("accept-encoding: identity",) if refusal is RefusalReason.ENCODED else ()
    return Response(
        status=refusal.status, key="error", value=refusal.value, headers=headers
    )


@lru_cache(maxsize=64)
def encode_response(
    response: Response, *, is_last: bool, is_body_omitted: bool = False
) -> bytes:
    """Return the response as bytes; the response to a HEAD omits the body.

    `is_last`: the connection is closed after it.
    """
    lines = [
        f"HTTP/1.1 {response.status} {_PHRASES.get(response.status, '')}",
        "content-type: application/json",
        f"content-length: {len(response.body)}",
        *response.headers,
        *(["connection: close"] if is_last else []),
    ]
    head = "\r\n".join([*lines, "", ""]).encode()
    return head if is_body_omitted else head + response.body
