from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import anyio
import pytest

from kling_cli.clock import SystemClock, format_timestamp, within
from tests.support.clock import FakeClock

pytestmark = pytest.mark.anyio


async def test_the_system_clock_goes_forward() -> None:
    clock = SystemClock()
    begun, moment = clock.monotonic(), clock.now()

    await clock.sleep(0.01)

    assert clock.monotonic() - begun >= 0.01
    assert clock.now() > moment
    assert moment.tzinfo is UTC


@pytest.mark.parametrize("seconds", [0, -5])
async def test_a_sleep_of_zero_yields_once(seconds: float) -> None:
    done = []
    async with anyio.create_task_group() as group:

        async def act() -> None:
            done.append("other")

        group.start_soon(act)
        await SystemClock().sleep(seconds)
        done.append("sleeper")

    assert done == ["other", "sleeper"]


async def test_a_call_within_the_time_returns_its_result() -> None:
    clock = FakeClock()

    async def call() -> str:
        await clock.sleep(4)
        return "done"

    assert await within(clock, 5, call) == "done"
    assert clock.elapsed_s == 4


async def test_a_call_that_takes_too_long_is_cancelled() -> None:
    clock = FakeClock()
    ended: list[float] = []

    async def call() -> None:
        try:
            await clock.sleep(6)
        finally:
            ended.append(clock.elapsed_s)

    with pytest.raises(TimeoutError):
        await within(clock, 5, call)

    assert ended == [5]


async def test_an_error_of_the_call_is_raised_unwrapped() -> None:
    async def call() -> None:
        raise KeyError("k")

    with pytest.raises(KeyError, match="k"):
        await within(FakeClock(), 5, call)


async def test_none_is_a_result() -> None:
    async def call() -> str | None:
        return None

    assert await within(FakeClock(), 5, call) is None


async def test_cancellation_from_outside_is_not_a_timeout() -> None:
    clock = FakeClock(is_automatic=False)

    with anyio.CancelScope() as scope:
        scope.cancel()
        await within(clock, 5, anyio.sleep_forever)

    assert scope.cancelled_caught


async def test_timestamps_are_in_utc_with_milliseconds() -> None:
    in_paris = datetime(2026, 10, 4, 14, 0, 0, 250_000, timezone(timedelta(hours=2)))

    assert format_timestamp(in_paris) == "2026-10-04T12:00:00.250Z"
    assert (
        format_timestamp(datetime(2026, 10, 4, tzinfo=UTC))
        == "2026-10-04T00:00:00.000Z"
    )
