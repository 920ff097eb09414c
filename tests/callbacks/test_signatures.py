from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st
from standardwebhooks.webhooks import Webhook

from kling_cli.callbacks.signatures import check_secret, sign, verify
from kling_cli.errors import UsageError
from kling_cli.secret import Secret

# Source: API reference 4.5, read 2026-10-04: the published test vector.
SECRET = Secret("whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI=")
BODY = (
    b'{"id":"1234567890","status":"succeeded","message":"",'
    b'"create_time":1781080778802,"update_time":1781080794151}'
)
HEADERS = {
    "webhook-id": "9876543210",
    "webhook-timestamp": "1781080794",
    "webhook-signature": "v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4=",
}
SENT_AT = datetime.fromtimestamp(1781080794, UTC)
OTHER = Secret("whsec_" + b64encode(b"another secret of ours").decode())

key_bytes = st.binary(min_size=1, max_size=64)
secrets = key_bytes.map(lambda raw: Secret("whsec_" + b64encode(raw).decode()))
bodies = st.text(st.characters(exclude_categories=["Cs"])).map(str.encode)


def test_the_published_vector_is_accepted() -> None:
    assert verify(BODY, HEADERS, [SECRET], SENT_AT)


def test_the_published_vector_is_what_we_sign() -> None:
    assert (
        sign(BODY, secrets=[SECRET], message_id="9876543210", sent_at=SENT_AT)
        == HEADERS
    )


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        pytest.param(-301, False, id="from too far ahead"),
        pytest.param(-300, True, id="five minutes ahead"),
        pytest.param(300, True, id="five minutes old"),
        pytest.param(301, False, id="too old"),
    ],
)
def test_a_clock_difference_of_five_minutes_is_tolerated(
    seconds: int, expected: bool
) -> None:
    assert (
        verify(BODY, HEADERS, [SECRET], SENT_AT + timedelta(seconds=seconds))
        is expected
    )


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"webhook-id": "9876543211"}, id="another id"),
        pytest.param({"webhook-id": ""}, id="no id"),
        pytest.param({"webhook-timestamp": "1781080795"}, id="another time"),
        pytest.param({"webhook-timestamp": "1781080794.0"}, id="no whole seconds"),
        pytest.param({"webhook-timestamp": "soon"}, id="no time"),
        pytest.param({"webhook-timestamp": "9" * 400}, id="time without end"),
        pytest.param({"webhook-timestamp": ""}, id="empty time"),
        pytest.param({"webhook-signature": ""}, id="empty signature"),
        pytest.param({"webhook-signature": "v1,"}, id="only a version"),
        pytest.param({"webhook-signature": "v1"}, id="no comma"),
        pytest.param({"webhook-signature": "v1,\xff"}, id="not ascii"),
        pytest.param(
            {"webhook-signature": HEADERS["webhook-signature"].replace("v1", "v2")},
            id="another version",
        ),
    ],
)
def test_a_changed_header_is_refused(change: dict[str, str]) -> None:
    assert not verify(BODY, HEADERS | change, [SECRET], SENT_AT)


@pytest.mark.parametrize("name", sorted(HEADERS))
def test_a_missing_header_is_refused(name: str) -> None:
    headers = {key: value for key, value in HEADERS.items() if key != name}

    assert not verify(BODY, headers, [SECRET], SENT_AT)


def test_a_changed_body_is_refused() -> None:
    assert not verify(BODY + b" ", HEADERS, [SECRET], SENT_AT)


def test_a_body_that_is_not_utf_8_is_refused() -> None:
    forged = HEADERS | {"webhook-signature": "v1, v1 ,"}

    assert not verify(b"\xff\xfe", forged, [SECRET], SENT_AT)


def test_either_of_two_signatures_is_enough_during_rotation() -> None:
    headers = sign(BODY, secrets=[OTHER, SECRET], message_id="m", sent_at=SENT_AT)

    assert verify(BODY, headers, [SECRET], SENT_AT)
    assert verify(BODY, headers, [OTHER], SENT_AT)


def test_either_of_two_secrets_is_enough() -> None:
    assert verify(BODY, HEADERS, [OTHER, SECRET], SENT_AT)
    assert not verify(BODY, HEADERS, [OTHER], SENT_AT)


def test_without_secrets_nothing_is_verified() -> None:
    assert not verify(BODY, HEADERS, [], SENT_AT)


@given(
    raw=bodies, secret=secrets, message_id=st.from_regex(r"[!-~]{1,40}", fullmatch=True)
)
def test_the_library_accepts_what_we_sign(
    raw: bytes, secret: Secret, message_id: str
) -> None:
    now = datetime.now(UTC)  # the library reads the system clock

    headers = sign(raw, secrets=[secret], message_id=message_id, sent_at=now)

    Webhook(secret.reveal()).verify(raw, headers, json_parse=False)
    assert verify(raw, headers, [secret], now)


@given(
    raw=st.binary(),
    headers=st.fixed_dictionaries(
        {}, optional=dict.fromkeys(HEADERS, st.text(st.characters(max_codepoint=255)))
    ),
)
def test_arbitrary_headers_are_refused_without_an_error(
    raw: bytes, headers: dict[str, str]
) -> None:
    assert not verify(raw, HEADERS | headers, [OTHER], SENT_AT)


@pytest.mark.parametrize("text", ["whsec_", "", "whsec_!!!!", "whsec_abcde", "whsec_é"])
def test_an_invalid_secret_is_an_error_that_does_not_show_it(text: str) -> None:
    with pytest.raises(UsageError, match="whsec_ and base64") as caught:
        check_secret(Secret(text))

    assert caught.value.hint is not None
    assert "KLING_WEBHOOK_SECRET" in caught.value.hint
    assert "abcde" not in str(caught.value)


@pytest.mark.parametrize(
    "text", [SECRET.reveal().removeprefix("whsec_"), "whsec_dGVzdA"]
)
def test_a_secret_may_lack_its_prefix_and_its_padding(text: str) -> None:
    secret = Secret(text)

    check_secret(secret)

    headers = sign(BODY, secrets=[secret], message_id="m", sent_at=SENT_AT)
    assert verify(BODY, headers, [secret], SENT_AT)


URL_SAFE = Secret("whsec_ab-d_fghijklmn-_")


def test_an_url_safe_secret_is_verified_and_signed_both_ways() -> None:
    now = datetime.now(UTC)
    library = Webhook(URL_SAFE.reveal()).sign("m", now, BODY.decode())
    strict = Webhook(b64decode("ab+d/fghijklmn+/")).sign("m", now, BODY.decode())
    headers = sign(BODY, secrets=[URL_SAFE], message_id="m", sent_at=now)

    Webhook(URL_SAFE.reveal()).verify(BODY, headers, json_parse=False)
    assert headers["webhook-signature"].split() == [library, strict]
    for one in (library, strict):
        assert verify(BODY, headers | {"webhook-signature": one}, [URL_SAFE], now)
