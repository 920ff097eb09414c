"""What an ssh tunnel connects to: a server of one's own, or a public service. Pure."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from kling_cli.errors import UsageError

SSH_PORT: Final = 22
_PORTS: Final = range(65536)
_HOW_TO_WRITE: Final = (
    "ssh://[USER@]HOST[:PORT]?url=https://NAME&remote_port=N; both may be left out"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SshTarget:
    """Where to connect, which forward to ask for, and how its URL is known.

    `public_url` may hold `{port}`, the port that the server has allocated; with
    `url_pattern` the server says the URL on a line of its own instead. An anonymous
    target is shown no key, no agent and no user name of the person's. `shown` is the
    value of `--tunnel` that stands for it. Three questions in a row, `keepalive_s`
    apart, that are not answered are the end of a connection.
    """

    name: str
    shown: str
    host: str
    port: int | None = None
    username: str | None = None
    listen_host: str = ""
    listen_port: int = 0
    public_url: str | None = None
    url_pattern: re.Pattern[str] | None = None
    is_anonymous: bool = False
    keepalive_s: float = 10.0

    def find_url(self, line: str) -> str | None:
        """Return the URL that a line of the server's says, if it does."""
        found = self.url_pattern.search(line) if self.url_pattern else None
        return found[1].rstrip("/") if found else None


def read_target(address: str, *, shown: str) -> SshTarget:
    """Return the target of `ssh://[USER@]HOST[:PORT]?url=…&remote_port=…`. Pure.

    Raises:
        UsageError: a part of it is nonsense.
    """
    parts = urlsplit(address)
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = sorted(given.keys() - {"url", "remote_port"})
    if unknown or parts.path.strip("/"):
        what = unknown[0] if unknown else parts.path
        raise UsageError(f"{address}: {what} is unknown", hint=_HOW_TO_WRITE)
    url = given.get("url")
    remote_port = given.get("remote_port", "0")
    if not remote_port.isdecimal() or int(remote_port) not in _PORTS:
        raise UsageError(
            f"{address}: remote_port {remote_port!r} is not a port", hint=_HOW_TO_WRITE
        )
    if url is not None and not url.startswith(("http://", "https://")):
        raise UsageError(
            f"{address}: url {url!r} is not a URL", hint="url=https://NAME"
        )
    return SshTarget(
        name="ssh",
        shown=shown,
        host=parts.hostname or "",
        port=parts.port,
        username=parts.username,
        # a proxy on the server itself leads to the port; without one it is public
        listen_host="localhost" if url else "",
        listen_port=int(remote_port),
        public_url=(url or f"http://{parts.hostname}:{{port}}").rstrip("/"),
    )


def how_to_accept(target: SshTarget) -> str:
    """Return what to do about a host key that is not known."""
    name = shlex.quote(target.shown)
    return f"run `kling tunnel test {name}` on a terminal and look at the key"
