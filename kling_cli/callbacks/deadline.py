"""One deadline at a time, cheap to move further away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Deadline:
    """Calls what it was set to last, once its time has come, unless it is ended.

    A connection moves its deadline with every request; the loop's timer is left where
    it is as long as it rings early enough, and then looks again.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        self._at = 0.0
        self._action: Callable[[], None] | None = None

    def set(self, at: float, action: Callable[[], None]) -> None:
        """Do `action` at the loop's time `at`, and nothing else that was set before."""
        self._at = at
        self._action = action
        if self._timer is None or self._timer.when() > at:
            self._rearm()

    def end(self) -> None:
        """Do nothing any more, and let go of whoever set it."""
        self._action = None
        if self._timer is not None:
            self._timer.cancel()

    def _rearm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._at, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._loop.time() < self._at:
            self._rearm()
        elif self._action is not None:
            self._action()
