"""Who is let in. Source: API reference, sections 1.2, 1.3, 5.1 and 8."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import jwt
import pytest

from kling_cli.sandbox.routes.authentication import check_authorization
from kling_cli.sandbox.state.sandbox_state import AccountKeys
from tests.sandbox.client import LEGACY, TURBO, SandboxClient, open_client

NOW = datetime(2026, 10, 4, 12, 0, tzinfo=UTC)
NOW_S = NOW.timestamp()
KEYS = AccountKeys(
    api_key="the-api-key", access_key="the-access-key", secret_key="s" * 40
)


def a_token(secret: str = KEYS.secret_key, **claims: Any) -> str:
    usual = {"iss": KEYS.access_key, "exp": NOW_S + 1800, "nbf": NOW_S - 5}
    said = {k: v for k, v in {**usual, **claims}.items() if v is not None}
    return jwt.encode(said, secret, algorithm="HS256")


def code(header: str | None, *, needs_api_key: bool = False) -> int:
    why = check_authorization(header, keys=KEYS, needs_api_key=needs_api_key, now=NOW)
    return 0 if why is None else why.code


@pytest.mark.parametrize("needs_api_key", [False, True])
def test_the_api_key_opens_everything(needs_api_key: bool) -> None:
    assert code("Bearer the-api-key", needs_api_key=needs_api_key) == 0
    assert code("bearer  the-api-key ", needs_api_key=needs_api_key) == 0


def test_a_valid_jwt_opens_the_legacy_endpoints() -> None:
    assert code(f"Bearer {a_token()}") == 0
    assert code(f"Bearer {a_token(nbf=None)}") == 0


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, 1001),
        ("", 1001),
        ("   ", 1001),
        ("Bearer", 1001),
        ("Bearer ", 1001),
        ("Basic dXNlcg==", 1000),
        ("Bearer the-api-kez", 1002),
        ("Bearer a.b", 1002),
        ("Bearer a.b.c", 1002),
        ("Bearer \xff", 1002),
        (f"Bearer {a_token(iss='somebody')}", 1002),
        (f"Bearer {a_token(iss=None)}", 1002),
        (f"Bearer {a_token(exp=None)}", 1002),
        (f"Bearer {a_token('x' * 40)}", 1002),
        (f"Bearer {a_token(nbf=NOW_S + 60)}", 1003),
        (f"Bearer {a_token(exp=NOW_S)}", 1004),
        (f"Bearer {a_token(exp=NOW_S - 1)}", 1004),
        (f"Bearer {a_token(exp='soon')}", 1004),
    ],
)
def test_everything_else_is_refused_with_its_code(
    header: str | None, expected: int
) -> None:
    assert code(header) == expected


def test_a_token_signed_without_a_secret_is_refused() -> None:
    claims = {"iss": KEYS.access_key, "exp": NOW_S + 60}
    token = jwt.encode(claims, "", algorithm="none")

    assert code(f"Bearer {token}") == 1002


@pytest.mark.parametrize(("token", "parts"), [("abc", 0), ("a.b", 2), ("a.b.c.d", 4)])
def test_what_is_no_jwt_is_told_how_many_parts_it_has(token: str, parts: int) -> None:
    why = check_authorization(
        f"Bearer {token}", keys=KEYS, needs_api_key=False, now=NOW
    )

    assert why is not None
    assert why.message == f"The token was expected to have 3 parts, but got {parts}"


@pytest.mark.parametrize("token", ["junk", a_token()])
def test_what_is_no_api_key_is_sent_away_from_the_new_endpoints(token: str) -> None:
    why = check_authorization(f"Bearer {token}", keys=KEYS, needs_api_key=True, now=NOW)

    assert why is not None
    assert (why.code, why.http) == (1002, 401)
    assert "does not support AK/SK" in why.message


pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/tasks?task_ids=1", 1002),
        (f"{LEGACY}?pageNum=1", 0),
        ("/account/costs?start_time=0&end_time=1", 0),
    ],
)
async def test_a_jwt_is_taken_where_the_reference_says_so(
    path: str, expected: int, client: SandboxClient
) -> None:
    answer = await client.ask_as(f"Bearer {client.token()}", path)

    assert answer.json()["code"] == expected


async def test_a_jwt_creates_legacy_tasks_only(client: SandboxClient) -> None:
    signed = {"Authorization": f"Bearer {client.token()}"}

    old, new = [
        await client.http.post(path, json=body, headers=signed)
        for path, body in (
            (LEGACY, {"model_name": "kling-v3", "prompt": "a boat"}),
            (TURBO, {"prompt": "a boat"}),
        )
    ]

    assert (old.status_code, old.json()["code"]) == (200, 0)
    assert (new.status_code, new.json()["code"]) == (401, 1002)


async def test_a_refusal_comes_in_the_envelope_without_data(
    client: SandboxClient,
) -> None:
    answer = await client.ask_as(None)

    assert answer.status_code == 401
    assert answer.json().keys() == {"code", "message", "request_id"}


async def test_credentials_of_the_options_are_the_ones_accepted() -> None:
    async with open_client(
        api_key="mine", access_key="ak", secret_key="k" * 32
    ) as client:
        by_key = await client.ask_as("Bearer mine")
        by_pair = await client.ask_as(f"Bearer {client.token()}", f"{LEGACY}?pageNum=1")

        assert client.sandbox.access_key == "ak"
        assert (by_key.json()["code"], by_pair.json()["code"]) == (0, 0)


async def test_moving_time_does_not_age_a_token(client: SandboxClient) -> None:
    await client.advance(86_400)

    answer = await client.ask_as(f"Bearer {client.token()}", f"{LEGACY}?pageNum=1")

    assert answer.json()["code"] == 0
