"""Saving of a job: links renewed, outputs saved while others are waited for."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import anyio
import pytest

from kling_cli.api.tasks import TaskStatus
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
from kling_cli.jobs.outputs.saver import LOCK_FOLDER
from tests.jobs.environment import an_order, job_environment
from tests.jobs.factories import EventLog
from tests.jobs.full_disk import full_disk

pytestmark = pytest.mark.anyio


async def test_an_expired_link_is_renewed_by_asking_again(tmp_path: Path) -> None:
    async with job_environment(tmp_path, "download:403") as env:
        result = await env.generate()
        asked = env.counts["query"]

    assert result.error is None
    assert len(env.saved) == 1
    assert result.query_requests == asked
    assert len(env.event_log.of(DownloadRetry)) == 1


@pytest.mark.parametrize("answer", ["query:500", "query:empty"])
async def test_a_link_that_cannot_be_renewed_now_is_tried_again(
    tmp_path: Path, answer: str
) -> None:
    async with job_environment(tmp_path, "download:403x2") as env:
        made = await env.submit()
        env.sandbox.state.clock.advance(60)

        def break_queries(exchange: object) -> None:
            if getattr(exchange, "kind", "") == "download":
                env.fail("download:403", answer)
                env.on_request = lambda _: None

        env.on_request = break_queries
        [result] = await env.download(made.task_id or "")

    assert result.error is None
    assert len(env.saved) == 1


async def test_a_finished_task_is_saved_while_another_is_waited_for(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path) as env:
        env.fail("task:stuck")
        stuck = await env.submit()
        done = await env.submit()

        def end_the_other(exchange: object) -> None:
            if getattr(exchange, "kind", "") == "download":
                env.end(stuck.task_id or "")

        env.on_request = end_the_other
        results = await env.wait()

    assert [one.error for one in results] == [None, None]
    [first, second] = env.event_log.of(Saved)
    assert (first.task_id, second.task_id) == (done.task_id, stuck.task_id)
    assert len(env.event_log.of(Finished)) == 4  # two were emitted at submission
    assert {one.task_id for one in env.event_log.of(StatusChanged)} >= {stuck.task_id}


async def test_a_disk_that_fills_up_after_the_submit_loses_no_task(
    tmp_path: Path,
) -> None:
    with ExitStack() as filled:

        class Filling(EventLog):
            def __call__(self, event: Event) -> None:
                self.events.append(event)
                if isinstance(event, Submitted):
                    filled.enter_context(full_disk())

        async with job_environment(tmp_path) as env:
            env.event_log = Filling()
            result = await env.generate(an_order("mine"))

    assert isinstance(result.error, NotSavedError)
    assert result.status is TaskStatus.SUCCEEDED
    assert result.resume == f"kling download {result.task_id}"
    assert env.saved == set()
    assert len(env.event_log.of(Notice)) == 2  # of the notes, and of the callbacks
    [submitted] = env.event_log.of(Submitted)
    assert submitted.task_id == result.task_id  # said before it is noted
    assert env.record("mine").stage.is_open  # so that `kling wait mine` finds it


async def test_a_price_other_than_estimated_is_one_notice_to_who_waits(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path) as env:
        made = await env.submit()
        env.change(made.external_id or "", estimated_units=3.0)
        [waited] = await env.wait()
        notices = env.event_log.of(Notice)

    assert (waited.units, waited.estimated_units) == (4.0, 3.0)
    words = f"charged 4 units, estimated 3: task {waited.task_id}"
    assert [each.message for each in notices] == [words]


async def test_a_price_as_estimated_is_not_reported(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        result = await env.generate()

    assert result.units == result.estimated_units == 4.0
    assert env.event_log.of(Notice) == []


async def test_two_that_wait_for_a_task_save_it_once(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        made = await env.submit()
        results = []

        async def wait() -> None:
            results.extend(await env.wait(made.task_id or ""))

        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            group.start_soon(wait)
        again = await env.download(made.task_id or "")
        downloads = env.counts["download"]

    paths = [one.path for result in results for one in result.outputs]
    assert [result.error for result in results] == [None, None]
    assert len(paths) == 2
    assert len(set(paths)) == 1
    assert again[0].outputs[0].path not in paths  # who asks for a file gets one
    assert downloads == 2
    assert not list((env.settings.state_dir / LOCK_FOLDER).iterdir())
