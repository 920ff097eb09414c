"""Jobs without a known outcome: submitted or not, known to the API or not."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from kling_cli.errors import OutcomeUnknownError, StillRunningError, UnreachableError
from kling_cli.jobs.events import Notice, QueryFailed, Submitted
from kling_cli.jobs.order import Order
from kling_cli.jobs.waiting.poller import NO_ENDPOINT
from kling_cli.store.records import Stage
from tests.jobs.environment import an_order, job_environment
from tests.jobs.test_attach import another_process

pytestmark = pytest.mark.anyio


async def test_a_job_that_was_sent_before_its_process_was_killed_is_found(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path) as env:
        made = await env.submit(order=an_order("mine"))
        env.change("mine", stage=Stage.SENDING, task_id=None)
        [result] = await env.wait()

    assert result.error is None
    assert result.task_id == made.task_id
    assert env.record("mine").stage is Stage.SUCCEEDED
    assert env.event_log.of(Submitted)[-1].task_id == made.task_id


@pytest.mark.parametrize(
    ("age", "asked_again"),
    [
        pytest.param(timedelta(minutes=11), 0, id="for good"),
        pytest.param(timedelta(minutes=1), 1, id="it may yet arrive"),
    ],
)
async def test_a_job_that_never_arrived_is_reported_once_and_dropped(
    tmp_path: Path, age: timedelta, asked_again: int
) -> None:
    async with job_environment(tmp_path) as env:
        env.leave(written_at=env.clock.now() - age)

        results = await env.wait()
        asked = env.counts["query"]
        later = await env.wait()

    assert (results, later) == ([], [])
    [notice] = env.event_log.of(Notice)
    assert "mine never reached the API; nothing was" in notice.message
    assert env.record("mine").state == "not submitted"
    assert env.counts["create"] == 0
    assert env.counts["query"] == asked + asked_again


async def test_a_job_that_was_absent_and_has_arrived_since_is_finished(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path) as env:
        await env.submit(order=an_order("mine"))
        env.change("mine", stage=Stage.ABSENT, task_id=None)

        [result] = await env.wait()

    assert result.error is None
    assert env.record("mine").stage is Stage.SUCCEEDED


async def test_a_job_that_never_arrived_is_an_error_when_it_was_named(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path) as env:
        env.leave()

        [result] = await env.wait("mine")
        [seen] = await env.query("mine")

    for one in (result, seen):
        assert isinstance(one.error, UnreachableError)
        assert "mine never reached the API" in one.error.message
        assert "run its text2video command again" in str(one.error.hint)
        assert (one.resume, one.is_unsubmitted) == (None, True)
    assert env.record("mine").stage is Stage.ABSENT


async def test_a_job_that_arrives_late_is_waited_for(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        env.leave()
        asked = env.request("query")

        async def arrive() -> None:
            await asked.wait()
            elsewhere = replace(env, folder=tmp_path / "x")
            elsewhere.forget()
            await elsewhere.submit(order=an_order("mine"))

        late = asyncio.create_task(arrive())
        [result] = await env.wait("mine")
        await late

    assert result.error is None
    assert len(env.saved) == 1


@pytest.mark.parametrize(
    ("age", "stage"),
    [
        pytest.param(timedelta(days=31), Stage.ABSENT, id="deleted by now"),
        pytest.param(timedelta(days=1), Stage.PROCESSING, id="of another key"),
    ],
)
async def test_a_task_unknown_to_the_account_is_reported_and_not_waited_for(
    tmp_path: Path, age: timedelta, stage: Stage
) -> None:
    async with job_environment(tmp_path) as env:
        written_at = env.clock.now() - age
        env.leave(task_id="t9", stage=Stage.PROCESSING, written_at=written_at)

        results = await env.wait()

    assert results == []
    assert "task t9 is not known" in env.event_log.of(Notice)[-1].message
    assert env.record("mine").stage is stage


async def test_a_job_without_a_task_id_is_resolved_once_the_api_is_back(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path) as env:
        await env.submit(order=an_order("mine"))
        env.change("mine", stage=Stage.SENDING, task_id=None)
        env.fail("query:502htmlx2")
        [result] = await env.wait()

    assert result.error is None
    assert len(env.saved) == 1
    assert [one.attempt for one in env.event_log.of(QueryFailed)] == [1, 2]


DIRECT = {"product": "tts", "query_path": NO_ENDPOINT, "route": "legacy"}
SPEECH = Order(product="tts", values={"prompt": "Good morning"}, external_id="mine")


async def test_a_call_that_was_cut_off_is_reported_once(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        env.leave(written_at=env.clock.now() - timedelta(days=1), **DIRECT)

        [result] = await env.wait()
        again = await env.wait()

    assert isinstance(result.error, OutcomeUnknownError)
    assert result.error.exit_code == 11
    assert "mine (tts)" in result.error.message
    assert "run the command again" in str(result.error.hint)
    assert (result.resume, again) == (None, [])
    assert env.record("mine").stage is Stage.UNKNOWN
    assert env.event_log.of(Notice) == []  # of nothing being charged, above all
    assert env.counts["create"] == 0


@pytest.mark.parametrize("stage", [Stage.SENDING, Stage.UNKNOWN])
async def test_a_call_that_was_cut_off_is_unknown_whenever_it_is_named(
    tmp_path: Path, stage: Stage
) -> None:
    async with job_environment(tmp_path) as env:
        env.leave(stage=stage, **DIRECT)

        [seen] = await env.query("mine")
        [waited] = await env.wait("mine")

    assert isinstance(seen.error, OutcomeUnknownError)
    assert isinstance(waited.error, OutcomeUnknownError)


async def test_a_call_that_is_under_way_elsewhere_is_waited_for(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env, another_process() as owner:
        env.leave(owner_pid=owner.pid, owner_started_at=owner.started_at, **DIRECT)

        [result] = await env.wait("mine", timeout_s=1.0)

    assert isinstance(result.error, StillRunningError)
    assert f"process {owner.pid}" in result.error.message
    assert env.record("mine").stage is Stage.SENDING


async def test_a_job_that_another_process_is_sending_is_left_to_it(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path) as env, another_process() as owner:
        env.leave(owner_pid=owner.pid, owner_started_at=owner.started_at)

        [result] = await env.wait("mine", timeout_s=1.0)

    assert isinstance(result.error, StillRunningError)
    assert result.error.hint == result.resume == "kling wait mine"
    assert env.record("mine").stage is Stage.SENDING


async def test_a_call_whose_answer_was_lost_is_not_reported_again(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path, "create:accept-reset") as env:
        made = await env.generate(SPEECH)
        later = await env.wait()

    assert isinstance(made.error, OutcomeUnknownError)
    assert (made.resume, later) == (None, [])
    assert env.record("mine").stage is Stage.UNKNOWN
    assert env.counts["create"] == 1
