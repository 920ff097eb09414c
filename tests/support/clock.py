"""A clock that tests control: ten minutes pass in microseconds."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta

_START = datetime(2026, 10, 4, 12, 0, tzinfo=UTC)
_SETTLED_ROUNDS = 3


class FakeClock:
    """A clock that advances by itself as soon as every task of the loop waits.

    A task that waits for a socket or a thread counts as waiting too: give `grace_s`,
    real seconds in which such things may still happen before time goes on, or
    `is_automatic=False` and move it with `advance`.
    """

    def __init__(
        self,
        start: datetime = _START,
        *,
        is_automatic: bool = True,
        grace_s: float = 0.0,
    ) -> None:
        self.elapsed_s = 0.0
        self.sleeps: list[float] = []  # what was asked for, in order
        self._start = start
        self._grace_s = grace_s
        self._is_automatic = is_automatic
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._mover: asyncio.Task[None] | None = None

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.elapsed_s)

    def monotonic(self) -> float:
        return self.elapsed_s

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waking = asyncio.get_running_loop().create_future()
        due = self.elapsed_s + seconds
        heapq.heappush(self._sleepers, (due, next(self._order), waking))
        if self._is_automatic and (self._mover is None or self._mover.done()):
            self._mover = asyncio.create_task(self._move(), name="fake clock")
        await waking

    async def advance(self, seconds: float) -> None:
        """Advance the clock, waking sleepers in order."""
        until = self.elapsed_s + seconds
        await _settle()
        while (due := self._next_due()) is not None and due <= until:
            self._wake(due)
            await _settle()
        self.elapsed_s = until

    async def _move(self) -> None:
        while True:
            if self._grace_s:
                await asyncio.sleep(self._grace_s)
            await _settle()
            due = self._next_due()
            if due is None:
                return
            self._wake(due)

    def _next_due(self) -> float | None:
        while self._sleepers and self._sleepers[0][2].done():  # its task was cancelled
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    def _wake(self, due: float) -> None:
        self.elapsed_s = max(self.elapsed_s, due)
        while self._sleepers and self._sleepers[0][0] <= self.elapsed_s:
            _, _, waking = heapq.heappop(self._sleepers)
            if not waking.done():
                waking.set_result(None)


async def _settle() -> None:
    """Return once no other task has anything left to do but wait."""
    quiet_rounds = 0
    while quiet_rounds < _SETTLED_ROUNDS:
        await asyncio.sleep(0)
        quiet_rounds = 0 if _is_busy() else quiet_rounds + 1


def _is_busy() -> bool:
    this = asyncio.current_task()
    return any(
        (waiter := getattr(task, "_fut_waiter", None)) is None or waiter.done()
        for task in asyncio.all_tasks()
        if task is not this
    )
