"""The one constructor: proxies, certificates, and a cheap import."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path

import pytest

from kling_cli.api.http import ProxyFailedError, httpx, new_http
from kling_cli.errors import UsageError
from tests.support.https_proxy import serve_https_proxy
from tests.support.wire_server import CERTIFICATE, envelope, server_tls, wire_server

pytestmark = pytest.mark.anyio


async def knows_no_name(_host: str) -> tuple[str, ...]:
    return ()


a_client = functools.partial(new_http, resolver=knows_no_name)

SOMEWHERE = "http://api.example:8080/x"  # never asked for by name: a proxy is asked


@pytest.mark.parametrize(
    "before",
    [
        pytest.param("", id="first of all"),
        pytest.param("import httpx;", id="after httpx"),
    ],
)
def test_importing_httpx_leaves_the_module_table_as_it_was(before: str) -> None:
    code = (
        f"{before}import sys, kling_cli.api.http as h; h.httpx.get; import httpx._main"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_importing_httpx_through_us_does_not_import_its_command_line() -> None:
    code = (
        "import sys, kling_cli.api.http;"
        "print({'click', 'rich', 'httpx._main'} & sys.modules.keys())"
    )

    said = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )

    assert said.stdout.strip() == "set()"


async def test_a_proxy_of_the_environment_is_used_but_never_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with wire_server(envelope("proxy")) as proxy, wire_server(envelope()) as here:
        monkeypatch.setenv("HTTP_PROXY", proxy.base_url)
        monkeypatch.setenv("ALL_PROXY", proxy.base_url)
        monkeypatch.setenv("NO_PROXY", "[::1],fd00::/8,http://[,*x*")
        async with a_client() as http:
            far = await http.get(SOMEWHERE)
            near = await http.get(f"{here.base_url}/near")
            named = await http.get(f"http://localhost:{here.port}/named")

    assert far.json()["data"] == "proxy"
    assert near.json()["data"] is named.json()["data"] is None
    assert [seen.target for seen in proxy.seen] == [SOMEWHERE]


@pytest.mark.parametrize(
    ("proxy", "said"),
    [
        pytest.param("socks5://127.0.0.1:1", "socksio", id="without socksio"),
        pytest.param("ftp://me:hidden@127.0.0.1:1", "no URL of http", id="scheme"),
        pytest.param("::", "names no host|no URL", id="no address"),
        pytest.param("http://me:hidden@/", "names no host", id="no host"),
    ],
)
async def test_an_invalid_proxy_fails_only_requests_that_need_it(
    proxy: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("all_proxy", proxy)

    async with wire_server(envelope()) as here, a_client(here.base_url) as http:
        assert (await http.get("/x")).status_code == 200
        with pytest.raises(UsageError, match=said) as caught:
            await http.get(SOMEWHERE)

    assert "that all_proxy names" in caught.value.message
    assert "unset all_proxy" in (caught.value.hint or "")
    assert "hidden" not in f"{caught.value.message} {caught.value.hint}"


async def test_an_unreachable_proxy_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "me:hidden@127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:8")

    async with a_client() as http:
        with pytest.raises(ProxyFailedError) as caught:
            await http.get("https://api.example/x")

    assert caught.value.variable == "HTTPS_PROXY"
    assert "http://127.0.0.1:9 (HTTPS_PROXY)" in str(caught.value)
    assert "hidden" not in str(caught.value)


async def test_an_https_proxy_is_not_blamed_for_the_host_behind_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))

    async with wire_server(envelope("proxy"), tls=server_tls()) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"https://127.0.0.1:{proxy.port}")
        with serve_https_proxy(tmp_path, 9) as street:
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{street.port}")
            async with a_client() as http:
                answer = await http.get(SOMEWHERE)
                with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY"):
                    await http.get("https://api.example/x")

    assert answer.json()["data"] == "proxy"


async def test_an_untrusted_certificate_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)

    async with wire_server(envelope(), tls=server_tls()) as server, new_http() as http:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await http.get(f"https://127.0.0.1:{server.port}/")

    assert server.seen == []


async def test_authorities_of_the_environment_are_trusted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))

    async with wire_server(envelope(), tls=server_tls()) as server, new_http() as http:
        url = f"https://127.0.0.1:{server.port}/"
        answers = [await http.get(url), await http.get(url)]

    assert [answer.status_code for answer in answers] == [200, 200]


@pytest.mark.parametrize("content", [None, b"not a certificate"])
async def test_authorities_that_cannot_be_read_are_named(
    content: bytes | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "company.pem"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))

    async with new_http() as http:
        with pytest.raises(UsageError, match=r"company\.pem"):
            await http.get("https://127.0.0.1:1/")


async def test_redirects_are_not_followed() -> None:
    away = envelope(http=302, headers={"Location": "http://127.0.0.1:1/"})
    async with wire_server(away) as server, new_http(server.base_url) as http:
        assert (await http.get("/x")).status_code == 302


def test_an_invalid_base_url_is_named() -> None:
    with pytest.raises(UsageError, match="is not a URL"):
        new_http("http://exa mple:port/")
