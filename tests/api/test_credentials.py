"""What a request is signed with, and how long a signature serves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest

from kling_cli.api.credentials import ApiKey, KeyPair, credentials_from_settings
from kling_cli.errors import CredentialsError
from kling_cli.secret import Secret
from kling_cli.settings.settings import LOGIN_HINT, Settings, read_settings

NOW = datetime(2026, 10, 4, 12, 0, tzinfo=UTC)
SECRET_KEY = "s" * 40


def a_pair() -> KeyPair:
    return KeyPair(Secret("access-0123456789abc"), Secret(SECRET_KEY))


def claims(authorization: str) -> dict[str, int]:
    token = authorization.removeprefix("Bearer ")
    found: dict[str, int] = jwt.decode(
        token,
        SECRET_KEY,
        algorithms=["HS256"],
        options={"verify_exp": False, "verify_nbf": False},
    )
    return found


def test_a_key_is_sent_as_it_is() -> None:
    assert ApiKey(Secret("k")).authorization(NOW) == "Bearer k"


def test_a_pair_signs_what_the_api_documents() -> None:
    header = a_pair().authorization(NOW)

    assert claims(header) == {
        "iss": "access-0123456789abc",
        "exp": int(NOW.timestamp()) + 1800,
        "nbf": int(NOW.timestamp()) - 5,
    }
    assert jwt.get_unverified_header(header.removeprefix("Bearer ")) == {
        "alg": "HS256",
        "typ": "JWT",
    }


def test_a_token_is_reused_until_five_minutes_are_left() -> None:
    pair = a_pair()
    first = pair.authorization(NOW)

    assert pair.authorization(NOW + timedelta(minutes=25)) == first
    assert pair.authorization(NOW + timedelta(minutes=25, seconds=1)) != first


def test_an_invalidated_token_is_signed_by_the_servers_clock() -> None:
    pair = a_pair()
    pair.authorization(NOW)

    pair.invalidate(timedelta(hours=1))

    ahead = claims(pair.authorization(NOW))["nbf"] - int(NOW.timestamp())
    assert ahead == 3600 - 5


def test_a_clock_offset_of_seconds_is_ignored() -> None:
    pair = a_pair()

    pair.invalidate(timedelta(seconds=-4))

    assert claims(pair.authorization(NOW))["nbf"] == int(NOW.timestamp()) - 5


def test_a_short_secret_key_signs_without_a_warning() -> None:
    assert KeyPair(Secret("a"), Secret("b")).authorization(NOW)


def test_no_secret_of_credentials_is_in_a_repr() -> None:
    pair = a_pair()
    token = pair.authorization(NOW)

    said = repr(pair) + repr(ApiKey(Secret("key-0123456789abcdef")))

    assert SECRET_KEY not in said
    assert token not in said
    assert "access-0123456789abc" not in said
    assert "key-0123456789abcdef" not in said


def test_secrets_and_tokens_are_redacted() -> None:
    pair = a_pair()
    token = pair.authorization(NOW).removeprefix("Bearer ")

    assert pair.redact(f"{token} {SECRET_KEY} ok") == "**** **** ok"
    assert ApiKey(Secret("k1")).redact("k1, k2") == "****, k2"


def settings_with(tmp_path: Path, **keys: str) -> Settings:
    settings = read_settings({"KLING_CONFIG_DIR": str(tmp_path)})
    secrets = {name: Secret(value) for name, value in keys.items()}
    return replace(settings, **secrets)  # type: ignore[arg-type]


def test_an_api_key_wins_over_a_pair(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, api_key="k", access_key="a", secret_key="s")

    assert isinstance(credentials_from_settings(settings), ApiKey)


def test_a_pair_is_used_without_an_api_key(tmp_path: Path) -> None:
    found = credentials_from_settings(
        settings_with(tmp_path, access_key="a", secret_key="s")
    )

    assert isinstance(found, KeyPair)


def test_missing_credentials_have_a_login_hint(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError) as caught:
        credentials_from_settings(settings_with(tmp_path))

    assert caught.value.hint == LOGIN_HINT


@pytest.mark.parametrize(
    ("there", "missing"),
    [("access_key", "KLING_SECRET_KEY"), ("secret_key", "KLING_ACCESS_KEY")],
)
def test_half_a_pair_names_the_other_half(
    tmp_path: Path, there: str, missing: str
) -> None:
    with pytest.raises(CredentialsError, match=there) as caught:
        credentials_from_settings(settings_with(tmp_path, **{there: "x"}))

    assert missing in (caught.value.hint or "")


def test_a_login_that_cannot_be_read_is_the_reason(tmp_path: Path) -> None:
    problem = CredentialsError("locked")
    settings = replace(settings_with(tmp_path), credentials_problem=problem)

    with pytest.raises(CredentialsError, match="locked"):
        credentials_from_settings(settings)
