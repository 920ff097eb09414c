from __future__ import annotations

from datetime import timedelta

import pytest

from kling_cli.callbacks.signatures import verify
from kling_cli.errors import UsageError
from kling_cli.listener.forwarding.policy import (
    ForwardingPolicy,
    delivery_headers,
    sign_headers,
)
from kling_cli.settings.webhook_secret import parse_secret_options
from tests.listener.stored_callbacks import NOON, a_callback

OLD = (("webhook-id", "msg_1"), ("webhook-timestamp", "1"), ("webhook-signature", "x"))
SECRETS = parse_secret_options(
    "--sign-forwards",
    ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw,whsec_aGVsbG8gdGhlcmUgd29ybGQ"],
)


def test_what_is_passed_on_can_be_verified_with_either_secret() -> None:
    callback = a_callback(7, headers=(*OLD, ("a", "b")))

    headers = delivery_headers(callback, ForwardingPolicy(secrets=SECRETS), NOON)

    assert ("a", "b") in headers
    assert ("webhook-id", "kling_7") in headers
    assert len(headers) == 4  # nothing is left of the sender's signature
    for secret in SECRETS:
        assert verify(callback.raw, dict(headers), [secret], NOON)
        assert not verify(callback.raw + b" ", dict(headers), [secret], NOON)


def test_the_id_stays_the_same_when_it_is_sent_again() -> None:
    later = NOON + timedelta(hours=1)
    first, again = (
        dict(sign_headers((), b"{}", secrets=SECRETS, number=7, now=now))
        for now in (NOON, later)
    )

    assert first["webhook-id"] == again["webhook-id"]
    assert first["webhook-timestamp"] != again["webhook-timestamp"]


def test_without_a_secret_the_senders_signature_goes_along() -> None:
    assert delivery_headers(a_callback(headers=OLD), ForwardingPolicy(), NOON) == OLD


def test_what_is_no_secret_is_refused_and_not_shown() -> None:
    with pytest.raises(UsageError, match=r"^--sign-forwards is not") as caught:
        parse_secret_options("--sign-forwards", ["whsec_hidde!"])

    assert "hidde" not in caught.value.message
