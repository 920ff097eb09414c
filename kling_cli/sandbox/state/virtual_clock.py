"""The virtual clock: the clock handed in, plus what `advance` has added."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from datetime import datetime

    from kling_cli.clock import Clock


class VirtualClock:
    """Seconds since the epoch as the sandbox's tasks and links see them.

    It starts at the clock's wall time, follows its monotonic time, and can be moved
    forward. Credentials and signatures are judged by `real_now`: their other end does
    not jump along.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset_s = clock.now().timestamp() - clock.monotonic()
        self._moved = anyio.Event()

    def now_s(self) -> float:
        return self._clock.monotonic() + self._offset_s

    def real_now(self) -> datetime:
        return self._clock.now()

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds` and wake all that wait for a moment."""
        self._offset_s += seconds
        self.wake()

    def wake(self) -> None:
        """Wake all that wait in `change_by`."""
        self._moved.set()
        self._moved = anyio.Event()

    async def change_by(self, moment_s: float) -> None:
        """Return at `moment_s`, or earlier when a control request comes."""
        moved = self._moved
        async with anyio.create_task_group() as group:

            async def wait_for_move() -> None:
                await moved.wait()
                group.cancel_scope.cancel()

            group.start_soon(wait_for_move)
            await self._sleep_until(moment_s)
            group.cancel_scope.cancel()

    async def pause(self, seconds: float) -> None:
        """Return after `seconds` of the real clock, not of the virtual one."""
        await self._clock.sleep(seconds)

    async def _sleep_until(self, moment_s: float) -> None:
        # infinity is for tasks that never end; an hour at a time suits every event loop
        while (left_s := moment_s - self.now_s()) > 0:
            await self._clock.sleep(min(left_s, 3600.0))
