"""Loopback is reached without a proxy, everything else as the environment says."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator

import pytest

from kling_cli.tunnels.ngrok.direct import go_direct_to_loopback
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
    go_direct_to_loopback()

    with urllib.request.urlopen(f"{server.url}/a") as answer:  # noqa: S310 -- it is http
        assert answer.status == 200
    assert (server.paths, proxy.paths) == (["/a"], [])


def test_a_proxy_is_asked_for_everything_else(proxy: Echo) -> None:
    go_direct_to_loopback()

    with urllib.request.urlopen("http://elsewhere.example/b") as answer:
        assert answer.status == 200
    assert proxy.paths == ["http://elsewhere.example/b"]


def test_without_a_proxy_nothing_is_changed(server: Echo) -> None:
    urllib.request.install_opener(marked := urllib.request.build_opener())

    go_direct_to_loopback()

    assert urllib.request._opener is marked  # type: ignore[attr-defined]  # noqa: SLF001 -- there is no other way to ask
