"""Which proxy the environment names for a URL, and what is reached without one."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from kling_cli.settings.proxies import Bypass, Proxies, resolve_addresses

PROXY = "http://me:hidden@proxy.example:3128"


def of(monkeypatch: pytest.MonkeyPatch, no_proxy: str, **others: str) -> Proxies:
    for name, value in ({"HTTP_PROXY": PROXY, "NO_PROXY": no_proxy} | others).items():
        monkeypatch.setenv(name, value)
    return Proxies.from_environment()


@pytest.mark.parametrize(
    ("entry", "direct", "proxied"),
    [
        pytest.param("a.example", "a.example", "ba.example", id="name"),
        pytest.param("a.example", "x.A.example", "a.example.org", id="name below"),
        pytest.param(".a.example", "x.a.example", "a.example", id="only below"),
        pytest.param("*.a.example", "x.a.example", "a.example", id="star"),
        pytest.param("a.example.", "a.example", "b.example", id="dot at the end"),
        pytest.param("a.example:81", "a.example:81", "a.example", id="port"),
        pytest.param("a.example:80", "a.example", "a.example:81", id="usual port"),
        pytest.param("http://a.example", "a.example", "b.example", id="scheme"),
        pytest.param("b\u00fccher.example", "xn--bcher-kva.example", "b", id="IDN"),
        pytest.param("192.0.2.7", "192.0.2.7", "192.0.2.8", id="IPv4"),
        pytest.param("192.0.2.0/24", "192.0.2.8", "192.0.3.8", id="IPv4 range"),
        pytest.param("192.0.2.9/24", "192.0.2.8", "192.0.3.8", id="host bits"),
        pytest.param("192.0.2.7:81", "192.0.2.7:81", "192.0.2.7", id="IPv4 port"),
        pytest.param("2001:db8::1", "[2001:db8::1]", "[2001:db8::2]", id="IPv6"),
        pytest.param("[2001:db8::1]", "[2001:db8::1]", "[2001:db8::2]", id="brackets"),
        pytest.param(
            "[2001:db8::1]:81", "[2001:db8::1]:81", "[2001:db8::1]", id="IPv6 port"
        ),
        pytest.param("fd00::/8", "[fd12::1]", "[2001:db8::1]", id="IPv6 range"),
        pytest.param("[fd00::]/8", "[fd12::1]", "[2001:db8::1]", id="range, brackets"),
        pytest.param("[fd00::/8]", "[fd12::1]", "[2001:db8::1]", id="range inside"),
        pytest.param("fe80::1%eth0", "[fe80::1]", "[fe80::2]", id="zone"),
        pytest.param("x, 192.0.2.0/24 y", "192.0.2.8", "192.0.3.8", id="several"),
    ],
)
def test_entries_of_no_proxy_are_parsed_leniently(
    entry: str, direct: str, proxied: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxies = of(monkeypatch, entry)

    found = proxies.named(f"http://{proxied}/x")

    assert proxies.named(f"http://{direct}/x") is None
    assert found is not None
    assert str(found) == "http://proxy.example:3128 (HTTP_PROXY)"
    assert "hidden" not in repr(found)
    assert proxies.skipped == ()


def test_an_invalid_entry_is_skipped_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = (
        "http://[",
        "[::1",
        "::1]",
        "fd00::/200",
        "b:c",
        "h:port",
        "h:-1",
        "*x*",
        "..",
    )
    proxies = of(monkeypatch, ",".join((*wrong, "192.0.2.1", "")))

    assert proxies.named("http://192.0.2.1/") is None
    assert proxies.named("http://192.0.2.2/") is not None
    assert set(proxies.skipped) == set(wrong)
    with pytest.raises(ValueError, match="neither a host nor a range"):
        Bypass.parse("")


@given(st.text() | st.from_regex(r"[\[\]:/%.*@a0-9-]{0,20}", fullmatch=True))
def test_no_entry_makes_a_host_unreachable(entry: str) -> None:
    try:
        bypass = Bypass.parse(entry)
    except ValueError:
        return

    assert bypass.matches("http", "x.example", 80) in (True, False)


def test_the_variable_in_force_is_the_one_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    proxies = of(monkeypatch, "", http_proxy="low.example:1", ALL_PROXY="socks5h://s:2")

    assert str(proxies.named("http://h/")) == "http://low.example:1 (http_proxy)"
    assert str(proxies.named("https://h/")) == "socks5h://s:2 (ALL_PROXY)"
    assert of(monkeypatch, "a,*").named("http://h/") is None
    assert proxies.named("http://h:99999/") is None


@pytest.mark.parametrize(
    "host",
    ["localhost", "x.localhost", "127.0.0.9", "[::1]", "[::ffff:127.0.0.1]", "[::]"],
)
def test_this_machine_is_connected_to_directly(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert of(monkeypatch, "").named(f"http://{host}:8000/x") is None


@pytest.mark.anyio
async def test_a_name_that_resolves_to_loopback_bypasses_the_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:1")
    monkeypatch.setenv("HTTPS_PROXY", "socks5h://192.0.2.1:1")
    asked: list[str] = []

    async def look_up(host: str) -> tuple[str, ...]:
        asked.append(host)
        return {
            "here.example": ("127.0.0.1", "::1"),
            "both.example": ("127.0.0.1", "192.0.2.9"),
        }.get(host, ())

    proxies = Proxies.from_environment(look_up)
    names = ("here", "here", "both", "none")
    found = [await proxies.choose(f"http://{name}.example:3000/") for name in names]
    others = [
        await proxies.choose("https://here.example/"),  # the proxy looks it up
        await proxies.choose("http://api-singapore.klingai.com/tasks"),
        await proxies.choose("http://192.0.2.3/"),
    ]

    assert [each is None for each in found] == [True, True, False, False]
    assert asked == ["here.example", "both.example", "none.example"]
    assert None not in others


@pytest.mark.anyio
async def test_names_are_resolved_by_the_system() -> None:
    assert set(await resolve_addresses("localhost")) & {"127.0.0.1", "::1"}
    assert await resolve_addresses("x" * 300 + ".localhost") == ()
