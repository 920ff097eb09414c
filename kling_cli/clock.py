"""Clock: the only module that reads the time and sleeps."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Protocol, TypeVar

T = TypeVar("T")


class Clock(Protocol):
    """Source of the time, passed in; tests pass a fake one."""

    def now(self) -> datetime:
        """Return the wall-clock time, aware, UTC."""

    def monotonic(self) -> float:
        """Return seconds that never decrease; only differences are meaningful."""

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`; zero or less yields once to the event loop."""


class SystemClock:
    """Clock of the operating system."""

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

        async def cancel_later() -> None:
            await clock.sleep(seconds)
            group.cancel_scope.cancel()

        group.start_soon(cancel_later)
        result.append(await call())
    if not result:
        raise TimeoutError
    return result[0]


def format_timestamp(when: datetime) -> str:
    """Return `2026-10-04T12:00:03.250Z`."""
    text = when.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"
