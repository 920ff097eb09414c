"""The one place that knows what time it is and how to wait."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


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
