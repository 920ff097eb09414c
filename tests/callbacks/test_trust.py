"""Scenario D7: signatures, mock marks and the trust of callbacks."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import timedelta

import pytest

from kling_cli.callbacks.events import CallbackRefused, Peer, RefusalReason, Trust
from kling_cli.callbacks.signatures import sign
from kling_cli.errors import UsageError
from kling_cli.secret import Secret
from tests.callbacks.receiver_fixture import (
    NOW,
    SUCCEEDED,
    post,
    running_receiver,
)

pytestmark = pytest.mark.anyio

OLD = "whsec_" + b64encode(b"the old secret").decode()
NEW = "whsec_" + b64encode(b"the new secret").decode()


def signed(*secrets: str, body: bytes = SUCCEEDED, age_s: int = 0) -> list[str]:
    """Return the header lines of a body signed `age_s` seconds before `NOW`."""
    sent_at = NOW - timedelta(seconds=age_s)
    keys = [Secret(text) for text in secrets]
    headers = sign(body, secrets=keys, message_id="m1", sent_at=sent_at)
    return [f"{name}: {value}" for name, value in headers.items()]


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(signed(NEW), id="signed"),
        pytest.param(signed(OLD, NEW), id="signed twice, as in rotation"),
        pytest.param(signed(NEW, age_s=299), id="a little late"),
    ],
)
async def test_a_valid_signature_is_trusted(lines: list[str]) -> None:
    async with running_receiver(secrets=[NEW]) as running:
        response = await running.request(post(SUCCEEDED, *lines))

    assert response.status == 200
    assert running.stored[0].trust is Trust.SIGNED


async def test_the_published_vector_is_trusted() -> None:
    body = (
        b'{"id":"1234567890","status":"succeeded","message":"",'
        b'"create_time":1781080778802,"update_time":1781080794151}'
    )
    lines = [
        "webhook-id: 9876543210",
        "webhook-timestamp: 1781080794",
        "webhook-signature: v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4=",
    ]

    secret = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
    async with running_receiver(secrets=[secret]) as running:
        response = await running.request(post(body, *lines))

    assert response.status == 200


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([], id="none"),
        pytest.param(signed(OLD), id="another secret"),
        pytest.param(signed(NEW, body=b"{}"), id="another body"),
        pytest.param(signed(NEW, age_s=301), id="too old"),
        pytest.param(signed(NEW, age_s=-301), id="from the future"),
    ],
)
async def test_without_a_valid_signature_the_response_is_401(lines: list[str]) -> None:
    async with running_receiver(secrets=[NEW]) as running:
        response = await running.request(post(SUCCEEDED, *lines))

    assert response.status == 401
    assert running.stored == []
    [refused] = running.events
    assert isinstance(refused, CallbackRefused)
    assert refused.reason is RefusalReason.UNSIGNED
    assert refused.received is not None
    assert refused.received.raw == SUCCEEDED
    assert refused.received.trust is Trust.TOKEN


async def test_a_signature_does_not_replace_the_path() -> None:
    async with running_receiver(secrets=[NEW]) as running:
        response = await running.request(
            post(SUCCEEDED, *signed(NEW), path="/callback")
        )

    assert response.status == 404


async def test_an_invalid_secret_is_an_error_at_the_start() -> None:
    with pytest.raises(UsageError, match="webhook secret"):
        async with running_receiver(secrets=["whsec_!"]):
            pass


async def test_a_mock_mark_sets_the_trust_and_does_not_replace_a_signature() -> None:
    def detect(
        raw: bytes, headers: Mapping[str, str], peer: Peer | None
    ) -> Trust | None:
        assert raw == SUCCEEDED
        assert peer is not None
        return Trust.MOCK if "x-mock" in headers else None

    async with running_receiver(mock_detector=detect) as running:
        await running.request(post(SUCCEEDED, "X-Mock: 1"))
        await running.request(post(SUCCEEDED))
    async with running_receiver(mock_detector=detect, secrets=[NEW]) as strict:
        unsigned = await strict.request(post(SUCCEEDED, "X-Mock: 1"))
        signed_too = await strict.request(post(SUCCEEDED, "X-Mock: 1", *signed(NEW)))

    assert [one.trust for one in running.stored] == [Trust.MOCK, Trust.TOKEN]
    assert (unsigned.status, signed_too.status) == (401, 200)
    assert [one.trust for one in strict.stored] == [Trust.MOCK]
