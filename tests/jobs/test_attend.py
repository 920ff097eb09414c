"""Seeing tasks to their end: links renewed, files saved while others are waited for."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import anyio
import pytest

from kling_cli.api.task import TaskStatus
from kling_cli.errors import NotSavedError
from kling_cli.jobs.events import (
    DownloadRetry,
    Event,
    Finished,
    Notice,
    Saved,
    StatusChanged,
    Submitted,
)
from kling_cli.jobs.save_lock import FOLDER
from tests.jobs.disk import full_disk
from tests.jobs.made import Told
from tests.jobs.world import a_world, an_order

pytestmark = pytest.mark.anyio


async def test_an_expired_link_is_renewed_by_asking_again(tmp_path: Path) -> None:
    async with a_world(tmp_path, "download:403") as world:
        result = await world.generate()
        asked = world.counts["query"]

    assert result.error is None
    assert len(world.saved) == 1
    assert result.query_requests == asked
    assert len(world.told.of(DownloadRetry)) == 1


@pytest.mark.parametrize("answer", ["query:500", "query:empty"])
async def test_a_link_that_cannot_be_renewed_now_is_tried_again(
    tmp_path: Path, answer: str
) -> None:
    async with a_world(tmp_path, "download:403x2") as world:
        made = await world.submit()
        world.box.state.clock.advance(60)

        def break_queries(exchange: object) -> None:
            if getattr(exchange, "kind", "") == "download":
                world.fail("download:403", answer)
                world.on_request = lambda _: None

        world.on_request = break_queries
        [result] = await world.fetch(made.task_id or "")

    assert result.error is None
    assert len(world.saved) == 1


async def test_a_finished_task_is_saved_while_another_is_waited_for(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path) as world:
        world.fail("task:stuck")
        stuck = await world.submit()
        done = await world.submit()

        def end_the_other(exchange: object) -> None:
            if getattr(exchange, "kind", "") == "download":
                world.end(stuck.task_id or "")

        world.on_request = end_the_other
        results = await world.finish()

    assert [one.error for one in results] == [None, None]
    [first, second] = world.told.of(Saved)
    assert (first.task_id, second.task_id) == (done.task_id, stuck.task_id)
    assert len(world.told.of(Finished)) == 4  # two were told when they were made
    assert {one.task_id for one in world.told.of(StatusChanged)} >= {stuck.task_id}


async def test_a_disk_that_fills_up_after_the_submit_loses_no_task(
    tmp_path: Path,
) -> None:
    with ExitStack() as filled:

        class Filling(Told):
            def __call__(self, event: Event) -> None:
                self.events.append(event)
                if isinstance(event, Submitted):
                    filled.enter_context(full_disk())

        async with a_world(tmp_path) as world:
            world.told = Filling()
            result = await world.generate(an_order("mine"))

    assert isinstance(result.error, NotSavedError)
    assert result.status is TaskStatus.SUCCEEDED
    assert result.resume == f"kling download {result.task_id}"
    assert world.saved == set()
    assert len(world.told.of(Notice)) == 2  # of the notes, and of the callbacks
    [submitted] = world.told.of(Submitted)
    assert submitted.task_id == result.task_id  # said before it is noted
    assert world.entry("mine").stage.is_open  # so that `kling wait mine` finds it


async def test_a_price_other_than_estimated_is_one_notice_to_who_waits(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path) as world:
        made = await world.submit()
        world.change(made.external_id or "", estimated_units=3.0)
        [waited] = await world.finish()
        notices = world.told.of(Notice)

    assert (waited.units, waited.estimated_units) == (4.0, 3.0)
    words = f"charged 4 units, estimated 3: task {waited.task_id}"
    assert [each.message for each in notices] == [words]


async def test_a_price_as_estimated_is_not_worth_a_word(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        result = await world.generate()

    assert result.units == result.estimated_units == 4.0
    assert world.told.of(Notice) == []


async def test_two_that_wait_for_a_task_save_it_once(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        made = await world.submit()
        results = []

        async def wait() -> None:
            results.extend(await world.finish(made.task_id or ""))

        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            group.start_soon(wait)
        again = await world.fetch(made.task_id or "")
        downloads = world.counts["download"]

    paths = [one.path for result in results for one in result.outputs]
    assert [result.error for result in results] == [None, None]
    assert len(paths) == 2
    assert len(set(paths)) == 1
    assert again[0].outputs[0].path not in paths  # who asks for a file gets one
    assert downloads == 2
    assert not list((world.settings.state_dir / FOLDER).iterdir())
