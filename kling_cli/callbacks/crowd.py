"""Everybody at the door at once, and how many may be."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import Protocol

from kling_cli.callbacks.answer import Answer
from kling_cli.callbacks.limits import Limits


class Guest(Protocol):
    """The part of a connection that the crowd needs."""

    @property
    def is_idle(self) -> bool: ...

    def leave(self) -> None: ...

    def cut(self) -> None: ...


class Crowd:
    """All connections of one server, in the order of their coming.

    `tasks` are the callbacks that are being taken, whoever is still there to hear the
    answer. `failures` are the app's own bugs.
    """

    def __init__(self, limits: Limits, failures: deque[Exception]) -> None:
        self.limits = limits
        self.failures = failures
        self.tasks: set[asyncio.Task[Answer]] = set()
        self._present: dict[Guest, None] = {}
        self._connected: set[Guest] = set()  # also who was sent away, until gone
        self._left = asyncio.Event()

    def has_room_for(self, newcomer: Guest) -> bool:
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

    def lose(self, gone: Guest) -> None:
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
