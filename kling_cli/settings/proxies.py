"""Chooses the proxy of a request from HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY.

This machine is always connected to directly: loopback addresses, `localhost`, and names
that resolve to loopback. An entry of NO_PROXY that cannot be parsed is skipped.
"""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final, Self
from urllib.parse import urlsplit

from kling_cli.settings.parsers import is_loopback_url
from kling_cli.settings.settings import API_HOSTS

LOOKUP_TIMEOUT_S: Final = (
    1.0  # where only the proxy reaches a name server, lookups may hang
)
_SYSTEM_SETTINGS: Final = (
    "the system's proxy settings"  # macOS and Windows, without variables
)
_PORTS: Final = {"http": 80, "https": 443}
_BRACKETED: Final = re.compile(r"\[([^\[\]]+)\](/\d+)?")
_NAME: Final = re.compile(r"[\w-]+(\.[\w-]+)*")
_OFFICIAL_HOSTS: Final = frozenset(urlsplit(url).hostname for url in API_HOSTS.values())

Network = IPv4Network | IPv6Network
Resolver = Callable[[str], Awaitable[tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy and the variable that names it, as that is spelled in the environment."""

    url: str = field(repr=False)  # may hold a password
    variable: str

    def __str__(self) -> str:
        """Return the proxy without user name and password."""
        scheme, _, rest = self.url.partition("://")
        host = re.split(r"[/?#]", rest.rpartition("@")[2])[0]
        return f"{scheme}://{host} ({self.variable})"

    @property
    def is_resolving(self) -> bool:
        """Return whether the proxy resolves names, rather than this machine."""
        return self.url.lower().startswith("socks5h:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bypass:
    """An entry of NO_PROXY: a name with those below it, an address, or a range."""

    scheme: str = "all"
    host: str = ""
    is_below_only: bool = False
    network: Network | None = None
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `name`, `.name`, an address or a range, with or without a port.

        Raises:
            ValueError: it is none of these.
        """
        scheme, has_scheme, place = text.lower().rpartition("://")
        scheme = scheme if has_scheme else "all"
        place = place.removesuffix("/")
        network = _parse_network(place)
        if network is not None:
            return cls(scheme=scheme, network=network)
        host, has_port, digits = place.rpartition(":")
        port = int(digits) if digits.isdecimal() and has_port else None
        host = (host if has_port else place).removesuffix(".")
        network = _parse_network(host)
        if network is not None:
            return cls(scheme=scheme, network=network, port=port)
        name = _to_ascii(host.removeprefix("*").removeprefix("."))
        if not _NAME.fullmatch(name) or (has_port and not digits.isdecimal()):
            raise ValueError(f"{text!r} is neither a host nor a range of addresses")
        is_below_only = name != _to_ascii(host)
        return cls(scheme=scheme, host=name, is_below_only=is_below_only, port=port)

    def matches(self, scheme: str, host: str, port: int | None) -> bool:
        """Return whether a host, in lower case, bypasses the proxy."""
        if self.scheme not in ("all", scheme) or self.port not in (None, port):
            return False
        if self.network is not None:
            address = _parse_address(host)
            return address is not None and address in self.network
        is_itself = host == self.host and not self.is_below_only
        return is_itself or host.endswith(f".{self.host}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxies:
    """The proxies of an environment by scheme, and the hosts that bypass them.

    `skipped` are the entries of NO_PROXY that could not be parsed.
    """

    by_scheme: Mapping[str, Proxy] = field(default_factory=dict)
    bypasses: tuple[Bypass, ...] = ()
    skipped: tuple[str, ...] = ()
    resolver: Resolver | None = field(default=None, repr=False)
    _is_here: dict[str, bool] = field(default_factory=dict, repr=False)

    @classmethod
    def from_environment(cls, resolver: Resolver | None = None) -> Self:
        """Return the proxies of the environment, or of the system's own settings.

        `resolver` returns the addresses of a name; by default the system's.
        """
        from urllib.request import getproxies

        found = getproxies()
        words = re.split(r"[\s,]+", found.get("no", ""))
        if "*" in words:
            return cls()
        bypasses, skipped = [], []
        for word in filter(None, words):
            try:
                bypasses.append(Bypass.parse(word))
            except ValueError:
                skipped.append(word)
        return cls(
            by_scheme={
                scheme: Proxy(_with_scheme(found[scheme]), _variable_in_force(scheme))
                for scheme in ("http", "https", "all")
                if found.get(scheme)
            },
            bypasses=tuple(bypasses),
            skipped=tuple(skipped),
            resolver=resolver,
        )

    def named(self, url: str) -> Proxy | None:
        """Return the proxy for `url` that the variables name; resolve nothing."""
        if not self.by_scheme:
            return None
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS.get(parts.scheme)
        except ValueError:  # no proxy makes sense of it either
            return None
        scheme, host = parts.scheme, _to_ascii((parts.hostname or "").rstrip("."))
        proxy = self.by_scheme.get(scheme) or self.by_scheme.get("all")
        if proxy is None or is_loopback_url(url) or _is_loopback(host):
            return None
        is_bypassed = any(each.matches(scheme, host, port) for each in self.bypasses)
        return None if is_bypassed else proxy

    async def choose(self, url: str) -> Proxy | None:
        """Return the proxy for `url`, None for a direct connection.

        A name is resolved once, and only when a proxy would be used for it.
        """
        proxy = self.named(url)
        host = urlsplit(url).hostname or ""
        if (
            proxy is None
            or proxy.is_resolving
            or host in _OFFICIAL_HOSTS
            or _parse_address(host)
        ):
            return proxy
        if host not in self._is_here:
            found = await (self.resolver or resolve_addresses)(host)
            self._is_here[host] = bool(found) and all(map(_is_loopback, found))
        return None if self._is_here[host] else proxy


async def resolve_addresses(host: str) -> tuple[str, ...]:
    """Return the addresses that a name resolves to; none when that takes too long.

    The thread is a daemon, as a lookup that hangs cannot be cancelled and must not
    delay the end of the program.
    """
    import asyncio
    import contextlib
    import socket
    import threading

    loop = asyncio.get_running_loop()
    answer: asyncio.Future[tuple[str, ...]] = loop.create_future()

    def give(found: tuple[str, ...]) -> None:
        if not answer.done():
            answer.set_result(found)

    def ask() -> None:
        try:
            entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            entries = []
        found = tuple(str(entry[4][0]) for entry in entries)
        with contextlib.suppress(RuntimeError):  # the loop has been closed meanwhile
            loop.call_soon_threadsafe(give, found)

    threading.Thread(target=ask, name=f"look up {host}", daemon=True).start()
    try:
        async with asyncio.timeout(LOOKUP_TIMEOUT_S):
            return await answer
    except TimeoutError:
        return ()


def _variable_in_force(scheme: str) -> str:
    """Return the variable that is in force; urllib prefers the one in lower case."""
    name = f"{scheme}_proxy"
    spellings = (name, name.upper(), *os.environ)
    found = (each for each in spellings if each.lower() == name and each in os.environ)
    return next((each for each in found if os.environ[each]), _SYSTEM_SETTINGS)


def _with_scheme(url: str) -> str:
    return url if "://" in url else f"http://{url}"


def _parse_network(text: str) -> Network | None:
    """Return an address or a range, in brackets or not."""
    bracketed = _BRACKETED.fullmatch(text)
    if bracketed is not None:
        text = bracketed[1] + (bracketed[2] or "")
    try:
        return ip_network(re.sub("%[^/]*", "", text), strict=False)
    except ValueError:
        return None


def _parse_address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_loopback(host: str) -> bool:
    """Return whether connecting to an address reaches this machine."""
    address = _parse_address(host)
    return address is not None and (address.is_loopback or address.is_unspecified)


def _to_ascii(host: str) -> str:
    try:
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        return host
