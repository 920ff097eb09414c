"""Hints that depend on whom we talk to, and with which credentials."""

from __future__ import annotations

import pytest

from kling_cli.api.credentials import ApiKey, Credentials, KeyPair
from kling_cli.api.error_codes import (
    ERROR_CODES,
    error_from_code,
    error_from_response,
    is_certain_refusal,
    other_region,
)
from kling_cli.api.transport import ApiResponse
from kling_cli.errors import ContentRefusedError, KlingError, UnreachableError
from kling_cli.secret import Secret

KEY = ApiKey(Secret("k"))
PAIR = KeyPair(Secret("a"), Secret("s"))


def hint_for(code: int, base_url: str, credentials: Credentials, message: str) -> str:
    answer = ApiResponse(http=401, body=b"", code=code, message=message)
    error = error_from_response(
        answer, base_url=base_url, credentials=credentials, is_create=False
    )
    return error.hint or ""


@pytest.mark.parametrize("code", [1000, 1002])
@pytest.mark.parametrize(
    ("base_url", "other"),
    [
        ("https://api-singapore.klingai.com/", "--region cn"),
        ("https://api.klingai.com", "--region cn"),
        ("https://api-beijing.klingai.com", "--region global"),
    ],
)
def test_a_key_unknown_to_one_region_hints_at_the_other(
    code: int, base_url: str, other: str
) -> None:
    hint = hint_for(code, base_url, KEY, "Authentication error")

    assert other in hint
    assert "KLING_API_BASE=https://api-" in hint


def test_a_custom_host_has_no_other_region() -> None:
    hint = hint_for(1002, "http://127.0.0.1:8787", KEY, "x")

    assert other_region("http://127.0.0.1:8787") is None
    assert "--region" not in hint
    assert "kling auth" in hint


def test_a_key_pair_where_an_api_key_is_needed_has_a_hint() -> None:
    hint = hint_for(
        1002, "https://api-singapore.klingai.com", PAIR, "does not support AK/SK"
    )

    assert "needs an API key" in hint


@pytest.mark.parametrize("code", ERROR_CODES)
def test_every_code_has_a_hint(code: int) -> None:
    error = error_from_code(400, code, None, None)

    assert f"(code {code})" in error.message
    assert error.hint


@pytest.mark.parametrize(
    ("http", "code", "kind"),
    [(400, 1399, ContentRefusedError), (502, 9999, UnreachableError)],
)
def test_an_unknown_code_is_judged_by_family_then_status(
    http: int, code: int, kind: type[KlingError]
) -> None:
    assert type(error_from_code(http, code, "x", None)) is kind


def test_a_long_message_is_truncated_to_one_line() -> None:
    error = error_from_code(400, 1201, "a\n" * 5000, None)

    assert len(error.message) < 700
    assert "\n" not in error.message


@pytest.mark.parametrize(
    ("http", "code", "is_certain"),
    [
        (429, 1303, True),
        (503, 5001, False),
        (200, 5099, False),
        (400, 9999, True),
        (500, 9999, False),
    ],
)
def test_only_a_refusal_is_certain(http: int, code: int, is_certain: bool) -> None:
    assert is_certain_refusal(http, code) is is_certain
