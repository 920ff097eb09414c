"""How many queries a wait of five minutes costs."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from kling_cli.api.tasks import Task, TaskStatus
from kling_cli.jobs.waiting.schedule import PathState
from tests.jobs.factories import PROCESSING, SUBMITTED, SUCCEEDED, a_task
from tests.jobs.watch_scenario import WatchScenario
from tests.support.clock import FakeClock

pytestmark = pytest.mark.anyio

JOB_S = 300.0
STARTED_S = 20.0
SEEDS = range(20)


def status_at(elapsed_s: float) -> TaskStatus:
    if elapsed_s >= JOB_S:
        return SUCCEEDED
    return PROCESSING if elapsed_s >= STARTED_S else SUBMITTED


def a_job(path: PathState, seed: int) -> WatchScenario:
    """Return a scene whose task takes five minutes."""
    random.seed(seed)  # the jitter of the pauses
    clock: FakeClock

    async def answer(asked: int) -> Task:
        del asked
        return a_task(status=status_at(clock.elapsed_s))

    scenario = WatchScenario(answer, path=path)
    clock = scenario.clock
    return scenario


def calling(scenario: WatchScenario, claimed: TaskStatus) -> Callable[[], None]:
    return lambda: scenario.call(claimed)


@pytest.mark.parametrize("seed", SEEDS)
async def test_five_minutes_without_callbacks_cost_at_most_forty_queries(
    seed: int,
) -> None:
    scenario = a_job(PathState.NONE, seed)

    await scenario.wait()

    assert scenario.state.queries <= 40
    assert scenario.clock.elapsed_s <= JOB_S + 16.5  # noticed within a pause


@pytest.mark.parametrize("seed", SEEDS)
async def test_five_minutes_with_callbacks_cost_at_most_eight_queries(
    seed: int,
) -> None:
    scenario = a_job(PathState.READY, seed)
    for moment, claimed in ((0, SUBMITTED), (STARTED_S, PROCESSING)):
        scenario.at(moment, calling(scenario, claimed))
    scenario.at(JOB_S, calling(scenario, SUCCEEDED))

    await scenario.wait()

    assert scenario.state.queries <= 8
    assert scenario.clock.elapsed_s == JOB_S


@pytest.mark.parametrize("seed", SEEDS)
async def test_callbacks_that_stop_coming_delay_the_end_by_a_sparse_pause_at_most(
    seed: int,
) -> None:
    scenario = a_job(PathState.READY, seed)
    scenario.at(0, calling(scenario, SUBMITTED))

    await scenario.wait()

    assert scenario.clock.elapsed_s <= JOB_S + 99.1
