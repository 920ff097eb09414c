"""Constructs all HTTP clients: user agent, timeouts, proxies, certificates.

Import httpx from here (`from kling_cli.api.http import httpx`). Where click is
installed, httpx imports its own command line, and with it click and rich: 66 of its
155 ms. A None in `sys.modules` is Python's documented way to make one import fail, and
httpx expects that failure: it is how it does without click.
"""

from __future__ import annotations

import contextlib
import os
import platform
import ssl
import sys
from collections.abc import Iterator

from kling_cli import __version__
from kling_cli.errors import UsageError
from kling_cli.settings import Proxies, Proxy, Resolver

__all__ = ["ProxyFailedError", "httpx", "new_http"]


@contextlib.contextmanager
def _import_blocked(module: str) -> Iterator[None]:
    """Make the first import of `module` fail inside the block, and only there."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]  # documented: it fails
    try:
        yield
    finally:
        del sys.modules[module]


with _import_blocked("httpx._main"):
    import httpx

USER_AGENT = f"kling-cli/{__version__} (python {platform.python_version()})"
CONNECT_TIMEOUT_S = 10.0


class ProxyFailedError(httpx.ProxyError):
    """The proxy that `variable` names accepted no connection; nothing was sent."""

    def __init__(self, message: str, variable: str) -> None:
        super().__init__(message)
        self.variable = variable


def new_http(
    base_url: str = "",
    *,
    timeout_s: float = 30.0,
    connect_timeout_s: float = CONNECT_TIMEOUT_S,
    is_insecure: bool = False,
    resolver: Resolver | None = None,
) -> httpx.AsyncClient:
    """Return a new HTTP client; close it with `async with`.

    `timeout_s` bounds each connect, read and write. Proxies come from the environment;
    this machine is always connected to directly. Redirects are not followed.
    `is_insecure` accepts any certificate. A request raises UsageError when the
    environment's proxy or certificates cannot be used and are needed for it. `resolver`
    returns the addresses of a name; by default the system's.

    Raises:
        UsageError: `base_url` is no URL.
    """
    try:
        httpx.URL(base_url)
    except httpx.InvalidURL as exc:
        raise UsageError(
            f"{base_url!r} is not a URL: {exc}", hint="correct KLING_API_BASE"
        ) from exc
    return httpx.AsyncClient(
        base_url=base_url,
        headers={"User-Agent": USER_AGENT},
        timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, connect_timeout_s)),
        follow_redirects=False,
        trust_env=False,
        transport=_Transport(
            _LazyTlsContext(is_insecure=is_insecure), Proxies.from_environment(resolver)
        ),
    )


class _Transport(httpx.AsyncBaseTransport):
    """Sends each request directly or through the proxy that the environment names."""

    def __init__(self, tls: _LazyTlsContext, proxies: Proxies) -> None:
        self._tls = tls
        self._proxies = proxies
        self._direct = httpx.AsyncHTTPTransport(verify=tls.context, trust_env=False)
        self._by_proxy: dict[Proxy, httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.scheme == "https":
            self._tls.load()
        proxy = await self._proxies.choose(str(request.url))
        if proxy is None:
            return await self._direct.handle_async_request(request)
        transport = self._transport(proxy)
        try:
            return await transport.handle_async_request(request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as exc:
            if _is_tls_error(exc):  # the host behind the proxy, or its impersonator
                raise
            late = isinstance(exc, httpx.ConnectTimeout)
            reason = "it took too long" if late else str(exc) or "no connection"
            raise ProxyFailedError(
                f"no way through the proxy {proxy}: {reason}", proxy.variable
            ) from exc

    async def aclose(self) -> None:
        for transport in (self._direct, *self._by_proxy.values()):
            await transport.aclose()

    def _transport(self, proxy: Proxy) -> httpx.AsyncHTTPTransport:
        if proxy not in self._by_proxy:
            if proxy.url.lower().startswith("https:"):
                self._tls.load()
            self._by_proxy[proxy] = _new_transport(proxy, self._tls.context)
        return self._by_proxy[proxy]


def _new_transport(proxy: Proxy, context: ssl.SSLContext) -> httpx.AsyncHTTPTransport:
    hint = f"correct or unset {proxy.variable}"
    try:
        is_tls = proxy.url.lower().startswith("https:")
        parsed = httpx.Proxy(proxy.url, ssl_context=context if is_tls else None)
        if parsed.url.host:
            return httpx.AsyncHTTPTransport(
                verify=context, trust_env=False, proxy=parsed
            )
        reason = "it names no host"
    except ImportError:
        reason = "a SOCKS proxy takes the package socksio"
        hint = f"`pip install socksio` beside kling, or {hint}"
    except (ValueError, httpx.InvalidURL):  # whose texts repeat the password
        reason = "it is no URL of http, https or socks5"
    raise UsageError(
        f"the proxy that {proxy.variable} names cannot be used: {reason}", hint=hint
    )


def _is_tls_error(exc: BaseException | None) -> bool:
    """Return whether an exception, or one that it was raised from, is of TLS."""
    while exc is not None and not isinstance(exc, ssl.SSLError):
        exc = exc.__cause__ or exc.__context__
    return exc is not None


class _LazyTlsContext:
    """A TLS context that loads its authorities before the first TLS connection.

    Loading takes 20 ms, which a sandbox on loopback never needs. Until then no
    certificate is accepted at all.
    """

    def __init__(self, *, is_insecure: bool) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._is_loaded = is_insecure  # which authorities there are is no matter then
        if is_insecure:
            self.context.check_hostname = False
            self.context.verify_mode = ssl.CERT_NONE

    def load(self) -> None:
        """Load the authorities: SSL_CERT_FILE or SSL_CERT_DIR, else certifi's."""
        if self._is_loaded:
            return
        import certifi

        cafile = os.environ.get("SSL_CERT_FILE") or None
        capath = (not cafile and os.environ.get("SSL_CERT_DIR")) or None
        try:
            if cafile or capath:
                self.context.load_verify_locations(cafile, capath)
            else:
                self.context.load_verify_locations(certifi.where())
        except OSError as exc:  # ssl.SSLError, for a file of another kind, is one
            raise UsageError(
                f"no certificates can be read from {cafile or capath}: {exc}",
                hint="correct or unset SSL_CERT_FILE and SSL_CERT_DIR",
            ) from exc
        self._is_loaded = True
