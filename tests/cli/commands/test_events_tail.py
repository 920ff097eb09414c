from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kling_cli.cli.commands.events import POLL_S, follow_callbacks
from kling_cli.store.journal import Journal
from kling_cli.store.records import CallbackFilter, StoredCallback
from tests.listener.stored_callbacks import a_callback
from tests.support.clock import FakeClock

pytestmark = pytest.mark.anyio


async def test_stored_callbacks_are_followed_by_new_ones(
    tmp_path: Path,
) -> None:
    found: list[StoredCallback] = []
    with (
        Journal.open(tmp_path) as journal,
        Journal.open(tmp_path) as other,
    ):
        other.add_callbacks([a_callback()] * 3)
        following = follow_callbacks(
            journal, CallbackFilter(status="succeeded"), last=2, clock=FakeClock()
        )
        found += [await anext(following), await anext(following)]
        other.add_callbacks([a_callback(status="failed"), a_callback()])
        found.append(await anext(following))
        await following.aclose()

    assert [callback.id for callback in found] == [2, 3, 5]


async def test_more_than_one_page_arrives_in_order(tmp_path: Path) -> None:
    with (
        Journal.open(tmp_path) as journal,
        Journal.open(tmp_path) as other,
    ):
        other.add_callback(a_callback())
        following = follow_callbacks(
            journal, CallbackFilter(), last=1, clock=FakeClock()
        )
        first = await anext(following)
        other.add_callbacks([a_callback()] * 450)
        rest = [await anext(following) for _ in range(450)]
        await following.aclose()

    assert [first.id, *(callback.id for callback in rest)] == list(range(1, 452))


async def test_callbacks_of_another_process_are_awaited(tmp_path: Path) -> None:
    clock = FakeClock(is_automatic=False)
    with (
        Journal.open(tmp_path) as journal,
        Journal.open(tmp_path) as other,
    ):
        following = follow_callbacks(journal, CallbackFilter(), last=0, clock=clock)
        waiting = asyncio.ensure_future(anext(following))
        await clock.advance(60.0)
        assert not waiting.done()
        other.add_callback(a_callback(task_id="t9"))
        await clock.advance(POLL_S)
        callback = await waiting
        await following.aclose()

    assert callback.task_id == "t9"
