from __future__ import annotations

import asyncio
from collections import deque

import anyio
import pytest

from kling_cli.callbacks.http.limits import ConnectionLimiter, Limits

pytestmark = pytest.mark.anyio


class Guest:
    """A connection that takes its time to end."""

    def __init__(self, *, is_idle: bool = True) -> None:
        self.is_idle = is_idle
        self.is_cut = False

    def close_gracefully(self) -> None:
        """Go on with what is under way."""

    def abort(self) -> None:
        self.is_cut = True


def a_crowd(connections: int = 1) -> ConnectionLimiter:
    return ConnectionLimiter(
        Limits(max_connections=connections, close_timeout_s=0.05), deque()
    )


async def test_newcomers_at_once_do_not_take_the_same_place() -> None:
    crowd, guests = a_crowd(), [Guest(), Guest(), Guest()]

    let_in = [crowd.try_add(guest) for guest in guests]

    assert let_in == [True, True, True]
    assert [guest.is_cut for guest in guests] == [True, True, False]


async def test_a_crowd_is_gone_when_the_last_has_ended_sent_away_or_not() -> None:
    crowd, inside, outside = a_crowd(), Guest(is_idle=False), Guest()
    assert crowd.try_add(inside)
    assert not crowd.try_add(outside)

    dispersing = asyncio.ensure_future(crowd.close_all())
    await anyio.sleep(0.1)
    assert inside.is_cut
    crowd.remove(inside)
    await anyio.sleep(0.01)
    assert not dispersing.done()
    crowd.remove(outside)

    with anyio.fail_after(5):
        await dispersing
