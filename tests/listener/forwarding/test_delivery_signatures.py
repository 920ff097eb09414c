from __future__ import annotations

from datetime import timedelta

import pytest

from kling_cli.callbacks.signatures import verify
from kling_cli.errors import UsageError
from kling_cli.listener.forwarding.delivery import (
    Delivery,
    ForwardingPolicy,
    delivery_headers,
)
from kling_cli.listener.forwarding.targets import Target
from kling_cli.settings.webhook_secret import parse_secret_options
from kling_cli.store.records import StoredCallback
from tests.listener.stored_callbacks import NOON, a_callback

OLD = (("webhook-id", "msg_1"), ("webhook-timestamp", "1"), ("webhook-signature", "x"))
SECRETS = parse_secret_options(
    "--sign-forwards",
    ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw,whsec_aGVsbG8gdGhlcmUgd29ybGQ"],
)
SIGNING = ForwardingPolicy(secrets=SECRETS)


def a_delivery(callback: StoredCallback) -> Delivery:
    return Delivery(callback=callback, target=Target(url="http://a/"))


def test_a_forwarded_callback_can_be_verified_with_either_secret() -> None:
    delivery = a_delivery(a_callback(7, headers=(*OLD, ("a", "b"))))
    raw = delivery.callback.raw

    headers = delivery_headers(delivery, SIGNING, NOON)

    assert ("a", "b") in headers
    assert ("webhook-id", "kling_7") in headers
    assert len(headers) == 4  # nothing is left of the sender's signature
    for secret in SECRETS:
        assert verify(raw, dict(headers), [secret], NOON)
        assert not verify(raw + b" ", dict(headers), [secret], NOON)


def test_the_message_id_is_the_same_for_every_attempt() -> None:
    later = NOON + timedelta(hours=1)
    first, again = (
        dict(delivery_headers(a_delivery(a_callback(7)), SIGNING, now))
        for now in (NOON, later)
    )

    assert first["webhook-id"] == again["webhook-id"]
    assert first["webhook-timestamp"] != again["webhook-timestamp"]


def test_without_a_secret_the_senders_signature_is_forwarded() -> None:
    delivery = a_delivery(a_callback(headers=OLD))

    assert delivery_headers(delivery, ForwardingPolicy(), NOON) == OLD


def test_an_invalid_secret_is_a_usage_error_that_does_not_show_it() -> None:
    with pytest.raises(UsageError, match=r"^--sign-forwards is not") as caught:
        parse_secret_options("--sign-forwards", ["whsec_hidde!"])

    assert "hidde" not in caught.value.message
