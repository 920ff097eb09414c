"""What the door says: a status and one pair of JSON, as bytes for the wire."""

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
    """A status and one pair of JSON. A refusal also ends the connection.

    `headers` are further lines of the head.
    """

    status: int
    key: str
    word: str
    headers: tuple[str, ...] = ()

    @property
    def is_refusal(self) -> bool:
        return self.status >= 400  # noqa: PLR2004 -- where HTTP's errors begin

    @property
    def body(self) -> bytes:
        return json.dumps({self.key: self.word}).encode()


RECEIVED: Final = Response(status=200, key="status", word="received")
NOT_HTTP: Final = Response(status=400, key="error", word="not HTTP")
NOT_FOUND: Final = Response(status=404, key="error", word="not found")
BROKEN: Final = Response(status=500, key="error", word="internal error")
BUSY: Final = Response(status=503, key="error", word="busy")


def refused(refusal: RefusalReason) -> Response:
    # What is taken instead. Source: RFC 9110, section 15.5.16.
    headers = ("accept-encoding: identity",) if refusal is RefusalReason.ENCODED else ()
    return Response(
        status=refusal.status, key="error", word=refusal.value, headers=headers
    )


@lru_cache(maxsize=64)
def wire(answer: Response, *, is_last: bool, is_bare: bool = False) -> bytes:
    """Return the answer's bytes; bare ones, to a HEAD, lack the body.

    `is_last` says that the connection ends with it.
    """
    lines = [
        f"HTTP/1.1 {answer.status} {_PHRASES.get(answer.status, '')}",
        "content-type: application/json",
        f"content-length: {len(answer.body)}",
        *answer.headers,
        *(["connection: close"] if is_last else []),
    ]
    head = "\r\n".join([*lines, "", ""]).encode()
    return head if is_bare else head + answer.body
