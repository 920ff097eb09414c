from __future__ import annotations

import asyncio

import pytest

from kling_cli.api.tasks import TaskStatus
from kling_cli.jobs.waiting.notifications import CallbackNotification, Notifications
from kling_cli.jobs.waiting.schedule import PathState
from tests.jobs.factories import SUCCEEDED
from tests.support.clock import FakeClock

pytestmark = pytest.mark.anyio


def a_hint(nonce: str = "n1", claimed: TaskStatus = SUCCEEDED) -> CallbackNotification:
    return CallbackNotification(
        nonce=nonce, task_id="t1", claimed=claimed, trust="token"
    )


def some_news(path: PathState = PathState.READY) -> Notifications:
    return Notifications(clock=FakeClock(), nonces={"n1"}, path=path)


async def test_without_notifications_the_wait_takes_its_full_time() -> None:
    notifications = some_news()

    await notifications.wait(600)

    assert notifications.clock.monotonic() == 600


async def test_a_callback_ends_the_wait_at_once() -> None:
    notifications = some_news()
    waiting = asyncio.create_task(notifications.wait(600))
    await asyncio.sleep(0)

    notifications.post(a_hint())
    await waiting

    assert notifications.clock.monotonic() == 0
    assert notifications.take() == [a_hint()]


async def test_a_callback_that_came_before_the_wait_ends_it_too_but_only_one() -> None:
    notifications = some_news()
    notifications.post(a_hint())

    await notifications.wait(600)
    at_first = notifications.clock.monotonic()
    await notifications.wait(600)

    assert (at_first, notifications.clock.monotonic()) == (0, 600)


async def test_notifications_are_taken_once_and_in_order() -> None:
    notifications = some_news()
    hints = [a_hint(claimed=status) for status in TaskStatus]
    for hint in hints:
        notifications.post(hint)

    assert (notifications.take(), notifications.take()) == (hints, [])


async def test_a_callback_for_another_run_is_dropped() -> None:
    notifications = some_news()

    notifications.post(a_hint("of another kling"))
    await notifications.wait(5)

    assert notifications.take() == []
    assert notifications.path is PathState.READY
    assert notifications.clock.monotonic() == 5


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
    notifications = some_news(before)

    notifications.post(a_hint())

    assert notifications.path is after


async def test_a_change_of_the_path_ends_the_wait() -> None:
    notifications = some_news()
    notifications.set_path(PathState.LOST)

    await notifications.wait(600)

    assert notifications.clock.monotonic() == 0


async def test_a_loss_is_dated_once_however_often_it_is_set() -> None:
    notifications = some_news()
    await notifications.clock.sleep(100)
    notifications.set_path(PathState.LOST)
    await notifications.clock.sleep(7)

    notifications.set_path(PathState.LOST)

    assert notifications.since_lost_s == 7


async def test_a_second_loss_has_its_own_date() -> None:
    notifications = some_news()
    notifications.set_path(PathState.LOST)
    await notifications.clock.sleep(100)
    notifications.set_path(PathState.READY)

    notifications.set_path(PathState.LOST)

    assert notifications.since_lost_s == 0
