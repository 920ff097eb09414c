"""Deliveries: their headers and signatures, and how outcomes are reported. Pure.

Signing follows Standard Webhooks. Kling's account may have no secret; an app can be
written against signed callbacks all the same. The message id is that of the callback,
the same for every target and every attempt.
"""

from __future__ import annotations

from collections.abc import Callable
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A callback to deliver to one target.

    `secrets` sign it where the policy has none. A replay is marked as one.
    """

    callback: StoredCallback
    target: Target
    is_replay: bool = False
    secrets: tuple[Secret, ...] = ()


def delivery_headers(
    delivery: Delivery, policy: ForwardingPolicy, now: datetime
) -> Headers:
    """Return the headers of a delivery that is sent `now`."""
    callback = delivery.callback
    headers = forwarded_headers(callback.headers)
    if callback.trust == RECONCILED_TRUST:  # a header from outside proves nothing
        headers = with_headers(headers, ((RECONCILED_HEADER, "1"),))
    if delivery.is_replay:
        headers = with_headers(headers, ((REPLAY_HEADER, str(callback.id)),))
    headers = with_headers(headers, policy.headers)
    secrets = policy.secrets or delivery.secrets
    if not secrets:
        return headers
    message_id = f"kling_{callback.id}"
    signed = sign(callback.raw, secrets=secrets, message_id=message_id, sent_at=now)
    return with_headers(headers, signed.items())


def forwarded_event(
    delivery: Delivery, outcome: DeliveryOutcome, attempt: int
) -> Forwarded:
    """Return the event about a delivery, with the diagnosis of its failure."""
    number = delivery.callback.id
    if outcome.failure is not None:
        hint: str | None = failure_hint(outcome.failure)
    else:
        status = outcome.status or 0
        hint = status_hint(status, location=outcome.location, number=number)
    return Forwarded(
        number=number,
        method="POST",
        url=delivery.target.display_url,
        status=outcome.status,
        duration_s=outcome.duration_s,
        attempt=attempt,
        error=outcome.failure.value if outcome.failure else None,
        hint=hint,
        excerpt=None if outcome.is_success else outcome.excerpt,
    )


def stored_forward(
    delivery: Delivery, outcome: DeliveryOutcome, attempt: int
) -> StoredForward:
    """Return the outcome of a delivery as the journal stores it."""
    return StoredForward(
        callback_id=delivery.callback.id,
        sent_at=outcome.sent_at,
        url=delivery.target.url,
        status=outcome.status,
        duration_s=outcome.duration_s,
        attempt=attempt,
        error=outcome.failure.value if outcome.failure else None,
        is_replay=delivery.is_replay,
    )
