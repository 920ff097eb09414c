"""The one constructor of HTTP clients: user agent, timeouts, proxies, certificates.

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
from collections.abc import Awaitable, Callable, Iterator, Mapping

from kling_cli import __version__
from kling_cli.errors import UsageError
from kling_cli.settings import is_loopback_url

__all__ = ["httpx", "new_http"]


@contextlib.contextmanager
def _without(module: str) -> Iterator[None]:
    """Make the first import of `module` fail inside the block, and only there."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]  # documented: it fails
    try:
        yield
    finally:
        del sys.modules[module]


with _without("httpx._main"):
    import httpx

Hook = Callable[[httpx.Request], Awaitable[None]]
USER_AGENT = f"kling-cli/{__version__} (python {platform.python_version()})"
CONNECT_TIMEOUT_S = 10.0
_DIRECT: Mapping[str, None] = {
    "all://localhost": None,
    "all://127.0.0.1": None,
    "all://[::1]": None,
}


def new_http(
    base_url: str = "",
    *,
    timeout_s: float = 30.0,
    connect_timeout_s: float = CONNECT_TIMEOUT_S,
    is_insecure: bool = False,
) -> httpx.AsyncClient:
    """Return a client; close it with `async with`.

    `timeout_s` is how long nothing may come or go before a request has failed. Proxies
    come from the environment, but loopback is always spoken to directly. Redirects are
    not followed. `is_insecure` takes any certificate. A request raises UsageError when
    the environment's proxy or certificates cannot be used and are needed for it.

    Raises:
        UsageError: `base_url` is no URL.
    """
    try:
        httpx.URL(base_url)
    except httpx.InvalidURL as exc:
        raise UsageError(
            f"{base_url!r} is not a URL: {exc}", hint="correct KLING_API_BASE"
        ) from exc
    tls = _Tls(is_insecure=is_insecure)
    timeout = httpx.Timeout(timeout_s, connect=min(timeout_s, connect_timeout_s))

    def client(*hooks: Hook, is_proxied: bool) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=base_url,
            headers={"User-Agent": USER_AGENT},
            timeout=timeout,
            follow_redirects=False,
            verify=tls.context,
            trust_env=is_proxied,
            mounts=_DIRECT,
            event_hooks={"request": list(hooks)},
        )

    try:
        return client(tls.load, is_proxied=True)
    except (ValueError, ImportError, httpx.InvalidURL):
        return client(_refuse_all_but_loopback, tls.load, is_proxied=False)


async def _refuse_all_but_loopback(request: httpx.Request) -> None:
    if not is_loopback_url(str(request.url)):
        raise UsageError(
            "the proxy that the environment names cannot be used",
            hint="correct HTTP_PROXY, HTTPS_PROXY or ALL_PROXY (for socks5://, "
            "`pip install socksio` beside kling)",
        )


class _Tls:
    """A TLS context whose authorities are read when the first https request leaves.

    Reading them takes 20 ms, which a sandbox on loopback never needs. Until then no
    certificate is accepted at all.
    """

    def __init__(self, *, is_insecure: bool) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._is_loaded = is_insecure  # which authorities there are is no matter then
        if is_insecure:
            self.context.check_hostname = False
            self.context.verify_mode = ssl.CERT_NONE

    async def load(self, request: httpx.Request) -> None:
        """Read the authorities: SSL_CERT_FILE or SSL_CERT_DIR, else certifi's."""
        if self._is_loaded or request.url.scheme != "https":
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
