from __future__ import annotations

import asyncio
from collections import deque

import anyio
import pytest

from kling_cli.callbacks.http.limits import ConnectionLimiter, ServerLimits

pytestmark = pytest.mark.anyio


class FakeConnection:
    """A connection that stays open until it is removed."""

    def __init__(self, *, is_idle: bool = True) -> None:
        self.is_idle = is_idle
        self.is_aborted = False

    def close_gracefully(self) -> None:
        """Go on with the request under way."""

    def abort(self) -> None:
        self.is_aborted = True


def a_limiter(connections: int = 1) -> ConnectionLimiter:
    return ConnectionLimiter(
        ServerLimits(max_connections=connections, close_timeout_s=0.05), deque()
    )


async def test_concurrent_connections_evict_different_ones() -> None:
    limiter = a_limiter()
    connections = [FakeConnection(), FakeConnection(), FakeConnection()]

    is_added = [limiter.try_add(each) for each in connections]

    assert is_added == [True, True, True]
    assert [each.is_aborted for each in connections] == [True, True, False]


async def test_closing_waits_for_all_connections_evicted_or_not() -> None:
    limiter = a_limiter()
    active, refused = FakeConnection(is_idle=False), FakeConnection()
    assert limiter.try_add(active)
    assert not limiter.try_add(refused)

    closing = asyncio.ensure_future(limiter.close_all())
    await anyio.sleep(0.1)
    assert active.is_aborted
    limiter.remove(active)
    await anyio.sleep(0.01)
    assert not closing.done()
    limiter.remove(refused)

    with anyio.fail_after(5):
        await closing
