"""What a wait of five minutes costs in questions, counted through the real waiter."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from kling_cli.api.tasks import Task, TaskStatus
from kling_cli.jobs.waiting.schedule import PathState
from tests.jobs.made import PROCESSING, SUBMITTED, SUCCEEDED, a_task
from tests.jobs.waits import Scene
from tests.support.clock import FakeClock

pytestmark = pytest.mark.anyio

JOB_S = 300.0
STARTED_S = 20.0
SEEDS = range(20)


def status_at(elapsed_s: float) -> TaskStatus:
    if elapsed_s >= JOB_S:
        return SUCCEEDED
    return PROCESSING if elapsed_s >= STARTED_S else SUBMITTED


def a_job(path: PathState, seed: int) -> Scene:
    """Return a scene whose task takes five minutes."""
    random.seed(seed)  # the jitter of the pauses
    clock: FakeClock

    async def answer(asked: int) -> Task:
        del asked
        return a_task(status=status_at(clock.elapsed_s))

    scene = Scene(answer, path=path)
    clock = scene.clock
    return scene


def calling(scene: Scene, claimed: TaskStatus) -> Callable[[], None]:
    return lambda: scene.call(claimed)


@pytest.mark.parametrize("seed", SEEDS)
async def test_five_minutes_without_callbacks_cost_at_most_forty_queries(
    seed: int,
) -> None:
    scene = a_job(PathState.NONE, seed)

    await scene.wait()

    assert scene.state.queries <= 40
    assert scene.clock.elapsed_s <= JOB_S + 16.5  # noticed within a pause


@pytest.mark.parametrize("seed", SEEDS)
async def test_five_minutes_with_callbacks_cost_at_most_eight_queries(
    seed: int,
) -> None:
    scene = a_job(PathState.READY, seed)
    for moment, claimed in ((0, SUBMITTED), (STARTED_S, PROCESSING)):
        scene.at(moment, calling(scene, claimed))
    scene.at(JOB_S, calling(scene, SUCCEEDED))

    await scene.wait()

    assert scene.state.queries <= 8
    assert scene.clock.elapsed_s == JOB_S


@pytest.mark.parametrize("seed", SEEDS)
async def test_callbacks_that_stop_coming_delay_the_end_by_a_sparse_pause_at_most(
    seed: int,
) -> None:
    scene = a_job(PathState.READY, seed)
    scene.at(0, calling(scene, SUBMITTED))

    await scene.wait()

    assert scene.clock.elapsed_s <= JOB_S + 99.1
