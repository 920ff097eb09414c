"""What a person types as a path leads nowhere but below the API's base."""

from __future__ import annotations

from urllib.parse import unquote, urljoin, urlsplit

import pytest
from hypothesis import given, strategies as st

from kling_cli.api.transport import parse_request_path
from kling_cli.errors import UsageError

BASE = "https://api.example"
NESTED = "https://proxy.example:8443/kling/"


@pytest.mark.parametrize(
    ("text", "base", "path", "params"),
    [
        pytest.param("/tasks", BASE, "/tasks", {}, id="path"),
        pytest.param("tasks", BASE, "/tasks", {}, id="no slash"),
        pytest.param(
            "/tasks?task_ids=1,2&x=", BASE, "/tasks", {"task_ids": "1,2", "x": ""},
            id="query",
        ),
        pytest.param("/t?a=1&a=2", BASE, "/t", {"a": "1,2"}, id="twice"),
        pytest.param("/t?next=a://b", BASE, "/t", {"next": "a://b"}, id="url in query"),
        pytest.param("https://api.example/tasks", BASE, "/tasks", {}, id="whole"),
        pytest.param("https://API.example:443/t", BASE, "/t", {}, id="same port"),
        pytest.param(
            "https://proxy.example:8443/kling/t?a=1", NESTED, "/t", {"a": "1"},
            id="nested",
        ),
        pytest.param("/v1/x%20y", BASE, "/v1/x%20y", {}, id="quoted"),
    ],
)  # fmt: skip
def test_a_path_of_the_api_is_parsed(
    text: str, base: str, path: str, params: dict[str, str]
) -> None:
    assert parse_request_path(text, api_base=base) == (path, params)


@pytest.mark.parametrize(
    ("text", "base"),
    [
        pytest.param("https://evil.example/tasks", BASE, id="host"),
        pytest.param("http://api.example/tasks", BASE, id="scheme"),
        pytest.param("https://api.example:8443/tasks", BASE, id="port"),
        pytest.param("https://api.example@evil.example/t", BASE, id="user"),
        pytest.param("https://me@api.example/t", BASE, id="our host, user"),
        pytest.param("https://api.example.evil.example/t", BASE, id="suffix"),
        pytest.param("https://api.example:x/t", BASE, id="no port"),
        pytest.param("https://api.example", BASE, id="no path"),
        pytest.param("https://[::1/t", BASE, id="half an address"),
        pytest.param("https://proxy.example:8443/other/t", NESTED, id="beside"),
        pytest.param("https://proxy.example:8443/kling/../t", NESTED, id="out"),
        pytest.param("//evil.example/t", BASE, id="no scheme"),
        pytest.param("https://api.example//evil.example/t", BASE, id="two slashes"),
        pytest.param("/v1/../tasks", BASE, id="dots"),
        pytest.param("/v1/%2e%2E/tasks", BASE, id="quoted dots"),
        pytest.param("/v1/./tasks", BASE, id="dot"),
        pytest.param("/v1/a%2f..%2fb", BASE, id="quoted slash"),
        pytest.param("/v1/a%5Cb", BASE, id="quoted backslash"),
        pytest.param("/v1/a%0ab", BASE, id="quoted line break"),
        pytest.param("/v1\\..\\tasks", BASE, id="backslash"),
        pytest.param("/v1/a b", BASE, id="space"),
        pytest.param("/v1/a\r\nX: y", BASE, id="line break"),
        pytest.param("/v1/a\x00", BASE, id="NUL"),
        pytest.param("/v1/é", BASE, id="not ASCII"),
        pytest.param("/tasks#here", BASE, id="fragment"),
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(text: str, base: str) -> None:
    with pytest.raises(UsageError):
        parse_request_path(text, api_base=base)


def test_the_other_region_is_named() -> None:
    with pytest.raises(UsageError) as caught:
        parse_request_path(
            "https://api-beijing.klingai.com/tasks",
            api_base="https://api-singapore.klingai.com",
        )

    assert caught.value.hint == "--region cn talks with that host"


def test_a_signed_link_is_not_repeated() -> None:
    with pytest.raises(UsageError) as caught:
        parse_request_path("https://cdn.example/v.mp4?Signature=secret", api_base=BASE)

    assert "secret" not in caught.value.message


@given(st.text(st.sampled_from("/.?&=%2ef5c0a@:#\\ hps\néx[]"), max_size=24))
def test_every_parsed_path_stays_below_the_base(text: str) -> None:
    try:
        path, _ = parse_request_path(text, api_base=BASE)
    except UsageError:
        return

    assert path.startswith("/")
    assert urlsplit(urljoin(BASE, path)).netloc == "api.example"
    assert not {"..", "."} & set(unquote(path).split("/"))
    assert path.isascii()
    assert path.isprintable()
