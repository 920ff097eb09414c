"""What a forwarded request carries, and how its outcome is reported. Pure.

Signing follows Standard Webhooks. Kling's account may have no secret; an app can be
written against signed callbacks all the same. The message id is that of the callback,
the same for every target and every attempt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kling_cli.callbacks import sign
from kling_cli.listener.events import Forwarded
from kling_cli.listener.forwarding.delivery import (
    DEFAULT_TIMEOUT_S,
    DeliveryOutcome,
    failure_hint,
    status_hint,
)
from kling_cli.listener.forwarding.headers import (
    RECONCILED_HEADER,
    RECONCILED_TRUST,
    REPLAY_HEADER,
    Headers,
    forwarded_headers,
    with_headers,
)
from kling_cli.listener.forwarding.targets import Target
from kling_cli.secret import Secret
from kling_cli.store import StoredCallback, StoredForward

EmitForwarded = Callable[[Forwarded], object]
RecordForward = Callable[[StoredForward], object]

RETRY_WINDOW_S: Final = 10.0  # during which refused connections are retried


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardingPolicy:
    """How callbacks are forwarded: `--header`, `--sign-forwards`, `--forward-timeout`.

    `retry_s` is for how long a refused connection is retried.
    """

    headers: Headers = ()
    secrets: tuple[Secret, ...] = ()
    timeout_s: float = DEFAULT_TIMEOUT_S
    is_insecure: bool = False
    retry_s: float = RETRY_WINDOW_S


def delivery_headers(
    callback: StoredCallback,
    policy: ForwardingPolicy,
    now: datetime,
    *,
    is_replay: bool = False,
) -> Headers:
    """Return the headers with which a callback is forwarded."""
    headers = forwarded_headers(callback.headers)
    if callback.trust == RECONCILED_TRUST:  # a header from outside proves nothing
        headers = with_headers(headers, ((RECONCILED_HEADER, "1"),))
    if is_replay:
        headers = with_headers(headers, ((REPLAY_HEADER, str(callback.id)),))
    headers = with_headers(headers, policy.headers)
    return sign_headers(
        headers, callback.raw, secrets=policy.secrets, number=callback.id, now=now
    )


def forwarded_event(
    number: int, target: Target, outcome: DeliveryOutcome, attempt: int
) -> Forwarded:
    """Return the event about a delivery, with the diagnosis of its failure."""
    if outcome.failure is not None:
        hint: str | None = failure_hint(outcome.failure)
    else:
        hint = status_hint(
            outcome.status or 0, location=outcome.location, number=number
        )
    return Forwarded(
        number=number,
        method="POST",
        url=target.display_url,
        status=outcome.status,
        duration_s=outcome.duration_s,
        attempt=attempt,
        error=outcome.failure.value if outcome.failure else None,
        hint=hint,
        excerpt=None if outcome.is_success else outcome.excerpt,
    )


def stored_forward(
    number: int, target: Target, outcome: DeliveryOutcome, attempt: int
) -> StoredForward:
    """Return the outcome as the journal stores it."""
    return StoredForward(
        callback_id=number,
        sent_at=outcome.sent_at,
        url=target.url,
        status=outcome.status,
        duration_s=outcome.duration_s,
        attempt=attempt,
        error=outcome.failure.value if outcome.failure else None,
    )


def sign_headers(
    headers: Headers,
    raw: bytes,
    *,
    secrets: Sequence[Secret],
    number: int,
    now: datetime,
) -> Headers:
    """Return the headers with our signature of `raw` in place of any other.

    Without secrets they stay as they are.
    """
    if not secrets:
        return headers
    ours = sign(raw, secrets=secrets, message_id=f"kling_{number}", sent_at=now)
    return with_headers(headers, ours.items())
