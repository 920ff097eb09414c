from __future__ import annotations

import pytest

from kling_cli.errors import UsageError
from kling_cli.listen.headers import kept_on, read_header, shown, with_added, without


def test_headers_keep_their_order_and_their_repetitions() -> None:
    given = (("b", "1"), ("Host", "x"), ("A", "2"), ("b", "3"))

    assert kept_on(given) == (("b", "1"), ("A", "2"), ("b", "3"))


def test_what_a_connection_names_is_of_that_hop_too() -> None:
    given = (("Connection", "close, X-One"), ("x-one", "1"), ("x-two", "2"))

    assert kept_on(given) == (("x-two", "2"),)


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
def test_what_a_tunnel_adds_or_we_alone_may_give_stays_behind(name: str) -> None:
    assert kept_on([(name, "x"), ("a", "b")]) == (("a", "b"),)


def test_added_ones_replace_those_of_the_same_name() -> None:
    given = (("content-type", "a"), ("b", "c"))

    assert with_added(given, [("Content-Type", "d")]) == (
        ("b", "c"),
        ("Content-Type", "d"),
    )
    assert without(given, ["B"]) == (("content-type", "a"),)


def test_what_may_hold_a_secret_is_masked_when_shown() -> None:
    given = (("kling-mock", "mac"), ("X-Forwarded-Uri", "/callback/t"), ("a", "b"))

    assert shown(given) == (
        ("kling-mock", "****"),
        ("X-Forwarded-Uri", "****"),
        ("a", "b"),
    )


def test_a_header_is_a_name_and_a_value() -> None:
    assert read_header("X-Test:  a: b ") == ("X-Test", "a: b")
    assert read_header("X-Empty:") == ("X-Empty", "")


@pytest.mark.parametrize("typed", ["X-Test", ": a", "a b: c", "a: b\r\nc: d", "a: ☃"])
def test_what_is_no_header_is_refused(typed: str) -> None:
    with pytest.raises(UsageError, match="NAME:VALUE"):
        read_header(typed)
