"""The ssh provider: a reverse forward on a server, one's own or a public service.

A new public service is one `_public_service` here and one line in the registry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kling_cli.errors import TunnelError, UsageError
from kling_cli.tunnels.provider import (
    STARTUP_TIMEOUT_S,
    Description,
    NotSetUpError,
    Person,
    ReadinessCheck,
)
from kling_cli.tunnels.ssh.target import SshTarget, how_to_accept, read_target

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from kling_cli.settings import Settings
    from kling_cli.tunnels.provider import Tunnel

_HOW_TO_SET_UP: Final = (
    "give a server, --tunnel ssh://USER@HOST?url=https://NAME, or name it in "
    "config.toml: ssh.server"
)


class SshProvider:
    """Opens tunnels by asking an ssh server to forward a port to this machine."""

    def __init__(self, target: SshTarget) -> None:
        self._target = target

    @property
    def name(self) -> str:
        return self._target.name

    def open(
        self, port: int, *, timeout_s: float = STARTUP_TIMEOUT_S
    ) -> AbstractAsyncContextManager[Tunnel]:
        """Forward a public URL to 127.0.0.1:`port` for as long as the context lasts.

        A connection that breaks is made anew; one that is silent is taken for broken
        after 40 seconds.

        Raises: `UnknownHostKeyError`, `TunnelError`.
        """
        from kling_cli.tunnels.ssh import connection

        return connection.open_tunnel(self._target, port, timeout_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class SshFactory:
    """Makes the provider for an ssh server: a public service, or the person's own.

    `service` is the target of a public service, None for the server of the settings.
    """

    name: str
    description: Description
    service: SshTarget | None = None

    @property
    def is_public_service(self) -> bool:
        return self.service is not None

    def checks(self, settings: Settings, _search_path: str) -> Iterator[ReadinessCheck]:
        name = f"{self.name} key" if self.is_public_service else "ssh server"
        address = settings.tunnel if settings.tunnel.startswith("ssh://") else None
        try:
            target = self._target(settings, address)
        except (TunnelError, UsageError) as exc:
            yield ReadinessCheck.failed(name, exc)
        else:
            yield _check_host_key(name, target)

    def require_ready(self, settings: Settings, address: str | None) -> None:
        try:
            self._target(settings, address)
        except UsageError as exc:
            raise TunnelError(exc.message, hint=exc.hint) from exc

    def prepare(self, settings: Settings, address: str | None, person: Person) -> None:
        """Ask whether the key of the server is the right one, if it is not known."""
        from kling_cli.tunnels.ssh import connection

        try:
            target = self._target(settings, address)
        except TunnelError:
            return  # said by whoever opens the tunnel
        connection.accept_host_key(target, person)

    def create(self, settings: Settings, address: str | None) -> SshProvider:
        return SshProvider(self._target(settings, address))

    def _target(self, settings: Settings, address: str | None) -> SshTarget:
        """Raises: `NotSetUpError` without a server, `UsageError` for nonsense."""
        if self.service is not None:
            return self.service
        settings.require("ssh_server")
        said = address or settings.ssh_server
        if said is None:
            raise NotSetUpError("no ssh server is set up", hint=_HOW_TO_SET_UP)
        return read_target(said, shown=address or self.name)


def _check_host_key(name: str, target: SshTarget) -> ReadinessCheck:
    from kling_cli.tunnels.ssh import connection

    try:
        is_known = connection.is_host_key_known(target)
    except TunnelError as exc:
        return ReadinessCheck.failed(name, exc)
    if is_known:
        return ReadinessCheck(
            name=name, is_ok=True, message=f"the key of {target.host} is known"
        )
    return ReadinessCheck(
        name=name,
        is_ok=False,
        message=f"the key of {target.host} has not been accepted yet",
        remedy=how_to_accept(target),
    )


def _public_service(  # noqa: PLR0913 -- by name
    name: str,
    *,
    host: str,
    username: str,
    url_pattern: str,
    port: int | None = None,
    listen_port: int = 0,
    url: str,
    limits: str,
    added_headers: tuple[str, ...] = (),
) -> SshFactory:
    """Return the factory of a service that needs no account; its name sees requests."""
    service = SshTarget(
        name=name,
        shown=name,
        host=host,
        port=port,
        username=username,
        listen_port=listen_port,
        url_pattern=re.compile(url_pattern),
        is_anonymous=True,
    )
    description = Description(
        account="none",
        agent="none",
        url=url,
        limits=limits,
        sees=name,
        added_headers=added_headers,
    )
    return SshFactory(name=name, description=description, service=service)


FACTORY: Final = SshFactory(
    name="ssh",
    description=Description(
        account="your server's",
        agent="none",
        url="stable: yours",
        limits="your server's",
        sees="your server",
    ),
)

# Source: https://localhost.run/docs, read 2026-11-29. The bind address must be empty.
LOCALHOST_RUN: Final = _public_service(
    "localhost.run",
    host="localhost.run",
    username="nokey",
    listen_port=80,
    url_pattern=r"tunneled with tls termination, (https://\S+)",
    url="new in each run, and after hours",
    limits="slower than with an account",
)
# Source: https://serveo.net, read 2026-11-29.
SERVEO: Final = _public_service(
    "serveo",
    host="serveo.net",
    username="kling",
    listen_port=80,
    url_pattern=r"Forwarding HTTP traffic from (https://\S+)",
    url="new in each run",
    limits="3 tunnels at a time; often overloaded",
    added_headers=("x-serveo-",),
)
# Source: https://pinggy.io/docs/usages, read 2026-11-29.
PINGGY: Final = _public_service(
    "pinggy",
    host="a.pinggy.io",
    port=443,
    username="free",
    url_pattern=r"(https://[\w-]+(?:\.[\w-]+)*\.(?:pinggy|pinggy-free)\.(?:link|online|net))",
    url="new in each run, and each hour",
    limits="60 minutes a tunnel, then it is opened anew",
    added_headers=("x-pinggy-",),
)
