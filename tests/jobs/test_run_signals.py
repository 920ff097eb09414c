"""Signals during a run: the task goes on, and how to resume is reported."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from kling_cli.api.tasks import TaskStatus
from kling_cli.errors import (
    CredentialsError,
    ExitCode,
    StillRunningError,
    StoppedError,
    UsageError,
)
from kling_cli.jobs import prepare
from kling_cli.jobs.events import Event, Finished, Notice, OutcomeCheck, WaitingForSlot
from kling_cli.jobs.job import RUN_AGAIN_HINT
from kling_cli.jobs.order import Order
from kling_cli.store.records import Stage
from tests.jobs.environment import an_order, job_environment
from tests.jobs.factories import EventLog

pytestmark = pytest.mark.anyio

SPEECH = Order(product="tts", values={"prompt": "Good morning"}, external_id="mine")
SIGNALS = [
    pytest.param(signal.SIGINT, ExitCode.INTERRUPTED, id="INT"),
    pytest.param(signal.SIGTERM, ExitCode.TERMINATED, id="TERM"),
    pytest.param(signal.SIGHUP, ExitCode.HANGUP, id="HUP"),
]


@pytest.mark.parametrize(("number", "code"), SIGNALS)
@pytest.mark.parametrize("fault", ["create:hang", "create:accept-hang"])
async def test_a_signal_during_the_submission_leaves_a_job_that_can_be_settled(
    tmp_path: Path, number: signal.Signals, code: ExitCode, fault: str
) -> None:
    async with job_environment(tmp_path, fault) as env:
        env.stop_at("create", number)
        result = await env.generate(an_order("mine"))

        assert isinstance(result.error, StoppedError)
        assert result.error.exit_code is code
        assert "mine may have been accepted" in result.error.message
        assert result.error.hint == result.resume == "kling wait mine"
        assert (result.task_id, result.create_requests) == (None, 1)
        assert env.record("mine").stage is Stage.SENDING
        assert env.event_log.events[-1] == Finished(result=result)


class StoppedAt(EventLog):
    """Sends this process SIGINT when an event of a kind is emitted."""

    def __init__(self, kind: type[Event]) -> None:
        super().__init__()
        self.kind = kind

    def __call__(self, event: Event) -> None:
        super().__call__(event)
        if isinstance(event, self.kind):
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize(
    ("order", "fault"),
    [
        pytest.param(an_order("mine"), "create:1303x0", id="a task"),
        pytest.param(SPEECH, "create:1303x0", id="a call answered at once"),
    ],
)
async def test_a_job_stopped_while_it_waits_for_a_slot_was_not_submitted(
    tmp_path: Path, order: Order, fault: str
) -> None:
    async with job_environment(tmp_path, fault) as env:
        env.event_log = StoppedAt(WaitingForSlot)
        stopped = await env.generate(order)
        env.event_log = EventLog()
        [waited] = await env.wait("mine")
        all_open = await env.wait()

        assert isinstance(stopped.error, StoppedError)
        assert stopped.error.exit_code is ExitCode.INTERRUPTED
        assert "job mine was not submitted: all concurrent" in stopped.error.message
        assert stopped.error.hint == RUN_AGAIN_HINT
        assert (stopped.resume, stopped.is_unsubmitted) == (None, True)
        assert waited.error is not None
        assert "mine was not submitted" in waited.error.message
        assert (all_open, env.event_log.of(Notice)) == ([], [])
        assert env.counts["query"] == 0

        env.fail()
        again = await env.generate(order)
        assert again.error is None  # as the hint says


async def test_a_job_stopped_after_an_ambiguous_create_may_have_been_accepted(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path, "create:accept-reset", "query:500x0") as env:
        env.event_log = StoppedAt(OutcomeCheck)
        stopped = await env.generate(an_order("mine"))
        env.fail()
        [result] = await env.wait("mine")

    assert isinstance(stopped.error, StoppedError)
    assert "mine may have been accepted" in stopped.error.message
    assert stopped.error.hint == "kling wait mine"
    assert result.error is None


@pytest.mark.parametrize(("number", "code"), SIGNALS)
async def test_a_signal_during_the_wait_leaves_a_task_that_goes_on(
    tmp_path: Path, number: signal.Signals, code: ExitCode
) -> None:
    async with job_environment(tmp_path, task_seconds=60) as env:
        env.stop_at("query", number)
        result = await env.generate()

    assert isinstance(result.error, StoppedError)
    assert result.error.exit_code is code
    assert f"task {result.task_id} goes on" in result.error.message
    assert result.error.hint == result.resume == f"kling wait {result.task_id}"


async def test_a_signal_during_the_download_leaves_files_to_fetch(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path, "download:hang") as env:
        env.stop_at("download", signal.SIGTERM)
        result = await env.generate()

        assert isinstance(result.error, StoppedError)
        assert result.status is TaskStatus.SUCCEEDED
        assert result.resume == f"kling download {result.task_id}"
        assert env.saved == set()

        env.stop_at("nothing", signal.SIGTERM)
        [again] = await env.wait()
        assert again.error is None
        assert env.saved == {f"kling-{result.task_id}.mp4"}


async def test_a_signal_while_attached_names_each_resume_command(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path, task_seconds=60) as env:
        first, second = await env.submit(), await env.submit()
        env.on_request = lambda _: None
        asked = env.counts["query"]

        def stop(_: object) -> None:
            if env.counts["query"] == asked + 2:  # found, and asked once more
                signal.raise_signal(signal.SIGINT)

        env.on_request = stop
        results = await env.wait()

    assert [one.task_id for one in results] == [first.task_id, second.task_id]
    for one in results:
        assert isinstance(one.error, StoppedError)
        assert one.resume == f"kling wait {one.task_id}"


async def test_a_signal_before_there_is_a_job_is_raised(tmp_path: Path) -> None:
    async with job_environment(tmp_path, "query:hang") as env:
        await env.submit()
        env.stop_at("query", signal.SIGTERM)

        with pytest.raises(StoppedError):
            await env.query("unheard-of")


async def test_a_task_of_a_sandbox_that_ends_has_no_resume_command(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path, task_seconds=60) as env:
        env.settings = replace(env.settings, is_sandbox=True)
        result = await env.generate(timeout_s=0.3)

    assert isinstance(result.error, StillRunningError)
    assert result.resume is None
    assert "kling sandbox" in (result.error.hint or "")


async def test_a_signal_to_a_sandbox_run_names_no_resume_command(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path, task_seconds=60) as env:
        env.settings = replace(env.settings, is_sandbox=True)
        env.stop_at("query", signal.SIGTERM)
        result = await env.generate()

    assert isinstance(result.error, StoppedError)
    assert result.resume is None
    assert "kling sandbox" in (result.error.hint or "")


@pytest.mark.parametrize("step", ["finish", "fetch"])
async def test_a_template_that_cannot_be_filled_is_refused_by_every_command(
    tmp_path: Path, step: str
) -> None:
    async with job_environment(tmp_path) as env:
        result = await env.submit()
        call = env.wait if step == "finish" else env.download
        with pytest.raises(UsageError, match="nothing"):
            await call(result.task_id or "", output="{nothing}")


async def test_without_credentials_nothing_can_be_begun(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        env.settings = replace(env.settings, api_key=None)

        with pytest.raises(CredentialsError):
            await env.wait()


def test_a_new_external_id_is_safe_and_new() -> None:
    ids = {prepare.new_external_id() for _ in range(100)}

    assert len(ids) == 100
    assert all(one.startswith("kling-") and one.isascii() for one in ids)
