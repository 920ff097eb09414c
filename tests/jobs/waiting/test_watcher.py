"""The task watcher on a fake clock, with a scripted API."""

from __future__ import annotations

import pytest

from kling_cli.api.tasks import Task
from kling_cli.errors import StillRunningError
from kling_cli.jobs.events import (
    CallbackArrived,
    CallbackPath,
    QueryFailed,
    Querying,
    StatusChanged,
)
from kling_cli.jobs.waiting.schedule import PathState
from kling_cli.jobs.waiting.state_machine import Source
from kling_cli.jobs.waiting.watcher import deadline_at
from tests.jobs.factories import (
    FAILED,
    PROCESSING,
    SUBMITTED,
    SUCCEEDED,
    UNKNOWN,
    a_task,
)
from tests.jobs.watch_scenario import (
    WatchScenario,
    scripted,
)
from tests.support.clock import FakeClock

pytestmark = pytest.mark.anyio


async def test_the_wait_ends_with_a_final_answer() -> None:
    scenario = WatchScenario(scripted(SUBMITTED, PROCESSING, SUCCEEDED))

    await scenario.wait()

    assert scenario.over == ["t1"]
    assert scenario.state.task.status is SUCCEEDED
    assert scenario.state.completed_by is Source.POLL
    assert [(one.status, one.by) for one in scenario.event_log.of(StatusChanged)] == [
        (PROCESSING, "poll"),
        (SUCCEEDED, "poll"),
    ]


async def test_no_query_precedes_the_first_pause() -> None:
    scenario = WatchScenario(scripted(SUCCEEDED))

    await scenario.wait()

    assert 0.9 <= scenario.queried_at[0] <= 1.1


async def test_a_callback_that_came_before_the_wait_is_followed_at_once() -> None:
    scenario = WatchScenario(scripted(SUCCEEDED), path=PathState.READY)
    scenario.call(SUCCEEDED)

    await scenario.wait()

    assert scenario.queried_at == [0]
    assert scenario.state.completed_by is Source.CALLBACK
    assert len(scenario.event_log.of(CallbackArrived)) == 1


async def test_a_callback_during_the_wait_is_followed_at_once() -> None:
    scenario = WatchScenario(scripted(SUBMITTED, SUCCEEDED), path=PathState.READY)
    scenario.at(0.5, lambda: scenario.call(SUBMITTED))
    scenario.at(60.25, lambda: scenario.call(SUCCEEDED))

    await scenario.wait()

    assert scenario.queried_at == [0.5, 60.25]


async def test_the_first_callback_proves_the_path_and_that_is_reported_once() -> None:
    scenario = WatchScenario(
        scripted(SUBMITTED, PROCESSING, SUCCEEDED), path=PathState.READY
    )
    for second in (0.25, 0.5, 0.75):
        scenario.at(second, lambda: scenario.call(PROCESSING))

    await scenario.wait()

    assert scenario.event_log.of(CallbackPath) == [CallbackPath(state="proven")]


async def test_a_callback_during_a_query_is_not_lost() -> None:
    async def answer(asked: int) -> Task:
        if asked == 1:
            scenario.call(SUCCEEDED)
            return a_task(status=PROCESSING)
        return a_task(status=SUCCEEDED)

    scenario = WatchScenario(answer, path=PathState.PROVEN)
    scenario.call(PROCESSING)

    await scenario.wait()

    assert scenario.queried_at == [0, 0]
    assert scenario.state.completed_by is Source.CALLBACK


async def test_an_end_that_a_callback_claimed_is_queried_soon() -> None:
    scenario = WatchScenario(
        scripted(*[PROCESSING] * 4, SUCCEEDED), path=PathState.PROVEN
    )
    scenario.call(SUCCEEDED)

    await scenario.wait()

    assert len(scenario.queried_at) == 5
    assert scenario.queried_at[-1] < 10  # the sparse pause would have been 90 s each


async def test_forged_calls_never_end_the_wait() -> None:
    scenario = WatchScenario(scripted(PROCESSING), path=PathState.READY, timeout_s=100)
    for second in range(1, 100):
        scenario.at(second, lambda: scenario.call(SUCCEEDED))

    with pytest.raises(StillRunningError):
        await scenario.wait()

    assert scenario.over == []
    assert scenario.state.callbacks == 99


async def test_a_callback_for_another_job_causes_no_query() -> None:
    scenario = WatchScenario(scripted(SUCCEEDED), path=PathState.PROVEN)
    scenario.at(2, lambda: scenario.call(SUCCEEDED, nonce="of another"))

    await scenario.wait()

    assert scenario.queried_at[0] > 80


async def test_a_callback_for_a_job_that_is_not_waited_for_is_only_reported() -> None:
    scenario = WatchScenario(scripted(SUCCEEDED), path=PathState.PROVEN)
    scenario.notifications.nonces.add("of a job that failed to submit")
    scenario.at(
        2, lambda: scenario.call(SUCCEEDED, nonce="of a job that failed to submit")
    )

    await scenario.wait()

    assert len(scenario.event_log.of(CallbackArrived)) == 1
    assert scenario.queried_at[0] > 80


async def test_a_lost_path_is_followed_by_a_query_at_once_and_frequent_ones_after() -> (
    None
):
    scenario = WatchScenario(
        scripted(*[PROCESSING] * 8, SUCCEEDED), path=PathState.PROVEN
    )
    scenario.at(30, lambda: scenario.notifications.set_path(PathState.LOST))

    await scenario.wait()

    assert scenario.queried_at[0] == 30
    assert scenario.queried_at[-1] < 50


async def test_queries_are_sparse_again_after_the_path_is_back() -> None:
    scenario = WatchScenario(scripted(PROCESSING, SUCCEEDED), path=PathState.LOST)
    scenario.at(0.5, lambda: scenario.notifications.set_path(PathState.PROVEN))

    await scenario.wait()

    assert scenario.queried_at[0] > 80


async def test_a_task_the_api_does_not_have_yet_is_queried_again() -> None:
    scenario = WatchScenario(scripted(None, None, SUCCEEDED))

    await scenario.wait()

    assert scenario.over == ["t1"]
    assert scenario.event_log.of(QueryFailed) == []


async def test_an_unknown_status_does_not_end_the_wait() -> None:
    scenario = WatchScenario(scripted(UNKNOWN, FAILED))

    await scenario.wait()

    assert scenario.state.task.status is FAILED


async def test_a_task_final_at_the_start_is_not_queried() -> None:
    scenario = WatchScenario(scripted(PROCESSING), first=SUCCEEDED)

    await scenario.wait()

    assert (scenario.over, scenario.queried_at) == (["t1"], [])


async def test_every_new_answer_is_handed_on_and_no_repeated_one() -> None:
    scenario = WatchScenario(scripted(SUBMITTED, PROCESSING, PROCESSING, SUCCEEDED))

    await scenario.wait()

    assert scenario.answers == [PROCESSING, SUCCEEDED]


async def test_many_tasks_are_queried_together_and_each_ends_once() -> None:
    scenario = WatchScenario(scripted(*[PROCESSING] * 3, SUCCEEDED), count=30)

    await scenario.wait()

    assert sorted(scenario.over) == sorted(f"t{i}" for i in range(1, 31))
    assert [len(names) for names in scenario.queried_ids] == [30] * 4


async def test_a_final_task_is_not_queried_with_the_others() -> None:
    scenario = WatchScenario(scripted(SUCCEEDED), count=2, path=PathState.READY)
    scenario.at(0.25, lambda: scenario.call(SUCCEEDED, nonce="nonce-e2"))
    await scenario.wait()

    assert scenario.queried_ids == [["e2"], ["e1"]]


async def test_the_next_query_is_reported_before_each_pause() -> None:
    scenario = WatchScenario(scripted(SUCCEEDED), path=PathState.PROVEN, timeout_s=3600)

    await scenario.wait()

    [asking] = scenario.event_log.of(Querying)
    assert asking.task_ids == ("t1",)
    assert 80 < asking.in_s < 100


def test_waiting_without_a_timeout_has_a_deadline_in_years() -> None:
    assert deadline_at(FakeClock(), None) > 3 * 365 * 86400
    assert deadline_at(FakeClock(), 60) == 60
