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
from kling_cli.listener.reconciliation import Reconciler, Sleep, made_up, watch_sleep
from kling_cli.listener.task_states import TaskStates, claimed_status
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
Told = list[Polled | Reconciled | Notice]


class LeapingClock(FakeClock):
    """A clock whose wall time leaps while its monotonic time stands still."""

    ahead_s = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.ahead_s)


class Desk:
    """Whoever takes what the reconciler says."""

    def __init__(self, api: Api | None, *ids: str) -> None:
        self.told: Told = []
        self.passed_on: list[StoredCallback] = []
        self.known = TaskStates(lambda _task_id: None)
        self.clock = LeapingClock()
        self.reconciler = Reconciler(
            api,
            self.known,
            clock=self.clock,
            tell=self.told.append,
            open_entries=lambda: [a_record(each) for each in ids],
            stand_in=self.stand_in,
            learn=self.learn,
        )

    async def stand_in(self, kept: StoredCallback) -> int | None:
        self.passed_on.append(kept)
        self.known.task(kept.task_id or "").learn(TaskStatus.SUCCEEDED)
        return len(self.passed_on)

    def learn(self, task: Task) -> None:
        self.known.task(task.id).confirm(task.status)

    async def ask(self, lines: int, *, times: int = 1) -> Told:
        """Have everything asked about `times` times; return when `lines` were told."""
        async with background() as group:
            group.start_soon(self.reconciler.run)
            for _ in range(times):
                self.reconciler.ask_soon("the tunnel was down")
                for _ in range(50):
                    await anyio.sleep(0.001)
            with anyio.fail_after(10):
                while len(self.told) < lines:  # noqa: ASYNC110 -- nothing rings when a line is told
                    await anyio.sleep(0.001)
        return self.told


@pytest.mark.anyio
async def test_a_missed_end_is_reported_and_passed_on_once() -> None:
    desk = Desk(Api({"t1": DONE}), "t1")

    told = await desk.ask(3, times=2)

    assert told == [
        Polled(task_ids=("t1",), reason="the tunnel was down"),
        Reconciled(task_id="t1", status="succeeded", is_missed=True, number=1),
        Polled(task_ids=("t1",), reason="the tunnel was down"),
    ]
    assert [kept.task_id for kept in desk.passed_on] == ["t1"]


@pytest.mark.anyio
async def test_an_end_that_was_heard_of_is_not_missed() -> None:
    desk = Desk(Api({"t1": DONE}), "t1")
    desk.known.task("t1").learn(TaskStatus.SUCCEEDED)

    told = await desk.ask(1)

    assert [type(line) for line in told] == [Polled]
    assert desk.passed_on == []


@pytest.mark.anyio
async def test_the_api_is_asked_until_it_answers() -> None:
    api = Api({"t1": DONE}, failures=[UnreachableError("away")] * 5)

    told = await Desk(api, "t1").ask(2)

    assert len(api.asked) == 6
    assert isinstance(told[1], Reconciled)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "api", [None, Api({}, failures=[CredentialsError("who are you")])]
)
async def test_who_cannot_ask_says_so(api: Api | None) -> None:
    told = await Desk(api, "t1").ask(1)

    assert [type(line) for line in told] == [Notice]


@pytest.mark.anyio
async def test_a_sleep_of_the_machine_is_noticed_on_waking() -> None:
    desk = Desk(Api({"t1": DONE}), "t1")
    async with background() as group:
        group.start_soon(desk.reconciler.run)
        group.start_soon(watch_sleep, desk.clock, desk.reconciler.ask_soon)
        for _ in range(50):
            await anyio.sleep(0.001)
        before = list(desk.told)
        desk.clock.ahead_s = 2400
        with anyio.fail_after(10):
            while len(desk.told) < 2:  # noqa: ASYNC110 -- nothing rings when a line is told
                await anyio.sleep(0.001)

    assert before == []
    assert desk.told[0] == Polled(
        task_ids=("t1",), reason="the machine slept for 40 min"
    )
    assert isinstance(desk.told[1], Reconciled)


def test_a_busy_moment_is_no_sleep() -> None:
    clock = LeapingClock()
    sleep = Sleep(clock)

    clock.ahead_s = 10
    short = sleep.slept_s(1.0)
    clock.ahead_s += 61
    long = sleep.slept_s(1.0)

    assert short is None
    assert long == 60


def test_what_is_made_up_reads_like_the_callback_that_was_missed() -> None:
    kept = made_up(DONE, a_record("t1"), FakeClock().now())

    assert claimed_status(kept.raw) == DONE
    assert json.loads(kept.raw)["task_status"] == "succeed"


def test_a_failure_that_was_missed_has_no_results() -> None:
    failed = Task(id="t1", status=TaskStatus.FAILED, message="no")

    kept = made_up(failed, a_record("t1"), FakeClock().now())

    assert claimed_status(kept.raw) == failed
