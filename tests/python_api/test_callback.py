from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from kling_cli import (
    Callback,
    InvalidCallbackError,
    Output,
    SignatureError,
    TaskStatus,
    UsageError,
    parse_callback,
)
from kling_cli.callbacks.signatures import sign
from kling_cli.settings import parse_secret_options
from tests.callbacks.test_payload import LEGACY, NEW, SHORT

OLD_SECRET = "whsec_dGhlIG9sZCBzZWNyZXQ="
NEW_SECRET = "whsec_dGhlIG5ldyBzZWNyZXQ="
NOW = datetime(2026, 10, 4, 12, tzinfo=UTC)

KEYS = [*NEW, *LEGACY, "data", "result", "videos", "url", "duration"]
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "1", "x"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=9,
)


def encoded(document: Any) -> bytes:
    return json.dumps(document).encode()


def signed(body: bytes, *secrets: str, sent_at: datetime = NOW) -> dict[str, str]:
    return sign(
        body,
        secrets=parse_secret_options("secret", secrets),
        message_id="evt-1",
        sent_at=sent_at,
    )


@pytest.mark.parametrize(
    ("document", "task_id", "external_id", "files", "units"),
    [
        pytest.param(NEW, "930000000000000001", "job-0001", ["v.mp4"], 4.0, id="new"),
        pytest.param(
            LEGACY, "880000000000000001", "job-0001", ["v.mp4", "0.png"], 3.0, id="old"
        ),
        pytest.param(
            {**SHORT, "result": {"videos": [{"url": "https://cdn.example.com/s.mp4"}]}},
            "t1",
            None,
            ["s.mp4"],
            None,
            id="short",
        ),
    ],
)
def test_every_documented_form_is_parsed(
    document: dict[str, Any],
    task_id: str,
    external_id: str | None,
    files: list[str],
    units: float | None,
) -> None:
    callback = parse_callback(encoded(document), {})

    assert parse_callback(encoded({"code": 0, "data": document}), {}) == callback
    assert (callback.task_id, callback.external_id) == (task_id, external_id)
    assert callback.status is TaskStatus.SUCCEEDED
    assert callback.units == units
    assert [str(one.url).rpartition("/")[2] for one in callback.outputs] == files
    assert (callback.is_signed, callback.event_id) == (False, None)
    assert callback.document == document


def test_a_callback_has_all_that_the_api_says() -> None:
    assert parse_callback(encoded(NEW), {}) == Callback(
        task_id="930000000000000001",
        external_id="job-0001",
        status=TaskStatus.SUCCEEDED,
        message=None,
        created_at=datetime(2026, 10, 26, 7, 33, 20, tzinfo=UTC),
        updated_at=datetime(2026, 10, 26, 7, 34, 1, tzinfo=UTC),
        outputs=(
            Output(
                type="video",
                id="930000000000000101",
                url="https://cdn.example.com/v.mp4",
                watermark_url="https://cdn.example.com/w.mp4",
                duration_s=5.041,
            ),
        ),
        units=4.0,
        is_signed=False,
        event_id=None,
        document={},
    )


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param(NEW_SECRET, id="one"),
        pytest.param([OLD_SECRET, NEW_SECRET], id="a list"),
        pytest.param(f"{OLD_SECRET} {NEW_SECRET}", id="separated by a blank"),
    ],
)
def test_a_signature_of_one_of_the_secrets_is_enough(secret: str | list[str]) -> None:
    body = encoded(SHORT)
    headers = {name.title(): each for name, each in signed(body, NEW_SECRET).items()}

    callback = parse_callback(body, headers, secret=secret, now=NOW)

    assert (callback.is_signed, callback.event_id) == (True, "evt-1")


def test_the_present_counts_where_no_moment_is_given() -> None:
    body = encoded(SHORT)
    headers = signed(body, NEW_SECRET, sent_at=datetime.now(UTC))

    assert parse_callback(body, headers, secret=NEW_SECRET).is_signed


@pytest.mark.parametrize(
    ("headers", "complaint"),
    [
        pytest.param({}, "no header webhook-id", id="unsigned"),
        pytest.param(signed(encoded(SHORT), OLD_SECRET), "not one", id="another"),
        pytest.param(signed(b"{}", NEW_SECRET), "not one", id="another body"),
        pytest.param(
            signed(encoded(SHORT), NEW_SECRET, sent_at=NOW - timedelta(minutes=6)),
            "older than",
            id="too old",
        ),
    ],
)
def test_what_no_secret_verifies_is_refused(
    headers: dict[str, str], complaint: str
) -> None:
    with pytest.raises(SignatureError, match=complaint) as caught:
        parse_callback(encoded(SHORT), headers, secret=NEW_SECRET, now=NOW)

    assert caught.value.response_status == 401


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        pytest.param(b"", "not JSON", id="empty"),
        pytest.param(b"[]", "no object with a task id", id="no object"),
        pytest.param(b'{"id": "1", "id": "2"}', "repeated", id="a repeated key"),
        pytest.param(b" " * 1024 * 1024 + b"{}", "1,048,576 bytes", id="too large"),
    ],
)
def test_what_is_no_callback_is_refused(body: bytes, complaint: str) -> None:
    with pytest.raises(InvalidCallbackError, match=complaint) as caught:
        parse_callback(body, {})

    assert caught.value.response_status == 400
    assert isinstance(caught.value, UsageError)


@pytest.mark.parametrize("secret", ["", "whsec_", [""]])
def test_a_secret_that_is_none_never_means_unchecked(secret: str | list[str]) -> None:
    with pytest.raises(UsageError, match="secret is not a webhook secret") as caught:
        parse_callback(encoded(SHORT), {}, secret=secret)

    assert not isinstance(caught.value, InvalidCallbackError)


@given(st.dictionaries(st.sampled_from(KEYS), json_values))
def test_whatever_a_body_says_it_is_a_callback_or_refused(document: Any) -> None:
    body = encoded({"id": "1", **document})

    with contextlib.suppress(InvalidCallbackError):
        assert parse_callback(body, {}).task_id
