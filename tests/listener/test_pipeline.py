from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import anyio
import anyio.lowlevel
import pytest

from kling_cli.api.tasks import Task, TaskStatus
from kling_cli.callbacks.events import (
    CallbackAccepted,
    CallbackNotStored,
    CallbackRefused,
    ReceivedCallback,
    RefusalReason,
    Trust,
    UrlMatch,
)
from kling_cli.callbacks.payload import parse_payload
from kling_cli.jobs.events import Notice
from kling_cli.listener.callback_writer import CountingWriter
from kling_cli.listener.controls import Controls
from kling_cli.listener.events import (
    CallbackReceived,
    Duplicate,
    ListenerEvent,
    Rejected,
    Stale,
)
from kling_cli.listener.pipeline import CallbackPipeline, EventFilter
from kling_cli.listener.rejections import Rejections
from kling_cli.listener.stop_conditions import GRACE_S, StopConditions, StopTracker
from kling_cli.listener.task_states import TaskStates
from kling_cli.store.database import JournalError
from kling_cli.store.records import JobRecord
from tests.jobs.made import a_record
from tests.listener.test_controls import Pile, a_callback
from tests.support.clock import FakeClock


class Desk:
    """A broker, and all that it says and passes on."""

    def __init__(
        self,
        *,
        wanted: EventFilter | None = None,
        until: StopConditions | None = None,
        entry: JobRecord | None = None,
    ) -> None:
        self.clock = FakeClock()
        self.told: list[ListenerEvent] = []
        self.reasons: list[str] = []
        self.pile = Pile()
        self.strangers = 0
        self.rejections = Rejections(
            self.told.append, clock=self.clock, unknown=lambda: self.strangers
        )
        self.controls = Controls(
            callback_url="", forwards=self.pile, stop=self.reasons.append
        )
        wanted = wanted or EventFilter()
        self.endings = StopTracker(
            until or StopConditions(),
            wanted.task_ids,
            clock=self.clock,
            finish=self.reasons.append,
        )
        self.broker = CallbackPipeline(
            CountingWriter(),
            TaskStates(lambda _task_id: entry),
            self.controls,
            tell=self.told.append,
            endings=self.endings,
            rejections=self.rejections,
            wanted=wanted,
        )
        self._number = 0

    def arrive(self, status: str, task_id: str = "t1", **more: object) -> None:
        self._number += 1
        body = {"task_id": task_id, "task_status": status, **more}
        received = a_received(json.dumps(body).encode())
        self.broker.hear(CallbackAccepted(received=received, number=self._number))
        self.broker.work()

    def types(self) -> list[type]:
        return [type(line) for line in self.told]


def a_received(raw: bytes) -> ReceivedCallback:
    return ReceivedCallback(
        received_at=FakeClock().now(),
        product=None,
        nonce=None,
        headers=(),
        raw=raw,
        payload=parse_payload(raw),
        trust=Trust.TOKEN,
    )


def test_headers_that_may_hold_a_secret_are_shown_masked_and_passed_on_whole() -> None:
    desk = Desk()
    headers = (("x-forwarded-uri", "/callback/secret"), ("x-own", "1"))
    received = replace(a_received(b'{"task_id":"t1","status":"x"}'), headers=headers)

    desk.broker.hear(CallbackAccepted(received=received, number=1))
    desk.broker.work()

    seen = desk.told[0]
    assert isinstance(seen, CallbackReceived)
    assert seen.headers == (("x-forwarded-uri", "****"), ("x-own", "1"))
    assert desk.controls.last is not None
    assert desk.controls.last.headers == headers


def test_a_callback_is_shown_and_passed_on_with_its_number() -> None:
    desk = Desk()

    desk.arrive("processing", created_at=1791115197000)

    [seen] = desk.told
    assert isinstance(seen, CallbackReceived)
    assert (seen.number, seen.status, seen.trust) == (1, "processing", "token")
    assert seen.since_submit_s == 3.0
    assert desk.pile.numbers == [1]


def test_a_callback_whose_path_says_no_product_gets_the_journals() -> None:
    desk = Desk(entry=a_record(task_id="t1", product="text2video"))

    desk.arrive("succeed")

    [seen] = desk.told
    assert isinstance(seen, CallbackReceived)
    assert seen.product == "text2video"


def test_the_same_body_again_is_a_duplicate_and_passed_on_all_the_same() -> None:
    desk = Desk()

    desk.arrive("succeed")
    desk.arrive("succeed")

    assert desk.told[2] == Duplicate(number=2, of=1)
    assert desk.pile.numbers == [1, 2]


def test_what_is_behind_is_stale() -> None:
    desk = Desk()

    desk.arrive("succeed")
    desk.arrive("processing")

    assert desk.told[2] == Stale(
        number=2, task_id="t1", status="processing", known="succeeded"
    )


def test_what_the_api_said_makes_older_news_stale() -> None:
    desk = Desk()
    desk.broker.confirm(Task(id="t1", status=TaskStatus.SUCCEEDED))

    desk.arrive("processing")
    desk.arrive("succeed")

    assert desk.types() == [CallbackReceived, Stale, CallbackReceived]


def test_a_late_callback_is_not_passed_on_after_one_stood_in_for_it() -> None:
    desk = Desk()
    desk.broker.stand_in(replace(a_callback(9), task_id="t1"))

    desk.arrive("succeed")

    assert desk.pile.numbers == [9]
    assert desk.told[1] == Duplicate(number=1, of=9)


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (EventFilter(statuses=frozenset({"succeeded", "failed"})), [2, 4]),
        (EventFilter(task_ids=frozenset({"t2"})), [3, 4]),
    ],
)
def test_only_what_is_wanted_is_shown_and_passed_on(
    wanted: EventFilter, numbers: list[int]
) -> None:
    desk = Desk(wanted=wanted)

    for task_id in ("t1", "t2"):
        desk.arrive("processing", task_id)
        desk.arrive("failed", task_id)

    shown = [one.number for one in desk.told if isinstance(one, CallbackReceived)]
    assert shown == desk.pile.numbers == numbers
    assert desk.broker.counts["filtered"] == 2


def test_enough_callbacks_are_enough() -> None:
    desk = Desk(until=StopConditions(max_events=2))

    desk.arrive("submitted")
    before = list(desk.reasons)
    desk.arrive("processing")

    assert before == []
    assert desk.reasons == ["max-events"]


def test_the_end_of_all_tasks_that_were_named_is_waited_for() -> None:
    named = EventFilter(task_ids=frozenset({"t1", "e2"}))
    desk = Desk(wanted=named, until=StopConditions(is_final=True))

    desk.arrive("succeed", "t1")
    desk.arrive("processing", "t2", external_task_id="e2")
    before = list(desk.reasons)
    desk.broker.confirm(Task(id="t3", status=TaskStatus.FAILED))
    desk.arrive("failed", "t2", external_task_id="e2")

    assert before == []
    assert desk.reasons == ["final"]


@pytest.mark.anyio
async def test_an_end_that_the_api_tells_of_first_waits_for_its_callback() -> None:
    desk, over = Desk(until=StopConditions(is_final=True)), TaskStatus.SUCCEEDED
    desk.arrive("processing", "t1")

    desk.broker.confirm(Task(id="t1", status=over))
    await desk.clock.advance(GRACE_S - 0.1)
    desk.endings.tick()
    too_soon = list(desk.reasons)
    desk.arrive("succeed", "t1")

    assert too_soon == []
    assert desk.reasons == ["final"]


@pytest.mark.anyio
async def test_a_last_callback_that_never_comes_is_not_waited_for_for_ever() -> None:
    desk = Desk(until=StopConditions(is_final=True))
    desk.arrive("processing", "t1")

    desk.broker.confirm(Task(id="t1", status=TaskStatus.FAILED))
    await desk.clock.advance(GRACE_S)
    desk.endings.tick()

    assert desk.reasons == ["final"]


def test_a_full_disk_is_told_once_and_the_callback_is_shown(tmp_path: object) -> None:
    desk = Desk()
    received = a_received(b'{"task_id": "t1", "status": "succeed"}')
    failure = JournalError(tmp_path, OSError("no space"))  # type: ignore[arg-type]  # -- any path

    for _ in range(2):
        desk.broker.hear(CallbackNotStored(received=received, failure=failure))
        desk.broker.hear(CallbackAccepted(received=received, number=None))
    desk.broker.work()

    assert desk.types() == [Notice, CallbackReceived, CallbackReceived, Duplicate]
    assert desk.broker.counts["unkept"] == 2


def test_refusals_are_told_at_once_and_then_together() -> None:
    desk = Desk()

    for _ in range(3):
        desk.broker.hear(
            CallbackRefused(refusal=RefusalReason.UNSIGNED, url_match=UrlMatch())
        )
    desk.broker.work()
    at_once = list(desk.told)
    desk.rejections.tick()
    too_soon = list(desk.told)
    desk.strangers = 4
    desk.rejections.flush()

    first = Rejected(reason="no valid signature", status=401, count=1)
    assert at_once == too_soon == [first]
    assert desk.told[1:] == [
        replace(first, count=3),
        Rejected(reason="no such path", status=404, count=4),
    ]
    assert desk.rejections.total == 3


@pytest.mark.anyio
async def test_what_is_heard_is_worked_on_as_fast_as_it_comes() -> None:
    desk = Desk()
    turns, crowd = 100, 64

    async with anyio.create_task_group() as group:
        group.start_soon(desk.broker.run)
        for _ in range(turns):
            for _ in range(crowd):
                event = CallbackAccepted(received=a_received(b'{"id": "t1"}'), number=1)
                desk.broker.hear(event)
            await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()

    assert desk.broker.counts["callbacks"] >= (turns - 5) * crowd


@pytest.mark.anyio
async def test_who_is_told_of_a_callback_answers_it_before_it_is_worked_on() -> None:
    desk = Desk()
    order: list[str] = []
    loop = asyncio.get_running_loop()

    async with anyio.create_task_group() as group:
        group.start_soon(desk.broker.run)
        await anyio.lowlevel.checkpoint()
        desk.broker.hear(
            CallbackAccepted(received=a_received(b'{"id": "t1"}'), number=1)
        )
        loop.call_soon(lambda: order.extend(["answered", *map(str, desk.types())]))
        for _ in range(4):
            await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()

    assert order == ["answered"]
    assert desk.types() == [CallbackReceived]
