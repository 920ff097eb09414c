"""The tunnel supervisor: reopens a tunnel that died or that lets nothing through.

The tunnel is published meanwhile, so that generating commands of this user share it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import anyio
from anyio.abc import TaskGroup, TaskStatus

from kling_cli.clock import Clock
from kling_cli.errors import TunnelError
from kling_cli.settings import Settings
from kling_cli.tunnels import shared_lock
from kling_cli.tunnels.provider import Provider, Tunnel, TunnelEvent, TunnelTakenError
from kling_cli.tunnels.shared_lock import SharedTunnelLock

REOPEN_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0)

# Told of every change; `moved` also when a new tunnel has taken a dead one's place.
OnChange = Callable[[TunnelEvent], None]


@asynccontextmanager
async def supervise_tunnel(  # noqa: PLR0913 -- collaborators, by name
    provider: Provider,
    port: int,
    *,
    settings: Settings,
    clock: Clock,
    group: TaskGroup,
    on_change: OnChange,
    is_shared: bool = True,
) -> AsyncIterator[TunnelSupervisor]:
    """Open a tunnel to `port` and keep one open.

    `group` carries what keeps it open; it is ended with the block. With `is_shared`
    generating commands are told of it.

    Raises:
        TunnelTakenError: another kling of this user has a tunnel.
        TunnelError: there is no tunnel to be had.
    """
    lock = shared_lock.acquire_lock(settings.state_dir)
    if lock is None:
        raise _taken(settings)
    with lock:
        supervisor = TunnelSupervisor(provider, port, lock, clock, on_change, is_shared)
        try:
            await group.start(supervisor.run)
        except TunnelError as exc:  # a hint for those who only want a result
            exc.hint = exc.hint and exc.hint.replace("--callback off", "--tunnel none")
            raise
        try:
            yield supervisor
        finally:
            supervisor.scope.cancel()
            with anyio.CancelScope(shield=True):
                await supervisor.ended.wait()


def _taken(settings: Settings) -> TunnelTakenError:
    shared = shared_lock.find_shared_tunnel(settings.state_dir)
    who = f"another kling (pid {shared.owner_pid})" if shared else "another kling"
    return TunnelTakenError(
        f"{who} is listening already, and a user has one listener",
        hint="end it first, or listen on this machine only with --tunnel none",
    )


@dataclass(slots=True)
class TunnelSupervisor:
    """Keeps a tunnel open, with a new one in place of each that died."""

    provider: Provider
    port: int
    lock: SharedTunnelLock
    clock: Clock
    on_change: OnChange
    is_shared: bool
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    ended: anyio.Event = field(default_factory=anyio.Event)
    _url: str | None = None
    _following: anyio.CancelScope | None = None
    _is_up: bool = True

    @property
    def url(self) -> str:
        return self._url or ""

    def reopen(self, reason: str) -> bool:
        """Open another tunnel in place of one that claims to be up and is not."""
        if self._following is not None and self._is_up:
            self._is_up = False
            self.lock.withdraw()
            self.on_change(TunnelEvent("down", self.url, reason))
            self._following.cancel()
        return True  # or the agent, or we, are at it already

    async def run(self, *, task_status: TaskStatus[None]) -> None:
        try:
            with self.scope:
                await self._hold(task_status)
        finally:
            self.ended.set()

    async def _hold(self, task_status: TaskStatus[None]) -> None:
        failures = 0
        while True:
            try:
                async with self.provider.open(self.port) as tunnel:
                    failures = 0
                    self._opened(tunnel.public_url, task_status)
                    with anyio.CancelScope() as self._following:
                        await self._follow(tunnel)
                    self._following = None
            except TunnelError as exc:
                if self._url is None:
                    raise
                if failures == 0:
                    self.on_change(TunnelEvent("down", self._url, exc.message))
                failures += 1
            await self.clock.sleep(REOPEN_S[min(failures, len(REOPEN_S) - 1)])

    def _opened(self, url: str, task_status: TaskStatus[None]) -> None:
        self._publish(url)
        self._is_up = True
        before, self._url = self._url, url
        if before is None:
            task_status.started()
        else:
            self.on_change(TunnelEvent("up" if url == before else "moved", url))

    async def _follow(self, tunnel: Tunnel) -> None:
        async for event in tunnel.events():
            self._url = event.public_url
            self._is_up = event.state in ("up", "moved")
            if self._is_up:
                self._publish(event.public_url)
            else:
                self.lock.withdraw()
            self.on_change(event)

    def _publish(self, url: str) -> None:
        if self.is_shared:
            self.lock.publish(url, self.port, is_standing=True)
