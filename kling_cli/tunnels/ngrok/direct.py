"""Keeps urllib, which pyngrok asks the agent with, from using a proxy for loopback."""

from __future__ import annotations

import urllib.parse
import urllib.request
from typing import Any

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class _NotForLoopback(urllib.request.ProxyHandler):
    """The proxies of the environment, except for this machine."""

    def proxy_open(self, req: urllib.request.Request, proxy: str, type: str) -> Any:  # noqa: A002 -- urllib's name
        host = urllib.parse.urlsplit(f"//{req.host}").hostname
        return None if host in _LOOPBACK else super().proxy_open(req, proxy, type)


def go_direct_to_loopback() -> None:
    """Have every later `urlopen` of this process reach loopback without a proxy.

    A proxy would look for the agent on its own machine, and the tunnel never come up.
    """
    if urllib.request.getproxies():
        opener = urllib.request.build_opener(_NotForLoopback())
        urllib.request.install_opener(opener)
