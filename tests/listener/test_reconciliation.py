from __future__ import annotations

import json
from datetime import datetime, timedelta

import anyio
import anyio.lowlevel
import pytest

from kling_cli.api.tasks import Output, Task, TaskStatus
from kling_cli.background import background
from kling_cli.errors import CredentialsError, UnreachableError
from kling_cli.jobs.events import Notice
from kling_cli.listener.events import Polled, Reconciled
from kling_cli.listener.reconciliation import (
    CHECK_INTERVAL_S,
    Reconciler,
    detect_sleep,
    synthetic_callback,
)
from kling_cli.listener.task_states import TaskStates, claimed_task
from kling_cli.store.records import StoredCallback
from tests.listener.test_verification import Api, a_record
from tests.support.clock import FakeClock

DONE = Task(
    id="t1",
    status=TaskStatus.SUCCEEDED,
    external_id="e1",
    outputs=(Output(type="video", id="v", url="https://cdn.example/a", duration_s=5),),
    created_at=FakeClock().now(),
)
Events = list[Polled | Reconciled | Notice]


class JumpingClock(FakeClock):
    """A clock whose wall time can jump while its monotonic time does not."""

    ahead_s = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.ahead_s)


class Harness:
    """A reconciler, and the events and synthetic callbacks that it produces."""

    def __init__(self, api: Api | None, *ids: str) -> None:
        self.events: Events = []
        self.synthetic: list[StoredCallback] = []
        self.task_states = TaskStates(lambda _task_id: None)
        self.clock = JumpingClock()
        self.reconciler = Reconciler(
            api,
            self.task_states,
            clock=self.clock,
            emit=self.events.append,
            open_jobs=lambda: [a_record(each) for each in ids],
            store_synthetic=self.store_synthetic,
            record_answer=self.record_answer,
        )

    async def store_synthetic(self, callback: StoredCallback) -> int | None:
        self.synthetic.append(callback)
        self.task_states.state_of(callback.task_id or "").record_claim(
            TaskStatus.SUCCEEDED
        )
        return len(self.synthetic)

    def record_answer(self, task: Task) -> None:
        self.task_states.state_of(task.id).record_api_status(task.status)

    async def ask(self, n_events: int, *, times: int = 1) -> Events:
        """Request a query `times` times; return once `n_events` were emitted."""
        async with background() as group:
            group.start_soon(self.reconciler.run)
            for _ in range(times):
                self.reconciler.request_query("the tunnel was down")
                for _ in range(50):
                    await anyio.sleep(0.001)
            with anyio.fail_after(10):
                while len(self.events) < n_events:  # noqa: ASYNC110 -- events have no signal
                    await anyio.sleep(0.001)
        return self.events


@pytest.mark.anyio
async def test_a_missed_end_is_reported_and_forwarded_once() -> None:
    harness = Harness(Api({"t1": DONE}), "t1")

    events = await harness.ask(3, times=2)

    assert events == [
        Polled(task_ids=("t1",), reason="the tunnel was down"),
        Reconciled(task_id="t1", status="succeeded", is_missed=True, number=1),
        Polled(task_ids=("t1",), reason="the tunnel was down"),
    ]
    assert [callback.task_id for callback in harness.synthetic] == ["t1"]


@pytest.mark.anyio
async def test_an_end_that_a_callback_reported_is_not_missed() -> None:
    harness = Harness(Api({"t1": DONE}), "t1")
    harness.task_states.state_of("t1").record_claim(TaskStatus.SUCCEEDED)

    events = await harness.ask(1)

    assert [type(event) for event in events] == [Polled]
    assert harness.synthetic == []


@pytest.mark.anyio
async def test_the_api_is_queried_until_it_answers() -> None:
    api = Api({"t1": DONE}, failures=[UnreachableError("away")] * 5)

    events = await Harness(api, "t1").ask(2)

    assert len(api.queries) == 6
    assert isinstance(events[1], Reconciled)


@pytest.mark.anyio
@pytest.mark.parametrize("api", [None, Api({}, failures=[CredentialsError("invalid")])])
async def test_a_query_without_valid_credentials_is_reported(api: Api | None) -> None:
    events = await Harness(api, "t1").ask(1)

    assert [type(event) for event in events] == [Notice]


@pytest.mark.anyio
async def test_a_sleep_of_the_machine_triggers_a_query() -> None:
    harness = Harness(Api({"t1": DONE}), "t1")
    async with background() as group:
        group.start_soon(harness.reconciler.run)
        group.start_soon(detect_sleep, harness.clock, harness.reconciler.request_query)
        for _ in range(50):
            await anyio.sleep(0.001)
        before = list(harness.events)
        harness.clock.ahead_s = 2400
        with anyio.fail_after(10):
            while len(harness.events) < 2:  # noqa: ASYNC110 -- events have no signal
                await anyio.sleep(0.001)

    assert before == []
    assert harness.events[0] == Polled(
        task_ids=("t1",), reason="the machine slept for 40 min"
    )
    assert isinstance(harness.events[1], Reconciled)


@pytest.mark.anyio
async def test_a_short_delay_is_not_a_sleep() -> None:
    clock = JumpingClock(is_automatic=False)
    reasons: list[str] = []

    async with background() as group:
        group.start_soon(detect_sleep, clock, reasons.append)
        await clock.advance(CHECK_INTERVAL_S)
        for jump_s in (10, 60):
            clock.ahead_s += jump_s
            await clock.advance(CHECK_INTERVAL_S)

    assert reasons == ["the machine slept for 1 min"]


def test_a_synthetic_callback_parses_like_the_missed_one() -> None:
    callback = synthetic_callback(DONE, a_record("t1"), FakeClock().now())

    assert claimed_task(callback.raw) == DONE
    assert json.loads(callback.raw)["task_status"] == "succeed"


def test_a_synthetic_callback_of_a_failure_has_no_results() -> None:
    failed = Task(id="t1", status=TaskStatus.FAILED, message="no")

    callback = synthetic_callback(failed, a_record("t1"), FakeClock().now())

    assert claimed_task(callback.raw) == failed
