"""Jobs that nobody saw the end of: sent or not, here or there, known or denied."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from kling_cli.errors import (
    OutcomeUnknownError,
    StillRunningError,
    UnreachableError,
)
from kling_cli.jobs.ask import NOWHERE
from kling_cli.jobs.entry import Stage
from kling_cli.jobs.events import AskFailed, Notice, Submitted
from kling_cli.jobs.prepare import Order
from tests.jobs.test_finish import somebody
from tests.jobs.world import a_world, an_order

pytestmark = pytest.mark.anyio


async def test_a_job_that_was_sent_before_its_process_was_killed_is_found(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path) as world:
        made = await world.submit(order=an_order("mine"))
        world.change("mine", stage=Stage.SENDING, task_id=None)
        [result] = await world.finish()

    assert result.error is None
    assert result.task_id == made.task_id
    assert world.entry("mine").stage is Stage.SUCCEEDED
    assert world.told.of(Submitted)[-1].task_id == made.task_id


@pytest.mark.parametrize(
    ("age", "asked_again"),
    [
        pytest.param(timedelta(minutes=11), 0, id="for good"),
        pytest.param(timedelta(minutes=1), 1, id="it may yet arrive"),
    ],
)
async def test_a_job_that_never_arrived_is_told_once_and_dropped(
    tmp_path: Path, age: timedelta, asked_again: int
) -> None:
    async with a_world(tmp_path) as world:
        world.leave(written_at=world.clock.now() - age)

        results = await world.finish()
        asked = world.counts["query"]
        later = await world.finish()

    assert (results, later) == ([], [])
    [notice] = world.told.of(Notice)
    assert "mine never reached the API; nothing was" in notice.message
    assert world.entry("mine").state == "not submitted"
    assert world.counts["create"] == 0
    assert world.counts["query"] == asked + asked_again


async def test_a_job_that_was_absent_and_has_arrived_since_is_finished(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path) as world:
        await world.submit(order=an_order("mine"))
        world.change("mine", stage=Stage.ABSENT, task_id=None)

        [result] = await world.finish()

    assert result.error is None
    assert world.entry("mine").stage is Stage.SUCCEEDED


async def test_a_job_that_never_arrived_is_an_error_when_it_was_named(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path) as world:
        world.leave()

        [result] = await world.finish("mine")
        [seen] = await world.look("mine")

    for one in (result, seen):
        assert isinstance(one.error, UnreachableError)
        assert "mine never reached the API" in one.error.message
        assert "run its text2video command again" in str(one.error.hint)
        assert (one.resume, one.is_unsubmitted) == (None, True)
    assert world.entry("mine").stage is Stage.ABSENT


async def test_a_job_that_arrives_late_is_waited_for(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.leave()
        asked = world.request("query")

        async def arrive() -> None:
            await asked.wait()
            elsewhere = replace(world, folder=tmp_path / "x")
            elsewhere.forget()
            await elsewhere.submit(order=an_order("mine"))

        late = asyncio.create_task(arrive())
        [result] = await world.finish("mine")
        await late

    assert result.error is None
    assert len(world.saved) == 1


@pytest.mark.parametrize(
    ("age", "stage"),
    [
        pytest.param(timedelta(days=31), Stage.ABSENT, id="deleted by now"),
        pytest.param(timedelta(days=1), Stage.PROCESSING, id="of another key"),
    ],
)
async def test_a_task_the_account_denies_is_told_and_not_waited_for(
    tmp_path: Path, age: timedelta, stage: Stage
) -> None:
    async with a_world(tmp_path) as world:
        written_at = world.clock.now() - age
        world.leave(task_id="t9", stage=Stage.PROCESSING, written_at=written_at)

        results = await world.finish()

    assert results == []
    assert "task t9 is not known" in world.told.of(Notice)[-1].message
    assert world.entry("mine").stage is stage


async def test_a_job_without_a_task_id_is_settled_once_the_api_is_back(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path) as world:
        await world.submit(order=an_order("mine"))
        world.change("mine", stage=Stage.SENDING, task_id=None)
        world.fail("query:502htmlx2")
        [result] = await world.finish()

    assert result.error is None
    assert len(world.saved) == 1
    assert [one.attempt for one in world.told.of(AskFailed)] == [1, 2]


DIRECT = {"product": "tts", "query_path": NOWHERE, "route": "legacy"}
SPEECH = Order(product="tts", values={"prompt": "Good morning"}, external_id="mine")


async def test_a_call_that_was_cut_off_is_told_of_once(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.leave(written_at=world.clock.now() - timedelta(days=1), **DIRECT)

        [result] = await world.finish()
        again = await world.finish()

    assert isinstance(result.error, OutcomeUnknownError)
    assert result.error.exit_code == 11
    assert "mine (tts)" in result.error.message
    assert "run the command again" in str(result.error.hint)
    assert (result.resume, again) == (None, [])
    assert world.entry("mine").stage is Stage.UNKNOWN
    assert world.told.of(Notice) == []  # of nothing being charged, above all
    assert world.counts["create"] == 0


@pytest.mark.parametrize("stage", [Stage.SENDING, Stage.UNKNOWN])
async def test_a_call_that_was_cut_off_is_unknown_whenever_it_is_named(
    tmp_path: Path, stage: Stage
) -> None:
    async with a_world(tmp_path) as world:
        world.leave(stage=stage, **DIRECT)

        [seen] = await world.look("mine")
        [waited] = await world.finish("mine")

    assert isinstance(seen.error, OutcomeUnknownError)
    assert isinstance(waited.error, OutcomeUnknownError)


async def test_a_call_that_is_under_way_elsewhere_is_waited_for(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, somebody() as owner:
        world.leave(owner_pid=owner.pid, owner_started_at=owner.started_at, **DIRECT)

        [result] = await world.finish("mine", timeout_s=1.0)

    assert isinstance(result.error, StillRunningError)
    assert f"process {owner.pid}" in result.error.message
    assert world.entry("mine").stage is Stage.SENDING


async def test_a_job_that_another_process_is_sending_is_left_to_it(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path) as world, somebody() as owner:
        world.leave(owner_pid=owner.pid, owner_started_at=owner.started_at)

        [result] = await world.finish("mine", timeout_s=1.0)

    assert isinstance(result.error, StillRunningError)
    assert result.error.hint == result.resume == "kling wait mine"
    assert world.entry("mine").stage is Stage.SENDING


async def test_a_call_whose_answer_was_lost_is_not_told_of_again(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path, "create:accept-reset") as world:
        made = await world.generate(SPEECH)
        later = await world.finish()

    assert isinstance(made.error, OutcomeUnknownError)
    assert (made.resume, later) == (None, [])
    assert world.entry("mine").stage is Stage.UNKNOWN
    assert world.counts["create"] == 1
