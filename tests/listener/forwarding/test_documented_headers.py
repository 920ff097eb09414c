"""The table of headers in `docs/listen.md`, compared with actual requests."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from kling_cli.api.http import new_http
from kling_cli.clock import SystemClock
from kling_cli.listener.forwarding.delivery import (
    Delivery,
    DeliveryClient,
    ForwardingPolicy,
    delivery_headers,
)
from kling_cli.listener.forwarding.headers import RECONCILED_TRUST, Headers
from kling_cli.listener.forwarding.targets import Target
from kling_cli.mock.scenarios import MockDelivery
from kling_cli.mock.sender import MockSigner
from kling_cli.secret import Secret
from kling_cli.store.records import StoredCallback
from tests.jobs.factories import a_callback
from tests.support.recorder import recorder

PAGE = Path(__file__).parents[3] / "docs" / "listen.md"
SECRET = Secret("whsec_dGhlIHNlY3JldCBvZiBib3Ro")
PLAIN = a_callback(headers=())


def described() -> dict[str, str]:
    """Return the page's condition for each header, by lower-case name."""
    section = PAGE.read_text().split("## Which headers your app gets")[1].split("##")[0]
    rows = re.findall(r"^\| (`.*?`) \| (.*?) \|", section, re.MULTILINE)
    return {
        name.lower(): when
        for names, when in rows
        for name in re.findall(r"`([^`]+)`", names)
    }


async def sent(headers: Headers) -> dict[str, str]:
    """Return the headers that an app receives for a delivery with these headers."""
    async with new_http() as http:
        with recorder() as app:
            client = DeliveryClient(http=http, clock=SystemClock())
            await client.deliver(Target(url=app.url), headers, b"{}")
    return dict(app.seen[0].headers)


def forward(
    callback: StoredCallback,
    *secrets: Secret,
    is_replay: bool = False,
    own: Headers = (),
) -> Headers:
    policy = ForwardingPolicy(secrets=secrets, headers=own)
    delivery = Delivery(
        callback=callback, target=Target(url="http://a/"), is_replay=is_replay
    )
    return delivery_headers(delivery, policy, SystemClock().now())


def mock(*secrets: Secret) -> Headers:
    signer = MockSigner(key=b"k" * 32, secrets=secrets, clock=SystemClock())
    return signer.headers(MockDelivery(raw=b"{}", name="mock", message_id="m1"))


@pytest.mark.anyio
async def test_the_page_names_each_header_and_when_it_is_sent() -> None:
    plain = set(await sent(forward(PLAIN)))
    reconciled = replace(PLAIN, trust=RECONCILED_TRUST)

    found = dict.fromkeys(plain, "all")
    for when, headers in (
        ("missed ends", forward(reconciled)),
        ("replays", forward(PLAIN, is_replay=True)),
        ("mocks", mock()),
        ("what is signed", forward(PLAIN, SECRET)),
    ):
        more = set(await sent(headers)) - plain
        found |= dict.fromkeys(more, when)

    assert found == described()
    assert set(await sent(mock(SECRET))) <= set(found)


@pytest.mark.anyio
async def test_the_values_are_those_on_the_page() -> None:
    callback = replace(PLAIN, id=7, trust=RECONCILED_TRUST)

    got = await sent(forward(callback, SECRET, is_replay=True))

    assert got["connection"] == "close"
    assert (got["accept"], got["accept-encoding"]) == ("*/*", "identity")
    assert got["user-agent"] == "kling-cli"
    assert (got["kling-reconciled"], got["kling-replay"]) == ("1", "7")
    assert got["webhook-id"] == "kling_7"


@pytest.mark.anyio
async def test_headers_of_the_user_override_all_but_the_signature() -> None:
    own = (("User-Agent", "mine"), ("Kling-Replay", "mine"), ("webhook-id", "mine"))

    got = await sent(forward(PLAIN, SECRET, is_replay=True, own=own))

    assert (got["user-agent"], got["kling-replay"]) == ("mine", "mine")
    assert got["webhook-id"] == "kling_0"


@pytest.mark.anyio
async def test_our_own_headers_cannot_be_sent_from_outside() -> None:
    given = (
        ("Kling-Reconciled", "1"),
        ("Kling-Replay", "1"),
        ("Kling-Mock", "1"),
        ("X-Forwarded-Uri", "/callback/secret"),
        ("User-Agent", "Kling"),
        ("X-Own", "1"),
    )

    got = await sent(forward(replace(PLAIN, headers=given)))

    assert (got["user-agent"], got["x-own"]) == ("Kling", "1")
    assert not [name for name in got if name.startswith(("kling-", "x-forwarded"))]
