"""The tunnel that this process holds: followed here, and told of to the others."""

from __future__ import annotations

from dataclasses import dataclass

from kling_cli.jobs.events import CallbackPath
from kling_cli.jobs.news import News
from kling_cli.jobs.schedule import PathState
from kling_cli.jobs.session import Session
from kling_cli.tunnels.provider import Tunnel, TunnelEvent
from kling_cli.tunnels.shared_lock import SharedTunnelLock


@dataclass(frozen=True, slots=True)
class OwnTunnel:
    """Our tunnel, and what the other processes are told of it."""

    tunnel: Tunnel
    lock: SharedTunnelLock
    port: int

    def _tell_others(self, event: TunnelEvent) -> None:
        if event.state in ("up", "moved"):
            self.lock.publish(event.public_url, self.port)
        else:
            self.lock.withdraw()

    async def follow(self, session: Session, news: News) -> None:
        """Tell the waiter, the person and other processes what becomes of it."""
        first_url = self.tunnel.public_url
        via = self.tunnel.provider_name
        was = PathState.READY
        async for event in self.tunnel.events():
            self._tell_others(event)
            if event.state == "up" and event.public_url == first_url:
                news.set_path(was if was is PathState.PROVEN else PathState.READY)
                session.tell(CallbackPath(state="back", via=via, detail=event.detail))
                continue
            if news.path is not PathState.LOST:
                was = news.path
                news.set_path(PathState.LOST)
                session.tell(CallbackPath(state="lost", via=via, detail=event.detail))
