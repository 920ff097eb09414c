"""The ingress of the listener: a tunnel, a URL of the user's own, or loopback only.

It is published, so that generating commands of this user share the listener.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from anyio.abc import TaskGroup

from kling_cli import tunnels
from kling_cli.clock import Clock
from kling_cli.errors import UsageError
from kling_cli.listener.options import ListenOptions
from kling_cli.settings import Settings
from kling_cli.tunnels import OnChange, supervise_tunnel


class IngressKind(StrEnum):
    """The kind of ingress that a listener has."""

    TUNNEL = "tunnel"
    URL = "url"
    LOOPBACK = "loopback"


def choose_ingress(options: ListenOptions, settings: Settings) -> IngressKind:
    """Return the ingress that the options ask for.

    A tunnel that is only the default is not opened where none is needed.

    Raises:
        UsageError: there is no such provider, or the options exclude each other.
    """
    is_typed = settings.is_typed("tunnel")
    if options.is_tokenless and options.callback_url:
        raise UsageError(
            "--no-token takes callbacks from anybody, so it stays on this machine",
            hint="leave out --no-token, or use --tunnel in place of --callback-url",
        )
    if options.callback_url:
        return IngressKind.URL
    if options.is_tokenless and not is_typed:
        return IngressKind.LOOPBACK
    tunnels.require_choice(settings)
    if options.tunnel == "none" or (settings.is_sandbox and not is_typed):
        return IngressKind.LOOPBACK
    if options.tunnel == "auto":
        settings.require("api_base", "region")
        return IngressKind.LOOPBACK if settings.is_loopback_base else IngressKind.TUNNEL
    return IngressKind.TUNNEL


class Ingress(Protocol):
    """An open ingress."""

    @property
    def url(self) -> str:
        """The current base URL, without a slash at its end."""

    def reopen(self, reason: str) -> bool:
        """Open it anew, as no request arrives; return whether it is ours to reopen."""


@dataclass(frozen=True, slots=True)
class FixedIngress:
    """An ingress that is not ours to open: the user's own URL, or loopback."""

    url: str

    def reopen(self, _reason: str) -> bool:
        return False


@asynccontextmanager
async def open_ingress(  # noqa: PLR0913 -- collaborators, by name
    kind: IngressKind,
    options: ListenOptions,
    local_url: str,
    port: int,
    *,
    settings: Settings,
    clock: Clock,
    group: TaskGroup,
    on_change: OnChange,
) -> AsyncIterator[Ingress]:
    """Open and publish the ingress that leads to `local_url`.

    Raises:
        TunnelError: a tunnel is required and none can be opened.
    """
    if kind is IngressKind.TUNNEL:
        tunnel = supervise_tunnel(
            tunnels.provider_for(settings, options.tunnel),
            port,
            settings=settings,
            clock=clock,
            group=group,
            on_change=on_change,
            is_shared=options.has_history,
        )
        async with tunnel as supervised:
            yield supervised
        return
    ingress = FixedIngress((options.callback_url or local_url).rstrip("/"))
    published = publish_listener(settings, ingress.url, port, kind)
    with published if options.has_history else nullcontext():
        yield ingress


@contextmanager
def publish_listener(
    settings: Settings, url: str, port: int, kind: IngressKind
) -> Iterator[None]:
    """Publish a listener without a tunnel, unless another kling has published one."""
    name = tunnels.PUBLIC if kind is IngressKind.URL else tunnels.LOCAL
    with tunnels.acquire_lock(settings.state_dir, name) or nullcontext() as lock:
        if lock is not None:
            lock.publish(url, port, is_standing=True)
        yield
