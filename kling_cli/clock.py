"""The one place that knows what time it is and how to wait."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Protocol, TypeVar

T = TypeVar("T")


class Clock(Protocol):
    """Time as the program sees it; tests hand in one that they move by hand."""

    def now(self) -> datetime:
        """Return the wall-clock time, aware, UTC."""

    def monotonic(self) -> float:
        """Return seconds that never go back; only differences mean anything."""

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`; zero or less yields once to the event loop."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        import anyio

        await anyio.sleep(max(0.0, seconds))


async def within(clock: Clock, seconds: float, call: Callable[[], Awaitable[T]]) -> T:
    """Return what `call` returns, cancelling it after `seconds`.

    Raises:
        TimeoutError: it took longer.
    """
    from kling_cli.background import background

    result: list[T] = []
    async with background() as group:

        async def alarm() -> None:
            await clock.sleep(seconds)
            group.cancel_scope.cancel()

        group.start_soon(alarm)
        result.append(await call())
    if not result:
        raise TimeoutError
    return result[0]
