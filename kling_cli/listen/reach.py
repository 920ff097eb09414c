"""How the listener is reached: by a tunnel, a URL of one's own, or on loopback only.

Whatever it is, it is published, so that generating commands of this user take the same
door. A tunnel that dies is opened again for as long as the listener runs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import anyio
from anyio.abc import TaskGroup, TaskStatus

from kling_cli.callbacks.tunnel import lease
from kling_cli.callbacks.tunnel.base import (
    Provider,
    Tunnel,
    TunnelEvent,
    TunnelTakenError,
)
from kling_cli.callbacks.tunnel.lease import Lease
from kling_cli.clock import Clock
from kling_cli.errors import TunnelError, UsageError
from kling_cli.settings import Settings

REOPEN_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0)


class Kind(StrEnum):
    """What kind of way in a listener has."""

    NGROK = "ngrok"
    URL = "url"
    LOOPBACK = "loopback"


def choose(
    *,
    tunnel: str,
    callback_url: str | None,
    is_tokenless: bool,
    settings: Settings,
) -> Kind:
    """Return the way in that was asked for; `tunnel` is `auto`, `ngrok` or `none`.

    Raises:
        UsageError: a door without a token was asked for, and a public way to it.
    """
    if is_tokenless and (callback_url or tunnel == "ngrok"):
        raise UsageError(
            "--no-token opens a door to anybody, so it stays on this machine",
            hint="leave out --no-token, or use --tunnel none without --callback-url",
        )
    if callback_url:
        return Kind.URL
    if is_tokenless or tunnel == "none":
        return Kind.LOOPBACK
    if tunnel == "auto" and (settings.is_loopback_base or settings.is_sandbox):
        return Kind.LOOPBACK
    return Kind.NGROK


# Told of every change; `moved` also when a new tunnel has taken a dead one's place.
OnChange = Callable[[TunnelEvent], None]


@asynccontextmanager
async def share_door(
    settings: Settings, url: str, port: int, kind: Kind
) -> AsyncIterator[None]:
    """Publish a door that needs no tunnel, unless another kling has published one."""
    name = lease.PUBLIC if kind is Kind.URL else lease.LOCAL
    claimed = lease.claim(settings.state_dir, name)
    if claimed is None:
        yield
        return
    with claimed:
        claimed.publish(url, port, is_standing=True)
        yield


@asynccontextmanager
async def hold_tunnel(  # noqa: PLR0913 -- collaborators, by name
    provider: Provider,
    port: int,
    *,
    settings: Settings,
    clock: Clock,
    group: TaskGroup,
    on_change: OnChange,
    is_shared: bool = True,
) -> AsyncIterator[str]:
    """Open a tunnel to `port` and keep one open; give its first URL.

    `group` carries what keeps it open; it is ended with the block. With `is_shared`
    generating commands are told of it.

    Raises:
        TunnelTakenError: another kling of this user has a tunnel.
        TunnelError: there is no tunnel to be had.
    """
    claimed = lease.claim(settings.state_dir)
    if claimed is None:
        raise _taken(settings)
    with claimed:
        holder = _Holder(provider, port, claimed, clock, on_change, is_shared)
        first_url = await group.start(holder.run)
        try:
            yield first_url
        finally:
            holder.scope.cancel()
            with anyio.CancelScope(shield=True):
                await holder.ended.wait()


def provider(settings: Settings) -> Provider:
    """Return who makes tunnels; one line here for each further provider."""
    from kling_cli.callbacks.tunnel.ngrok import NgrokProvider

    return NgrokProvider.from_settings(settings)


def _taken(settings: Settings) -> TunnelTakenError:
    door = lease.look(settings.state_dir)
    who = f"another kling (pid {door.owner_pid})" if door else "another kling"
    return TunnelTakenError(
        f"{who} has the door, and there is one a user",
        hint="end it first, or listen on this machine only with --tunnel none",
    )


@dataclass(slots=True)
class _Holder:
    """Keeps a tunnel open, with a new one in place of each that died."""

    provider: Provider
    port: int
    lease: Lease
    clock: Clock
    on_change: OnChange
    is_shared: bool
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    ended: anyio.Event = field(default_factory=anyio.Event)
    _url: str | None = None

    async def run(self, *, task_status: TaskStatus[str]) -> None:
        try:
            with self.scope:
                await self._hold(task_status)
        finally:
            self.ended.set()

    async def _hold(self, task_status: TaskStatus[str]) -> None:
        failures = 0
        while True:
            try:
                async with self.provider.open(self.port) as tunnel:
                    failures = 0
                    self._opened(tunnel.public_url, task_status)
                    await self._follow(tunnel)
            except TunnelError as exc:
                if self._url is None:
                    raise
                if failures == 0:
                    self.on_change(TunnelEvent("down", self._url, exc.message))
                failures += 1
            await self.clock.sleep(REOPEN_S[min(failures, len(REOPEN_S) - 1)])

    def _opened(self, url: str, task_status: TaskStatus[str]) -> None:
        self._publish(url)
        before, self._url = self._url, url
        if before is None:
            task_status.started(url)
        else:
            self.on_change(TunnelEvent("up" if url == before else "moved", url))

    async def _follow(self, tunnel: Tunnel) -> None:
        async for event in tunnel.events():
            self._url = event.public_url
            if event.state in ("up", "moved"):
                self._publish(event.public_url)
            else:
                self.lease.withdraw()
            self.on_change(event)

    def _publish(self, url: str) -> None:
        if self.is_shared:
            self.lease.publish(url, self.port, is_standing=True)
