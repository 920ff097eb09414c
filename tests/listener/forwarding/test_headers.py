from __future__ import annotations

import pytest

from kling_cli.errors import UsageError
from kling_cli.listener.forwarding.headers import (
    forwarded_headers,
    masked_headers,
    parse_header,
    with_headers,
    without_headers,
)


def test_headers_keep_their_order_and_repetitions() -> None:
    given = (("b", "1"), ("Host", "x"), ("A", "2"), ("b", "3"))

    assert forwarded_headers(given) == (("b", "1"), ("A", "2"), ("b", "3"))


def test_headers_named_by_connection_are_dropped() -> None:
    given = (("Connection", "close, X-One"), ("x-one", "1"), ("x-two", "2"))

    assert forwarded_headers(given) == (("x-two", "2"),)


@pytest.mark.parametrize(
    "name",
    [
        "X-Forwarded-Host",
        "X-Original-URI",
        "Ngrok-Trace-Id",
        "CF-Ray",
        "Cdn-Loop",
        "X-Pinggy-Client-Ip",
        "X-Serveo-Id",
        "Via",
        "Kling-Mock",
        "Kling-Replay",
        "Forwarded",
        "Transfer-Encoding",
        "Referer",
    ],
)
def test_headers_of_tunnels_and_our_own_are_dropped(name: str) -> None:
    assert forwarded_headers([(name, "x"), ("a", "b")]) == (("a", "b"),)


def test_added_headers_replace_those_of_the_same_name() -> None:
    given = (("content-type", "a"), ("b", "c"))

    assert with_headers(given, [("Content-Type", "d")]) == (
        ("b", "c"),
        ("Content-Type", "d"),
    )
    assert without_headers(given, ["B"]) == (("content-type", "a"),)


def test_headers_that_may_hold_a_secret_are_masked() -> None:
    given = (("kling-mock", "mac"), ("X-Forwarded-Uri", "/callback/t"), ("a", "b"))

    assert masked_headers(given) == (
        ("kling-mock", "****"),
        ("X-Forwarded-Uri", "****"),
        ("a", "b"),
    )


def test_a_header_is_a_name_and_a_value() -> None:
    assert parse_header("X-Test:  a: b ") == ("X-Test", "a: b")
    assert parse_header("X-Empty:") == ("X-Empty", "")


@pytest.mark.parametrize("typed", ["X-Test", ": a", "a b: c", "a: b\r\nc: d", "a: ☃"])
def test_an_invalid_header_option_is_a_usage_error(typed: str) -> None:
    with pytest.raises(UsageError, match="NAME:VALUE"):
        parse_header(typed)
