"""Webhook secrets: what the reference library accepts, and nothing empty."""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64decode

import pytest
from hypothesis import example, given, strategies as st
from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from kling_cli.errors import UsageError
from kling_cli.secret import Secret
from kling_cli.settings.webhook_secret import (
    has_foreign_characters,
    parse_secret_options,
    parse_secrets,
    signing_keys,
)

A, B = "whsec_MTIzNDU2Nzg5MDEy", "whsec_YW5vdGhlciBzZWNyZXQ"  # B lacks its padding

visible = st.from_regex(r"(whsec_)?[!-~]{0,40}", fullmatch=True)


@given(visible)
@example("whsec_MTIzNDU2Nzg5MDE")
@example("whsec_a-_b/+cd")
@example("whsec_----")
@example("whsec_====")
@example("not base64 at all".replace(" ", "-"))
def test_secrets_the_library_accepts_have_the_same_key(text: str) -> None:
    try:
        webhook = Webhook(text)
    except (ValueError, EmptyWebhookSecretError):
        with pytest.raises(ValueError, match=r"^(has |is )"):
            signing_keys(text)
        return

    keys = signing_keys(text)

    assert all(keys)
    assert vars(webhook)["_whsecret"] == keys[0]


def test_a_url_safe_secret_has_both_keys() -> None:
    assert signing_keys("whsec_ab-d_fghijkl") == (
        b64decode("abdfghijkl=="),
        urlsafe_b64decode("ab-d_fghijkl"),
    )
    assert len(signing_keys(A)) == len(signing_keys(B)) == 1


@pytest.mark.parametrize("between", [" ", ",", ", ", "\r\n", " ,, "])
def test_several_secrets_are_separated_by_spaces_or_commas(between: str) -> None:
    expected = (Secret(A), Secret(B))

    assert parse_secrets(f"\ufeff{A}{between}{B}{between}") == expected
    assert parse_secret_options("--sign-forwards", [f"{A}{between}{B}", A]) == (
        *expected,
        Secret(A),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "it is empty", id="nothing"),
        pytest.param(" , ", "it is empty", id="separators"),
        pytest.param("whsec_", "it has nothing after whsec_", id="prefix"),
        pytest.param("whsec_!!!!", "it has no base64 in it", id="no base64"),
        pytest.param("whsec_hidde", "it is no whole base64", id="cut off"),
        pytest.param(f"{A},whsec_", "number 2 of 2 has nothing", id="the second"),
        pytest.param(
            "whsec_hidd\u200ben",
            "character 11 is U+200B (zero width space)",
            id="invisible",
        ),
        pytest.param("whsec_…", "character 7 is U+2026", id="placeholder"),
        pytest.param("whsec_a\x07b", "character 8 is U+0007 (control", id="control"),
    ],
)
def test_an_invalid_secret_is_explained_and_not_shown(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_secret_options("--webhook-secret", [text])

    assert caught.value.message.startswith("--webhook-secret is not a webhook secret")
    assert said in caught.value.message
    assert "blanks or commas" in (caught.value.hint or "")
    assert "hidd" not in caught.value.message


def test_characters_outside_of_base64_are_detected() -> None:
    assert has_foreign_characters(f'"{A}"')
    assert not has_foreign_characters(A)
    assert not has_foreign_characters("whsec_ab-d_fgh=")
