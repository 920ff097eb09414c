"""Scenario D7 at the door: what a signature opens, and what it does not."""

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
    async with running_receiver(secrets=[NEW]) as door:
        reply = await door.ask(post(SUCCEEDED, *lines))

    assert reply.status == 200
    assert door.kept[0].trust is Trust.SIGNED


async def test_the_published_vector_opens_the_door() -> None:
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
    async with running_receiver(secrets=[secret]) as door:
        reply = await door.ask(post(body, *lines))

    assert reply.status == 200


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
async def test_without_a_valid_signature_it_is_401_and_told(lines: list[str]) -> None:
    async with running_receiver(secrets=[NEW]) as door:
        reply = await door.ask(post(SUCCEEDED, *lines))

    assert reply.status == 401
    assert door.kept == []
    [refused] = door.events
    assert isinstance(refused, CallbackRefused)
    assert refused.refusal is RefusalReason.UNSIGNED
    assert refused.received is not None
    assert refused.received.raw == SUCCEEDED
    assert refused.received.trust is Trust.TOKEN


async def test_a_signature_does_not_replace_the_path() -> None:
    async with running_receiver(secrets=[NEW]) as door:
        reply = await door.ask(post(SUCCEEDED, *signed(NEW), path="/callback"))

    assert reply.status == 404


async def test_a_secret_that_is_none_is_refused_at_the_start() -> None:
    with pytest.raises(UsageError, match="webhook secret"):
        async with running_receiver(secrets=["whsec_!"]):
            pass


async def test_a_mark_names_the_trust_and_does_not_replace_a_signature() -> None:
    def mark(raw: bytes, headers: Mapping[str, str], peer: Peer | None) -> Trust | None:
        assert raw == SUCCEEDED
        assert peer is not None
        return Trust.MOCK if "x-mock" in headers else None

    async with running_receiver(mark=mark) as step:
        await step.ask(post(SUCCEEDED, "X-Mock: 1"))
        await step.ask(post(SUCCEEDED))
    async with running_receiver(mark=mark, secrets=[NEW]) as strict:
        unsigned = await strict.ask(post(SUCCEEDED, "X-Mock: 1"))
        signed_too = await strict.ask(post(SUCCEEDED, "X-Mock: 1", *signed(NEW)))

    assert [one.trust for one in step.kept] == [Trust.MOCK, Trust.TOKEN]
    assert (unsigned.status, signed_too.status) == (401, 200)
    assert [one.trust for one in strict.kept] == [Trust.MOCK]
