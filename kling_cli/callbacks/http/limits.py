"""What a stranger may cost us, in one place."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from kling_cli.callbacks.http.responses import Response


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of the public socket; seconds of real time, bytes on the wire.

    `head_s` runs from the connection, or the last answer, to a complete head; `body_s`
    from there to a complete body; `answer_s` from the head to the end of the answer,
    whatever happens. A head is refused once `head_bytes` have come without its end,
    `read_bytes` more at most. `keep_s` bounds the journal, `linger_s` how long the rest
    of a refused body is thrown away, so that the sender gets to read the answer.
    `close_s` is given to callbacks that are whole when the server closes.
    """

    head_s: float = 10.0
    body_s: float = 10.0
    answer_s: float = 60.0
    keep_s: float = 2.0
    linger_s: float = 1.0
    close_s: float = 2.0
    keep_alive_s: int = 5
    head_bytes: int = 16 * 1024
    read_bytes: int = 16 * 1024
    body_bytes: int = 1024 * 1024
    connections: int = 256


class LimitedConnection(Protocol):
    """The part of a connection that the crowd needs."""

    @property
    def is_idle(self) -> bool: ...

    def leave(self) -> None: ...

    def cut(self) -> None: ...


class ConnectionLimiter:
    """All connections of one server, in the order of their coming.

    `tasks` are the callbacks that are being taken, whoever is still there to hear the
    answer. `failures` are the app's own bugs.
    """

    def __init__(self, limits: Limits, failures: deque[Exception]) -> None:
        self.limits = limits
        self.failures = failures
        self.tasks: set[asyncio.Task[Response]] = set()
        self._present: dict[LimitedConnection, None] = {}
        self._connected: set[LimitedConnection] = (
            set()
        )  # also who was sent away, until gone
        self._left = asyncio.Event()

    def has_room_for(self, newcomer: LimitedConnection) -> bool:
        """Let a connection in if the oldest that wants nothing can be sent away for it.

        So a crowd of idle strangers never keeps a genuine callback out.
        """
        self._connected.add(newcomer)
        if len(self._present) >= self.limits.connections and not self.make_room():
            return False
        self._present[newcomer] = None
        return True

    def make_room(self) -> bool:
        """Send the oldest away that wants nothing; return whether there was one."""
        idle = next((one for one in self._present if one.is_idle), None)
        if idle is None:
            return False
        idle.cut()
        self._present.pop(idle)  # though it may take a moment to end
        return True

    def lose(self, gone: LimitedConnection) -> None:
        self._present.pop(gone, None)
        self._connected.discard(gone)
        self._left.set()

    async def disperse(self) -> None:
        """Send everybody away; callbacks that are whole have `close_s` to be taken."""
        for guest in list(self._present):
            guest.leave()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.limits.close_s):
                await self._wait_until_empty()
        for guest in list(self._present):
            guest.cut()
        for task in self.tasks:
            task.cancel()
        await self._wait_until_empty()

    async def _wait_until_empty(self) -> None:
        """Return when nobody is left and nothing is being taken.

        A sender may hang up while its callback is kept.
        """
        while self._connected:
            self._left.clear()
            await self._left.wait()
        if self.tasks:
            await asyncio.wait(self.tasks)
