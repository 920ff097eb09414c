"""Parsing of callbacks, for a handler in any web framework.

Source: API reference 4.2 to 4.5, read 2026-10-04.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from kling_cli.api import Output, TaskStatus, task_from_wire
from kling_cli.callbacks import (
    MalformedPayloadError,
    ServerLimits,
    parse_payload,
    verify,
)
from kling_cli.clock import SystemClock
from kling_cli.errors import InvalidCallbackError, SignatureError
from kling_cli.secret import Secret
from kling_cli.settings import parse_secret_options

_SIGNATURE_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


class Headers(Protocol):
    """The headers of a request, as every framework has them: a mapping will do."""

    def items(self) -> Iterable[tuple[str, str]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """What a callback claims about a task, whichever generation of the API sent it.

    A callback may be repeated, late or forged: ask the API, `kling.status(callback)`,
    before you act on one that is not signed. `outputs` have links that end; `units` are
    what was charged. `event_id` is the same for each delivery of one callback, where
    it is signed. `document` is the JSON object of the task as it came.
    """

    task_id: str
    external_id: str | None
    status: TaskStatus
    message: str | None
    created_at: datetime | None
    updated_at: datetime | None
    outputs: tuple[Output, ...]
    units: float | None
    is_signed: bool
    event_id: str | None
    document: Mapping[str, Any] = field(repr=False, compare=False)


def parse_callback(
    body: bytes,
    headers: Headers,
    *,
    secret: str | Iterable[str] | None = None,
    now: datetime | None = None,
) -> Callback:
    """Return what the body of a callback says.

    `body` is the request's body, byte for byte. With `secret` (`whsec_…`; several
    while they are rotated, in a list or separated by blanks) the callback must be
    signed with one of them, within five minutes of `now`, which is the present.

    Raises:
        SignatureError: it is not signed with a secret of these, or too long ago.
        InvalidCallbackError: it is no callback; both have a `response_status`.
        UsageError: `secret` is none.
    """
    given = {name.lower(): value for name, value in headers.items()}
    if secret is not None:
        texts = (secret,) if isinstance(secret, str) else secret
        secrets = parse_secret_options("secret", texts)
        _require_signature(body, given, secrets, now or SystemClock().now())
    max_bytes = ServerLimits().max_body_bytes
    if len(body) > max_bytes:
        raise InvalidCallbackError(f"the callback has more than {max_bytes:,} bytes")
    try:
        payload = parse_payload(body)
    except MalformedPayloadError as exc:
        raise InvalidCallbackError(f"the callback's body is malformed: {exc}") from exc
    task = task_from_wire(payload.document)
    return Callback(
        task_id=payload.task_id,
        external_id=payload.external_id,
        status=TaskStatus(payload.status),
        message=task.message,
        created_at=task.created_at,
        updated_at=task.updated_at,
        outputs=task.outputs,
        units=task.units,
        is_signed=secret is not None,
        event_id=given.get("webhook-id") or None,
        document=payload.document,
    )


def _require_signature(
    body: bytes, headers: Mapping[str, str], secrets: Iterable[Secret], now: datetime
) -> None:
    missing = [name for name in _SIGNATURE_HEADERS if not headers.get(name)]
    if missing:
        raise SignatureError(
            f"the callback is not signed: it has no header {' or '.join(missing)}",
            hint="set the account's webhook secret, and let proxies keep the headers",
        )
    if not verify(body, headers, secrets, now):
        raise SignatureError(
            "the callback's signature is not one of these secrets, or is older than"
            " five minutes",
            hint="give the raw body, byte for byte, and compare secret and clock",
        )
