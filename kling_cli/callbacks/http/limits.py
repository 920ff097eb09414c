"""Limits of the callback server: sizes, timeouts, number of connections."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits:
    """Bounds of the public socket; seconds of real time, bytes on the wire.

    `head_timeout_s` runs from the connection, or the last response, to a complete head;
    `body_timeout_s` from there to a complete body; `response_timeout_s` from the head
    to the end of the response. A head is refused once `max_head_bytes` have arrived
    without its end, `max_read_bytes` more at most. `store_timeout_s` is for writing to
    the journal. `drain_timeout_s` is how long the rest of a refused body is discarded,
    so that the sender can read the response. `close_timeout_s` is given to complete
    callbacks when the server closes.
    """

    head_timeout_s: float = 10.0
    body_timeout_s: float = 10.0
    response_timeout_s: float = 60.0
    store_timeout_s: float = 2.0
    drain_timeout_s: float = 1.0
    close_timeout_s: float = 2.0
    keep_alive_timeout_s: int = 5
    max_head_bytes: int = 16 * 1024
    max_read_bytes: int = 16 * 1024
    max_body_bytes: int = 1024 * 1024
    max_connections: int = 256


class LimitedConnection(Protocol):
    """The part of a connection that the limiter needs."""

    @property
    def is_idle(self) -> bool: ...

    def close_gracefully(self) -> None: ...

    def abort(self) -> None: ...


class ConnectionLimiter:
    """Caps how many connections the callback server holds open.

    `handler_tasks` are the callbacks being handled, connected still or not. `failures`
    are unexpected exceptions of the request handler.
    """

    def __init__(self, limits: ServerLimits, failures: deque[Exception]) -> None:
        self.limits = limits
        self.failures = failures
        self.handler_tasks: set[asyncio.Task[None]] = set()
        self._active: dict[LimitedConnection, None] = {}
        self._open: set[LimitedConnection] = set()  # also evicted ones, until closed
        self._removed = asyncio.Event()

    def try_add(self, connection: LimitedConnection) -> bool:
        """Add a connection; at the limit, in place of the oldest idle one.

        So idle connections never keep a callback out.
        """
        self._open.add(connection)
        if len(self._active) >= self.limits.max_connections and not self.evict_idle():
            return False
        self._active[connection] = None
        return True

    def evict_idle(self) -> bool:
        """Abort the oldest idle connection; return whether there was one."""
        idle = next((one for one in self._active if one.is_idle), None)
        if idle is None:
            return False
        idle.abort()
        self._active.pop(idle)  # though it is open for a moment yet
        return True

    def remove(self, connection: LimitedConnection) -> None:
        self._active.pop(connection, None)
        self._open.discard(connection)
        self._removed.set()

    async def close_all(self) -> None:
        """Close all; complete callbacks are handled first, within `close_timeout_s`."""
        for connection in list(self._active):
            connection.close_gracefully()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.limits.close_timeout_s):
                await self._wait_until_empty()
        for connection in list(self._active):
            connection.abort()
        for task in self.handler_tasks:
            task.cancel()
        await self._wait_until_empty()

    async def _wait_until_empty(self) -> None:
        """Return when no connection is open and no callback is being handled.

        A sender may disconnect while its callback is being stored.
        """
        while self._open:
            self._removed.clear()
            await self._removed.wait()
        if self.handler_tasks:
            await asyncio.wait(self.handler_tasks)
