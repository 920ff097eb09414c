"""Forwarding targets: the URLs that `--forward-to` and `--route` name. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit, urlunsplit

from kling_cli.errors import UsageError

DEFAULT_PORT: Final = 8000  # where the guide's handler and most frameworks listen
DEFAULT_PATH: Final = "/callback"
STATUSES: Final = ("submitted", "processing", "succeeded", "failed", "unknown")
_PORT: Final = re.compile(r"(\d{1,5})(/.*)?")
_SCHEMES: Final = ("http", "https")
_LOOPBACK: Final = ("127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A URL that callbacks are forwarded to; those with one status, or all of them."""

    url: str
    status: str | None = None

    @property
    def display_url(self) -> str:
        """The URL without the user name and password that it may carry."""
        split = urlsplit(self.url)
        return urlunsplit(split._replace(netloc=split.netloc.rpartition("@")[2]))

    @property
    def candidate_urls(self) -> tuple[str, ...]:
        """The URLs to try in turn: `localhost` may be served on one address only."""
        split = urlsplit(self.url)
        if split.hostname != "localhost":
            return (self.url,)
        return tuple(_with_address(split, address) for address in _LOOPBACK)

    @property
    def host_header(self) -> str:
        """The value of the `Host` header, whichever candidate responds."""
        return urlsplit(self.url).netloc.rpartition("@")[2]


def parse_target(text: str) -> Target:
    """Parse a value of `--forward-to`.

    A URL; a port, with or without a path; a path, on port 8000; or a host with a port.

    Raises:
        UsageError: It is none of these.
    """
    value = text.strip()
    if value.startswith("/"):
        return _validated(f"http://localhost:{DEFAULT_PORT}{value}", text)
    if port := _PORT.fullmatch(value):
        return _validated(f"http://localhost:{port[1]}{port[2] or DEFAULT_PATH}", text)
    if "://" not in value:
        return _validated(f"http://{value}", text)
    return _validated(value, text)


def parse_route(text: str) -> Target:
    """Parse a value of `--route STATUS=URL`.

    Raises:
        UsageError: There is no such status, or no target.
    """
    status, separator, url = text.partition("=")
    status = "succeeded" if status == "succeed" else status
    if not separator or status not in STATUSES:
        raise UsageError(
            f"--route {text}: not of the form STATUS=URL",
            hint=f"STATUS is one of {', '.join(STATUSES)}",
        )
    return Target(url=parse_target(url).url, status=status)


def targets_for(status: str | None, targets: Sequence[Target]) -> tuple[Target, ...]:
    """Return the targets of a callback with this status.

    A route for the status takes precedence over the targets for all.
    """
    own = tuple(each for each in targets if each.status == (status or "unknown"))
    return own or tuple(each for each in targets if each.status is None)


def reject_own_port(targets: Sequence[Target], port: int) -> None:
    """Raise when a target is the listener itself, which would forward for ever.

    Raises:
        UsageError: It is.
    """
    for each in targets:
        split = urlsplit(each.url)
        here = split.hostname in ("localhost", "127.0.0.1", "::1")
        if here and (split.port or 80) == port:
            raise UsageError(
                f"--forward-to {each.display_url}: that is the listener's own port",
                hint="let your app listen on another port, or choose ours with --port",
            )


def _validated(url: str, typed: str) -> Target:
    try:
        split = urlsplit(url)
        is_good = split.scheme in _SCHEMES and bool(split.hostname)
        is_good = is_good and split.port != 0
    except ValueError:  # a port out of range, an invalid IPv6 address
        is_good = False
    if not is_good or not url.isascii() or not url.isprintable() or " " in url:
        raise UsageError(
            f"{typed!r} is no place to send callbacks to",
            hint="give a URL, a port such as 3000, or a path such as /webhooks/kling",
        )
    has_place = split.path or split.query
    return Target(url=url if has_place else f"{url}{DEFAULT_PATH}")


def _with_address(split: SplitResult, address: str) -> str:
    user, at, _ = split.netloc.rpartition("@")
    port = f":{split.port}" if split.port else ""
    return urlunsplit(split._replace(netloc=f"{user}{at}{address}{port}"))
