"""`kling wait`: jobs of other runs are finished, and nothing is created twice."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from kling_cli.api.tasks import TaskStatus
from kling_cli.errors import (
    CredentialsError,
    StillRunningError,
    TaskFailedError,
    UnreachableError,
)
from kling_cli.jobs.events import Notice
from kling_cli.jobs.order import Order
from kling_cli.store.journal import Journal
from kling_cli.tunnels.agents.identity import Identity, identify
from tests.jobs.environment import an_order, job_environment
from tests.jobs.factories import a_callback, a_record

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def another_process() -> AsyncIterator[Identity]:
    """Run another process for as long as the block lasts."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE
    )
    identity = identify(process.pid)
    assert identity is not None
    try:
        yield identity
    finally:
        await process.communicate(b"\n")


async def test_a_task_is_finished_as_its_command_would_have(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        made = await env.submit(output="v.{ext}")
        [result] = await env.wait(made.task_id or "")

    assert result.error is None
    assert (result.command, result.task_id) == ("wait", made.task_id)
    assert result.status is TaskStatus.SUCCEEDED
    assert env.saved == {"v.mp4"}
    assert (result.create_requests, env.counts["create"]) == (0, 1)


async def test_options_given_now_override_the_stored_ones(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        await env.submit(order=an_order("a"), output="then.mp4")
        await env.submit(order=an_order("b"))
        await env.wait("a", output="now.mp4")
        (tmp_path / "out" / "now.mp4").write_bytes(b"old")
        await env.wait("a", output="now.mp4", is_forced=True)
        [unsaved] = await env.wait("b", is_downloading=False)

    assert env.saved == {"now.mp4"}
    assert len((tmp_path / "out" / "now.mp4").read_bytes()) > 1000
    assert [one.path for one in unsaved.outputs] == [None]


async def test_without_names_all_that_is_open_is_finished(tmp_path: Path) -> None:
    async with job_environment(tmp_path, "task:failed") as env:
        failed = await env.submit()
        running = await env.submit()
        unsaved = await env.generate(an_order("links"), is_downloading=False)
        env.change("links", is_downloading=True)
        done = await env.generate()

        results = await env.wait()

    assert [one.task_id for one in results] == [
        failed.task_id,
        running.task_id,
        unsaved.task_id,
    ]
    assert isinstance(results[0].error, TaskFailedError)
    names = {f"kling-{one.task_id}.mp4" for one in (running, unsaved, done)}
    assert env.saved == names


async def test_a_job_that_was_saved_in_part_is_completed(tmp_path: Path) -> None:
    order = Order(product="image", values={"prompt": "a boat", "n": 3})
    async with job_environment(tmp_path) as env:
        made = await env.generate(order)
        first, second, third = (str(one.path) for one in made.outputs)
        env.lose(second)
        env.change(made.external_id or "", paths=(first, "", third))
        asked = env.counts["download"]

        [result] = await env.wait()
        again = await env.wait()
        downloads = env.counts["download"] - asked

    assert (result.error, again, downloads) == (None, [], 1)
    assert [str(one.path) for one in result.outputs] == [first, second, third]
    assert env.saved == {Path(each).name for each in (first, second, third)}


async def test_without_anything_open_there_is_nothing_to_do(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        await env.generate()
        asked = env.counts["query"]

        assert await env.wait() == []
        assert env.counts["query"] == asked


async def test_jobs_of_another_api_base_are_not_waited_for(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        with Journal.open(env.settings.state_dir) as journal:
            journal.add_job(a_record("far", api_base="https://elsewhere"))

        assert await env.wait() == []


async def test_a_job_whose_process_is_at_work_is_left_to_it(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env, another_process() as owner:
        columns: dict[str, Any] = {
            "owner_pid": owner.pid,
            "owner_started_at": owner.started_at,
        }
        env.leave(**columns)

        assert await env.wait() == []
        assert env.event_log.of(Notice) == []


@pytest.mark.parametrize("has_time", [True, False])
async def test_a_job_whose_process_has_ended_is_taken_over(
    tmp_path: Path, *, has_time: bool
) -> None:
    async with job_environment(tmp_path) as env:
        async with another_process() as owner:
            pass
        made = await env.submit(order=an_order("mine"))
        started_at = owner.started_at if has_time else None
        env.change("mine", owner_pid=owner.pid, owner_started_at=started_at)
        [result] = await env.wait()

    assert result.task_id == made.task_id
    assert env.record("mine").owner_pid == os.getpid()


@pytest.mark.parametrize("names", [["mine"], []])
async def test_an_api_that_is_down_at_first_is_waited_out(
    tmp_path: Path, names: list[str]
) -> None:
    async with job_environment(tmp_path) as env:
        made = await env.submit(order=an_order("mine"))
        env.fail("query:502htmlx2")
        [result] = await env.wait(*names)

    assert result.error is None
    assert result.task_id == made.task_id
    assert len(env.saved) == 1


async def test_an_api_that_stays_down_leaves_a_resume_command(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        made = await env.submit(order=an_order("a"))
        env.leave("b")
        env.fail("query:502htmlx0")
        known, unsettled = await env.wait(timeout_s=2.0)

    assert isinstance(known.error, StillRunningError)
    assert isinstance(unsettled.error, UnreachableError)
    assert known.resume == f"kling wait {made.task_id}"
    assert unsettled.resume == "kling wait b"


async def test_refused_credentials_end_it_for_all(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        await env.submit()
        env.leave("b")
        env.fail("query:1002x0")
        results = await env.wait()

    assert [type(one.error) for one in results] == [CredentialsError] * 2


async def test_a_deadline_leaves_tasks_running_and_saves_what_was_done(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path, "task:stuck") as env:
        stuck = await env.submit()
        done = await env.submit()
        results = await env.wait(timeout_s=2.5)

    assert [one.task_id for one in results] == [stuck.task_id, done.task_id]
    assert isinstance(results[0].error, StillRunningError)
    assert results[0].resume == f"kling wait {stuck.task_id}"
    assert results[1].error is None
    assert env.saved == {f"kling-{done.task_id}.mp4"}


async def test_a_task_of_another_machine_can_be_waited_for(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        made = await env.submit()
        env.forget()
        [result] = await env.wait(made.task_id or "")

    assert result.error is None
    assert env.saved == {f"kling-{made.task_id}.mp4"}


async def test_a_callback_that_another_process_stored_ends_the_pause(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path, task_seconds=60) as env:
        made = await env.submit(order=an_order("mine"))
        record = env.record("mine")
        asked = env.request("query")

        async def end_and_tell() -> None:
            await asked.wait()
            env.sandbox.state.clock.advance(60)
            env.store(a_callback(record.nonce, task_id=made.task_id))

        telling = asyncio.create_task(end_and_tell())
        [result] = await env.wait("mine")
        await telling

    assert result.error is None
    assert (result.completed_by, result.callbacks) == ("callback", 1)
