from __future__ import annotations

import pytest

from kling_cli.secret import Secret


@pytest.mark.parametrize(
    ("text", "shown"),
    [("", "****"), ("short", "****"), ("sk-0123456789abcdef", "****cdef")],
)
def test_a_secret_shows_at_most_its_end(text: str, shown: str) -> None:
    secret = Secret(text)

    assert (str(secret), f"{secret}", secret.masked) == (shown, shown, shown)
    assert repr(secret) == f"Secret({shown})"
    assert secret.reveal() == text


def test_secrets_are_equal_by_their_text() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
