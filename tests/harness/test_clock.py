from __future__ import annotations

import asyncio

import pytest

from tests.support.clock import FakeClock

pytestmark = pytest.mark.anyio


async def test_hours_pass_at_once_when_every_task_waits() -> None:
    clock = FakeClock()
    start = clock.now()

    async with asyncio.timeout(1):
        await clock.sleep(7200)

    assert clock.monotonic() == 7200
    assert (clock.now() - start).total_seconds() == 7200


async def test_sleepers_wake_in_order_of_their_time() -> None:
    clock = FakeClock()
    woken: list[tuple[str, float]] = []

    async def nap(name: str, *pauses: float) -> None:
        for pause in pauses:
            await clock.sleep(pause)
            woken.append((name, clock.elapsed_s))

    await asyncio.gather(nap("slow", 10), nap("fast", 4, 4, 4))

    assert woken == [("fast", 4), ("fast", 8), ("slow", 10), ("fast", 12)]


async def test_time_stands_still_while_a_task_works() -> None:
    clock = FakeClock()

    async def work() -> float:
        for _ in range(1000):
            await asyncio.sleep(0)
        return clock.elapsed_s

    working = asyncio.create_task(work())
    await clock.sleep(5)

    assert working.done()
    assert working.result() == 0


async def test_a_cancelled_sleeper_does_not_delay_others() -> None:
    clock = FakeClock()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await clock.sleep(1)
    await clock.sleep(3)

    assert clock.elapsed_s == 3


async def test_a_clock_moved_by_hand_moves_no_further_than_asked() -> None:
    clock = FakeClock(is_automatic=False)
    sleeping = asyncio.create_task(clock.sleep(10))

    await clock.advance(9.5)
    is_early = sleeping.done()
    await clock.advance(0.5)

    assert not is_early
    assert sleeping.done()
