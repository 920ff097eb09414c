"""An HTTPS proxy on loopback that connects all hosts to a sandbox.

`HTTPS_PROXY` and `SSL_CERT_FILE` direct a program here whatever host it connects to,
with TLS; the certificate is for the two official hosts and trusted by nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

_CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIB3DCCAYKgAwIBAgIUe/OlFUv35NwrgxfVJiM+sgVDdjswCgYIKoZIzj0EAwIw
GjEYMBYGA1UEAwwPa2xpbmctY2xpIHRlc3RzMCAXDTI2MTEyMzEyMTg0OVoYDzIx
MjYxMDMwMTIxODQ5WjAaMRgwFgYDVQQDDA9rbGluZy1jbGkgdGVzdHMwWTATBgcq
hkjOPQIBBggqhkjOPQMBBwNCAAQ48tNd4fL67fcl8IAjnRMzBlh0OZ+Y2Xjc2/Sl
xfjLRhWvUz9C1Ol84B5AyifLHw2L75MZK/KKsCZneMbIVHFqo4GjMIGgMD0GA1Ud
EQQ2MDSCGWFwaS1zaW5nYXBvcmUua2xpbmdhaS5jb22CF2FwaS1iZWlqaW5nLmts
aW5nYWkuY29tMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgKEMB8GA1Ud
IwQYMBaAFM0+P2pbkuwFSemvVfULSPLb5dZFMB0GA1UdDgQWBBTNPj9qW5LsBUnp
r1X1C0jy2+XWRTAKBggqhkjOPQQDAgNIADBFAiEA46MTNjLAF22yrWMVbv54nrme
UX4PpZ/8nlENAtDRbT0CIGUbB0WnAosnYsKGk4y9f3C1+eJTXLzx15NiCKZbhSg1
-----END CERTIFICATE-----
"""
_KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgA3iZkZqEo3Qb9nOh
c8lWQqIBduQpdN1gOc7KLDFy3suhRANCAAQ48tNd4fL67fcl8IAjnRMzBlh0OZ+Y
2Xjc2/SlxfjLRhWvUz9C1Ol84B5AyifLHw2L75MZK/KKsCZneMbIVHFq
-----END PRIVATE KEY-----
"""


class HttpsProxy:
    """A running proxy. `hosts` are those that were requested, in order."""

    def __init__(self, folder: Path, target_port: int) -> None:
        self.hosts: list[str] = []
        self.port = 0
        self._target_port = target_port
        self._certificate = folder / "proxy.crt"
        self._certificate.write_text(_CERTIFICATE)
        key = folder / "proxy-key.pem"
        key.write_text(_KEY)
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(self._certificate, key)
        self.is_ready = threading.Event()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.is_over: asyncio.Event | None = None

    @property
    def env(self) -> dict[str, str | None]:
        """The variables that direct a program to the proxy."""
        return {
            "HTTPS_PROXY": f"http://127.0.0.1:{self.port}",
            "SSL_CERT_FILE": str(self._certificate),
        }

    async def serve(self) -> None:
        self.loop, self.is_over = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self.is_ready.set()
        async with server:
            await self.is_over.wait()

    async def _connect(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.hosts.append(head.split()[1].decode())
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with contextlib.suppress(OSError):
            await writer.start_tls(self._tls)
            there = await asyncio.open_connection("127.0.0.1", self._target_port)
            await asyncio.gather(_pump(reader, there[1]), _pump(there[0], writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    writer.close()


@contextlib.contextmanager
def serve_https_proxy(folder: Path, target_port: int) -> Iterator[HttpsProxy]:
    """Serve in a thread of its own until the block ends."""
    proxy = HttpsProxy(folder, target_port)
    thread = threading.Thread(target=lambda: asyncio.run(proxy.serve()), name="proxy")
    thread.start()
    try:
        assert proxy.is_ready.wait(10)
        yield proxy
    finally:
        if proxy.loop is not None and proxy.is_over is not None:
            proxy.loop.call_soon_threadsafe(proxy.is_over.set)
        thread.join()
