from __future__ import annotations

import pytest

from kling_cli.errors import UsageError
from kling_cli.listener.forwarding.targets import (
    Target,
    parse_route,
    parse_target,
    reject_own_port,
    targets_for,
)


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("3000", "http://localhost:3000/callback"),
        ("3000/hooks/kling?a=b", "http://localhost:3000/hooks/kling?a=b"),
        ("/hooks/kling", "http://localhost:8000/hooks/kling"),
        ("localhost:3000", "http://localhost:3000/callback"),
        ("app.test:3000/x", "http://app.test:3000/x"),
        ("http://localhost:3000", "http://localhost:3000/callback"),
        ("http://localhost:3000/", "http://localhost:3000/"),
        ("https://app.test/a?b=c", "https://app.test/a?b=c"),
        ("https://app.test?b=c", "https://app.test?b=c"),
        (" http://[::1]:80/a ", "http://[::1]:80/a"),
    ],
)
def test_a_url_a_port_or_a_path_is_a_target(typed: str, url: str) -> None:
    assert parse_target(typed) == Target(url=url)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ftp://a/b",
        "http://",
        "70000",
        "http://a:99999/",
        "http://a b/",
        "0",
        "http://[::1/",
        "http://a/é",
        "a\nb",
    ],
)
def test_an_invalid_target_is_a_usage_error(typed: str) -> None:
    with pytest.raises(UsageError, match="no place to send callbacks to"):
        parse_target(typed)


def test_localhost_is_tried_on_both_addresses() -> None:
    target = Target(url="http://me:pw@localhost:3000/a?b")

    assert target.candidate_urls == (
        "http://me:pw@127.0.0.1:3000/a?b",
        "http://me:pw@[::1]:3000/a?b",
    )
    assert target.host_header == "localhost:3000"
    assert target.display_url == "http://localhost:3000/a?b"


def test_other_hosts_are_tried_as_typed() -> None:
    assert Target(url="http://app.test/").candidate_urls == ("http://app.test/",)
    assert Target(url="http://localhost/").candidate_urls == (
        "http://127.0.0.1/",
        "http://[::1]/",
    )


@pytest.mark.parametrize("word", ["succeeded", "succeed"])
def test_a_route_is_a_status_and_a_target(word: str) -> None:
    assert parse_route(f"{word}=3000") == Target(
        url="http://localhost:3000/callback", status="succeeded"
    )


@pytest.mark.parametrize("typed", ["3000", "done=3000", "=3000"])
def test_a_route_without_a_status_is_a_usage_error(typed: str) -> None:
    with pytest.raises(UsageError, match="STATUS=URL"):
        parse_route(typed)


def test_a_status_with_a_route_has_no_other_target() -> None:
    main, own = Target(url="http://a/"), Target(url="http://b/", status="unknown")

    assert targets_for("failed", (main, own)) == (main,)
    assert targets_for(None, (main, own)) == (own,)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_the_listener_does_not_forward_to_itself(host: str) -> None:
    with pytest.raises(UsageError, match="own port"):
        reject_own_port([Target(url=f"http://{host}:8000/callback")], 8000)

    reject_own_port([Target(url=f"http://{host}:8001/"), Target(url="http://a/")], 8000)
