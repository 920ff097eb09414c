"""Signals in the middle of a run: the task goes on, and its way back is told."""

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
from kling_cli.jobs.prepare import Order
from kling_cli.store.records import Stage
from tests.jobs.made import EventLog
from tests.jobs.world import a_world, an_order

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
    async with a_world(tmp_path, fault) as world:
        world.stop_at("create", number)
        result = await world.generate(an_order("mine"))

        assert isinstance(result.error, StoppedError)
        assert result.error.exit_code is code
        assert "mine may have been accepted" in result.error.message
        assert result.error.hint == result.resume == "kling wait mine"
        assert (result.task_id, result.create_requests) == (None, 1)
        assert world.record("mine").stage is Stage.SENDING
        assert world.event_log.events[-1] == Finished(result=result)


class StoppedAt(EventLog):
    """Sends this process SIGINT when an event of a kind is told."""

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
    async with a_world(tmp_path, fault) as world:
        world.event_log = StoppedAt(WaitingForSlot)
        stopped = await world.generate(order)
        world.event_log = EventLog()
        [waited] = await world.finish("mine")
        all_open = await world.finish()

        assert isinstance(stopped.error, StoppedError)
        assert stopped.error.exit_code is ExitCode.INTERRUPTED
        assert "job mine was not submitted: all concurrent" in stopped.error.message
        assert stopped.error.hint == RUN_AGAIN_HINT
        assert (stopped.resume, stopped.is_unsubmitted) == (None, True)
        assert waited.error is not None
        assert "mine was not submitted" in waited.error.message
        assert (all_open, world.event_log.of(Notice)) == ([], [])
        assert world.counts["query"] == 0

        world.fail()
        again = await world.generate(order)
        assert again.error is None  # as the hint says


async def test_a_job_stopped_after_an_ambiguous_create_may_have_been_accepted(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path, "create:accept-reset", "query:500x0") as world:
        world.event_log = StoppedAt(OutcomeCheck)
        stopped = await world.generate(an_order("mine"))
        world.fail()
        [result] = await world.finish("mine")

    assert isinstance(stopped.error, StoppedError)
    assert "mine may have been accepted" in stopped.error.message
    assert stopped.error.hint == "kling wait mine"
    assert result.error is None


@pytest.mark.parametrize(("number", "code"), SIGNALS)
async def test_a_signal_during_the_wait_leaves_a_task_that_goes_on(
    tmp_path: Path, number: signal.Signals, code: ExitCode
) -> None:
    async with a_world(tmp_path, task_seconds=60) as world:
        world.stop_at("query", number)
        result = await world.generate()

    assert isinstance(result.error, StoppedError)
    assert result.error.exit_code is code
    assert f"task {result.task_id} goes on" in result.error.message
    assert result.error.hint == result.resume == f"kling wait {result.task_id}"


async def test_a_signal_during_the_download_leaves_files_to_fetch(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path, "download:hang") as world:
        world.stop_at("download", signal.SIGTERM)
        result = await world.generate()

        assert isinstance(result.error, StoppedError)
        assert result.status is TaskStatus.SUCCEEDED
        assert result.resume == f"kling download {result.task_id}"
        assert world.saved == set()

        world.stop_at("nothing", signal.SIGTERM)
        [again] = await world.finish()
        assert again.error is None
        assert world.saved == {f"kling-{result.task_id}.mp4"}


async def test_a_signal_while_attached_names_each_resume_command(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path, task_seconds=60) as world:
        first, second = await world.submit(), await world.submit()
        world.on_request = lambda _: None
        asked = world.counts["query"]

        def stop(_: object) -> None:
            if world.counts["query"] == asked + 2:  # found, and asked once more
                signal.raise_signal(signal.SIGINT)

        world.on_request = stop
        results = await world.finish()

    assert [one.task_id for one in results] == [first.task_id, second.task_id]
    for one in results:
        assert isinstance(one.error, StoppedError)
        assert one.resume == f"kling wait {one.task_id}"


async def test_a_signal_before_there_is_a_job_is_raised(tmp_path: Path) -> None:
    async with a_world(tmp_path, "query:hang") as world:
        await world.submit()
        world.stop_at("query", signal.SIGTERM)

        with pytest.raises(StoppedError):
            await world.look("unheard-of")


async def test_a_task_of_a_sandbox_that_ends_has_no_resume_command(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path, task_seconds=60) as world:
        world.settings = replace(world.settings, is_sandbox=True)
        result = await world.generate(timeout_s=0.3)

    assert isinstance(result.error, StillRunningError)
    assert result.resume is None
    assert "kling sandbox" in (result.error.hint or "")


async def test_a_signal_to_a_sandbox_run_names_no_resume_command(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path, task_seconds=60) as world:
        world.settings = replace(world.settings, is_sandbox=True)
        world.stop_at("query", signal.SIGTERM)
        result = await world.generate()

    assert isinstance(result.error, StoppedError)
    assert result.resume is None
    assert "kling sandbox" in (result.error.hint or "")


@pytest.mark.parametrize("step", ["finish", "fetch"])
async def test_a_template_that_cannot_be_filled_is_refused_by_every_command(
    tmp_path: Path, step: str
) -> None:
    async with a_world(tmp_path) as world:
        result = await world.submit()
        call = world.finish if step == "finish" else world.fetch
        with pytest.raises(UsageError, match="nothing"):
            await call(result.task_id or "", output="{nothing}")


async def test_without_credentials_nothing_can_be_begun(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.settings = replace(world.settings, api_key=None)

        with pytest.raises(CredentialsError):
            await world.finish()


def test_a_new_external_id_is_safe_and_new() -> None:
    ids = {prepare.new_external_id() for _ in range(100)}

    assert len(ids) == 100
    assert all(one.startswith("kling-") and one.isascii() for one in ids)
