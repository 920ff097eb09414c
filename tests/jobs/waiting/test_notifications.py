from __future__ import annotations

import asyncio

import pytest

from kling_cli.api.tasks import TaskStatus
from kling_cli.jobs.waiting.notifications import CallbackNotification, Notifications
from kling_cli.jobs.waiting.schedule import PathState
from tests.jobs.made import SUCCEEDED
from tests.support.clock import FakeClock

pytestmark = pytest.mark.anyio


def a_hint(nonce: str = "n1", claimed: TaskStatus = SUCCEEDED) -> CallbackNotification:
    return CallbackNotification(
        nonce=nonce, task_id="t1", claimed=claimed, trust="token"
    )


def some_news(path: PathState = PathState.READY) -> Notifications:
    return Notifications(clock=FakeClock(), nonces={"n1"}, path=path)


async def test_without_news_the_wait_takes_as_long_as_it_was_given() -> None:
    news = some_news()

    await news.wait(600)

    assert news.clock.monotonic() == 600


async def test_a_callback_ends_the_wait_at_once() -> None:
    news = some_news()
    waiting = asyncio.create_task(news.wait(600))
    await asyncio.sleep(0)

    news.post(a_hint())
    await waiting

    assert news.clock.monotonic() == 0
    assert news.take() == [a_hint()]


async def test_a_callback_that_came_before_the_wait_ends_it_too_but_only_one() -> None:
    news = some_news()
    news.post(a_hint())

    await news.wait(600)
    at_first = news.clock.monotonic()
    await news.wait(600)

    assert (at_first, news.clock.monotonic()) == (0, 600)


async def test_news_is_taken_once_and_in_order() -> None:
    news = some_news()
    hints = [a_hint(claimed=status) for status in TaskStatus]
    for hint in hints:
        news.post(hint)

    assert (news.take(), news.take()) == (hints, [])


async def test_a_callback_for_nobody_here_is_no_news() -> None:
    news = some_news()

    news.post(a_hint("of another kling"))
    await news.wait(5)

    assert news.take() == []
    assert news.path is PathState.READY
    assert news.clock.monotonic() == 5


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(PathState.READY, PathState.PROVEN, id="a path in hope is proven"),
        pytest.param(PathState.PROVEN, PathState.PROVEN, id="a proven one stays so"),
        pytest.param(PathState.NONE, PathState.NONE, id="of another kling's hearing"),
        pytest.param(PathState.LOST, PathState.LOST, id="one that was under way"),
    ],
)
async def test_a_callback_proves_a_path_that_was_open(
    before: PathState, after: PathState
) -> None:
    news = some_news(before)

    news.post(a_hint())

    assert news.path is after


async def test_a_change_of_the_path_ends_the_wait() -> None:
    news = some_news()
    news.set_path(PathState.LOST)

    await news.wait(600)

    assert news.clock.monotonic() == 0


async def test_a_loss_is_dated_once_however_often_it_is_told() -> None:
    news = some_news()
    await news.clock.sleep(100)
    news.set_path(PathState.LOST)
    await news.clock.sleep(7)

    news.set_path(PathState.LOST)

    assert news.since_lost_s == 7


async def test_a_second_loss_counts_anew() -> None:
    news = some_news()
    news.set_path(PathState.LOST)
    await news.clock.sleep(100)
    news.set_path(PathState.READY)

    news.set_path(PathState.LOST)

    assert news.since_lost_s == 0
