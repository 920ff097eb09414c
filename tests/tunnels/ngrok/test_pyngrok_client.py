"""What is done around pyngrok: loopback without a proxy, the log read to its end."""

from __future__ import annotations

import io
import urllib.request
from collections.abc import Iterator

import pytest

from kling_cli.tunnels.ngrok.pyngrok_client import (
    bypass_proxies_for_loopback,
    log_lines,
    read_rest_of_log,
)
from tests.support.echo import Echo, echo_server


@pytest.fixture
def server() -> Iterator[Echo]:
    with echo_server() as echo:
        yield echo


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Echo]:
    """Give a proxy that the environment names for everything."""
    with echo_server() as echo:
        monkeypatch.setenv("http_proxy", echo.url)
        yield echo


def test_a_proxy_is_not_asked_for_loopback(server: Echo, proxy: Echo) -> None:
    bypass_proxies_for_loopback()

    with urllib.request.urlopen(f"{server.url}/a") as answer:  # noqa: S310 -- it is http
        assert answer.status == 200
    assert (server.paths, proxy.paths) == (["/a"], [])


def test_a_proxy_is_asked_for_everything_else(proxy: Echo) -> None:
    bypass_proxies_for_loopback()

    with urllib.request.urlopen("http://elsewhere.example/b") as answer:
        assert answer.status == 200
    assert proxy.paths == ["http://elsewhere.example/b"]


def test_without_a_proxy_nothing_is_changed(server: Echo) -> None:
    urllib.request.install_opener(marked := urllib.request.build_opener())

    bypass_proxies_for_loopback()

    assert urllib.request._opener is marked  # type: ignore[attr-defined]  # noqa: SLF001 -- there is no other way to ask


def stream(raw: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8")


def test_lines_are_read_to_the_end() -> None:
    assert list(log_lines(stream(b"a\nb"))) == ["a\n", "b"]


def test_a_log_that_somebody_has_closed_is_at_its_end() -> None:
    closed = stream(b"a\n")
    closed.close()

    assert list(log_lines(closed)) == []


def test_a_failure_without_a_process_has_nothing_more_to_say() -> None:
    failure = ValueError("never raised")

    read_rest_of_log(failure)

    assert failure.args == ("never raised",)
