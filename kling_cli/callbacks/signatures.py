"""Signatures of callbacks, as Standard Webhooks defines them.

Source: API reference 4.5, read 2026-10-04.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from standardwebhooks.webhooks import Webhook

from kling_cli.errors import UsageError
from kling_cli.secret import Secret
from kling_cli.settings import EXPECTED_FORMAT, signing_keys

TOLERANCE: Final = timedelta(minutes=5)
_SECONDS: Final = re.compile(r"[0-9]{1,11}")
_MAX_SIGNATURES: Final = 16  # entries compared; rotation sends two


def verify(
    raw: bytes, headers: Mapping[str, str], secrets: Iterable[Secret], now: datetime
) -> bool:
    """Return whether one of `secrets` signed `raw` within five minutes of `now`.

    `headers` have lower-case names. During rotation the sender signs with both secrets,
    and we may have both: any match is enough. Compared in constant time. The library
    signs; the time is handed in, as its `verify` reads the system clock.

    Raises:
        UsageError: a secret is not valid.
    """
    message_id = headers.get("webhook-id", "")
    sent_at = _parse_timestamp(headers.get("webhook-timestamp", ""))
    given = headers.get("webhook-signature", "").split()[:_MAX_SIGNATURES]
    if not message_id or sent_at is None or abs(now - sent_at) > TOLERANCE:
        return False
    expected = _signatures(secrets, message_id, sent_at, raw)
    matches = [
        hmac.compare_digest(ours, theirs.encode())
        for ours in expected
        for theirs in given
    ]
    return any(matches)


def sign(
    raw: bytes, *, secrets: Iterable[Secret], message_id: str, sent_at: datetime
) -> dict[str, str]:
    """Return the three headers that a sender with `secrets` adds to `raw`.

    Raises:
        UsageError: a secret is not valid.
    """
    signatures = _signatures(secrets, message_id, sent_at, raw)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": b" ".join(signatures).decode(),
    }


def check_secret(secret: Secret) -> None:
    """Raise unless `secret` can be used.

    Raises:
        UsageError: it is empty, or not base64 after its prefix `whsec_`.
    """
    _keys(secret)


def _keys(secret: Secret) -> tuple[bytes, ...]:
    try:
        return signing_keys(secret.reveal().strip())
    except ValueError as exc:
        raise UsageError(
            f"the webhook secret {secret} is not one: {EXPECTED_FORMAT}, and it {exc}",
            hint="copy it again from the console into KLING_WEBHOOK_SECRET",
        ) from exc


def _signatures(
    secrets: Iterable[Secret], message_id: str, sent_at: datetime, raw: bytes
) -> list[bytes]:
    """Return a signature of each key that the secrets stand for."""
    keys = [key for secret in secrets for key in _keys(secret)]
    # The library signs text. Bytes that are not UTF-8 cannot be a callback's JSON: the
    # empty signature matches none that can be sent, so they are refused.
    try:
        text = raw.decode()
        return [Webhook(key).sign(message_id, sent_at, text).encode() for key in keys]
    except UnicodeError:
        return [b""]


def _parse_timestamp(seconds: str) -> datetime | None:
    if not _SECONDS.fullmatch(seconds):
        return None
    return datetime.fromtimestamp(int(seconds), UTC)
