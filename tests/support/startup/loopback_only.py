"""Keeps a process on loopback: the guard of every test and every program it starts.

It rests on audit hooks, so it sees what any library does with a socket. It knows the
standard library only, because `sitecustomize.py` brings it into programs under test.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from typing import Any

LOG_VARIABLE = "LOOPBACK_ONLY_LOG"
breaches: list[str] = []

_NAMES = frozenset({"", "localhost", "ip6-localhost", "localhost.localdomain"})
_ADDRESSED = frozenset({"socket.connect", "socket.sendto", "socket.bind"})
_NAMED = frozenset({"socket.getaddrinfo", "socket.gethostbyname"})


class OffLoopbackError(OSError):
    """Something tried to leave the machine."""


def is_loopback(host: object, *, is_bind: bool = False) -> bool:
    """Say whether `host` stays on this machine; binding to every address does not."""
    if isinstance(host, (bytes, bytearray)):
        host = bytes(host).decode("latin-1")
    if host is None or host in _NAMES:
        return not (is_bind and host == "")
    try:
        return ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        return False


def install() -> None:
    """Watch this process until it ends; an audit hook cannot be taken away again."""
    sys.addaudithook(_watch)


def _watch(event: str, args: tuple[Any, ...]) -> None:
    if event in _ADDRESSED:
        address = args[1]
        if isinstance(address, tuple) and not is_loopback(
            address[0], is_bind=event == "socket.bind"
        ):
            _refuse(event, address[0])
    elif event in _NAMED and not is_loopback(args[0]):
        _refuse(event, args[0])


def _refuse(event: str, host: object) -> None:
    breach = f"{event} {host!r}"
    breaches.append(breach)
    log = os.environ.get(LOG_VARIABLE)
    if log:
        with open(log, "a", encoding="utf-8") as file:  # noqa: PTH123 -- starts fast
            file.write(f"{breach} by {sys.argv}\n")
    raise OffLoopbackError(f"tests stay on loopback: {breach}")
